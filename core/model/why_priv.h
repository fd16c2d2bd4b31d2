/*
 * What the files that explain cache misses share. Not for other modules: why.h is.
 */
#ifndef DEPOT_CORE_MODEL_WHY_PRIV_H
#define DEPOT_CORE_MODEL_WHY_PRIV_H

#include <depot/why.h>

/* What steps are alike by, beside their stage. */
enum { DP_WHY_BY_PLATFORM = 1, DP_WHY_BY_TEXT = 2, DP_WHY_BY_ORDINAL = 4 };

/* Steps by some of these. All zeroes: empty, for good. */
struct dp_why_index {
    unsigned by;
    size_t mask;
    struct dp_why_slot *slots;
};

/* The steps of a build by what they say and by where they stand. */
struct dp_why_places {
    struct dp_why_index by_text, by_place;
};

struct dp_why_job {
    struct depot_why *why;
    const struct depot_build *b, *old; /* old: NULL when there is none */
    struct dp_why_places now, before;
    bool quiet; /* evidence is counted and not kept */
};

void dp_why_index_init(struct dp_why_index *x, unsigned by, size_t n); /* for at most n steps */
void dp_why_index_release(struct dp_why_index *x);
/* Of several that are alike the first that was added is found. */
void dp_why_index_add(struct dp_why_index *x, const struct depot_step *s);
const struct depot_step *dp_why_index_find(
    const struct dp_why_index *x, const struct depot_step *like);

const struct depot_step *dp_why_same_text(
    const struct dp_why_places *p, const struct depot_step *s);
const struct depot_step *dp_why_same_place(
    const struct dp_why_places *p, const struct depot_step *s);

/* Reason, certainty and evidence of a cause whose step is known. */
void dp_why_diagnose(struct dp_why_job *j, struct depot_cause *c);

/* Has a step that follows another changed itself? */
bool dp_why_has_changed(struct dp_why_job *j, const struct depot_step *s);

/* Find the causes that are the same on several platforms, and index their steps. */
void dp_why_pair_siblings(struct depot_why *w);
void dp_why_release_places(struct depot_cause *c);

/* Does a COPY or ADD instruction, or a RUN that mounts files, take this path of the context? */
bool dp_why_takes(const char *instruction, const char *path);
/* Its source that is a URL; false: none. `out` borrows from the instruction. */
bool dp_why_url(const char *instruction, const char **out, size_t *n);

#endif
