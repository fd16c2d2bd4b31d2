/*
 * A dashboard without a terminal: recordings in, keys in, screens out.
 */
#ifndef DEPOT_TESTS_TUI_RIG_H
#define DEPOT_TESTS_TUI_RIG_H

#include <depot/wire.h>

#include "tui/app/app.h"
#include "tui/view/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tui_rig {
    struct fleet *fleet;
    struct fleet_source *source;
    struct keymaps *keys;
    struct depot_styles styles;
    struct tui *tui;
    depot_time now;          /* of the newest event that was fed */
    depot_time from;         /* of the first */
    depot_time until;        /* feed nothing later; 0: all */
    int left;                /* events to take yet; below 0: all */
    struct depot_buf copied; /* the newest copy */
    char cancelled[64];      /* the build that was cancelled last */
    bool quit, bad;          /* bad: a line of a recording was not an event */
};

static char *rig_read(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char part[65536];
    size_t got;
    depot_buf_adds(&b, "");
    while ((got = fread(part, 1, sizeof(part), f)) > 0)
        depot_buf_add(&b, part, got);
    fclose(f);
    *n = b.len;
    return depot_buf_detach(&b);
}

static int rig_event(struct depot_event *ev, void *arg)
{
    struct tui_rig *r = arg;
    if (r->from == 0)
        r->from = ev->time;
    if (r->left != 0 && (r->until == 0 || ev->time <= r->until)) {
        r->left -= r->left > 0;
        r->now = ev->time > r->now ? ev->time : r->now;
        dp_fleet_apply(r->source, ev);
        dp_tui_data_changed(r->tui);
    }
    depot_event_release(ev);
    return 0;
}

static int rig_bad_line(const struct depot_error *err, void *arg)
{
    fprintf(stderr, "%s\n", err->msg);
    ((struct tui_rig *)arg)->bad = true;
    return 0;
}

static void rig_quit(struct tui *t, void *arg)
{
    (void)t;
    ((struct tui_rig *)arg)->quit = true;
}

static void rig_copy(struct tui *t, const void *data, size_t n, void *arg)
{
    struct depot_buf *b = &((struct tui_rig *)arg)->copied;
    (void)t;
    depot_buf_clear(b);
    depot_buf_add(b, data, n);
}

static bool rig_cancel(struct fleet_source *s, struct fleet_build *b, void *arg)
{
    struct tui_rig *r = arg;
    (void)s;
    snprintf(r->cancelled, sizeof(r->cancelled), "%s", b->id);
    return true;
}

static const struct tui_ops rig_ops = {.quit = rig_quit, .copy = rig_copy};

/* `ops` get the rig as their argument. */
static inline void rig_open_with(struct tui_rig *r, const struct tui_ops *ops)
{
    memset(r, 0, sizeof(*r));
    r->left = -1;
    r->copied.max = DEPOT_BUF_NO_LIMIT;
    r->fleet = dp_fleet_new(NULL, NULL);
    r->source = dp_fleet_source(r->fleet, "");
    r->source->cancel = rig_cancel;
    r->source->cancel_arg = r;
    r->keys = dp_keymaps_new();
    depot_styles_init(&r->styles, DEPOT_PALETTE_256);
    r->tui = dp_tui_new(r->fleet, dp_views, r->keys, &r->styles, ops, r);
}

static inline void rig_open(struct tui_rig *r)
{
    rig_open_with(r, &rig_ops);
    dp_tui_resize(r->tui, 24, 80);
}

/* Lines of a recording; false: one of them is no event. */
static inline bool rig_feed_text(struct tui_rig *r, const char *data, size_t n)
{
    struct depot_wire_reader *reader = depot_wire_reader_new(rig_event, rig_bad_line, r);
    const bool ok =
        depot_wire_reader_feed(reader, data, n) == 0 && depot_wire_reader_end(reader) == 0;
    depot_wire_reader_free(reader);
    return ok && !r->bad;
}

