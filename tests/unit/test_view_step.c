/*
 * The step view: log lines as cells, sliced search, and screens of recorded builds against
 * the .screen files of
 * tests/golden/tui_step. UPDATE_GOLDEN=1 writes those anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <locale.h>
#include <sys/stat.h>
#include <time.h>

#include <depot/wire.h>

#include "tui/log/pager.h"
#include "tui_rig.h"
#include "tui/view/step/step_priv.h"

#define GOLDEN TEST_SOURCE_DIR "/golden/tui_step/"

/* ---- lines ---- */

static char *line_text(const char *data, size_t n, struct log_cells *cells)
{
    struct log_text t = {0};
    dp_log_line_decode(cells, data, n, true);
    dp_log_cells_text(cells, 0, cells->cells.len, &t);
    char *s = depot_strdup(depot_buf_str(&t.text));
    dp_log_text_release(&t);
    return s;
}

static void test_log_line__shows_what_a_terminal_without_cursor_would(void **state)
{
    static const struct {
        const char *data, *text;
    } rows[] = {
        {"plain", "plain"},
        {"", ""},
        {"a\tb", "a       b"},
        {"12345678\tb", "12345678        b"},
        {"10%\r55%\r100%", "100%"},
        {"overwritten\rshort", "shortritten"},
        {"overwritten\rshort\033[K", "short"},
        {"gone\033[2K\rnew", "new"},
        {"back\b\b\b\bBACK", "BACK"},
        {"\b\bx", "x"},
        {"abc\033[1Gx", "xbc"},
        {"abc\033[99Gx", "abcx"},
        {"\033[31mred\033[0m", "red"},
        {"a\033[2Jb\033[Hc\033[10;10Hd\033[5Ae", "abcde"},
        {"a\033]0;title\007b\033]8;;x\033\\c", "abc"},
        {"a\033]0;never closed", "a0;never closed"},
        {"a\033P+q\033\\b\033^x\033\\c", "abc"},
        {"a\033[?1049hb\033[?25lc", "abc"},
        {"a\033(Bb\033=c\0337d", "abcd"},
        {"a\033[38;5", "a"},
        {"a\033", "a"},
        {"a\033[3\033[31mb", "ab"},
        {"\342\200\256rtl\342\200\254 a\342\200\213b", "rtl ab"},
        {"\377\376x\303(", "??x?("},
        {"\342\202", "?"},
        {"e\314\201", "e\314\201"},
        {"\346\227\245\346\234\254", "\346\227\245\346\234\254"},
        {"\346\227\245\rx", "x "},
        {"a\007\013\014\016\177b", "ab"},
        {"\302\233"
         "31mx",
            "31mx"},
    };
    struct log_cells cells = {0};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *s = line_text(rows[i].data, strlen(rows[i].data), &cells);
        assert_string_equal(s, rows[i].text);
        depot_free(s);
    }
    char *s = line_text("a\0b", 3, &cells);
    assert_string_equal(s, "ab");
    depot_free(s);
    dp_log_cells_release(&cells);
}

