/*
 * What the files of wire share: the status reader and the field tables of the other events.
 */
#ifndef DEPOT_CORE_WIRE_WIRE_PRIV_H
#define DEPOT_CORE_WIRE_WIRE_PRIV_H

#include "wire/json.h"

#include <depot/wire.h>

/* One member of a status object into `st`; *known is false, and the value skipped, for others. */
int dp_status_member(
    struct dp_scan *s, const char *key, size_t len, struct depot_status *st, bool *known);
/* A whole status object, or null. */
int dp_status_scan(struct dp_scan *s, struct depot_status *st);

/* How a member of an event is stored. */
enum dp_field_kind {
    DP_FIELD_STR,
    DP_FIELD_STRV, /* const char **, count at `count` */
    DP_FIELD_BOOL,
    DP_FIELD_INT,
    DP_FIELD_I64,
    DP_FIELD_U64,
    DP_FIELD_F64,
    DP_FIELD_TIME,
    DP_FIELD_STATE,
    DP_FIELD_PAIRS,   /* struct depot_pair *, count at `count` */
    DP_FIELD_RANGES,  /* struct depot_range *, as [[first line, last line]] */
    DP_FIELD_GROUP,   /* an object whose members are fields of this struct at `offset` */
    DP_FIELD_INLINE,  /* as GROUP, its members among ours */
    DP_FIELD_POINTER, /* a struct of `size` bytes behind a pointer */
    DP_FIELD_ARRAY,   /* structs of `size` bytes, count at `count` */
};

enum { DP_OMIT_NEGATIVE = 1, DP_OMIT_ZERO = 2 };

struct dp_field {
    const char *name; /* NULL ends a table */
    enum dp_field_kind kind;
    size_t offset, count, size;
    const struct dp_field *sub;
    unsigned flags;
};

/* fleet.snapshot as it is written: whether a builder is up stands among the builder's members. */
struct dp_snapshot_builder {
    struct depot_ev_builder b;
    bool up;
};
struct dp_snapshot {
    struct dp_snapshot_builder *builders;
    size_t nbuilders;
    struct depot_build_summary *builds;
    size_t nbuilds;
};
extern const struct dp_field dp_snapshot_fields[];
extern const struct dp_field dp_summary_fields[]; /* of struct depot_build_summary */

/* A body's members by a table, with a comma before the first unless *first. */
void dp_fields_encode(
    struct depot_buf *out, bool *first, const struct dp_field *fields, const void *base);

/* Members of a parsed object into `base`; what it holds goes into `arena`. Members that are not
 * there leave zero, or -1 where the table says so. DEPOT_ERR_INVALID names the bad one. */
struct json_object;
int dp_fields_decode(struct json_object *o, const struct dp_field *fields, void *base,
    struct depot_arena *arena, struct depot_error *err) DEPOT_MUST_CHECK;

/* The table of an event's body, NULL when it has none here. Offsets are into the union. */
const struct dp_field *dp_fields_of(enum depot_event_type t);

#endif