/* `seconds` after the recording's begin is the last moment fed; negative: all of it. */
static inline bool rig_feed(struct tui_rig *r, const char *path, double seconds)
{
    size_t n;
    char *data = rig_read(path, &n);
    if (data == NULL)
        return false;
    if (seconds >= 0) { /* the first line tells when it begins */
        struct depot_event ev;
        if (depot_wire_decode(data, strcspn(data, "\n"), &ev, NULL) == 0) {
            r->until = ev.time + (depot_time)(seconds * (double)DEPOT_SEC);
            depot_event_release(&ev);
        }
    }
    const bool ok = rig_feed_text(r, data, n);
    depot_free(data);
    if (r->until > r->now)
        r->now = r->until;
    return ok;
}

/* Pressed by somebody who saw the screen, and waits for what it does. */
static inline void rig_key(struct tui_rig *r, const char *name)
{
    struct key k;
    if (dp_key_parse(name, &k, NULL) != 0)
        return;
    dp_tui_frame(r->tui, r->now);
    dp_tui_key(r->tui, &k);
    for (int i = 0; i < 1000 && dp_tui_work(r->tui); i++)
        ;
}

/* Names of keys, blanks between them. */
static inline void rig_keys(struct tui_rig *r, const char *names)
{
    struct depot_strv v = {0};
    depot_strv_split(&v, names, ' ');
    for (size_t i = 0; i < v.len; i++)
        rig_key(r, v.items[i]);
    depot_strv_release(&v);
}

static inline void rig_screen(struct tui_rig *r, int h, int w, struct depot_buf *out)
{
    dp_tui_resize(r->tui, h, w);
    dp_grid_text(dp_tui_frame(r->tui, r->now), out);
}

static inline bool rig_write(const char *path, const struct depot_buf *b)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return false;
    const bool ok = fwrite(b->data, 1, b->len, f) == b->len;
    return fclose(f) == 0 && ok;
}

/* Whether a file holds just this; UPDATE_GOLDEN=1 writes it anew. */
static inline bool rig_same(const char *path, const struct depot_buf *got)
{
    size_t n = 0;
    if (getenv("UPDATE_GOLDEN") != NULL && !rig_write(path, got))
        return false;
    char *want = rig_read(path, &n);
    const bool same = want != NULL && n == got->len && memcmp(want, got->data, n) == 0;
    depot_free(want);
    return same;
}

/* The screen in colours to ANSI_DIR/NAME.ansi, for pictures, when that is set. */
static inline void rig_ansi(struct tui_rig *r, const char *name)
{
    if (getenv("ANSI_DIR") == NULL)
        return;
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *path = depot_asprintf("%s/%s.ansi", getenv("ANSI_DIR"), name);
    dp_grid_ansi(dp_tui_frame(r->tui, r->now), &r->styles, &out);
    (void)rig_write(path, &out);
    depot_free(path);
    depot_buf_release(&out);
}

/* Against DIR/NAME_WxH.screen; UPDATE_GOLDEN=1 writes it anew. NULL: equal, else the screen, which
 * the caller frees. */
static inline char *rig_golden(struct tui_rig *r, const char *dir, const char *name, int h, int w)
{
    struct depot_buf got = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *sized = depot_asprintf("%s_%dx%d", name, w, h);
    char *path = depot_asprintf("%s/%s.screen", dir, sized);
    rig_screen(r, h, w, &got);
    const bool same = rig_same(path, &got);
    rig_ansi(r, sized);
    depot_free(path);
    depot_free(sized);
    if (!same)
        return depot_buf_detach(&got);
    depot_buf_release(&got);
    return NULL;
}

static inline void rig_close(struct tui_rig *r)
{
    dp_tui_free(r->tui);
    dp_fleet_free(r->fleet);
    dp_keymaps_free(r->keys);
    depot_buf_release(&r->copied);
}

#endif