static void test_log_line__takes_colours_and_nothing_that_hides(void **state)
{
    static const struct {
        const char *data;
        uint32_t style;
    } rows[] = {
        {"x", DEPOT_STYLE_TEXT},
        {"\033[31mx", DEPOT_STYLE_TEXT | DEPOT_STYLE_FG(1)},
        {"\033[1;4;31mx",
            DEPOT_STYLE_TEXT | DEPOT_ATTR_BOLD | DEPOT_ATTR_UNDERLINE | DEPOT_STYLE_FG(1)},
        {"\033[1;31m\033[mx", DEPOT_STYLE_TEXT},
        {"\033[1m\033[22mx", DEPOT_STYLE_TEXT},
        {"\033[91;103mx", DEPOT_STYLE_TEXT | DEPOT_STYLE_FG(9) | DEPOT_STYLE_BG(11)},
        {"\033[38;5;208mx", DEPOT_STYLE_TEXT | DEPOT_STYLE_FG(208)},
        {"\033[38;5;208;1mx", DEPOT_STYLE_TEXT | DEPOT_STYLE_FG(208) | DEPOT_ATTR_BOLD},
        {"\033[38;2;255;0;0mx", DEPOT_STYLE_TEXT | DEPOT_STYLE_FG(196)},
        {"\033[38:2::255:0:0mx", DEPOT_STYLE_TEXT | DEPOT_STYLE_FG(196)},
        {"\033[38;2;128;128;128mx", DEPOT_STYLE_TEXT | DEPOT_STYLE_FG(244)},
        {"\033[38mx", DEPOT_STYLE_TEXT},
        {"\033[48;5mx", DEPOT_STYLE_TEXT},
        {"\033[30;40mx", DEPOT_STYLE_TEXT | DEPOT_STYLE_BG(0)},
        {"\033[8mx", DEPOT_STYLE_TEXT},
        {"\033[5mx", DEPOT_STYLE_TEXT},
        {"\033[4:3mx", DEPOT_STYLE_TEXT | DEPOT_ATTR_UNDERLINE},
        {"\033[31m\033[39mx", DEPOT_STYLE_TEXT},
        {"\033[?31mx", DEPOT_STYLE_TEXT},
        {"\033[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1mx",
            DEPOT_STYLE_TEXT},
    };
    struct log_cells cells = {0};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        dp_log_line_decode(&cells, rows[i].data, strlen(rows[i].data), true);
        assert_int_equal(cells.cells.len, 1);
        assert_int_equal(cells.cells.items[0].style, rows[i].style);
        dp_log_line_decode(&cells, rows[i].data, strlen(rows[i].data), false);
        assert_int_equal(cells.cells.items[0].style, DEPOT_STYLE_TEXT);
    }
    dp_log_cells_release(&cells);
}

/* Any bytes at all: no crash, no control character, and cells as a grid has them. */
static void test_log_line__survives_noise(void **state)
{
    struct log_cells cells = {0};
    unsigned seed = 7;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        static const char likely[] = "\033[];:m?KG\r\b\t\x9b\xe2\x80\xae\xe6\x97\xa5 0123a";
        char data[64];
        size_t n = 0;
        for (; n < sizeof(data); n++) {
            seed = seed * 1103515245u + 12345u;
            const unsigned r = seed >> 16;
            data[n] = r % 8 == 0 ? (char)(r >> 3) : likely[r / 8 % (sizeof(likely) - 1)];
        }
        dp_log_line_decode(&cells, data, n, true);
        for (size_t i = 0; i < cells.cells.len; i++) {
            const struct depot_cell *c = &cells.cells.items[i];
            if (c->width == 0)
                assert_true(i > 0 && c[-1].width == 2 && c->ch == 0);
            else
                assert_true(
                    c->ch >= 0x20 && c->ch != 0x7f && depot_text_width_of(c->ch) == (int)c->width);
        }
    }
    dp_log_cells_release(&cells);
}

static void test_log_line__bounds_what_erasing_costs(void **state)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct log_cells cells = {0};
    (void)state;
    for (int i = 0; i < 32 * 1024; i++)
        depot_buf_addc(&b, 'x');
    for (int i = 0; i < 8 * 1024; i++)
        depot_buf_adds(&b, "\033[1K");
    const uint64_t before = depot_mono_ms();
    dp_log_line_decode(&cells, b.data, b.len, true);
    assert_true(depot_mono_ms() - before < 2000);
    depot_buf_release(&b);
    dp_log_cells_release(&cells);
}

/* ---- search ---- */

static void append(struct logstore *l, const char *s)
{
    dp_logstore_append(l, s, strlen(s), 1, DEPOT_SEC);
}

static void finish(struct log_search *s)
{
    for (int i = 0; dp_log_search_work(s, 1); i++)
        assert_true(i < 1000000);
}

