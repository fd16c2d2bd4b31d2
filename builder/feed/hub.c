/*
 * Subscribers and their cursors. Knows nothing of sockets: the server asks for lines when its
 * socket can take them.
 */
#include "hub.h"

#include <stdlib.h>
#include <string.h>

#include <depot/log.h>
#include <depot/wire.h>

#define DEPOT_LOG_MODULE "hub"

enum {
    BATCH_LINES = 64,      /* lines fetched at once for one subscriber */
    SNAPSHOT_RECENT = 100, /* finished builds in a snapshot */
    SNAPSHOT_ACTIVE = 1000,
    SUBSCRIPTIONS_MAX = 1024, /* builds that one subscriber names itself */
};

struct cursor {
    char build[STORE_ID_MAX + 1];
    uint64_t after;    /* of the last line given out or standing in the batch */
    bool named, fleet; /* asked for by itself; comes with the fleet */
};

/* A builder event that was not sent yet. */
struct builder_line {
    char *builder;
    struct store_line *line;
};

struct subscriber {
    struct hub *hub;
    void (*wake)(struct subscriber *s, void *arg);
    void *arg;
    bool awake; /* told that there is something, until hub_next() found nothing more */
    bool fleet, logs;
    bool snapshot; /* is owed */
    DEPOT_VEC(struct builder_line) builders;
    DEPOT_VEC(struct cursor) cursors;
    size_t turn; /* the cursor to look at next */

    /* Lines fetched from one cursor. */
    char batch_build[STORE_ID_MAX + 1];
    bool batch_logs;
    struct store_line *batch[BATCH_LINES];
    size_t batch_next, batch_len;
};

struct hub {
    struct depot_loop *loop;
    struct store *store;
    const struct hub_source *source;
    void *source_arg;
    DEPOT_VEC(struct subscriber *) subscribers;
    size_t watchers;             /* of them, subscribed to the fleet */
    struct depot_map *followers; /* build -> struct followers, while it has any */
};

/* Who has a cursor in one build: what is appended wakes these, and looks at nobody else. */
struct followers {
    DEPOT_VEC(struct subscriber *) items;
};

/* ---- small helpers ---- */

static struct cursor *find_cursor(struct subscriber *s, const char *build)
{
    for (size_t i = 0; i < s->cursors.len; i++)
        if (strcmp(s->cursors.items[i].build, build) == 0)
            return &s->cursors.items[i];
    return NULL;
}

static void follow(struct subscriber *s, const char *build)
{
    struct followers *f = depot_map_get(s->hub->followers, build);

    if (f == NULL) {
        f = depot_calloc(1, sizeof(*f));
        depot_map_set(s->hub->followers, build, f);
    }
    depot_vec_push(&f->items, s);
}

static void unfollow(struct subscriber *s, const char *build)
{
    struct followers *f = depot_map_get(s->hub->followers, build);
    size_t i = 0;

    while (f->items.items[i] != s)
        i++;
    f->items.items[i] = f->items.items[f->items.len - 1];
    f->items.len--;
    if (f->items.len > 0)
        return;
    depot_map_remove(s->hub->followers, build);
    depot_vec_free(&f->items);
    depot_free(f);
}

static struct cursor *add_cursor(struct subscriber *s, const char *build)
{
    struct cursor *c = depot_vec_add(&s->cursors);

    memcpy(c->build, build, strlen(build) + 1);
    follow(s, build);
    return c;
}

static void remove_cursor(struct subscriber *s, struct cursor *c)
{
    size_t i = (size_t)(c - s->cursors.items);

    unfollow(s, c->build);
    depot_vec_remove(&s->cursors, i);
    if (s->turn > i)
        s->turn--;
}

static void drop_batch(struct subscriber *s)
{
    while (s->batch_next < s->batch_len)
        store_line_unref(s->batch[s->batch_next++]);
    s->batch_next = s->batch_len = 0;
    s->batch_build[0] = '\0';
}

static void drop_batch_of(struct subscriber *s, const char *build)
{
    if (strcmp(s->batch_build, build) == 0)
        drop_batch(s);
}

static void drop_builder_lines(struct subscriber *s)
{
    for (size_t i = 0; i < s->builders.len; i++) {
        depot_free(s->builders.items[i].builder);
        store_line_unref(s->builders.items[i].line);
    }
    depot_vec_free(&s->builders);
}

