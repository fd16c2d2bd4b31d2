/*
 * Decodes pb.Definition (solver/pb/ops.proto of BuildKit). By hand: a generated decoder makes up to
 * forty bytes of each that a peer sends, before anything can be counted.
 */
#include <depot/definition.h>

#include <limits.h>
#include <stdio.h>

#include "grpc/pb.h"

/* Bytes of the message; borrowed. */
struct span {
    const uint8_t *p;
    size_t n;
};

struct decoder {
    struct depot_definition *d;
    struct depot_map *by_digest; /* digest -> index + 1 */
    size_t nlinks, nplaces, nargs;
    struct depot_error *err;
};

/* ---- small readers ---- */
static int malformed(const struct decoder *x, const char *what)
{
    return depot_error_set(
        x->err, DEPOT_ERR_PROTOCOL, "the engine's definition of the build is malformed: %s", what);
}

static int too_many(const struct decoder *x, int max, const char *what)
{
    return depot_error_set(x->err, DEPOT_ERR_TOO_BIG,
        "the engine's definition of the build has more than %d %s", max, what);
}

static struct span field_of(struct span m, uint32_t number)
{
    struct span s = {0};
    s.p = dp_pb_bytes(m.p, m.n, number, &s.n);
    return s;
}

static const char *string_of(const struct decoder *x, struct span m, uint32_t number)
{
    struct span s = field_of(m, number);
    return depot_arena_strndup(&x->d->arena, s.n > 0 ? (const char *)s.p : "", s.n);
}

/* The last occurrence of a number; 0 when it is absent or no protobuf. */
static uint64_t number_of(struct span m, uint32_t number)
{
    struct dp_pb_reader r = dp_pb_read(m.p, m.n);
    struct dp_pb_field f;
    uint64_t v = 0;
    while (dp_pb_next(&r, &f) > 0)
        if (f.number == number && f.type == DP_PB_VARINT)
            v = f.value;
    return v;
}

/* How often a bytes field stands there, or an error when this is no message. */
static ptrdiff_t count_of(struct span m, uint32_t number)
{
    struct dp_pb_reader r = dp_pb_read(m.p, m.n);
    struct dp_pb_field f;
    ptrdiff_t n = 0;
    int rc;
    while ((rc = dp_pb_next(&r, &f)) > 0)
        n += f.number == number && f.type == DP_PB_BYTES;
    return rc < 0 ? rc : n;
}

/* The next occurrence of a bytes field, in a message that count_of() has read to its end. */
static bool next_of(struct dp_pb_reader *r, uint32_t number, struct span *out)
{
    struct dp_pb_field f;
    while (dp_pb_next(r, &f) > 0) {
        if (f.number != number || f.type != DP_PB_BYTES)
            continue;
        *out = (struct span){f.data, f.len};
        return true;
    }
    return false;
}

/* ---- operations ---- */
/* By the number of the field that holds it. */
static enum depot_op_kind kind_of(uint32_t field)
{
    static const enum depot_op_kind kinds[] = {
        [2] = DEPOT_OP_EXEC,
        [3] = DEPOT_OP_SOURCE,
        [4] = DEPOT_OP_FILE,
        [5] = DEPOT_OP_BUILD,
        [6] = DEPOT_OP_MERGE,
        [7] = DEPOT_OP_DIFF,
        [8] = DEPOT_OP_PASSTHROUGH,
    };
    return field < DEPOT_ARRAY_LEN(kinds) ? kinds[field] : DEPOT_OP_OTHER;
}

static const char *read_platform(const struct decoder *x, struct span m)
{
    enum { ARCHITECTURE = 1, OS = 2, VARIANT = 3 };
    if (m.n == 0)
        return "";
    const char *os = string_of(x, m, OS), *arch = string_of(x, m, ARCHITECTURE),
               *variant = string_of(x, m, VARIANT);
    const size_t n = strlen(os) + strlen(arch) + strlen(variant) + 3;
    char *s = depot_arena_alloc(&x->d->arena, n);
    snprintf(s, n, "%s/%s%s%s", os, arch, *variant != '\0' ? "/" : "", variant);
    return s;
}

