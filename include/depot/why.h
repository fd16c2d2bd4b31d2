/*
 * Why a step was not found in the cache: told from the build's own events and, where there is one,
 * from an earlier build of the same project on the same daemon. Pure: no I/O, no clock.
 *
 * An engine gives no reasons. What is said here follows from what changed between the two builds;
 * `certain` tells a conclusion from a guess.
 */
#ifndef DEPOT_WHY_H
#define DEPOT_WHY_H

#include <depot/export.h>
#include <depot/state.h>

DEPOT_API_BEGIN

/* X(id, name, what screens say of it) */
#define DEPOT_REASONS(X)                                                                           \
    X(NONE, "none", "it is not a miss")                                                            \
    X(FIRST, "first", "no earlier build to compare with")                                          \
    X(NO_CACHE, "no-cache", "the cache was switched off")                                          \
    X(BUILDER, "builder", "another builder, which has a cache of its own")                         \
    X(BASE, "base-image", "the base image changed")                                                \
    X(FILES, "files", "copied files changed")                                                      \
    X(INSTRUCTION, "instruction", "the instruction changed")                                       \
    X(NEW, "new", "the step is new")                                                               \
    X(MOVED, "moved", "it stands on another step than before")                                     \
    X(ARGUMENT, "argument", "a build argument changed")                                            \
    X(SETTING, "setting", "a setting above it in the Dockerfile changed")                          \
    X(REMOTE, "remote", "what the URL gives changed")                                              \
    X(UNFINISHED, "unfinished", "the earlier build did not get through it")                        \
    X(EVICTED, "evicted", "its result is not in the cache any more")                               \
    X(UNKNOWN, "unknown", "nothing that the feed tells explains it")

enum depot_reason {
#define DEPOT_REASON_ENUM(id, name, text) DEPOT_REASON_##id,
    DEPOT_REASONS(DEPOT_REASON_ENUM)
#undef DEPOT_REASON_ENUM
        DEPOT_REASON_COUNT
};
const char *depot_reason_name(enum depot_reason r);
const char *depot_reason_text(enum depot_reason r);
/* What can be done about it; NULL: nothing in general. */
const char *depot_reason_hint(enum depot_reason r);

enum {
    DEPOT_WHY_EVIDENCE_MAX = 100,
    /* Causes that are looked into; a build has a dozen. Those beyond are DEPOT_REASON_UNKNOWN. */
    DEPOT_WHY_CAUSES_MAX = 256,
};

/* One thing that differs. */
struct depot_evidence {
    char sign; /* '+' is so now, '-' was so before, '~' changed, ' ' said in words */
    const char *text;
};

/* A first step that missed on its path, and all that missed because of it. */
struct depot_cause {
    const struct depot_step *step;
    const struct depot_step *before; /* the same step in the earlier build; NULL: none */
    enum depot_reason reason;
    bool certain;
    DEPOT_VEC(struct depot_evidence) evidence;  /* at most DEPOT_WHY_EVIDENCE_MAX */
    size_t more;                                /* evidence that was left out */
    DEPOT_VEC(const struct depot_step *) steps; /* what missed, `step` first, by their start */
    size_t after;                               /* steps that stand on `step` in all */
    int64_t took;                               /* ns that these took, one after the other */
    /* The first cause that is the same on another platform: screens tell such once. NULL: this is
     * it. */
    const struct depot_cause *sibling_of;
    struct dp_why_index *places_; /* of siblings: their steps by place */
};

/* Every cause of a build, by platform, then by start. */
struct depot_why {
    DEPOT_VEC(struct depot_cause *) causes;
    size_t *cause_of_; /* by step index; SIZE_MAX: not a miss */
    bool *changed_;    /* by step index */
    size_t nsteps_;
    struct depot_arena arena; /* texts */
};

/*
 * Both builds must be derived; `before` may be NULL. The result points into both, so it ends with
 * the first of them, or when either takes an event. depot_why_release() is legal on all zeroes.
 */
void depot_why_init(
    struct depot_why *w, const struct depot_build *b, const struct depot_build *before);
void depot_why_release(struct depot_why *w);
/* The cause of a step's miss; NULL: it did not miss. */
const struct depot_cause *depot_why_of(const struct depot_why *w, const struct depot_step *s);

/* The step of a cause that stands where `s` stands among the steps of a sibling: of several the
 * first by start. `s` itself when it is one of the cause's; NULL: none. */
const struct depot_step *depot_why_step_on(
    const struct depot_why *w, const struct depot_cause *c, const struct depot_step *s);

/* Causes by what they took, most first, without those that are siblings: the one behind `after`, or
 * the first of all for NULL; NULL: there is no more. */
const struct depot_cause *depot_why_next(
    const struct depot_why *w, const struct depot_cause *after);
/* The builder to name with a cause: without it nothing tells it from another builder's, of the same
 * step and for several platforms too. NULL: need not be named. */
const char *depot_why_builder(const struct depot_why *w, const struct depot_cause *c);
/* Would a step that missed because of another have missed without it: has it changed itself? */
bool depot_why_changed(const struct depot_why *w, const struct depot_step *s);

/* Was it run although a cache could have had it? */
bool depot_step_missed(const struct depot_step *s);

/*
 * Among builds in any order, the one to compare `b` with: the newest before it of the same project
 * and target that is over and has all its platforms, on the same builders if there is one such. Not
 * the newest that succeeded: what a failed build in between left in the cache would be a riddle.
 * Returns its index, -1: none.
 */
int depot_why_choose(
    const struct depot_build_summary *b, const struct depot_build_summary *const *list, size_t n);

DEPOT_API_END

#endif
