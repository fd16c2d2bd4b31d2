/*
 * Steps by their digests in this build, by ids that are the same in every build, and by what they
 * say: the last is for those of strangers, whose definitions nobody here knows.
 */
#include "steps.h"

#include <depot/definition.h>
#include <depot/state.h>

#include <string.h>

enum { ANNOUNCE_MAX = 256 }; /* steps told at once */

struct step {
    const char *digest; /* in this build */
    const char *id;
    const char *name;
    const char **inputs;
    size_t ninputs;
    struct depot_vertex_group *group;
    struct depot_step_name parsed;
    bool has_run; /* this build was told so */
};

/* What a digest of the engine's means here. */
struct alias {
    struct step *step;  /* NULL: nobody's step */
    const char *shared; /* the build that runs it; "": a stranger's; NULL: this one */
    bool hidden;        /* another project's, and none of ours */
};

struct steps {
    struct steps_index *index;
    const struct steps_owner *owner;
    struct depot_arena arena;
    DEPOT_VEC(struct step *) items;
    struct depot_map *by_digest; /* -> struct alias, also of others' */
    struct depot_map *by_id;     /* -> struct step */
    struct depot_map *by_text;   /* platform and instruction -> struct step, or `several` */
    bool in_company;             /* something was told of a step that is not this build's own */
};

/* Stands for steps that say the same: what they say tells none of them. */
static struct step several;

/* ---- all parts that run ---- */
struct known {
    const char *id;
    const struct steps_owner *owner;
    struct steps *of;
};

struct steps_index {
    struct depot_map *by_digest; /* -> struct known */
};

struct steps_index *steps_index_new(void)
{
    struct steps_index *x = depot_calloc(1, sizeof(*x));
    x->by_digest = depot_map_new();
    return x;
}

void steps_index_free(struct steps_index *x)
{
    if (x == NULL)
        return;
    depot_map_free(x->by_digest);
    depot_free(x);
}

static void index_add(struct steps *s, const struct step *t)
{
    if (depot_map_get(s->index->by_digest, t->digest) != NULL)
        return; /* a part that is made once more, or another platform's: the same step */
    struct known *k = depot_calloc(1, sizeof(*k));
    *k = (struct known){.id = t->id, .owner = s->owner, .of = s};
    depot_map_set(s->index->by_digest, t->digest, k);
}

static void index_remove(const struct steps *s, const struct step *t)
{
    struct known *k = depot_map_get(s->index->by_digest, t->digest);
    if (k == NULL || k->of != s)
        return;
    depot_map_remove(s->index->by_digest, t->digest);
    depot_free(k);
}

/* ---- one part's ---- */
struct steps *steps_new(struct steps_index *x, const struct steps_owner *owner)
{
    struct steps *s = depot_calloc(1, sizeof(*s));
    s->index = x;
    s->owner = owner;
    s->by_digest = depot_map_new();
    s->by_id = depot_map_new();
    s->by_text = depot_map_new();
    return s;
}

void steps_free(struct steps *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->items.len; i++)
        index_remove(s, s->items.items[i]);
    depot_vec_free(&s->items);
    depot_map_free(s->by_digest);
    depot_map_free(s->by_id);
    depot_map_free(s->by_text);
    depot_arena_release(&s->arena);
    depot_free(s);
}

static struct depot_vertex_group *keep_group(struct steps *s, const struct depot_vertex_group *from)
{
    if (from == NULL)
        return NULL;
    struct depot_vertex_group *g = depot_arena_alloc(&s->arena, sizeof(*g));
    *g = (struct depot_vertex_group){.id = depot_arena_strdup(&s->arena, from->id),
        .name = depot_arena_strdup(&s->arena, from->name),
        .weak = from->weak};
    return g;
}

static void alias_add(struct steps *s, const char *digest, const struct alias *what)
{
    struct alias *a = depot_arena_alloc(&s->arena, sizeof(*a));
    *a = *what;
    depot_map_set(s->by_digest, digest, a);
}

/* Names say no platform in builds of one; the caller frees. */
static char *text_key(const struct steps *s, const struct depot_step_name *name)
{
    const char *platform = *name->platform != '\0' ? name->platform : s->owner->platform;
    return depot_asprintf("%s\n%s", platform, name->instruction);
}