static int read_args(struct decoder *x, struct span exec, struct depot_op *op)
{
    enum { EXEC_META = 1, META_ARGS = 1 };
    struct span meta = field_of(exec, EXEC_META), arg;
    ptrdiff_t n = count_of(meta, META_ARGS);
    if (n < 0)
        return malformed(x, "a command");
    if ((size_t)n > DEPOT_DEFINITION_ARGS_MAX - x->nargs)
        return too_many(x, DEPOT_DEFINITION_ARGS_MAX, "arguments of commands");
    x->nargs += (size_t)n;
    op->args = depot_arena_alloc(&x->d->arena, ((size_t)n + 1) * sizeof(*op->args));
    for (struct dp_pb_reader r = dp_pb_read(meta.p, meta.n); next_of(&r, META_ARGS, &arg);)
        op->args[op->nargs++] = depot_arena_strndup(&x->d->arena, (const char *)arg.p, arg.n);
    return 0;
}

static const void *copy_bytes(const struct decoder *x, struct span m)
{
    void *copy = depot_arena_alloc(&x->d->arena, m.n + 1);
    if (m.n > 0)
        memcpy(copy, m.p, m.n);
    return copy;
}

static int read_op(struct decoder *x, struct span m, struct depot_op *op)
{
    enum { OP_FIRST = 2, OP_LAST = 9, OP_PLATFORM = 10, SOURCE_IDENTIFIER = 1 };
    struct dp_pb_reader r = dp_pb_read(m.p, m.n);
    struct dp_pb_field f;
    struct span platform = {0}, body = {0};
    int rc;
    while ((rc = dp_pb_next(&r, &f)) > 0) {
        if (f.type != DP_PB_BYTES)
            continue;
        if (f.number == OP_PLATFORM)
            platform = (struct span){f.data, f.len};
        if (f.number >= OP_FIRST && f.number <= OP_LAST) {
            op->kind = kind_of(f.number);
            body = (struct span){f.data, f.len};
        }
    }
    if (rc < 0)
        return malformed(x, "an operation");
    depot_digest_of(m.p, m.n, op->digest);
    op->bytes = copy_bytes(x, m);
    op->len = m.n;
    op->platform = read_platform(x, platform);
    op->name = "";
    op->source = op->kind == DEPOT_OP_SOURCE ? string_of(x, body, SOURCE_IDENTIFIER) : "";
    return op->kind == DEPOT_OP_EXEC ? read_args(x, body, op) : 0;
}

static size_t find_op(const struct decoder *x, struct span digest)
{
    return digest.n > 0
               ? (size_t)(uintptr_t)depot_map_getn(x->by_digest, (const char *)digest.p, digest.n)
               : 0;
}

static int read_inputs(struct decoder *x, struct depot_op *op)
{
    enum { OP_INPUTS = 1, INPUT_DIGEST = 1 };
    struct span m = {op->bytes, op->len}, input;
    ptrdiff_t n = count_of(m, OP_INPUTS);
    if (n < 0)
        return malformed(x, "an operation");
    if ((size_t)n > DEPOT_DEFINITION_LINKS_MAX - x->nlinks)
        return too_many(x, DEPOT_DEFINITION_LINKS_MAX, "inputs");
    x->nlinks += (size_t)n;
    size_t *inputs = depot_arena_alloc(&x->d->arena, ((size_t)n + 1) * sizeof(*inputs));
    for (struct dp_pb_reader r = dp_pb_read(m.p, m.n); next_of(&r, OP_INPUTS, &input);) {
        size_t at = find_op(x, field_of(input, INPUT_DIGEST));
        if (at == 0)
            return malformed(x, "an operation needs one that is not there");
        inputs[op->ninputs++] = at - 1;
    }
    op->inputs = inputs;
    return 0;
}