static void wake(struct subscriber *s)
{
    if (s->awake)
        return;
    s->awake = true;
    s->wake(s, s->arg);
}

/* ---- the hub ---- */

/* Who watches the fleet follows a build from its first event. */
static void add_to_watchers(struct hub *h, const char *build)
{
    for (size_t i = 0; i < h->subscribers.len; i++) {
        struct subscriber *s = h->subscribers.items[i];
        if (s->fleet && find_cursor(s, build) == NULL)
            add_cursor(s, build)->fleet = true;
    }
}

static void on_append(struct store *store, const char *build, const struct depot_event *ev,
    struct store_line *line, void *arg)
{
    struct hub *h = arg;

    DEPOT_UNUSED(store);
    DEPOT_UNUSED(line);
    if (ev->type == DEPOT_EVENT_BUILD_CREATED)
        add_to_watchers(h, build);
    const struct followers *f = depot_map_get(h->followers, build);
    for (size_t i = 0; f != NULL && i < f->items.len; i++)
        wake(f->items.items[i]);
}

struct hub *hub_new(struct depot_loop *l, struct store *store)
{
    struct hub *h = depot_calloc(1, sizeof(*h));

    h->loop = l;
    h->store = store;
    h->followers = depot_map_new();
    store_on_append(store, on_append, h);
    return h;
}

void hub_free(struct hub *h)
{
    if (h == NULL)
        return;
    if (h->subscribers.len > 0)
        depot_log_warn("%zu subscribers are left", h->subscribers.len);
    store_on_append(h->store, NULL, NULL);
    depot_vec_free(&h->subscribers);
    depot_map_free(h->followers);
    depot_free(h);
}

void hub_set_source(struct hub *h, const struct hub_source *source, void *arg)
{
    h->source = source;
    h->source_arg = arg;
}

size_t hub_subscribers(const struct hub *h)
{
    return h->subscribers.len;
}

/* The sole writer of s->fleet. */
static void set_fleet(struct subscriber *s, bool on)
{
    struct hub *h = s->hub;
    size_t was = h->watchers;

    if (s->fleet == on)
        return;
    s->fleet = on;
    h->watchers = on ? was + 1 : was - 1;
    if ((was == 0 || h->watchers == 0) && h->source != NULL)
        h->source->watched(on, h->source_arg);
}

static struct store_line *encode_line(const struct depot_event *ev)
{
    struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_WIRE_LINE_MAX);
    struct store_line *line;

    depot_wire_encode(&buf, ev);
    line = buf.overflow ? NULL : store_line_new(ev->type, 0, depot_buf_str(&buf), buf.len);
    depot_buf_release(&buf);
    return line;
}

/* The newest goes to the end: what a builder is now must be the last that is said of it. */
static void publish_to(struct subscriber *s, const char *builder, struct store_line *line)
{
    struct builder_line *slot;

    for (size_t i = 0; i < s->builders.len; i++) {
        slot = &s->builders.items[i];
        if (slot->line->type != line->type || strcmp(slot->builder, builder) != 0)
            continue;
        depot_free(slot->builder);
        store_line_unref(slot->line);
        depot_vec_remove(&s->builders, i);
        break;
    }
    slot = depot_vec_add(&s->builders);
    slot->builder = depot_strdup(builder);
    slot->line = store_line_ref(line);
    wake(s);
}

void hub_publish(struct hub *h, struct depot_event *ev)
{
    struct store_line *line = NULL;

    if (ev->time == 0)
        ev->time = depot_time_now();
    for (size_t i = 0; i < h->subscribers.len; i++) {
        struct subscriber *s = h->subscribers.items[i];
        if (!s->fleet || s->snapshot) /* a snapshot that is still owed will say it */
            continue;
        if (line == NULL)
            line = encode_line(ev);
        if (line != NULL)
            publish_to(s, ev->u.builder.builder != NULL ? ev->u.builder.builder : "", line);
    }
    store_line_unref(line);
}

/* ---- subscribing ---- */

struct subscriber *hub_subscriber_new(
    struct hub *h, void (*fn)(struct subscriber *s, void *arg), void *arg)
{
    struct subscriber *s = depot_calloc(1, sizeof(*s));