static void test_log_search__finds_lines(void **state)
{
    static const struct {
        const char *pattern;
        uint64_t found;
        int first;
    } rows[] = {
        {"error", 3, 1},
        {"Error", 1, 3},
        {"err.r", 3, 1},
        {"^an", 2, 1},
        {"[0-9]{3}", 1, 4},
        {"an? ?other", 1, 4},
        {"^red", 1, 5},
        {"nothing like it", 0, -1},
        {"\303\251", 1, 6},
        {"last", 1, 7},
        {"$", 8, 0},
    };
    struct spill *spill = dp_spill_new();
    struct logstore *l = dp_logstore_new(spill);
    struct depot_error err = {0};
    (void)state;
    append(l,
        "first\nan error\nno\nError\nanother error 404\n\033[31mr\033[1med\033[0m\n\303\251\nlast");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        for (uint64_t anchor = 0; anchor < 8; anchor += 3) {
            struct log_search s;
            uint64_t at = 99;
            dp_log_search_init(&s);
            dp_log_search_store(&s, l, 0);
            assert_int_equal(dp_log_search_set(&s, rows[i].pattern, anchor, &err), 0);
            finish(&s);
            assert_int_equal(s.found, rows[i].found);
            const bool any = dp_log_search_hit(&s, 0) || dp_log_search_next(&s, 0, false, &at);
            if (dp_log_search_hit(&s, 0))
                at = 0;
            assert_int_equal(any, rows[i].first >= 0);
            if (any)
                assert_int_equal(at, rows[i].first);
            dp_log_search_release(&s);
        }
    }
    struct log_search s;
    dp_log_search_init(&s);
    assert_int_equal(dp_log_search_set(&s, "[", 0, &err), DEPOT_ERR_INVALID);
    dp_log_search_release(&s);
    dp_logstore_free(l);
    dp_spill_free(spill);
}

static void test_log_search__keeps_up_with_a_growing_log(void **state)
{
    struct spill *spill = dp_spill_new();
    struct logstore *l = dp_logstore_new(spill);
    struct log_search s;
    struct depot_error err = {0};
    (void)state;
    append(l, "one\ntwo er");
    dp_log_search_init(&s);
    dp_log_search_store(&s, l, 0);
    assert_int_equal(dp_log_search_set(&s, "error", 0, &err), 0);
    finish(&s);
    assert_int_equal(s.found, 0);
    append(l, "ror\nthree");
    finish(&s);
    assert_int_equal(s.found, 1);
    assert_true(dp_log_search_hit(&s, 1));
    append(l, " error\n");
    finish(&s);
    assert_int_equal(s.found, 2);
    assert_false(dp_log_search_busy(&s));
    dp_log_search_release(&s);
    dp_logstore_free(l);
    dp_spill_free(spill);
}

static void test_log_search__counts_ranks_over_many_lines(void **state)
{
    struct spill *spill = dp_spill_new();
    struct logstore *l = dp_logstore_new(spill);
    struct log_search s;
    struct depot_error err = {0};
    uint64_t at = 0, n = 0;
    (void)state;
    for (int i = 0; i < 50000; i++) {
        char line[64];
        snprintf(line, sizeof(line), "line %d%s\n", i, i % 7000 == 6999 ? " needle" : "");
        append(l, line);
    }
    dp_log_search_init(&s);
    dp_log_search_store(&s, l, 0);
    assert_int_equal(dp_log_search_set(&s, "needle", 30000, &err), 0);
    finish(&s);
    assert_int_equal(s.found, 7);
    for (; dp_log_search_next(&s, at, false, &at); n++) {
        assert_int_equal(at % 7000, 6999);
        assert_int_equal(dp_log_search_rank(&s, at), n);
    }
    assert_int_equal(n, 7);
    for (at = 50000; dp_log_search_next(&s, at, true, &at); n--)
        assert_int_equal(dp_log_search_rank(&s, at), n - 1);
    assert_int_equal(n, 0);
    assert_true(dp_log_search_any(&s, 6990, 7000));
    assert_false(dp_log_search_any(&s, 7000, 13999));
    dp_log_search_release(&s);
    dp_logstore_free(l);
    dp_spill_free(spill);
}

/* ---- the pager ---- */

