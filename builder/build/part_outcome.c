/*
 * How a part ended: deep copies of what the engine said. Values only.
 */
#include "part_outcome.h"

#include <stdio.h>
#include <string.h>

static struct depot_build_error *copy_error(
    struct depot_arena *a, const struct depot_build_error *from)
{
    struct depot_build_error *e = depot_arena_alloc(a, sizeof(*e));
    *e = *from;
    e->message = depot_arena_strdup(a, from->message != NULL ? from->message : "");
    e->vertex = depot_arena_strdup(a, from->vertex);
    e->file = depot_arena_strdup(a, from->file);
    e->ranges = depot_arena_alloc(a, (from->nranges + 1) * sizeof(*e->ranges));
    if (from->nranges > 0)
        memcpy(e->ranges, from->ranges, from->nranges * sizeof(*e->ranges));
    e->lines = depot_arena_alloc(a, (from->nlines + 1) * sizeof(*e->lines));
    for (size_t i = 0; i < from->nlines; i++)
        e->lines[i] = depot_arena_strdup(a, from->lines[i]);
    return e;
}

void part_outcome_set(struct part_outcome *o, enum depot_build_state state,
    const struct depot_pair *response, size_t n, const struct depot_build_error *error)
{
    part_outcome_release(o);
    o->state = state;
    o->response = depot_arena_alloc(&o->arena, (n + 1) * sizeof(*o->response));
    o->nresponse = n;
    for (size_t i = 0; i < n; i++) {
        o->response[i].key = depot_arena_strdup(&o->arena, response[i].key);
        o->response[i].value = depot_arena_strdup(&o->arena, response[i].value);
        if (depot_str_eq(response[i].key, "containerimage.digest"))
            o->digest = o->response[i].value;
    }
    if (error != NULL)
        o->error = copy_error(&o->arena, error);
}

void part_outcome_fail(
    struct part_outcome *o, enum depot_build_state state, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = depot_vasprintf(fmt, ap);
    va_end(ap);
    struct depot_build_error error = {.message = text, .code = code};
    part_outcome_set(o, state, NULL, 0, &error);
    depot_free(text);
}

void part_outcome_release(struct part_outcome *o)
{
    depot_arena_release(&o->arena);
    *o = (struct part_outcome){0};
}
