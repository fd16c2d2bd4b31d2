/*
 * What past builds tell: how long steps and projects take.
 */
#include "fleet_priv.h"

static void step_key(struct depot_buf *out, const char *project, const char *platform,
    const char *stage, const char *text)
{
    const char *const parts[] = {project, platform, stage, text};
    depot_buf_clear(out);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(parts); i++) {
        depot_buf_adds(out, parts[i] != NULL ? parts[i] : "");
        depot_buf_addc(out, '\x1f');
    }
}

static void put_stats(
    struct depot_map *m, const char *key, const struct depot_spread *took, int hits)
{
    struct step_stats *st = depot_map_get(m, key);
    if (st == NULL) {
        st = depot_calloc(1, sizeof(*st));
        depot_map_set(m, key, st);
    }
    st->median = took->median_ms * DEPOT_MSEC;
    st->p25 = took->p25_ms * DEPOT_MSEC;
    st->p75 = took->p75_ms * DEPOT_MSEC;
    st->runs = took->runs > 0 ? (unsigned)took->runs : 0;
    st->hits = hits > 0 ? (unsigned)hits : 0;
}

void dp_fleet_learn(struct fleet *f, const struct depot_estimates *e)
{
    struct depot_buf key = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (size_t i = 0; i < e->nsteps; i++) {
        const struct depot_step_estimate *s = &e->steps[i];
        step_key(&key, e->project, s->platform, s->stage, s->text);
        put_stats(f->priv->stats, key.data, &s->took, s->hits);
    }
    if (e->project != NULL)
        put_stats(f->priv->projects, e->project, &e->duration, 0);
    depot_buf_release(&key);
}

static void free_map(struct depot_map *m)
{
    size_t pos = 0;
    void *value;
    while (depot_map_next(m, &pos, NULL, &value))
        depot_free(value);
    depot_map_free(m);
}

void dp_fleet_free_stats(struct fleet_private *p)
{
    free_map(p->stats);
    free_map(p->projects);
}

bool dp_fleet_step_stats(const struct fleet *f, const struct fleet_build *b,
    const struct depot_step *s, struct step_stats *out)
{
    if (depot_map_len(f->priv->stats) == 0)
        return false;
    struct depot_buf key = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    step_key(&key, b->sum.info.project, s->platform, s->parsed.stage, s->parsed.instruction);
    const struct step_stats *st = depot_map_get(f->priv->stats, key.data);
    depot_buf_release(&key);
    if (st == NULL)
        return false;
    *out = *st;
    return true;
}

bool dp_fleet_project_stats(const struct fleet *f, const char *project, struct step_stats *out)
{
    const struct step_stats *st =
        project != NULL ? depot_map_get(f->priv->projects, project) : NULL;
    if (st == NULL || st->runs == 0)
        return false;
    *out = *st;
    return true;
}