static void test_pager__tells_what_the_engine_cut(void **state)
{
    static const struct {
        const char *note, *says;
    } rows[] = {
        {"[output clipped, log limit 2MiB reached]\n", "the engine kept 2.1MB of it"},
        {"[output clipped, log limit 200KiB/s reached]\n", "faster than 205kB/s"},
        {"[output clipped, log limit ? reached]\n", "clipped by the engine"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct spill *spill = dp_spill_new();
        struct logstore *l = dp_logstore_new(spill);
        struct log_pager p;
        struct grid g;
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        append(l, "a line\n");
        append(l, rows[i].note);
        dp_grid_init(&g);
        dp_grid_resize(&g, 5, 120);
        const struct canvas all = dp_canvas_of(&g), text = dp_canvas_sub(&all, 1, 0, 4, 120);
        dp_pager_init(&p);
        dp_pager_set_log(&p, l, 0);
        dp_pager_draw(&p, &text, 1);
        dp_pager_status(&p, &all, 0);
        dp_grid_text(&g, &out);
        assert_non_null(strstr(out.data, rows[i].says));
        assert_int_equal(
            DEPOT_STYLE_ID(dp_grid_cell(&g, 2, p.w > 80 ? 10 : 4)->style), DEPOT_STYLE_WARN);
        depot_buf_release(&out);
        dp_grid_release(&g);
        dp_pager_release(&p);
        dp_logstore_free(l);
        dp_spill_free(spill);
    }
}

static void test_pager__moves_by_rows_and_holds_at_the_ends(void **state)
{
    struct spill *spill = dp_spill_new();
    struct logstore *l = dp_logstore_new(spill);
    struct log_pager p;
    struct grid g;
    (void)state;
    for (int i = 0; i < 30; i++)
        append(l, "0123456789012345678901234567890123456789\n");
    dp_grid_init(&g);
    dp_grid_resize(&g, 10, 24);
    const struct canvas c = dp_canvas_of(&g);
    dp_pager_init(&p);
    dp_pager_set_log(&p, l, 0);
    static const struct {
        enum action action;
        uint64_t line;
        size_t row;
    } rows[] = {
        {ACTION_NONE, 20, 0},
        {ACTION_DOWN, 20, 0},
        {ACTION_UP, 19, 0},
        {ACTION_DOWN, 20, 0},
        {ACTION_PAGE_UP, 11, 0},
        {ACTION_TOP, 0, 0},
        {ACTION_UP, 0, 0},
        {ACTION_WRAP, 0, 0},
        {ACTION_DOWN, 0, 1},
        {ACTION_DOWN, 1, 0},
        {ACTION_PAGE_DOWN, 5, 1},
        {ACTION_UP, 5, 0},
        {ACTION_BOTTOM, 25, 0},
        {ACTION_HALF_UP, 22, 1},
        {ACTION_WRAP, 20, 0},
        {ACTION_WHEEL_UP, 17, 0},
        {ACTION_FOLLOW, 20, 0},
    };
    dp_pager_draw(&p, &c, 1);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        if (rows[i].action != ACTION_NONE)
            assert_true(dp_pager_action(&p, rows[i].action, 0));
        dp_pager_draw(&p, &c, 1);
        if (p.top.line != rows[i].line || p.top.row != rows[i].row)
            fail_msg("row %zu: %d.%d", i, (int)p.top.line, (int)p.top.row);
    }
    dp_grid_release(&g);
    dp_pager_release(&p);
    dp_logstore_free(l);
    dp_spill_free(spill);
}

static void test_pager__shows_the_newest_of_a_huge_progress_line(void **state)
{
    struct spill *spill = dp_spill_new();
    struct logstore *l = dp_logstore_new(spill);
    struct log_pager p;
    struct grid g;
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    dp_grid_init(&g);
    dp_grid_resize(&g, 4, 80);
    const struct canvas c = dp_canvas_of(&g);
    dp_pager_init(&p);
    dp_pager_set_log(&p, l, 0);
    for (int i = 0; i <= 20000; i++) {
        char text[32];
        snprintf(text, sizeof(text), "\r%d of 20000", i);
        append(l, text);
        if (i % 5000 == 0)
            dp_pager_draw(&p, &c, 1);
    }
    for (int end = 0; end < 2; end++) {
        dp_grid_clear(&g);
        dp_pager_draw(&p, &c, 1);
        depot_buf_clear(&out);
        dp_grid_text(&g, &out);
        assert_non_null(strstr(out.data, "20000 of 20000"));
        append(l, "\n");
    }
    depot_buf_release(&out);
    dp_grid_release(&g);
    dp_pager_release(&p);
    dp_logstore_free(l);
    dp_spill_free(spill);
}

/* ---- screens ---- */

static struct depot_buf piped; /* the newest command and what it was given */

static void feed(struct tui_rig *r, const char *data, size_t n)
{
    assert_true(rig_feed_text(r, data, n));
}