static void add_text(struct steps *s, struct step *t)
{
    if (t->parsed.kind != DEPOT_STEP_BUILD)
        return;
    char *key = text_key(s, &t->parsed);
    depot_map_set(
        s->by_text, key, depot_map_get(s->by_text, key) == NULL ? (void *)t : (void *)&several);
    depot_free(key);
}

/* What has no name is no step to anybody: it only points at a result. */
static void add_step(struct steps *s, const struct depot_definition *d, size_t at, const char *id)
{
    const struct depot_op *op = &d->ops[at];
    if (*op->name == '\0' || depot_map_get(s->by_digest, op->digest) != NULL)
        return;
    struct step *t = depot_arena_alloc(&s->arena, sizeof(*t));
    *t = (struct step){.digest = depot_arena_strdup(&s->arena, op->digest),
        .id = depot_arena_strdup(&s->arena, id),
        .name = depot_arena_strdup(&s->arena, op->name),
        .group = keep_group(s, op->group)};
    t->inputs = depot_arena_alloc(&s->arena, (op->ninputs + 1) * sizeof(*t->inputs));
    for (size_t i = 0; i < op->ninputs; i++)
        t->inputs[t->ninputs++] = depot_arena_strdup(&s->arena, d->ops[op->inputs[i]].digest);
    depot_step_name_parse(&t->parsed, t->name, &s->arena);
    depot_vec_push(&s->items, t);
    alias_add(s, t->digest, &(struct alias){.step = t});
    depot_map_set(s->by_id, t->id, t);
    add_text(s, t);
    index_add(s, t);
}

int steps_add(struct steps *s, const struct depot_bk_ref *ref, struct depot_error *err)
{
    struct depot_definition d = {0};
    int rc = depot_definition_decode(ref->definition, ref->len, &d, err);
    if (rc != 0)
        return rc;
    depot_step_id *ids = depot_calloc(d.nops + 1, sizeof(*ids));
    depot_definition_ids(&d, ids);
    for (size_t i = 0; i < d.nops; i++)
        add_step(s, &d, i, ids[i]);
    depot_free(ids);
    depot_definition_release(&d);
    return 0;
}

static void show(struct depot_vertex *v, const struct step *t)
{
    v->digest = t->digest;
    v->name = t->name;
    v->inputs = t->inputs;
    v->ninputs = t->ninputs;
    v->group = t->group;
}

void steps_announce(const struct steps *s, steps_tell_fn *fn, void *arg)
{
    struct depot_vertex *v = depot_calloc(ANNOUNCE_MAX, sizeof(*v));
    struct depot_status st = {.vertexes = v};
    for (size_t i = 0; i < s->items.len; i++) {
        show(&v[st.nvertexes++], s->items.items[i]);
        if (st.nvertexes == ANNOUNCE_MAX || i + 1 == s->items.len) {
            fn(&st, arg);
            memset(v, 0, ANNOUNCE_MAX * sizeof(*v));
            st.nvertexes = 0;
        }
    }
    depot_free(v);
}

/* ---- what an engine tells ---- */

/* Our only step that says this for this platform. */
static struct step *by_text(const struct steps *s, const struct depot_step_name *name)
{
    char *key = text_key(s, name);
    struct step *t = depot_map_get(s->by_text, key);
    depot_free(key);
    return t != &several ? t : NULL;
}

/* A step that another build of this daemon has under this digest: ours by its id, by what it says
 * where what it is made from differs in name alone, or none of ours. */
static struct alias of_known(
    const struct steps *s, const struct known *k, const struct depot_step_name *name)
{
    struct step *t = depot_map_get(s->by_id, k->id);
    if (t == NULL)
        t = by_text(s, name);
    return (struct alias){.step = t,
        .shared = k->owner->build,
        .hidden = t == NULL && !depot_str_eq(k->owner->project, s->owner->project)};
}

/* Neither ours nor of a build that is known: what the engine does for this build beside its steps,
 * or a step of somebody else's build. */
