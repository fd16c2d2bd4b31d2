/*
 * Which builder makes which platform. Pure: no I/O, no state; the table test is its description.
 */
#include "placement.h"

#include <limits.h>
#include <string.h>

/* How well a builder suits a platform; the order is the preference. */
enum fit { FIT_NONE, FIT_CAN_EMULATE, FIT_CONFIGURED_EMULATED, FIT_NATIVE };

bool placement_lists(const struct placement_engine *e, const char *platform)
{
    for (size_t i = 0; i < e->nplatforms; i++)
        if (depot_platform_covers(e->platforms[i], platform))
            return true;
    return false;
}

static enum fit fit_of(const struct placement_engine *e, const char *platform)
{
    if (!e->up || !placement_lists(e, platform))
        return FIT_NONE;
    if (!depot_platform_runs_on(platform, e->platforms[0]))
        return FIT_CAN_EMULATE;
    return e->emulated ? FIT_CONFIGURED_EMULATED : FIT_NATIVE;
}

/* The sum of fits when `e` makes all of them, or -1 when it cannot. */
static int fit_all(const struct placement_engine *e, char *const *platforms, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        enum fit fit = fit_of(e, platforms[i]);
        if (fit == FIT_NONE)
            return -1;
        sum += (int)fit;
    }
    return sum;
}

typedef int fit_fn(const struct placement_engine *e, char *const *platforms, size_t n);

/* The best builder for `n` platforms together, by what `fits` says of each, or -1. */
static ptrdiff_t choose(const struct placement_engine *engines, size_t nengines, fit_fn *fits,
    char *const *platforms, size_t n)
{
    ptrdiff_t best = -1;
    int best_fit = -1, best_load = INT_MAX;
    for (size_t i = 0; i < nengines; i++) {
        int fit = fits(&engines[i], platforms, n);
        if (fit < 0 || fit < best_fit || (fit == best_fit && engines[i].load >= best_load))
            continue;
        best = (ptrdiff_t)i;
        best_fit = fit;
        best_load = engines[i].load;
    }
    return best;
}

static bool listed_by_any(const struct placement_engine *engines, size_t n, const char *platform)
{
    for (size_t i = 0; i < n; i++)
        if (placement_lists(&engines[i], platform))
            return true;
    return false;
}

/* How many of them it lists, and how well it suits those; -1 when it is down. */
static int fit_some(const struct placement_engine *e, char *const *platforms, size_t n)
{
    enum { EACH = 4 * PLACEMENT_PLATFORMS_MAX }; /* one more weighs more than all fits together */
    int sum = 0;
    if (!e->up)
        return -1;
    for (size_t i = 0; i < n; i++) {
        enum fit fit = fit_of(e, platforms[i]);
        sum += fit != FIT_NONE ? EACH + (int)fit : 0;
    }
    return sum;
}

/* Whoever lists a platform makes it, up or down. One that nobody lists, anybody may make. */
static ptrdiff_t choose_foreign(
    const struct placement_engine *engines, size_t nengines, char *const *platforms, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (!listed_by_any(engines, nengines, platforms[k]))
            return choose(engines, nengines, fit_some, platforms, n);
    return -1;
}

static void describe(struct depot_buf *b, const struct placement_engine *e)
{
    depot_buf_addf(b, "%s (", e->name);
    if (!e->up)
        depot_buf_addf(b, "down: %s", e->down_reason != NULL ? e->down_reason : "no answer yet");
    for (size_t i = 0; e->up && i < e->nplatforms; i++)
        depot_buf_addf(b, "%s%s", i > 0 ? ", " : "", e->platforms[i]);
    depot_buf_addc(b, ')');
}

void placement_describe(const struct placement_engine *engines, size_t n, struct depot_buf *to)
{
    for (size_t i = 0; i < n; i++) {
        depot_buf_adds(to, i > 0 ? "; " : "");
        describe(to, &engines[i]);
    }
    depot_buf_adds(to, n > 0 ? "" : "none");
}

static bool any_down(const struct placement_engine *engines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!engines[i].up)
            return true;
    return false;
}

static int refuse(const struct placement_engine *engines, size_t n, const char *what, bool single,
    struct depot_error *err)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_ERROR_MSG_MAX / 2);
    placement_describe(engines, n, &b);
    depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "no builder can build %s%s; builders: %s", what,
        single ? " all by itself" : "", depot_buf_str(&b));
    if (any_down(engines, n))
        depot_error_hint(err, "start the builder that is down (it is found again by itself), "
                              "or add one with depotd --builder NAME=ADDRESS");
    else
        depot_error_hint(err, "add a builder for it with depotd --builder NAME=ADDRESS, or install "
                              "emulation on a builder's machine (qemu-user-static, binfmt)");
    depot_buf_release(&b);
    return DEPOT_ERR_UNAVAILABLE;
}

static struct placement_part *part_for(struct placement *p, size_t engine, unsigned group)
{
    for (size_t i = 0; i < p->nparts; i++)
        if (p->parts[i].engine == engine && p->parts[i].group == group)
            return &p->parts[i];
    p->parts = depot_realloc(p->parts, (p->nparts + 1) * sizeof(*p->parts));
    p->parts[p->nparts] = (struct placement_part){.engine = engine, .group = group};
    return &p->parts[p->nparts++];
}

static void assign(struct placement *p, const struct placement_engine *engines, size_t engine,
    unsigned group, const char *platform)
{
    struct placement_part *part = part_for(p, engine, group);
    if (!depot_strv_has(&part->platforms, platform))
        depot_strv_push(&part->platforms, platform);
    enum fit fit = fit_of(&engines[engine], platform);
    struct depot_strv *also = fit == FIT_NONE ? &part->foreign : &part->emulated;
    if (fit != FIT_NATIVE && !depot_strv_has(also, platform))
        depot_strv_push(also, platform);
}

int placement_make(const struct placement_engine *engines, size_t n,
    const struct depot_strv *platforms, const unsigned *groups, bool single, struct placement *out,
    struct depot_error *err)
{
    struct placement p = {0};
    size_t step = single ? platforms->len : 1;
    for (size_t i = 0; i < platforms->len; i += step) {
        ptrdiff_t e = choose(engines, n, fit_all, &platforms->items[i], step);
        if (e < 0)
            e = choose_foreign(engines, n, &platforms->items[i], step);
        if (e < 0) {
            char *all = depot_strv_join(platforms, ",");
            int rc =
                refuse(engines, n, single ? all : platforms->items[i], single && step > 1, err);
            depot_free(all);
            placement_release(&p);
            return rc;
        }
        for (size_t k = i; k < i + step; k++)
            assign(&p, engines, (size_t)e, groups != NULL ? groups[k] : 0, platforms->items[k]);
    }
    *out = p;
    return 0;
}

int placement_any(const struct placement_engine *engines, size_t n,
    const struct depot_strv *platforms, struct placement *out, struct depot_error *err)
{
    struct placement p = {0};
    ptrdiff_t e = choose(engines, n, fit_some, platforms->items, platforms->len);
    if (e < 0)
        return refuse(engines, n, platforms->items[0], false, err);
    struct placement_part *part = part_for(&p, (size_t)e, 0);
    depot_strv_copy(&part->platforms, platforms);
    *out = p;
    return 0;
}

void placement_release(struct placement *p)
{
    for (size_t i = 0; i < p->nparts; i++) {
        depot_strv_release(&p->parts[i].platforms);
        depot_strv_release(&p->parts[i].emulated);
        depot_strv_release(&p->parts[i].foreign);
    }
    depot_free(p->parts);
    *p = (struct placement){0};
}