static void on_run(
    struct tui *t, const char *command, dp_tui_feed_fn *fn, void *feed_arg, void *arg)
{
    char path[] = "/tmp/test_view_step.XXXXXX";
    const int fd = mkstemp(path);
    size_t n;
    (void)t;
    (void)arg;
    assert_true(fd >= 0);
    fn(fd, feed_arg);
    close(fd);
    char *data = rig_read(path, &n);
    unlink(path);
    depot_buf_clear(&piped);
    depot_buf_adds(&piped, command);
    depot_buf_addc(&piped, '|');
    depot_buf_add(&piped, data, n);
    depot_free(data);
}

/* So many events of the recording; 0: all of it. */
static void open_rig(struct tui_rig *r, const char *recording, int events)
{
    static const struct tui_ops ops = {.copy = rig_copy, .run = on_run};
    rig_open_with(r, &ops);
    piped.max = DEPOT_BUF_NO_LIMIT;
    if (recording != NULL) {
        char *path = depot_asprintf(GOLDEN "%s.ndjson", recording);
        r->left = events > 0 ? events : -1;
        assert_true(rig_feed(r, path, -1));
        r->left = -1;
        depot_free(path);
    }
    dp_fleet_derive(r->fleet);
}

/* "linux/arm64 deps 1": the step on that platform, of that stage with that ordinal, or whose name
 * holds what stands behind the platform. */
static const struct depot_step *step_by(const struct tui_rig *r, const char *what)
{
    const struct depot_build *b = r->fleet->builds.items[0]->state;
    for (size_t i = 0; i < b->steps.len; i++) {
        const struct depot_step *s = b->steps.items[i];
        char *name =
            depot_asprintf("%s %s %d %s", s->platform, s->parsed.stage, s->parsed.ordinal, s->name);
        const bool found = strstr(name, what) != NULL;
        depot_free(name);
        if (found)
            return s;
    }
    fail_msg("no step \"%s\"", what);
    return NULL;
}

static void show(struct tui_rig *r, const char *step, int h, int w)
{
    dp_tui_resize(r->tui, h, w);
    dp_tui_push_step(r->tui, VIEW_STEP, r->fleet->builds.items[0], step_by(r, step));
    assert_int_equal(dp_tui_top(r->tui)->ops->id, VIEW_STEP);
    dp_tui_frame(r->tui, r->now);
}

/* Without the title and the keys, which are the core's. */
static void body_only(struct depot_buf *b)
{
    const char *nl = strchr(b->data, '\n');
    depot_buf_consume(b, (size_t)(nl - b->data) + 1);
    size_t n = b->len - 1;
    while (n > 0 && b->data[n - 1] != '\n')
        n--;
    depot_buf_truncate(b, n);
}

static void expect_screen(struct tui_rig *r, const char *name)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *path = depot_asprintf(GOLDEN "%s.screen", name);
    dp_grid_text(dp_tui_frame(r->tui, r->now), &out);
    body_only(&out);
    if (!rig_same(path, &out))
        fail_msg("%s differs; now:\n%s", path, out.data);
    rig_ansi(r, name);
    depot_free(path);
    depot_buf_release(&out);
}

