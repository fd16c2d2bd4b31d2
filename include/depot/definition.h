/*
 * The definition of a build, as an engine tells it before anything has run: a graph of operations
 * (BuildKit's LLB), decoded into plain values. A pure reader with a ceiling for everything that the
 * engine decides; it never makes a definition.
 */
#ifndef DEPOT_DEFINITION_H
#define DEPOT_DEFINITION_H

#include <depot/digest.h>
#include <depot/status.h>

enum {
    DEPOT_DEFINITION_MAX = 16 * 1024 * 1024, /* bytes, encoded: what engines send at most */
    DEPOT_DEFINITION_OPS_MAX = 64 * 1024,
    DEPOT_DEFINITION_LINKS_MAX = 256 * 1024, /* inputs, of all operations together */
    DEPOT_DEFINITION_PLACES_MAX = 256 * 1024,
    DEPOT_DEFINITION_ARGS_MAX = 256 * 1024,
    DEPOT_DEFINITION_FILES_MAX = 256,
};

enum depot_op_kind {
    DEPOT_OP_RESULT, /* only points at what is wanted */
    DEPOT_OP_EXEC,
    DEPOT_OP_SOURCE,
    DEPOT_OP_FILE,
    DEPOT_OP_BUILD,
    DEPOT_OP_MERGE,
    DEPOT_OP_DIFF,
    DEPOT_OP_PASSTHROUGH,
    DEPOT_OP_OTHER, /* of an engine that is newer than this list */
};

/* Where a source file has an operation. */
struct depot_op_place {
    size_t file; /* index of `files` */
    struct depot_range range;
};

struct depot_op {
    enum depot_op_kind kind;
    char digest[DEPOT_DIGEST_LEN + 1]; /* of the bytes; the engine's name for the step */
    const char *platform; /* "linux/arm64", "linux/arm/v7"; "" when the operation has none */
    const size_t *inputs; /* indexes of operations */
    size_t ninputs;
    const char *name; /* as the status will call it: "[2/3] RUN make"; "" when not told */
    const struct depot_vertex_group *group; /* that the status shows it with; NULL: none */
    bool ignore_cache;
    const char *source; /* SOURCE: "docker-image://...", "local://context"; else "" */
    const char **args;  /* EXEC: the command */
    size_t nargs;
    const struct depot_op_place *places;
    size_t nplaces;
    const void *bytes; /* the encoded pb.Op, for what is not taken apart here */
    size_t len;
};

struct depot_op_file {
    const char *name;
    const char *text; /* the whole file; "" when it was not told */
};

struct depot_definition {
    struct depot_op *ops; /* in the order they were told */
    size_t nops;
    struct depot_op_file *files;
    size_t nfiles;
    struct depot_arena arena; /* holds all of it, copies of the bytes included */
};

/*
 * Read an encoded pb.Definition. An operation that needs one that is not there makes the whole
 * malformed, and so would a cycle: each names the digests of what it needs, so one could only close
 * with a hash that holds itself. DEPOT_ERR_PROTOCOL, or DEPOT_ERR_TOO_BIG with the ceiling's name.
 */
int depot_definition_decode(const void *data, size_t n, struct depot_definition *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void depot_definition_release(struct depot_definition *d);

/*
 * Names of operations that are the same in every build of the same thing, unlike their digests:
 * those change with each session, as every local source names its own, and all that is made from
 * it follows. ids[i] is of d->ops[i]; room for d->nops of them.
 */
enum { DEPOT_STEP_ID_LEN = 32 };
typedef char depot_step_id[DEPOT_STEP_ID_LEN + 1];
void depot_definition_ids(const struct depot_definition *d, depot_step_id *ids);

#endif