static int read_ops(struct decoder *x, struct span m)
{
    enum { DEFINITION_DEF = 1 };
    struct depot_definition *d = x->d;
    struct span op;
    ptrdiff_t n = count_of(m, DEFINITION_DEF);
    if (n < 0)
        return malformed(x, "no message");
    if (n > DEPOT_DEFINITION_OPS_MAX)
        return too_many(x, DEPOT_DEFINITION_OPS_MAX, "operations");
    d->ops = depot_arena_alloc(&d->arena, ((size_t)n + 1) * sizeof(*d->ops));
    int rc = 0;
    for (struct dp_pb_reader r = dp_pb_read(m.p, m.n);
         rc == 0 && next_of(&r, DEFINITION_DEF, &op);) {
        rc = read_op(x, op, &d->ops[d->nops++]);
        if (rc == 0)
            depot_map_set(x->by_digest, d->ops[d->nops - 1].digest, (void *)(uintptr_t)d->nops);
    }
    for (size_t i = 0; rc == 0 && i < d->nops; i++)
        rc = read_inputs(x, &d->ops[i]);
    return rc;
}

/* ---- what is told about operations ---- */
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };

static struct depot_op *op_of_entry(const struct decoder *x, struct span entry)
{
    size_t at = find_op(x, field_of(entry, ENTRY_KEY));
    return at > 0 ? &x->d->ops[at - 1] : NULL;
}

static const struct depot_vertex_group *read_group(const struct decoder *x, struct span m)
{
    enum { GROUP_ID = 1, GROUP_NAME = 2, GROUP_WEAK = 3 };
    if (m.n == 0)
        return NULL;
    struct depot_vertex_group *g = depot_arena_alloc(&x->d->arena, sizeof(*g));
    g->id = string_of(x, m, GROUP_ID);
    g->name = string_of(x, m, GROUP_NAME);
    g->weak = number_of(m, GROUP_WEAK) != 0;
    return g;
}

static void read_name(const struct decoder *x, struct span metadata, struct depot_op *op)
{
    enum { METADATA_DESCRIPTION = 2 };
    static const char name_key[] = "llb.customname";
    struct span pair;
    for (struct dp_pb_reader v = dp_pb_read(metadata.p, metadata.n);
         next_of(&v, METADATA_DESCRIPTION, &pair);) {
        struct span key = field_of(pair, ENTRY_KEY);
        if (key.n == sizeof(name_key) - 1 && memcmp(key.p, name_key, key.n) == 0)
            op->name = string_of(x, pair, ENTRY_VALUE);
    }
}

static int read_metadata(struct decoder *x, struct span m)
{
    enum { DEFINITION_METADATA = 2, METADATA_IGNORE_CACHE = 1, METADATA_GROUP = 6 };
    struct span entry;
    for (struct dp_pb_reader r = dp_pb_read(m.p, m.n); next_of(&r, DEFINITION_METADATA, &entry);) {
        struct depot_op *op = op_of_entry(x, entry);
        struct span value = field_of(entry, ENTRY_VALUE);
        if (op == NULL)
            continue; /* told of something that is not there: harmless */
        op->ignore_cache = number_of(value, METADATA_IGNORE_CACHE) != 0;
        op->group = read_group(x, field_of(value, METADATA_GROUP));
        read_name(x, value, op);
    }
    return 0;
}

static int read_files(struct decoder *x, struct span source)
{
    enum { SOURCE_INFOS = 2, INFO_FILENAME = 1, INFO_DATA = 2 };
    struct depot_definition *d = x->d;
    struct span info;
    ptrdiff_t n = count_of(source, SOURCE_INFOS);
    if (n < 0)
        return malformed(x, "its places");
    if (n > DEPOT_DEFINITION_FILES_MAX)
        return too_many(x, DEPOT_DEFINITION_FILES_MAX, "source files");
    d->files = depot_arena_alloc(&d->arena, ((size_t)n + 1) * sizeof(*d->files));
    for (struct dp_pb_reader r = dp_pb_read(source.p, source.n); next_of(&r, SOURCE_INFOS, &info);)
        d->files[d->nfiles++] = (struct depot_op_file){
            .name = string_of(x, info, INFO_FILENAME), .text = string_of(x, info, INFO_DATA)};
    return 0;
}

/* Lines and columns are small; what is not, or below zero, is none. */
static int small(uint64_t v)
{
    return v <= INT_MAX / 2 ? (int)v : 0;
}

