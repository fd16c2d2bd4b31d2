/*
 * Names of feed events, build states and sources, and the release of an event.
 * Not the encoding: that is wire/.
 */
#include <depot/event.h>
#include <depot/utf8.h>

#include <string.h>

enum { COMMIT_SHOWN = 7 }; /* as git abbreviates */

static const char *const event_names[] = {
#define EVENT_NAME(id, name) [DEPOT_EVENT_##id] = (name),
    DEPOT_EVENTS(EVENT_NAME)
#undef EVENT_NAME
};

struct state_row {
    const char *name, *word;
};
static const struct state_row state_rows[] = {
#define STATE_ROW(id, name, word) [DEPOT_BUILD_##id] = {(name), (word)},
    DEPOT_BUILD_STATES(STATE_ROW)
#undef STATE_ROW
};

const char *depot_event_name(enum depot_event_type t)
{
    return (unsigned)t < DEPOT_EVENT_COUNT ? event_names[t] : "";
}

enum depot_event_type depot_event_from_name(const char *name)
{
    for (int i = 0; name != NULL && i < DEPOT_EVENT_UNKNOWN; i++)
        if (strcmp(event_names[i], name) == 0)
            return (enum depot_event_type)i;
    return DEPOT_EVENT_UNKNOWN;
}

const char *depot_build_state_name(enum depot_build_state s)
{
    return (unsigned)s < DEPOT_BUILD_STATE_COUNT ? state_rows[s].name : "";
}

const char *depot_build_state_word(enum depot_build_state s)
{
    return (unsigned)s < DEPOT_BUILD_STATE_COUNT ? state_rows[s].word : "";
}

int depot_build_state_from_name(const char *name)
{
    for (int i = 0; name != NULL && i < DEPOT_BUILD_STATE_COUNT; i++)
        if (strcmp(state_rows[i].name, name) == 0)
            return i;
    return -1;
}

bool depot_build_state_over(enum depot_build_state s)
{
    return s == DEPOT_BUILD_SUCCEEDED || s == DEPOT_BUILD_FAILED || s == DEPOT_BUILD_CANCELLED;
}

void depot_event_release(struct depot_event *ev)
{
    if (ev == NULL)
        return;
    depot_arena_release(&ev->arena);
    memset(ev, 0, sizeof(*ev));
    ev->type = DEPOT_EVENT_UNKNOWN;
}

static const char *keep_short(struct depot_arena *arena, const char *s)
{
    size_t n = s != NULL ? strnlen(s, DEPOT_FAILED_TEXT_MAX + 1) : 0;

    if (n > DEPOT_FAILED_TEXT_MAX)
        n = depot_utf8_start(s, DEPOT_FAILED_TEXT_MAX);
    return s != NULL ? depot_arena_strndup(arena, s, n) : NULL;
}

void depot_failed_step_keep(struct depot_failed_step *f, struct depot_arena *arena)
{
    f->name = keep_short(arena, f->name);
    f->platform = keep_short(arena, f->platform);
    f->file = keep_short(arena, f->file);
}

/* Bytes of it to show: none that cannot be of a commit, for it comes from outside. */
static size_t commit_len(const char *commit)
{
    size_t n = 0;

    while (commit != NULL && n < COMMIT_SHOWN && commit[n] > ' ' && commit[n] < 0x7f)
        n++;
    return n;
}

void depot_created_source(struct depot_buf *out, const struct depot_ev_created *c)
{
    size_t n = commit_len(c->commit);

    if (!depot_str_empty(c->branch))
        depot_buf_adds(out, c->branch);
    if (n == 0)
        return;
    if (!depot_str_empty(c->branch))
        depot_buf_addc(out, '@');
    depot_buf_add(out, c->commit, n);
    if (c->dirty)
        depot_buf_addc(out, '+');
}

depot_time depot_event_time(const struct depot_event *ev)
{
    depot_time t = ev->time;
    if (t != 0 || ev->type != DEPOT_EVENT_BUILD_STATUS)
        return t;
    const struct depot_status *s = &ev->u.status.status;
    for (size_t i = 0; i < s->nvertexes; i++) {
        t = s->vertexes[i].started > t ? s->vertexes[i].started : t;
        t = s->vertexes[i].completed > t ? s->vertexes[i].completed : t;
    }
    for (size_t i = 0; i < s->nstatuses; i++)
        t = s->statuses[i].timestamp > t ? s->statuses[i].timestamp : t;
    for (size_t i = 0; i < s->nlogs; i++)
        t = s->logs[i].timestamp > t ? s->logs[i].timestamp : t;
    return t;
}
