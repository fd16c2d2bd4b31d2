/*
 * The build view: screens of recorded builds, whole and half done, against the .screen files of
 * tests/golden/tui_build. UPDATE_GOLDEN=1 writes those anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <locale.h>
#include <time.h>

#include <depot/wire.h>

#include "app.h"
#include "view_build_priv.h"
#include "view_step.h"

#define GOLDEN TEST_SOURCE_DIR "/golden/tui_build/"

struct rig {
    struct fleet *fleet;
    struct fleet_source *source;
    struct keymaps *keys;
    struct style_set styles;
    struct tui *tui;
    depot_time now;
    int64_t until; /* ns after the first event that are taken; 0: all */
    depot_time first;
    struct depot_buf copied;
};

static int on_event(struct depot_event *ev, void *arg)
{
    struct rig *r = arg;
    if (r->first == 0)
        r->first = ev->time;
    if (r->until == 0 || ev->time - r->first <= r->until) {
        dp_fleet_apply(r->source, ev);
        r->now = ev->time > r->now ? ev->time : r->now;
    }
    depot_event_release(ev);
    return 0;
}

static int on_bad(const struct depot_error *err, void *arg)
{
    (void)arg;
    fail_msg("%s", err->msg);
    return -1;
}

static void feed(struct rig *r, const char *data, size_t n)
{
    struct depot_wire_reader *reader = depot_wire_reader_new(on_event, on_bad, r);
    assert_int_equal(depot_wire_reader_feed(reader, data, n), 0);
    assert_int_equal(depot_wire_reader_end(reader), 0);
    depot_wire_reader_free(reader);
}

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char piece[4096];
    for (size_t got; (got = fread(piece, 1, sizeof(piece), f)) > 0;)
        depot_buf_add(&b, piece, got);
    fclose(f);
    *n = b.len;
    depot_buf_adds(&b, "");
    return depot_buf_detach(&b);
}

static void on_copy(struct tui *t, const void *data, size_t n, void *arg)
{
    struct rig *r = arg;
    (void)t;
    depot_buf_clear(&r->copied);
    depot_buf_add(&r->copied, data, n);
}

static void rig_make(struct rig *r)
{
    static const struct tui_ops ops = {.copy = on_copy};
    memset(r, 0, sizeof(*r));
    r->copied.max = DEPOT_BUF_NO_LIMIT;
    r->fleet = dp_fleet_new(NULL, NULL);
    r->source = dp_fleet_source(r->fleet, "");
    r->keys = dp_keymaps_new();
    dp_style_init(&r->styles, PALETTE_256);
    r->tui = dp_tui_new(r->fleet, r->keys, &r->styles, &ops, r);
}

/* `ms` of the recording; 0: all of it. */
static void rig_open(struct rig *r, const char *recording, int ms)
{
    rig_make(r);
    r->until = ms * DEPOT_MSEC;
    char *path = depot_asprintf(GOLDEN "%s.ndjson", recording);
    size_t n;
    char *data = read_file(path, &n);
    assert_non_null(data);
    feed(r, data, n);
    if (ms > 0)
        r->now = r->first + r->until;
    depot_free(data);
    depot_free(path);
    dp_fleet_settle(r->fleet);
}

static void rig_close(struct rig *r)
{
    dp_tui_free(r->tui);
    dp_fleet_free(r->fleet);
    dp_keymaps_free(r->keys);
    depot_buf_release(&r->copied);
}

static void keys(struct rig *r, const char *text)
{
    struct depot_strv names = {0};
    struct depot_error err = {0};
    depot_strv_split(&names, text, ' ');
    for (size_t i = 0; i < names.len; i++) {
        struct key k;
        if (names.items[i][0] == '\0')
            continue;
        dp_tui_frame(r->tui, r->now);
        assert_int_equal(dp_key_parse(names.items[i], &k, &err), 0);
        dp_tui_key(r->tui, &k);
    }
    depot_strv_release(&names);
}

static void show(struct rig *r, int h, int w)
{
    dp_tui_resize(r->tui, h, w);
    dp_tui_push(r->tui, &view_build, r->fleet->builds.items[0]->id);
    assert_ptr_equal(dp_tui_top(r->tui)->ops, &view_build);
    dp_tui_frame(r->tui, r->now);
}

