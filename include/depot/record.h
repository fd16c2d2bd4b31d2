/*
 * Records: what the feed, the API and the store say, as plain structs (event.h, query.h). Each has
 * one table of its members, and whoever must know what a record is made of reads that table: JSON
 * both ways, deep copies, ceilings, and where in a message something is wrong
 * (`field "solve.exports[0].type" must be a string`).
 *
 * A record is a value. What it points at lives in an arena, of whoever decoded or copied it, and
 * goes with that arena. A string that was not told is NULL, a number that is not known is -1 where
 * its struct says so; neither is written.
 */
#ifndef DEPOT_RECORD_H
#define DEPOT_RECORD_H

#include <depot/buf.h>
#include <depot/export.h>

DEPOT_API_BEGIN

struct depot_record_field; /* a row of a table; core/record/table.h */

struct depot_record {
    const char *name; /* for messages: "build.created" */
    size_t size;      /* of its struct */
    const struct depot_record_field *fields;
    /* Ceilings on what is read, where a row has none of its own; 0: what DEPOT_RECORD_MAX allows.
     */
    size_t max;      /* bytes of JSON */
    size_t text_max; /* bytes of one string */
    size_t list_max; /* entries of one list */
    bool strict;     /* from strangers: bytes that are not UTF-8 are refused anywhere */
};

enum {
    DEPOT_RECORD_MAX = 64 * 1024 * 1024,  /* bytes of JSON of any record */
    DEPOT_RECORD_ITEMS_MAX = 1024 * 1024, /* entries of all lists of one record together */
    DEPOT_RECORD_DEPTH_MAX = 32,          /* lists and objects inside each other */
};

/* Of nothing that was told: zeros, and -1 where that means "not known". */
void depot_record_init(const struct depot_record *r, void *rec);
/* Append `rec` as one JSON object. */
void depot_record_encode(struct depot_buf *out, const struct depot_record *r, const void *rec);
/*
 * Read one JSON object into `rec`, which is untouched on failure; what it points at goes into
 * `arena`, scraps of a failure too. Members that the table does not name are skipped, null is the
 * same as absent. DEPOT_ERR_INVALID or DEPOT_ERR_TOO_BIG, with the path of the member.
 */
int depot_record_decode(const struct depot_record *r, const char *json, size_t n, void *rec,
    struct depot_arena *arena, struct depot_error *err) DEPOT_MUST_CHECK;
/* Each string that the record has, those of its lists too; `fn` may put another in its place. */
typedef void depot_record_string_fn(const char **s, void *arg);
void depot_record_strings(
    const struct depot_record *r, void *rec, depot_record_string_fn *fn, void *arg);
/* A deep copy: nothing of `to` points into what `from` points at. They may be the same struct. */
void depot_record_copy(
    const struct depot_record *r, void *to, const void *from, struct depot_arena *arena);

DEPOT_API_END

#endif
