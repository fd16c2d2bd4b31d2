/*
 * Which builder makes which platform: a pure function over what is known of the builders. Starts
 * nothing and remembers nothing.
 */
#ifndef DEPOT_BUILDER_PLACEMENT_H
#define DEPOT_BUILDER_PLACEMENT_H

#include <depot/buf.h>
#include <depot/platform.h>

enum { PLACEMENT_PLATFORMS_MAX = 32 }; /* of one build */

/* What the planner knows of one builder; borrowed. */
struct placement_engine {
    const char *name;
    const char *const *platforms; /* in normal form, the native one first */
    size_t nplatforms;
    bool emulated; /* even the first is emulated by its machine */
    bool up;
    const char *down_reason; /* may be NULL */
    int load;                /* builds running and waiting */
};

/* Is the platform on the builder's list, or a lower level of one that is? In normal form. */
bool placement_lists(const struct placement_engine *e, const char *platform);

/* What one builder makes of a build. */
struct placement_part {
    size_t engine;
    struct depot_strv platforms;
    struct depot_strv emulated; /* those of them that are */
    struct depot_strv
        foreign; /* those that nothing of the builder's runs: it may still make them */
    unsigned group;
};

struct placement {
    struct placement_part *parts;
    size_t nparts;
};

/*
 * A platform that no builder lists (darwin, or s390x where there is none) needs no builder of its
 * kind, if only files are made for it: any builder that is up may have it, as `foreign`.
 *
 * Split `platforms` (normal form) over the builders: for each the best one that is up (native, then
 * configured for it but emulated, then able to emulate it; among equals the least loaded, then the
 * first). `single`: one builder for all. `groups`: a number for each platform, those of different
 * numbers never share a part; NULL: all are of one group. DEPOT_ERR_UNAVAILABLE names the builders
 * and what they can.
 */
int placement_make(const struct placement_engine *engines, size_t n,
    const struct depot_strv *platforms, const unsigned *groups, bool single, struct placement *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* One builder for a question about the build, for which nothing runs: none of the platforms counts
 * as emulated or foreign. */
int placement_any(const struct placement_engine *engines, size_t n,
    const struct depot_strv *platforms, struct placement *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* "amd64 (linux/amd64, linux/386); arm64 (down: ...)", or "none". */
void placement_describe(const struct placement_engine *engines, size_t n, struct depot_buf *to);
void placement_release(struct placement *p);

#endif
