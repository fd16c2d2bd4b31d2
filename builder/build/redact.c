/*
 * URLs in texts.
 */
#include "redact.h"

#include <depot/buf.h>

#include <string.h>

enum { TEXT_MAX = 1024 * 1024 }; /* a longer one is dropped whole rather than shown */

/* The length of "user:password@" where it stands at `p`, behind a scheme; 0: none. */
static size_t userinfo(const char *p)
{
    size_t n = strcspn(p, "/?# \t\r\n\"'<>");
    while (n > 0 && p[n - 1] != '@')
        n--;
    return n;
}

/* `text` itself, or a copy in `arena`. NULL stays NULL. */
static const char *redact_urls(const char *text, struct depot_arena *arena)
{
    static const char mark[] = "://", hidden[] = "xxxxx:xxxxx@";
    struct depot_buf out = DEPOT_BUF_INIT(TEXT_MAX);
    const char *done = text, *p = text;
    while (p != NULL && (p = strstr(p, mark)) != NULL) {
        p += sizeof(mark) - 1;
        size_t n = userinfo(p);
        if (n == 0)
            continue;
        depot_buf_add(&out, done, (size_t)(p - done));
        depot_buf_adds(&out, hidden);
        done = p += n;
    }
    if (done == text)
        return text;
    depot_buf_adds(&out, done);
    const char *kept = depot_arena_strdup(arena, out.overflow ? "" : depot_buf_str(&out));
    depot_buf_release(&out);
    return kept;
}

/* The event is the caller's, what it points to may be others': that is copied before it changes. */
static void redact_vertexes(struct depot_status *st, struct depot_arena *arena)
{
    const struct depot_vertex *given = st->vertexes;
    for (size_t i = 0; i < st->nvertexes; i++) {
        const char *name = redact_urls(given[i].name, arena);
        const char *error = redact_urls(given[i].error, arena);
        if (name == given[i].name && error == given[i].error)
            continue;
        if (st->vertexes == given) {
            st->vertexes = depot_arena_alloc(arena, st->nvertexes * sizeof(*given));
            memcpy(st->vertexes, given, st->nvertexes * sizeof(*given));
        }
        st->vertexes[i].name = name;
        st->vertexes[i].error = error;
    }
}

static void redact_error(struct depot_build_error **error, struct depot_arena *arena)
{
    struct depot_build_error *given = *error;
    const char *message = given != NULL ? redact_urls(given->message, arena) : NULL;
    if (given == NULL || message == given->message)
        return;
    *error = depot_arena_alloc(arena, sizeof(*given));
    **error = *given;
    (*error)->message = message;
}

void redact_event(struct depot_event *ev, struct depot_arena *arena)
{
    switch (ev->type) {
    case DEPOT_EVENT_BUILD_CREATED:
        ev->u.created.command = redact_urls(ev->u.created.command, arena);
        ev->u.created.remote = redact_urls(ev->u.created.remote, arena);
        break;
    case DEPOT_EVENT_BUILD_STATUS:
        redact_vertexes(&ev->u.status.status, arena);
        break;
    case DEPOT_EVENT_BUILD_RESULT:
        redact_error(&ev->u.result.error, arena);
        break;
    case DEPOT_EVENT_BUILD_FINISHED:
        ev->u.finished.message = redact_urls(ev->u.finished.message, arena);
        break;
    default:
        break;
    }
}