static void learn(struct steps *s, const struct depot_vertex *v)
{
    const struct known *k = depot_map_get(s->index->by_digest, v->digest);
    struct depot_step_name parsed;
    struct alias a = {0};
    depot_step_name_parse(&parsed, v->name != NULL ? v->name : "", &s->arena);
    if (k != NULL) {
        a = of_known(s, k, &parsed);
        a.shared = depot_arena_strdup(&s->arena, a.shared);
    } else if (parsed.kind == DEPOT_STEP_BUILD && parsed.total > 0) {
        a.step = by_text(s, &parsed);
        a.shared = "";
    }
    if (depot_str_eq(a.shared, s->owner->build))
        a.shared = NULL; /* of another part of this build */
    s->in_company |= a.step != NULL || a.shared != NULL || a.hidden;
    alias_add(s, v->digest, &a);
}

static const struct alias *find(const struct steps *s, const char *digest)
{
    return digest != NULL ? depot_map_get(s->by_digest, digest) : NULL;
}

const char *steps_digest(const struct steps *s, const char *digest)
{
    const struct alias *a = s != NULL ? find(s, digest) : NULL;
    return a != NULL && a->step != NULL ? a->step->digest : digest;
}

/* Meets every digest that a step is announced under. */
static void learn_all(struct steps *s, const struct depot_status *st)
{
    for (size_t i = 0; i < st->nvertexes; i++)
        if (st->vertexes[i].digest != NULL && find(s, st->vertexes[i].digest) == NULL)
            learn(s, &st->vertexes[i]);
}

/* Once another build has run a step for this one, its own digest finds the result in the cache:
 * that is no news, and would make a step that took a minute one that took no time. */
static bool is_echo(const struct alias *a, const struct depot_vertex *v)
{
    return a->step != NULL && a->step->has_run && v->cached;
}

static void note_run(const struct alias *a, const struct depot_vertex *v)
{
    if (a->step != NULL && v->completed && !v->cached && depot_str_empty(v->error))
        a->step->has_run = true;
}

static void translate_vertexes(
    const struct steps *s, struct depot_status *st, struct depot_arena *arena)
{
    struct depot_vertex *to = depot_arena_alloc(arena, (st->nvertexes + 1) * sizeof(*to));
    size_t n = 0;
    for (size_t i = 0; i < st->nvertexes; i++) {
        const struct alias *a = find(s, st->vertexes[i].digest);
        if (a == NULL || a->hidden || is_echo(a, &st->vertexes[i]))
            continue;
        note_run(a, &st->vertexes[i]);
        to[n] = st->vertexes[i];
        if (a->step != NULL)
            show(&to[n], a->step);
        to[n].shared = a->shared;
        n++;
    }
    st->vertexes = to;
    st->nvertexes = n;
}

/* Of a list of what names a vertex at `offset`, those that this build is to hear of, under its own
 * names. */
static void *translate_list(const struct steps *s, const void *items, size_t *count, size_t size,
    size_t offset, struct depot_arena *arena)
{
    char *to = depot_arena_alloc(arena, (*count + 1) * size);
    size_t n = 0;
    for (size_t i = 0; i < *count; i++) {
        char *item = to + n * size;
        const char *vertex;
        memcpy(item, (const char *)items + i * size, size);
        memcpy(&vertex, item + offset, sizeof(vertex));
        const struct alias *a = find(s, vertex);
        if (a != NULL && a->hidden)
            continue;
        if (a != NULL && a->step != NULL)
            memcpy(item + offset, &a->step->digest, sizeof(vertex));
        n++;
    }
    *count = n;
    return to;
}

void steps_translate(struct steps *s, struct depot_status *st, struct depot_arena *arena)
{
    if (s == NULL)
        return;
    learn_all(s, st);
    if (!s->in_company)
        return; /* as nearly always: nothing is of anybody else */
    translate_vertexes(s, st, arena);
    st->statuses = translate_list(s, st->statuses, &st->nstatuses, sizeof(*st->statuses),
        offsetof(struct depot_vertex_status, vertex), arena);
    st->logs = translate_list(s, st->logs, &st->nlogs, sizeof(*st->logs),
        offsetof(struct depot_vertex_log, vertex), arena);
    st->warnings = translate_list(s, st->warnings, &st->nwarnings, sizeof(*st->warnings),
        offsetof(struct depot_vertex_warning, vertex), arena);
}