    s->hub = h;
    s->wake = fn;
    s->arg = arg;
    depot_vec_push(&h->subscribers, s);
    return s;
}

void hub_subscriber_free(struct subscriber *s)
{
    struct hub *h;

    if (s == NULL)
        return;
    h = s->hub;
    for (size_t i = 0; i < h->subscribers.len; i++) {
        if (h->subscribers.items[i] == s) {
            depot_vec_remove(&h->subscribers, i);
            break;
        }
    }
    set_fleet(s, false);
    drop_batch(s);
    drop_builder_lines(s);
    for (size_t i = 0; i < s->cursors.len; i++)
        unfollow(s, s->cursors.items[i].build);
    depot_vec_free(&s->cursors);
    depot_free(s);
}

int hub_subscribe_build(
    struct subscriber *s, const char *build, uint64_t after, struct depot_error *err)
{
    struct cursor *c;

    if (!store_id_valid(build))
        return depot_error_set(err, DEPOT_ERR_INVALID, "not the id of a build");
    if (!store_build_exists(s->hub->store, build)) {
        depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no build %s", build);
        return depot_error_hint(
            err, "old builds are dropped; `depot list builds` names the others");
    }
    c = find_cursor(s, build);
    if (c == NULL && s->cursors.len >= SUBSCRIPTIONS_MAX)
        return depot_error_set(err, DEPOT_ERR_EXHAUSTED, "too many subscriptions on one socket");
    drop_batch_of(s, build);
    if (c == NULL)
        c = add_cursor(s, build);
    c->named = true;
    c->after = after;
    wake(s);
    return 0;
}

void hub_subscribe_fleet(struct subscriber *s, bool logs)
{
    struct depot_arena arena = {0};
    struct depot_build_summary *rows = NULL;
    struct store_query query = {.state = "active", .limit = SNAPSHOT_ACTIVE};
    size_t n = 0;

    if (s->fleet && s->logs != logs)
        drop_builder_lines(s);
    set_fleet(s, true);
    s->logs = logs;
    s->snapshot = true;
    if (store_query(s->hub->store, &query, &arena, &rows, &n, NULL) != 0)
        n = 0;
    for (size_t i = n; i-- > 0;) { /* oldest first */
        struct cursor *c = find_cursor(s, rows[i].id);
        if (c == NULL)
            c = add_cursor(s, rows[i].id);
        c->fleet = true;
    }
    depot_arena_release(&arena);
    wake(s);
}

void hub_unsubscribe_build(struct subscriber *s, const char *build)
{
    struct cursor *c = build != NULL ? find_cursor(s, build) : NULL;

    if (c == NULL)
        return;
    c->named = false;
    if (c->fleet)
        return;
    drop_batch_of(s, c->build);
    remove_cursor(s, c);
}

bool hub_is_followed(const struct hub *h, const char *build)
{
    const struct followers *f = depot_map_get(h->followers, build);

    for (size_t i = 0; f != NULL && i < f->items.len; i++)
        if (find_cursor(f->items.items[i], build)->named)
            return true;
    return false;
}

void hub_unsubscribe_fleet(struct subscriber *s)
{
    set_fleet(s, false);
    s->snapshot = false;
    drop_builder_lines(s);
    for (size_t i = s->cursors.len; i-- > 0;) {
        struct cursor *c = &s->cursors.items[i];
        c->fleet = false;
        if (!c->named) {
            drop_batch_of(s, c->build);
            remove_cursor(s, c);
        }
    }
}

/* ---- giving out ---- */

size_t hub_cursors(const struct subscriber *s)
{
    return s->cursors.len;
}

static int newest_first(const void *a, const void *b)
{
    const struct depot_build_summary *x = a, *y = b;

    return x->created < y->created ? 1 : x->created > y->created ? -1 : 0;
}