static void test_view_step__draws_recorded_builds(void **state)
{
    static const struct {
        const char *name, *recording;
        int events; /* 0: all */
        const char *step;
        int h, w;
        const char *keys;
    } rows[] = {
        {"done_80x24", "twin", 0, "linux/arm64 deps 1", 24, 80, ""},
        {"done_120x40", "twin", 0, "linux/arm64 deps 1", 40, 120, ""},
        {"done_200x50", "twin", 0, "linux/arm64 deps 1", 50, 200, ""},
        {"done_40x8", "twin", 0, "linux/arm64 deps 1", 8, 40, ""},
        {"running_80x24", "twin", 60, "linux/arm64 deps 1", 24, 80, ""},
        {"running_200x50", "twin", 60, "linux/arm64 deps 1", 50, 200, ""},
        {"waiting_80x24", "twin", 60, "linux/arm64 final 4", 24, 80, ""},
        {"waiting_200x50", "twin", 60, "linux/arm64 final 4", 50, 200, ""},
        {"search_80x24", "twin", 0, "linux/arm64 deps 1", 24, 80, "/ w a r n Enter n n"},
        {"search_200x50", "twin", 0, "linux/arm64 deps 1", 50, 200, "/ w a r n Enter n n"},
        {"wrap_clock_80x24", "twin", 0, "linux/arm64 deps 1", 24, 80, "w t"},
        {"links_80x24", "twin", 0, "linux/amd64 base 2", 24, 80, "o o"},
        {"base_200x50", "twin", 0, "linux/amd64 base 2", 50, 200, "o o"},
        {"context_80x24", "twin", 0, "load build context", 24, 80, ""},
        {"context_200x50", "twin", 0, "load build context", 50, 200, ""},
        {"zoom_80x24", "twin", 0, "linux/arm64 deps 1", 24, 80, "z t t g"},
        {"fail_80x24", "fail", 0, "build 2", 24, 80, ""},
        {"fail_120x40", "fail", 0, "build 2", 40, 120, ""},
        {"fail_200x50", "fail", 0, "build 2", 50, 200, ""},
        {"hostile_80x24", "hostile", 0, "torture 2", 24, 80, "g"},
        {"hostile_120x40", "hostile", 0, "torture 2", 40, 120, "g w"},
        {"hostile_200x50", "hostile", 0, "torture 2", 50, 200, "g"},
        {"hostile_end_120x40", "hostile", 0, "torture 2", 40, 120, "w G"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct tui_rig r;
        open_rig(&r, rows[i].recording, rows[i].events);
        show(&r, rows[i].step, rows[i].h, rows[i].w);
        rig_keys(&r, rows[i].keys);
        expect_screen(&r, rows[i].name);
        rig_close(&r);
    }
}

static void test_view_step__counts_the_files_of_the_context(void **state)
{
    static const struct {
        int64_t files;
        const char *says;
    } rows[] = {{0, " 0 files "}, {1, " 1 file "}, {2, " 2 files "}};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct tui_rig r;
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        open_rig(&r, "twin", 0);
        step_by(&r, "load build context")->part->context.files = rows[i].files;
        show(&r, "load build context", 24, 80);
        rig_screen(&r, 24, 80, &out);
        assert_non_null(strstr(depot_buf_str(&out), rows[i].says));
        depot_buf_release(&out);
        rig_close(&r);
    }
}

static void test_view_step__draws_ascii(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, "twin", 0);
    dp_tui_set_ascii(r.tui, true);
    show(&r, "linux/arm64 deps 1", 24, 80);
    expect_screen(&r, "ascii_80x24");
    rig_close(&r);
}

/* What no build of busybox makes: a pull, a clipped log, a warning, a step that waits in a queue.
 */