static void write_ansi(const struct rig *r, const struct grid *g, const char *dir, const char *name)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *path = depot_asprintf("%s/%s.ansi", dir, name);
    FILE *f = fopen(path, "wb");
    dp_grid_ansi(g, &r->styles, &out);
    fwrite(out.data, 1, out.len, f);
    fclose(f);
    depot_free(path);
    depot_buf_release(&out);
}

static void expect_screen(struct rig *r, const char *name)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *path = depot_asprintf(GOLDEN "%s.screen", name);
    const struct grid *g = dp_tui_frame(r->tui, r->now);
    const char *dir = getenv("ANSI_DIR"); /* for pictures */
    size_t n;
    dp_grid_text(g, &out);
    char *want = read_file(path, &n);
    if (dir != NULL)
        write_ansi(r, g, dir, name);
    if (getenv("UPDATE_GOLDEN") != NULL) {
        FILE *f = fopen(path, "wb");
        fwrite(out.data, 1, out.len, f);
        fclose(f);
    } else if (want == NULL || n != out.len || memcmp(want, out.data, n) != 0) {
        fail_msg("%s differs; now:\n%s", path, out.data);
    }
    depot_free(want);
    depot_free(path);
    depot_buf_release(&out);
}

static void test_view_build__draws_recorded_builds(void **state)
{
    static const struct {
        const char *name, *recording;
        int ms; /* 0: all */
        int h, w;
        const char *keys;
    } rows[] = {
        {"shop_start_80x24", "shop", 400, 24, 80, ""},
        {"shop_mid_80x24", "shop", 5000, 24, 80, ""},
        {"shop_mid_120x40", "shop", 5000, 40, 120, ""},
        {"shop_mid_200x50", "shop", 5000, 50, 200, ""},
        {"shop_mid_60x12", "shop", 5000, 12, 60, ""},
        {"shop_mid_40x8", "shop", 5000, 8, 40, ""},
        {"shop_late_80x24", "shop", 9500, 24, 80, ""},
        {"shop_late_200x50", "shop", 9500, 50, 200, ""},
        {"shop_80x24", "shop", 0, 24, 80, ""},
        {"shop_120x40", "shop", 0, 40, 120, ""},
        {"shop_200x50", "shop", 0, 50, 200, ""},
        {"shop_folded_80x24", "shop", 0, 24, 80, "-"},
        {"shop_related_200x50", "shop", 0, 50, 200, "/ p r o t o Enter"},
        {"shop_critical_200x50", "shop", 0, 50, 200, "c"},
        {"shop_misses_120x40", "shop", 0, 40, 120, "m"},
        {"shop_time_80x24", "shop", 0, 24, 80, "2"},
        {"shop_time_120x40", "shop", 0, 40, 120, "2"},
        {"shop_time_200x50", "shop", 0, 50, 200, "2"},
        {"shop_flat_80x24", "shop", 0, 24, 80, "3"},
        {"shop_flat_120x40", "shop", 5000, 40, 120, "3"},
        {"shop_flat_200x50", "shop", 0, 50, 200, "3"},
        {"shop_internal_200x50", "shop", 0, 50, 200, "i"},
        {"fail_80x24", "fail", 0, 24, 80, ""},
        {"fail_120x40", "fail", 0, 40, 120, ""},
        {"fail_200x50", "fail", 0, 50, 200, ""},
        {"link_80x24", "link", 0, 24, 80, ""},
        {"link_200x50", "link", 0, 50, 200, "Down"},
        {"hello_80x24", "hello", 0, 24, 80, ""},
        {"hello_200x50", "hello", 900, 50, 200, ""},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct rig r;
        rig_open(&r, rows[i].recording, rows[i].ms);
        show(&r, rows[i].h, rows[i].w);
        keys(&r, rows[i].keys);
        expect_screen(&r, rows[i].name);
        rig_close(&r);
    }
}

static void test_view_build__draws_ascii(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r, "shop", 5000);
    dp_tui_set_ascii(r.tui, true);
    show(&r, 24, 80);
    expect_screen(&r, "ascii_80x24");
    dp_tui_resize(r.tui, 50, 200);
    expect_screen(&r, "ascii_200x50");
    rig_close(&r);
}

static int set_up(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    if (setlocale(LC_ALL, "C.UTF-8") == NULL)
        setlocale(LC_ALL, "en_US.UTF-8");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_build__draws_recorded_builds),
        cmocka_unit_test(test_view_build__draws_ascii),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