/* The newest builds, and every active one however old. */
static void snapshot_builds(struct hub *h, struct depot_event *ev)
{
    struct store_query active = {.state = "active", .limit = SNAPSHOT_ACTIVE};
    struct store_query recent = {.limit = SNAPSHOT_RECENT};
    struct depot_build_summary *a = NULL, *r = NULL, *all;
    size_t na = 0, nr = 0, n = 0;

    if (store_query(h->store, &active, &ev->arena, &a, &na, NULL) != 0)
        na = 0;
    if (store_query(h->store, &recent, &ev->arena, &r, &nr, NULL) != 0)
        nr = 0;
    all = depot_arena_alloc(&ev->arena, (na + nr + 1) * sizeof(*all));
    for (size_t i = 0; i < na; i++)
        all[n++] = a[i];
    for (size_t i = 0; i < nr; i++)
        if (depot_build_state_over(r[i].state))
            all[n++] = r[i];
    if (n > 0)
        qsort(all, n, sizeof(*all), newest_first);
    ev->u.snapshot.builds = all;
    ev->u.snapshot.nbuilds = n;
}

static struct store_line *make_snapshot(struct hub *h)
{
    struct depot_event ev = {.type = DEPOT_EVENT_FLEET_SNAPSHOT, .time = depot_time_now()};
    const struct depot_ev_builder *builders = NULL;
    struct store_line *line;
    size_t n = 0;

    if (h->source != NULL)
        builders = h->source->builders(h->source_arg, &n);
    ev.u.snapshot.builders = depot_arena_alloc(&ev.arena, (n + 1) * sizeof(*builders));
    if (n > 0)
        memcpy(ev.u.snapshot.builders, builders, n * sizeof(*builders));
    ev.u.snapshot.nbuilders = n;
    snapshot_builds(h, &ev);
    line = encode_line(&ev);
    depot_event_release(&ev);
    return line;
}

static void batch_line(struct store_line *line, void *arg)
{
    struct subscriber *s = arg;

    s->batch[s->batch_len++] = store_line_ref(line);
}

/* Fetch from the first cursor, in turn, that has lines. False: all are at their ends. */
static bool fill_batch(struct subscriber *s)
{
    drop_batch(s);
    for (size_t tries = s->cursors.len; tries > 0; tries--) {
        struct depot_error err;
        struct cursor *c;
        int n = 0;
        if (s->turn >= s->cursors.len)
            s->turn = 0;
        c = &s->cursors.items[s->turn];
        if (c->after < store_build_seq(s->hub->store, c->build))
            n = store_read(s->hub->store, c->build, c->after, BATCH_LINES, batch_line, s, &err);
        if (n < 0) {
            drop_batch(s); /* it may have given lines before it failed */
            depot_log_warn("a subscriber loses build %s: %s", c->build, err.msg);
        }
        if (n <= 0) {
            /* At the end; of a build that is over (or gone) for good. */
            if (n < 0 || store_build_over(s->hub->store, c->build))
                remove_cursor(s, c);
            else
                s->turn++;
            continue;
        }
        memcpy(s->batch_build, c->build, sizeof(s->batch_build));
        s->batch_logs = c->named || s->logs;
        c->after = s->batch[s->batch_len - 1]->seq;
        s->turn++;
        return true;
    }
    return false;
}

static struct store_line *give(struct store_line *line, bool logs, const char **data, size_t *n)
{
    if (logs) {
        *data = line->data;
        *n = line->len;
    } else {
        *data = store_line_without_logs(line, n);
    }
    return line;
}

/* A status of log bytes alone, for one who wants none: most of the events of a noisy build. */
static bool says_nothing(const struct store_line *line, const char *data, size_t n)
{
    static const char end[] = "\"status\":{}}";

    return line->type == DEPOT_EVENT_BUILD_STATUS && n >= sizeof(end) - 1 &&
           memcmp(data + n - (sizeof(end) - 1), end, sizeof(end) - 1) == 0;
}

struct store_line *hub_next(struct subscriber *s, const char **data, size_t *n)
{
    struct store_line *line;

    if (s->snapshot) {
        s->snapshot = false;
        drop_builder_lines(s);
        line = make_snapshot(s->hub);
        if (line != NULL)
            return give(line, true, data, n);
    }
    if (s->builders.len > 0) {
        line = s->builders.items[0].line;
        depot_free(s->builders.items[0].builder);
        depot_vec_remove(&s->builders, 0);
        return give(line, true, data, n);
    }
    while (s->batch_next < s->batch_len || fill_batch(s)) {
        line = give(s->batch[s->batch_next++], s->batch_logs, data, n);
        if (s->batch_logs || !says_nothing(line, *data, *n))
            return line;
        store_line_unref(line);
    }
    s->awake = false;
    return NULL;
}
