/*
 * The rows that records are made of, and the reading of one, for modules that read more than whole
 * records (wire reads the members of an event beside its envelope).
 */
#ifndef DEPOT_CORE_RECORD_TABLE_H
#define DEPOT_CORE_RECORD_TABLE_H

#include <depot/record.h>

#include "record/json.h"

/* How a member is stored. */
enum dp_field_kind {
    DP_FIELD_STR,
    DP_FIELD_CHARS, /* a string inside of the struct, of `size` bytes with its NUL */
    DP_FIELD_STRV,  /* const char **, count at `count` */
    DP_FIELD_BOOL,
    DP_FIELD_INT,
    DP_FIELD_I64,
    DP_FIELD_U64,
    DP_FIELD_F64,
    DP_FIELD_TIME,
    DP_FIELD_NAME,    /* an enum by its name: see `names` */
    DP_FIELD_PAIRS,   /* struct depot_pair *, count at `count` */
    DP_FIELD_RANGES,  /* struct depot_range *, as [[first line, last line]] */
    DP_FIELD_GROUP,   /* an object whose members are fields of this struct at `offset` */
    DP_FIELD_INLINE,  /* as GROUP, its members among ours */
    DP_FIELD_POINTER, /* a struct of `size` bytes behind a pointer */
    DP_FIELD_ARRAY,   /* structs of `size` bytes, count at `count` */
    DP_FIELD_KINDS
};

enum {
    DP_OMIT_NEGATIVE = 1, /* -1 when not told; not written then */
    DP_OMIT_ZERO = 2,     /* not written when false, 0, empty */
    DP_IF_STRING = 4,     /* written when the string at `when` is set */
    DP_IF_TRUE = 8,       /* written when the bool at `when` is; reading sets it */
    DP_REQUIRED = 16,     /* an object without it is refused */
    DP_EMPTY = 32,        /* "" when not told */
    DP_FILLED = 64,       /* "" is refused */
    DP_NOT = 128,         /* a bool that is stored the other way round */
};

/* The names of an enum's values. */
struct dp_names {
    const char *(*name)(int value);
    bool (*value)(const char *name, int *value); /* false: no such name */
    const char *want;                            /* what it must be, in messages */
    enum depot_err code;                         /* of a name that is none */
};
extern const struct dp_names dp_state_names, dp_code_names, dp_ask_names;

struct depot_record_field {
    const char *name; /* NULL ends a table */
    enum dp_field_kind kind;
    unsigned flags;
    size_t offset, count, size, when;
    const struct depot_record_field *sub;
    const struct dp_names *names;
    int64_t max;      /* bytes of a string, entries of a list, the number itself; 0: the record's */
    size_t text_max;  /* bytes of each string in a list; 0: the record's */
    const char *want; /* what it must be, in messages; NULL: what its kind says */
};

/* clang-format off */
#define DP_OF(s, m)         offsetof(struct s, m)
#define DP_ROW(n, k, s, m)  .name = (n), .kind = DP_FIELD_##k, .offset = DP_OF(s, m)

