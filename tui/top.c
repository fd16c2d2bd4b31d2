/*
 * depot-top: the dashboard of daemons, of a recording, or of a feed on standard input.
 */
#include "tui/app/runner.h"
#include "tui/fleet/player.h"
#include "tui/view/views.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

struct top {
    struct depot_loop *loop;
    struct screen *screen;
    struct depot_signal *intr, *term, *hup;
    struct depot_timer *look; /* for the only build of a stream */
    DEPOT_VEC(struct depot_endpoint *) endpoints;
    int exit_code;
};

static void on_quit(struct screen *s, bool interrupted, void *arg)
{
    struct top *t = arg;
    DEPOT_UNUSED(s);
    t->exit_code = interrupted ? DEPOT_EXIT_INTERRUPTED : DEPOT_EXIT_OK;
    depot_loop_stop(t->loop);
}

static const struct screen_ops screen_ops = {.views = dp_views, .quit = on_quit};

static void on_signal(struct depot_signal *s, int signum, void *arg)
{
    struct top *t = arg;
    DEPOT_UNUSED(s);
    t->exit_code = 128 + signum;
    depot_loop_stop(t->loop);
}

/* ---- where the data comes from ---- */

enum { NAME_PARTS_MAX = 16 };

/* The part of an address that tells it from others: "builds.example.org", then with its port;
 * "x.sock", then the folder around it, and so on outwards. */
static char *short_name(const struct depot_addr *a, int part)
{
    if (a->kind == DEPOT_ADDR_TCP)
        return part > 1 ? depot_asprintf("%s:%d", a->host, a->port) : depot_strdup(a->host);
    const char *end = a->path + strlen(a->path), *at = end;
    for (;;) {
        while (at > a->path && at[-1] != '/')
            at--;
        if (--part == 0 || at <= a->path + 1)
            return depot_strndup(at, (size_t)(end - at));
        end = --at;
    }
}

/* The same address twice is numbered. */
static char *name_of(const struct top *t, size_t index)
{
    const struct depot_addr *a = &t->endpoints.items[index]->addr;
    for (int part = 1; part <= NAME_PARTS_MAX; part++) {
        char *name = short_name(a, part);
        size_t same = 0;
        for (size_t i = 0; i < t->endpoints.len; i++) {
            char *other = short_name(&t->endpoints.items[i]->addr, part);
            same += i != index && depot_str_eq(name, other);
            depot_free(other);
        }
        if (same == 0)
            return name;
        depot_free(name);
    }
    char *first = short_name(a, 1), *name = depot_asprintf("%s#%zu", first, index + 1);
    depot_free(first);
    return name;
}

static int resolve(
    struct top *t, const struct depot_tui_opts *o, const char *url, struct depot_error *err)
{
    struct depot_endpoint *e = depot_calloc(1, sizeof(*e));
    depot_vec_push(&t->endpoints, e);
    return depot_endpoint_resolve(url, o->token, true, e, err);
}

static int connect_all(struct top *t, const struct depot_tui_opts *o, struct depot_error *err)
{
    const size_t n = o->urls != NULL ? o->urls->len : 0;
    int rc = n == 0 ? resolve(t, o, NULL, err) : 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = resolve(t, o, o->urls->items[i], err);
    for (size_t i = 0; rc == 0 && i < t->endpoints.len; i++) {
        const struct depot_endpoint *e = t->endpoints.items[i];
        const struct depot_feed_opts opts = {.addr = &e->addr, .tls = &e->tls, .token = e->token};
        char *name = n > 1 ? name_of(t, i) : depot_strdup("");
        rc = dp_fleet_connect(dp_screen_fleet(t->screen), t->loop, name, &opts, err);
        depot_free(name);
    }
    return rc;
}

static int open_data(struct top *t, const struct depot_tui_opts *o, struct depot_error *err)
{
    struct fleet *f = dp_screen_fleet(t->screen);
    if (o->from_stdin)
        return dp_fleet_read(f, t->loop, STDIN_FILENO, "", err);
    if (o->replay == NULL)
        return connect_all(t, o, err);
    struct player *p;
    const int rc = dp_player_new(t->loop, dp_fleet_source(f, ""), o->replay, o->speed, &p, err);
    if (rc == 0)
        dp_screen_play(t->screen, p);
    return rc;
}

enum { LOOK_MS = 50 };

/* A stream of one build: show it as soon as it is there, unless the user went elsewhere. */
static void on_look(struct depot_timer *timer, void *arg)
{
    struct top *t = arg;
    struct tui *tui = dp_screen_tui(t->screen);
    const struct fleet *f = dp_screen_fleet(t->screen);
    if (f->builds.len == 0)
        return;
    depot_timer_stop(timer);
    if (f->builds.len == 1 && dp_tui_top(tui)->ops->id == VIEW_FLEET)
        dp_tui_push(tui, VIEW_BUILD, f->builds.items[0]->key);
    dp_screen_touch(t->screen); /* the stream may have ended, and nothing else would */
}

static void open_views(struct top *t, const struct depot_tui_opts *o)
{
    struct tui *tui = dp_screen_tui(t->screen);
    dp_screen_first_views(tui, o->replay != NULL && o->open == NULL);
    if (o->open != NULL)
        dp_tui_open(tui, o->open);
}

static int start(struct top *t, const struct depot_tui_opts *o, struct depot_error *err)
{
    int rc = o->open != NULL ? dp_tui_check_command(o->open, err) : 0;
    if (rc == 0)
        rc = depot_loop_new(&t->loop, err);
    if (rc == 0)
        rc = depot_signal_new(t->loop, SIGINT, on_signal, t, &t->intr, err);
    if (rc == 0)
        rc = depot_signal_new(t->loop, SIGTERM, on_signal, t, &t->term, err);
    if (rc == 0)
        rc = depot_signal_new(t->loop, SIGHUP, on_signal, t, &t->hup, err);
    if (rc == 0)
        rc = dp_screen_new(t->loop, o, &screen_ops, t, &t->screen, err);
    if (rc == 0)
        rc = open_data(t, o, err);
    if (rc != 0)
        return rc;
    open_views(t, o);
    if (o->from_stdin && o->open == NULL) {
        t->look = depot_timer_new(t->loop, on_look, t);
        depot_timer_start(t->look, LOOK_MS, LOOK_MS);
    }
    return dp_screen_start(t->screen, err);
}

int depot_tui_top(const char *program, const struct depot_tui_opts *opts)
{
    struct top t = {.exit_code = DEPOT_EXIT_OK};
    struct depot_error err = {0};
    const int rc = start(&t, opts, &err);
    if (rc == 0)
        depot_loop_run(t.loop);
    dp_screen_free(t.screen);
    depot_timer_free(t.look);
    depot_signal_free(t.intr);
    depot_signal_free(t.term);
    depot_signal_free(t.hup);
    for (size_t i = 0; i < t.endpoints.len; i++) {
        depot_endpoint_release(t.endpoints.items[i]);
        depot_free(t.endpoints.items[i]);
    }
    depot_vec_free(&t.endpoints);
    depot_loop_free(t.loop);
    if (rc != 0) {
        depot_error_print(program, &err);
        return rc == DEPOT_ERR_UNSUPPORTED ? DEPOT_EXIT_USAGE : DEPOT_EXIT_FAILED;
    }
    return t.exit_code;
}
