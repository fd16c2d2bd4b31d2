/*
 * What the files that explain cache misses share. Not for other modules: why.h is.
 */
#ifndef DEPOT_CORE_MODEL_WHY_PRIV_H
#define DEPOT_CORE_MODEL_WHY_PRIV_H

#include <depot/why.h>

/* The steps of a build by what they say and by where they stand: "PLATFORM STAGE TEXT|ORDINAL". */
struct dp_why_places {
    struct depot_map *by_text, *by_place;
};

struct dp_why_job {
    struct depot_why *why;
    const struct depot_build *b, *old; /* old: NULL when there is none */
    struct dp_why_places now, before;
    bool quiet; /* evidence is counted and not kept */
};

const struct depot_step *dp_why_same_text(
    const struct dp_why_places *p, const struct depot_step *s);
const struct depot_step *dp_why_same_place(
    const struct dp_why_places *p, const struct depot_step *s);

/* Reason, certainty and evidence of a cause whose step is known. */
void dp_why_judge(struct dp_why_job *j, struct depot_cause *c);

/* Has a step that follows another changed itself? */
bool dp_why_has_changed(struct dp_why_job *j, const struct depot_step *s);

/* Does a COPY or ADD instruction, or a RUN that mounts files, take this path of the context? */
bool dp_why_takes(const char *instruction, const char *path);
/* Its source that is a URL; false: none. `out` borrows from the instruction. */
bool dp_why_url(const char *instruction, const char **out, size_t *n);

#endif
