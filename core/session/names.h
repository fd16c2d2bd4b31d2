/*
 * The names of one directory, sorted by their bytes. Those of a large one are sorted a run at a
 * time and merged from a spool, so that no directory is too large for memory: beside the spool, a
 * run's worth at most, and 4 KiB for each run that is merged.
 */
#ifndef DEPOT_CORE_SESSION_NAMES_H
#define DEPOT_CORE_SESSION_NAMES_H

#include "session/spool.h"

enum { DP_NAMES_RUN = 512 * 1024 };

/* All zero is an empty one. */
struct dp_names {
    /* Bytes of type, name, NUL. Of a small directory all of it, to be read from `at`. */
    char *block;
    size_t used, cap, at;
    /* Of a large one, runs in the spool: a heap with the smallest name first. */
    struct dp_spool spool;
    DEPOT_VEC(struct dp_names_run *) runs;
    bool taken; /* the first of the heap was given out */
};

/* A name without a slash, of at most 1023 bytes. Errors: DEPOT_ERR_TOO_BIG, those of the spool. */
int dp_names_add(struct dp_names *nm, unsigned char type, const char *name) DEPOT_MUST_CHECK;
/* After the last and before the first. */
int dp_names_sort(struct dp_names *nm) DEPOT_MUST_CHECK;
/* The next name, valid until the next call: 1, 0 at the end, or an error. */
int dp_names_next(struct dp_names *nm, unsigned char *type, const char **name) DEPOT_MUST_CHECK;
void dp_names_release(struct dp_names *nm);

#endif