static void test_view_step__draws_what_is_rare(void **state)
{
#define HEAD(seq, at)                                                                              \
    "{\"v\":1,\"seq\":" seq ",\"time\":\"2026-01-02T03:04:" at "Z\",\"build\":\"b7k2q9\","         \
    "\"type\":"
    static const char events[] =
        HEAD("1", "05") "\"build.created\",\"project\":\"web\",\"platforms\":[\"linux/"
                        "amd64\"],\"user\":\"ann\"}\n" HEAD("2",
                            "05") "\"build.assigned\",\"platform\":\"linux/"
                                  "amd64\",\"builder\":\"a\"}\n" HEAD("3",
                                      "12") "\"build.status\",\"platform\":\"linux/"
                                            "amd64\",\"builder\":\"a\",\"status\":{"
                                            "\"vertexes\":["
                                            "{\"digest\":\"sha256:aa\",\"name\":\"[1/2] FROM "
                                            "docker.io/library/node:22-alpine@sha256:1f2e\","
                                            "\"started\":\"2026-01-02T03:04:06Z\"},"
                                            "{\"digest\":\"sha256:bb\",\"inputs\":[\"sha256:aa\"],"
                                            "\"name\":\"[2/2] RUN make noise\","
                                            "\"started\":\"2026-01-02T03:04:08Z\"}],"
                                            "\"statuses\":["
                                            "{\"id\":\"sha256:"
                                            "0123456789abcdef0123456789abcdef0123456789abcdef012345"
                                            "6789abcdef\","
                                            "\"vertex\":\"sha256:aa\",\"total\":50000000,"
                                            "\"current\":12600000,"
                                            "\"timestamp\":\"2026-01-02T03:04:08Z\",\"started\":"
                                            "\"2026-01-02T03:04:07Z\"},"
                                            "{\"id\":\"sha256:"
                                            "ff23456789abcdef0123456789abcdef0123456789abcdef012345"
                                            "6789abcdef\","
                                            "\"vertex\":\"sha256:aa\",\"total\":3400000,"
                                            "\"current\":3400000,"
                                            "\"timestamp\":\"2026-01-02T03:04:08Z\",\"started\":"
                                            "\"2026-01-02T03:04:07Z\","
                                            "\"completed\":\"2026-01-02T03:04:08Z\"}],"
                                            "\"logs\":[{\"vertex\":\"sha256:bb\",\"stream\":1,"
                                            "\"data\":\"bm9pc2UgMQpub2lzZSAyCg==\","
                                            "\"timestamp\":\"2026-01-02T03:04:09Z\"},"
                                            "{\"vertex\":\"sha256:bb\",\"stream\":2,\"data\":"
                                            "\"W291dHB1dCBjbGlwcGVkLCBsb2cgbGltaXQgMk1pQiByZWFjaGVk"
                                            "XQo=\","
                                            "\"timestamp\":\"2026-01-02T03:04:11Z\"}],"
                                            "\"warnings\":[{\"vertex\":\"sha256:bb\",\"level\":1,"
                                            "\"short\":\"SlNPTkFyZ3M6IEpTT04gYXJndW1lbnRz\","
                                            "\"detail\":[\"VXNlIHRoZSBKU09OIGZvcm0=\"],\"url\":"
                                            "\"https://docs.docker.com/go/x/\"}]}}\n";
    static const struct {
        const char *name, *step;
        int h, w;
    } rows[] = {
        {"pull_80x24", "FROM", 24, 80},
        {"pull_200x50", "FROM", 50, 200},
        {"clip_80x24", "noise", 24, 80},
        {"clip_200x50", "noise", 50, 200},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct tui_rig r;
        open_rig(&r, NULL, 0);
        feed(&r, events, sizeof(events) - 1);
        dp_fleet_derive(r.fleet);
        show(&r, rows[i].step, rows[i].h, rows[i].w);
        expect_screen(&r, rows[i].name);
        rig_close(&r);
    }
}

static void test_view_step__fits_any_size(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, "hostile", 0);
    show(&r, "torture 2", 24, 80);
    for (int i = 0; i < 400; i++) {
        const int h = i * 7 % 61, w = i * 13 % 233;
        static const char *const moves[] = {"w", "t", "g", "G", "z", "j", "PgUp", "Right", "Tab",
            "k", "F", "i", "o", "]", "[", "T", "a", "n", "N", "Esc"};
        dp_tui_resize(r.tui, h, w);
        dp_tui_frame(r.tui, r.now);
        if (dp_tui_top(r.tui)->ops->id != VIEW_STEP)
            break;
        if (!depot_str_eq(moves[i % 20], "Esc"))
            rig_keys(&r, moves[i % 20]);
    }
    rig_close(&r);
}

/* A replay that goes back, and keys before the next frame: they meet no step that is gone. */
static void test_view_step__outlives_its_state(void **state)
{
    static const char *const keys[] = {"i", "o", "T", "Tab", "Enter", "]", "e", "x"};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(keys); i++) {
        struct tui_rig r;
        struct key k;
        assert_int_equal(dp_key_parse(keys[i], &k, NULL), 0);
        open_rig(&r, "twin", 0);
        show(&r, "linux/arm64 deps 1", 24, 80);
        dp_fleet_restart(r.source);
        assert_true(rig_feed(&r, GOLDEN "twin.ndjson", -1));
        dp_tui_key(r.tui, &k);
        dp_tui_key(r.tui, &k);
        dp_tui_frame(r.tui, r.now);
        rig_close(&r);
    }
}

/* ---- leaving ---- */