#define END                    {.name = NULL}
#define STR(n, s, m)           {DP_ROW(n, STR, s, m)}
#define TEXT(n, s, m)          {DP_ROW(n, STR, s, m), .flags = DP_EMPTY}
#define CHARS(n, s, m)         {DP_ROW(n, CHARS, s, m), .size = sizeof(((struct s *)0)->m)}
#define STRV(n, s, m, c)       {DP_ROW(n, STRV, s, m), .count = DP_OF(s, c)}
#define SOME_STRV(n, s, m, c)  {DP_ROW(n, STRV, s, m), .flags = DP_OMIT_ZERO, .count = DP_OF(s, c)}
#define BOOL(n, s, m)          {DP_ROW(n, BOOL, s, m)}
#define SOME_BOOL(n, s, m)     {DP_ROW(n, BOOL, s, m), .flags = DP_OMIT_ZERO}
#define INT(n, s, m)           {DP_ROW(n, INT, s, m)}
#define I64(n, s, m)           {DP_ROW(n, I64, s, m)}
#define U64(n, s, m)           {DP_ROW(n, U64, s, m)}
#define STATE(n, s, m)         {DP_ROW(n, NAME, s, m), .names = &dp_state_names}
#define CODE(n, s, m)          {DP_ROW(n, NAME, s, m), .names = &dp_code_names}
#define TIME(n, s, m)          {DP_ROW(n, TIME, s, m)}
#define KNOWN_I64(n, s, m)     {DP_ROW(n, I64, s, m), .flags = DP_OMIT_NEGATIVE}
#define KNOWN_F64(n, s, m)     {DP_ROW(n, F64, s, m), .flags = DP_OMIT_NEGATIVE}
#define PAIRS(n, s, m, c)      {DP_ROW(n, PAIRS, s, m), .count = DP_OF(s, c)}
#define SOME_PAIRS(n, s, m, c) {DP_ROW(n, PAIRS, s, m), .flags = DP_OMIT_ZERO, .count = DP_OF(s, c)}
#define RANGES(n, s, m, c)     {DP_ROW(n, RANGES, s, m), .count = DP_OF(s, c)}
#define POINTER(n, s, m, f) \
    {DP_ROW(n, POINTER, s, m), .size = sizeof(*((struct s *)0)->m), .sub = (f)}
#define ARRAY(n, s, m, c, f) \
    {DP_ROW(n, ARRAY, s, m), .count = DP_OF(s, c), .size = sizeof(*((struct s *)0)->m), .sub = (f)}
#define GROUP(n, s, m, f)      {DP_ROW(n, GROUP, s, m), .sub = (f)}
/* As GROUP, left out when its string `k` is not set. */
#define GROUP_IF(n, s, m, k, f) \
    {DP_ROW(n, GROUP, s, m), .flags = DP_IF_STRING, .when = DP_OF(s, k), .sub = (f)}
#define INLINE(s, m, f)        {DP_ROW("", INLINE, s, m), .sub = (f)}
/* The rows of another table of the same struct. */
#define SAME(f)                {.name = "", .kind = DP_FIELD_INLINE, .sub = (f)}
/* Members of the same struct, in an object of their own. */
#define OBJECT(n, f)           {.name = (n), .kind = DP_FIELD_GROUP, .sub = (f)}
/* As OBJECT, left out when the string at `m` is not set. */
#define OBJECT_IF(n, s, m, f) \
    {.name = (n), .kind = DP_FIELD_GROUP, .flags = DP_IF_STRING, .when = DP_OF(s, m), .sub = (f)}

/* A record without ceilings of its own. */
#define RECORD(n, type, table) {.name = (n), .size = sizeof(struct type), .fields = (table)}
/* clang-format on */

/* Tables that others are made of. */
extern const struct depot_record_field dp_context_fields[];
extern const struct depot_record_field dp_created_fields[];
extern const struct depot_record_field dp_setting_fields[];
extern const struct depot_record_field dp_summary_fields[];

/* Members by a table, with a comma before the first unless *first. */
void dp_fields_encode(
    struct depot_buf *out, bool *first, const struct depot_record_field *fields, const void *base);
/* Of nothing told; `base` is zeros. */
void dp_fields_init(const struct depot_record_field *fields, void *base);

/* A text being read by tables. */
struct dp_reading {
    struct dp_scan scan;
    const struct depot_record *record; /* its ceilings and its name; may be NULL */
    const struct dp_path *path;        /* of the member in hand */
    struct depot_error *err;
    int code; /* of what was found wrong, and told in `err`; 0: nothing, or the text itself is bad
               */
};

void dp_reading_init(struct dp_reading *r, const struct depot_record *record, const char *json,
    size_t n, struct depot_arena *arena, struct depot_error *err);
/* One member of an object into `base`, consumed by `r->scan`; *known is false, and the value is
 * skipped, for a name that no row has. */
int dp_reading_member(struct dp_reading *r, const struct depot_record_field *fields, void *base,
    const char *key, size_t len, bool *known);
/* The code of what went wrong, told in `err`; a text that is no JSON is "`what`: ... at byte N". */
int dp_reading_failed(struct dp_reading *r, const char *what);

#endif