static struct depot_range read_range(struct span m)
{
    enum { RANGE_START = 1, RANGE_END = 2, POSITION_LINE = 1, POSITION_CHARACTER = 2 };
    struct span start = field_of(m, RANGE_START), end = field_of(m, RANGE_END);
    return (struct depot_range){
        .start_line = small(number_of(start, POSITION_LINE)),
        .start_char = small(number_of(start, POSITION_CHARACTER)),
        .end_line = small(number_of(end, POSITION_LINE)),
        .end_char = small(number_of(end, POSITION_CHARACTER)),
    };
}

enum { LOCATIONS_LOCATION = 1, LOCATION_SOURCE = 1, LOCATION_RANGES = 2 };

/* All ranges of all locations of one operation; -1: this is no message. */
static ptrdiff_t count_places(struct span locations)
{
    struct span l;
    ptrdiff_t sum = 0;
    if (count_of(locations, LOCATIONS_LOCATION) < 0)
        return -1;
    for (struct dp_pb_reader r = dp_pb_read(locations.p, locations.n);
         next_of(&r, LOCATIONS_LOCATION, &l);) {
        ptrdiff_t n = count_of(l, LOCATION_RANGES);
        if (n < 0)
            return -1;
        sum += n;
    }
    return sum;
}

static int read_places(struct decoder *x, struct span locations, struct depot_op *op)
{
    struct span l, range;
    ptrdiff_t n = count_places(locations);
    if (n < 0)
        return malformed(x, "its places");
    if ((size_t)n > DEPOT_DEFINITION_PLACES_MAX - x->nplaces)
        return too_many(x, DEPOT_DEFINITION_PLACES_MAX, "places in source files");
    x->nplaces += (size_t)n;
    struct depot_op_place *places =
        depot_arena_alloc(&x->d->arena, ((size_t)n + 1) * sizeof(*places));
    op->nplaces = 0;
    for (struct dp_pb_reader r = dp_pb_read(locations.p, locations.n);
         next_of(&r, LOCATIONS_LOCATION, &l);) {
        uint64_t file = number_of(l, LOCATION_SOURCE);
        if (file >= x->d->nfiles)
            continue;
        for (struct dp_pb_reader k = dp_pb_read(l.p, l.n); next_of(&k, LOCATION_RANGES, &range);)
            places[op->nplaces++] =
                (struct depot_op_place){.file = (size_t)file, .range = read_range(range)};
    }
    op->places = places;
    return 0;
}

static int read_source(struct decoder *x, struct span m)
{
    enum { DEFINITION_SOURCE = 3, SOURCE_LOCATIONS = 1 };
    struct span source = field_of(m, DEFINITION_SOURCE), entry;
    int rc = read_files(x, source);
    for (struct dp_pb_reader r = dp_pb_read(source.p, source.n);
         rc == 0 && next_of(&r, SOURCE_LOCATIONS, &entry);) {
        struct depot_op *op = op_of_entry(x, entry);
        if (op != NULL)
            rc = read_places(x, field_of(entry, ENTRY_VALUE), op);
    }
    return rc;
}

int depot_definition_decode(
    const void *data, size_t n, struct depot_definition *out, struct depot_error *err)
{
    struct depot_definition d = {0};
    struct decoder x = {.d = &d, .err = err, .by_digest = depot_map_new()};
    struct span m = {data, n};
    int rc = 0;
    if (n > DEPOT_DEFINITION_MAX)
        rc = too_many(&x, DEPOT_DEFINITION_MAX / 1024 / 1024, "MiB");
    if (rc == 0)
        rc = read_ops(&x, m);
    if (rc == 0)
        rc = read_metadata(&x, m);
    if (rc == 0)
        rc = read_source(&x, m);
    depot_map_free(x.by_digest);
    if (rc == 0)
        *out = d;
    else
        depot_definition_release(&d);
    return rc;
}

void depot_definition_release(struct depot_definition *d)
{
    depot_arena_release(&d->arena);
    *d = (struct depot_definition){0};
}
