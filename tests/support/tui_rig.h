/*
 * A dashboard without a terminal: recordings in, keys in, screens out.
 */
#ifndef DEPOT_TESTS_TUI_RIG_H
#define DEPOT_TESTS_TUI_RIG_H

#include <depot/wire.h>

#include "app.h"

#include <stdio.h>
#include <stdlib.h>

struct tui_rig {
    struct fleet *fleet;
    struct fleet_source *source;
    struct keymaps *keys;
    struct style_set styles;
    struct tui *tui;
    depot_time now;   /* of the newest event that was fed */
    depot_time from;  /* of the first */
    depot_time until; /* feed nothing later; 0: all */
    size_t copied;
    bool quit;
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
    if (r->until == 0 || ev->time <= r->until) {
        r->now = ev->time > r->now ? ev->time : r->now;
        dp_fleet_apply(r->source, ev);
        dp_tui_data_changed(r->tui);
    }
    depot_event_release(ev);
    return 0;
}

static int rig_bad_line(const struct depot_error *err, void *arg)
{
    (void)err;
    (void)arg;
    return 0;
}

static void rig_quit(struct tui *t, void *arg)
{
    (void)t;
    ((struct tui_rig *)arg)->quit = true;
}

static void rig_copy(struct tui *t, const void *data, size_t n, void *arg)
{
    (void)t;
    (void)data;
    ((struct tui_rig *)arg)->copied = n;
}

static const struct tui_ops rig_ops = {.quit = rig_quit, .copy = rig_copy};

static inline void rig_open(struct tui_rig *r)
{
    memset(r, 0, sizeof(*r));
    r->fleet = dp_fleet_new(NULL, NULL);
    r->source = dp_fleet_source(r->fleet, "");
    r->keys = dp_keymaps_new();
    dp_style_init(&r->styles, PALETTE_256);
    r->tui = dp_tui_new(r->fleet, r->keys, &r->styles, &rig_ops, r);
    dp_tui_resize(r->tui, 24, 80);
}

/* `seconds` after the recording's begin is the last moment fed; negative: all of it. */
static inline bool rig_feed(struct tui_rig *r, const char *path, double seconds)
{
    size_t n;
    char *data = rig_read(path, &n);
    if (data == NULL)
        return false;
    struct depot_wire_reader *reader = depot_wire_reader_new(rig_event, rig_bad_line, r);
    if (seconds >= 0) { /* the first line tells when it begins */
        struct depot_event ev;
        if (depot_wire_decode(data, strcspn(data, "\n"), &ev, NULL) == 0) {
            r->until = ev.time + (depot_time)(seconds * (double)DEPOT_SEC);
            depot_event_release(&ev);
        }
    }
    const bool ok =
        depot_wire_reader_feed(reader, data, n) == 0 && depot_wire_reader_end(reader) == 0;
    depot_wire_reader_free(reader);
    depot_free(data);
    if (r->until > r->now)
        r->now = r->until;
    return ok;
}

static inline void rig_key(struct tui_rig *r, const char *name)
{
    struct key k;
    if (dp_key_parse(name, &k, NULL) == 0)
        dp_tui_key(r->tui, &k);
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

/* Against DIR/NAME_WxH.screen; UPDATE_GOLDEN=1 writes it anew. NULL: equal, else the screen, which
 * the caller frees. */
static inline char *rig_golden(struct tui_rig *r, const char *dir, const char *name, int h, int w)
{
    struct depot_buf got = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *path = depot_asprintf("%s/%s_%dx%d.screen", dir, name, w, h);
    size_t n = 0;
    rig_screen(r, h, w, &got);
    if (getenv("UPDATE_GOLDEN") != NULL) {
        FILE *f = fopen(path, "wb");
        if (f != NULL) {
            fwrite(got.data, 1, got.len, f);
            fclose(f);
        }
    }
    char *want = rig_read(path, &n);
    const bool same = want != NULL && n == got.len && memcmp(want, got.data, n) == 0;
    depot_free(want);
    depot_free(path);
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
}

#endif