static void test_view_step__saves_whole_files(void **state)
{
    struct tui_rig r;
    char dir[] = "/tmp/test_view_step.XXXXXX";
    struct stat st;
    size_t n;
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);
    open_rig(&r, "hostile", 0);
    const struct depot_step *s = step_by(&r, "torture 2");
    struct logstore *l = dp_fleet_log(r.fleet->builds.items[0], s);
    show(&r, "torture 2", 24, 80);
    rig_keys(&r, "s C-u x Enter");
    char *data = rig_read("x", &n);
    assert_non_null(data);
    assert_int_equal(n, dp_logstore_bytes(l));
    char *raw = depot_alloc(n);
    assert_int_equal(dp_logstore_read(l, 0, raw, n), n);
    assert_memory_equal(raw, data, n);
    depot_free(raw);
    depot_free(data);
    FILE *f = fopen("x", "w");
    fclose(f);
    rig_keys(&r, "s C-u x Enter n");
    assert_int_equal(stat("x", &st), 0);
    assert_int_equal(st.st_size, 0);
    rig_keys(&r, "s C-u x Enter y");
    assert_int_equal(stat("x", &st), 0);
    assert_int_equal(st.st_size, n);
    rig_keys(&r, "s C-u n o / x Enter");
    assert_int_not_equal(stat("no", &st), 0);
    rig_keys(&r, "| C-u c a t Enter");
    assert_int_equal(piped.len, n + 4);
    assert_memory_equal(piped.data, "cat|", 4);
    rig_close(&r);
    assert_int_equal(unlink("x"), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void test_view_step__copies_text_without_sequences(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, "twin", 0);
    show(&r, "linux/arm64 deps 1", 24, 80);
    rig_keys(&r, "/ W A R N Enter y");
    assert_non_null(strstr(r.copied.data, "WARN  deprecated glob@7.2.4"));
    assert_null(strchr(r.copied.data, '\033'));
    rig_keys(&r, "Y");
    assert_true(r.copied.len > 2000);
    assert_null(memchr(r.copied.data, '\033', r.copied.len));
    rig_close(&r);
}

static void test_view_step__goes_from_step_to_step(void **state)
{
    struct tui_rig r;
    struct depot_buf title = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     right = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    static const struct {
        const char *keys, *title;
    } rows[] = {
        {"", "arm64 deps 1/1"},
        {"T", "amd64 deps 1/1"},
        {"T", "arm64 deps 1/1"},
        {"i", "arm64 base 2/2"},
        {"i", "arm64 base 1/2"},
        {"o", "arm64 base 2/2"},
        {"o Enter", "arm64 assets 1/1"},
        {"Tab Enter", "amd64 assets 1/1"},
        {"]", "amd64 final 1/4"},
        {"[", "amd64 assets 1/1"},
    };
    (void)state;
    open_rig(&r, "twin", 0);
    show(&r, "linux/arm64 deps 1", 24, 80);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        rig_keys(&r, rows[i].keys);
        depot_buf_clear(&title);
        view_step.title(dp_tui_top(r.tui), &title, &right);
        assert_true(depot_str_ends(depot_buf_str(&title), rows[i].title));
    }
    depot_buf_release(&title);
    depot_buf_release(&right);
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
        cmocka_unit_test(test_log_line__shows_what_a_terminal_without_cursor_would),
        cmocka_unit_test(test_log_line__takes_colours_and_nothing_that_hides),
        cmocka_unit_test(test_log_line__survives_noise),
        cmocka_unit_test(test_log_line__bounds_what_erasing_costs),
        cmocka_unit_test(test_log_search__finds_lines),
        cmocka_unit_test(test_log_search__keeps_up_with_a_growing_log),
        cmocka_unit_test(test_log_search__counts_ranks_over_many_lines),
        cmocka_unit_test(test_pager__tells_what_the_engine_cut),
        cmocka_unit_test(test_pager__moves_by_rows_and_holds_at_the_ends),
        cmocka_unit_test(test_pager__shows_the_newest_of_a_huge_progress_line),
        cmocka_unit_test(test_view_step__draws_recorded_builds),
        cmocka_unit_test(test_view_step__counts_the_files_of_the_context),
        cmocka_unit_test(test_view_step__draws_ascii),
        cmocka_unit_test(test_view_step__draws_what_is_rare),
        cmocka_unit_test(test_view_step__fits_any_size),
        cmocka_unit_test(test_view_step__outlives_its_state),
        cmocka_unit_test(test_view_step__saves_whole_files),
        cmocka_unit_test(test_view_step__copies_text_without_sequences),
        cmocka_unit_test(test_view_step__goes_from_step_to_step),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
