/*
 * The live display: random frames reach the terminal as they were meant, at any size; hostile names
 * and sizes do no harm; nothing is written when nothing changes.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* wcwidth() */
#endif

#include "render/tty.h"

#include <depot/wire.h>

#include <locale.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <wchar.h>

#include <cmocka.h>

enum { ROWS = 40, COLS = 120 };

/* ---- a terminal as big as it has to be; the cursor starts where the first line will be ---- */

struct term {
    wchar_t cells[ROWS][COLS];
    int row, col;
};

static void term_clear(struct term *t, int row, int from)
{
    for (int i = from; i < COLS; i++)
        t->cells[row][i] = L' ';
}

static void term_reset(struct term *t)
{
    for (int i = 0; i < ROWS; i++)
        term_clear(t, i, 0);
    t->row = t->col = 0;
}

static void term_control(struct term *t, char final, int n)
{
    n = n ? n : 1;
    switch (final) {
    case 'A':
        t->row -= n;
        break;
    case 'B':
        t->row += n;
        break;
    case 'C':
        t->col += n;
        break;
    case 'J':
        for (int i = t->row + 1; i < ROWS; i++)
            term_clear(t, i, 0);
        term_clear(t, t->row, t->col);
        break;
    case 'K':
        term_clear(t, t->row, t->col);
        break;
    default:
        assert_int_equal(final, 'm');
    }
    assert_in_range(t->row, 0, ROWS - 1);
    assert_in_range(t->col, 0, COLS - 1);
}

static void term_put(struct term *t, wchar_t c)
{
    int w = wcwidth(c);

    assert_true(w >= 0);
    if (w == 0)
        return;
    assert_true(t->col + w < COLS);
    t->cells[t->row][t->col++] = c;
    if (w == 2)
        t->cells[t->row][t->col++] = 0;
}

static void term_write(struct term *t, const char *p, size_t n)
{
    for (const char *end = p + n; p < end;) {
        wchar_t c;
        int used = 1, number = 0;

        if (*p == '\r') {
            t->col = 0;
        } else if (*p == '\n') {
            t->row++;
            assert_true(t->row < ROWS);
        } else if (*p == '\033') {
            assert_int_equal(p[1], '[');
            for (p += 2; p < end && (*p == ';' || (*p >= '0' && *p <= '9')); p++)
                number = *p == ';' ? 0 : number * 10 + *p - '0';
            term_control(t, *p, number);
        } else {
            used = mbtowc(&c, p, (size_t)(end - p));
            assert_true(used > 0);
            term_put(t, c);
        }
        p += used;
    }
}

/* ---- random frames ---- */

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

static void random_line(struct dp_tty_line *l, unsigned *seed, struct dp_tty_line *like)
{
    static const char *const words[] = {"a", "fox", " ", "  ", "1.2s", "日本", "e\u0301", "\u2713",
        "✗ ", "\t", "x\033[2Jy", "\u202e"};
    int end = (int)(next_random(seed) % (COLS - 2));

    /* Mostly as it was, so that there are gaps to jump over. */
    if (like && next_random(seed) % 4) {
        *l = *like;
        for (int i = 0; i < l->len; i++)
            if (next_random(seed) % 16 == 0 && l->cells[i].width == 1)
                l->cells[i] = (struct depot_cell){.ch = 'a' + next_random(seed) % 26, .width = 1};
        return;
    }
    while (l->len < end && next_random(seed) % 30)
        dp_tty_put(l, (enum depot_style)(next_random(seed) % DEPOT_STYLE_COUNT),
            words[next_random(seed) % DEPOT_ARRAY_LEN(words)], end);
}

static void check_line(const struct term *t, int row, const struct dp_tty_line *l)
{
    for (int i = 0; i < COLS; i++) {
        assert_int_equal(t->cells[row][i], i < l->len ? (wchar_t)l->cells[i].ch : L' ');
    }
}

static void test_screen__shows_any_frame_after_any_other(void **state)
{
    struct dp_tty_screen s = {0};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_styles styles;
    const struct depot_render_opts opts = {.styles = &styles, .utf8 = true};
    static struct term t;
    unsigned seed = 7;

    (void)state;
    depot_styles_init(&styles, DEPOT_PALETTE_16);
    dp_tty_screen_init(&s, &opts);
    term_reset(&t);
    for (int round = 0; round < 3000; round++) {
        int n = (int)(next_random(&seed) % (DP_TTY_ROWS_MAX + 1));

        dp_tty_screen_start(&s, COLS - 1);
        for (int i = 0; i < n; i++)
            random_line(dp_tty_screen_line(&s), &seed, i < s.nshown ? &s.shown[i] : NULL);
        depot_buf_clear(&out);
        dp_tty_screen_draw(&s, &out);
        term_write(&t, depot_buf_str(&out), out.len);
        assert_int_equal(t.row, n);
        assert_int_equal(t.col, 0);
        for (int i = 0; i < n; i++)
            check_line(&t, i, &s.shown[i]);
        for (int i = n; i < ROWS; i++)
            check_line(&t, i, &(struct dp_tty_line){0});
        if (next_random(&seed) % 50 == 0) {
            depot_buf_clear(&out);
            dp_tty_screen_erase(&s, &out);
            term_write(&t, depot_buf_str(&out), out.len);
            assert_int_equal(t.row, 0);
        }
    }
    depot_buf_release(&out);
    dp_tty_screen_release(&s);
}

/* ---- the sink ---- */

struct sink {
    struct depot_build *build;
    struct depot_render *render;
    struct depot_render_opts opts;
    char *text;
    size_t len;
};

static void sink_open(struct sink *s, int width, int height)
{
    struct depot_error err;

    *s = (struct sink){.opts = {.width = width, .height = height, .utf8 = true, .sanitize = true}};
    s->opts.out = open_memstream(&s->text, &s->len);
    s->build = depot_build_new(NULL);
    assert_int_equal(depot_render_new(&s->render, "tty", s->build, &s->opts, &err), 0);
}

static void sink_close(struct sink *s)
{
    depot_render_free(s->render);
    depot_build_free(s->build);
    fclose(s->opts.out);
    free(s->text);
}

static void sink_feed(struct sink *s, const char *json, uint64_t now)
{
    struct depot_event ev;
    struct depot_error err;

    assert_int_equal(depot_wire_decode(json, strlen(json), &ev, &err), 0);
    depot_build_apply(s->build, &ev);
    depot_render_apply(s->render, &ev, now);
    depot_event_release(&ev);
}

static uint64_t run_to(struct sink *s, uint64_t from, uint64_t to)
{
    uint64_t at;

    while ((at = depot_render_deadline(s->render)) != 0 && at <= to) {
        depot_render_tick(s->render, at > from ? at : from);
        from = at > from ? at : from;
    }
    return to;
}

#define MS(n) ((uint64_t)(n) * (uint64_t)DEPOT_MSEC)

static const char created[] =
    "{\"v\":1,\"build\":\"b1\",\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"type\":"
    "\"build.created\",\"project\":\"\\u202eweb\\u001b[2J\",\"platforms\":[\"linux/amd64\","
    "\"linux/arm64\"]}";
static const char running[] =
    "{\"v\":1,\"build\":\"b1\",\"seq\":2,\"time\":\"2026-01-01T00:00:01Z\",\"type\":"
    "\"build.status\",\"platform\":\"linux/arm64\",\"status\":{\"vertexes\":[{\"digest\":\"d1\","
    "\"name\":\"[deps 1/2] RUN \\u001b]0;title\\u0007 \\u202e\\u65e5\\u672c make\\n all\","
    "\"started\":\"2026-01-01T00:00:01Z\"}],\"logs\":[{\"vertex\":\"d1\",\"stream\":1,\"data\":"
    "\"MTAlDTIwJQ0zMCUbWzJKG10wO3gHCg==\",\"timestamp\":\"2026-01-01T00:00:01Z\"}]}}";
static const char done[] =
    "{\"v\":1,\"build\":\"b1\",\"seq\":3,\"time\":\"2026-01-01T00:00:02Z\",\"type\":"
    "\"build.status\",\"platform\":\"linux/arm64\",\"status\":{\"vertexes\":[{\"digest\":\"d1\","
    "\"name\":\"[deps 1/2] RUN make\",\"started\":\"2026-01-01T00:00:01Z\",\"completed\":"
    "\"2026-01-01T00:00:02Z\"}]}}";

static void test_sink__lives_at_any_size(void **state)
{
    unsigned seed = 3;

    (void)state;
    for (int width = 0; width < 130; width += width < 40 ? 1 : 9) {
        for (int height = 0; height < 60; height += height < 12 ? 1 : 11) {
            struct sink s;
            uint64_t now = MS(1000);

            sink_open(&s, width, height);
            sink_feed(&s, created, now);
            now = run_to(&s, now, now + MS(300));
            sink_feed(&s, running, now);
            now = run_to(&s, now, now + MS(300));
            for (int i = 0; i < 4; i++) {
                depot_render_resize(s.render, (int)(next_random(&seed) % 500),
                    (int)(next_random(&seed) % 130), now);
                now = run_to(&s, now, now + MS(200));
            }
            depot_render_note(s.render, "a note", now);
            depot_render_end(s.render, now);
            depot_render_tails(s.render);
            fflush(s.opts.out);
            assert_null(strstr(s.text, "\033]"));
            assert_null(strstr(s.text, "\033[2J"));
            assert_null(strstr(s.text, "\u202e"));
            sink_close(&s);
        }
    }
}

static void test_sink__log_line_is_the_last_one_written_over(void **state)
{
    struct sink s;

    (void)state;
    sink_open(&s, 80, 24);
    sink_feed(&s, created, MS(1000));
    sink_feed(&s, running, MS(1010));
    run_to(&s, MS(1010), MS(1500));
    fflush(s.opts.out);
    assert_non_null(strstr(s.text, "30%"));
    assert_null(strstr(s.text, "10%"));
    assert_non_null(strstr(s.text, "RUN 日本 make all"));
    sink_close(&s);
}

static void test_sink__sums_what_moves(void **state)
{
    struct sink s;

    (void)state;
    sink_open(&s, 100, 24);
    sink_feed(&s, created, MS(1000));
    sink_feed(&s,
        "{\"v\":1,\"build\":\"b1\",\"seq\":2,\"time\":\"2026-01-01T00:00:03Z\",\"type\":"
        "\"build.status\",\"platform\":\"linux/amd64\",\"status\":{\"vertexes\":[{\"digest\":"
        "\"d1\",\"name\":\"[1/2] FROM node\",\"started\":\"2026-01-01T00:00:01Z\"}],\"statuses\":["
        "{\"id\":\"sha256:aa\",\"vertex\":\"d1\",\"current\":30000000,\"total\":60000000,"
        "\"timestamp\":\"2026-01-01T00:00:03Z\",\"started\":\"2026-01-01T00:00:01Z\"},"
        "{\"id\":\"sha256:bb\",\"vertex\":\"d1\",\"current\":20000000,\"total\":20000000,"
        "\"timestamp\":\"2026-01-01T00:00:02Z\",\"started\":\"2026-01-01T00:00:01Z\","
        "\"completed\":\"2026-01-01T00:00:02Z\"},"
        "{\"id\":\"sha256:cc\",\"vertex\":\"d1\",\"current\":-5,\"total\":9223372036854775807,"
        "\"timestamp\":\"2026-01-01T00:00:02Z\",\"started\":\"2026-01-01T00:00:01Z\"}]}}",
        MS(1010));
    run_to(&s, MS(1010), MS(1500));
    fflush(s.opts.out);
    assert_non_null(strstr(s.text, "50MB of 80MB  25MB/s"));
    sink_close(&s);
}

static void test_sink__is_silent_when_nothing_changes(void **state)
{
    struct sink s;
    size_t before;

    (void)state;
    sink_open(&s, 80, 24);
    sink_feed(&s, created, MS(1000));
    sink_feed(&s, running, MS(1010));
    run_to(&s, MS(1010), MS(13000));
    fflush(s.opts.out);
    before = s.len;
    /* From ten seconds on the numbers change once a second, two of them at most. */
    run_to(&s, MS(13000), MS(23000));
    fflush(s.opts.out);
    assert_true(s.len - before < (size_t)10 * 2 * 32);
    depot_render_end(s.render, MS(23000));
    assert_int_equal(depot_render_deadline(s.render), 0);
    sink_close(&s);
}

static void test_sink__shows_at_most_ten_frames_a_second(void **state)
{
    struct sink s;
    uint64_t now = MS(1000), last = 0;
    size_t before = 0;

    (void)state;
    sink_open(&s, 80, 24);
    sink_feed(&s, created, now);
    for (int i = 0; i < 500; i++, now += MS(3)) {
        sink_feed(&s, i % 2 ? done : running, now);
        fflush(s.opts.out);
        if (s.len == before)
            continue;
        assert_true(!last || now - last >= MS(100));
        last = now;
        before = s.len;
    }
    assert_true(before > 0);
    sink_close(&s);
}

static void test_sink__a_short_build_draws_nothing(void **state)
{
    struct sink s;

    (void)state;
    sink_open(&s, 80, 24);
    sink_feed(&s, created, MS(1000));
    sink_feed(&s, running, MS(1050));
    sink_feed(&s, done, MS(1100));
    depot_render_end(s.render, MS(1120));
    fflush(s.opts.out);
    assert_int_equal(s.len, 0);
    sink_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_screen__shows_any_frame_after_any_other),
        cmocka_unit_test(test_sink__lives_at_any_size),
        cmocka_unit_test(test_sink__log_line_is_the_last_one_written_over),
        cmocka_unit_test(test_sink__sums_what_moves),
        cmocka_unit_test(test_sink__is_silent_when_nothing_changes),
        cmocka_unit_test(test_sink__shows_at_most_ten_frames_a_second),
        cmocka_unit_test(test_sink__a_short_build_draws_nothing),
    };

    if (!setlocale(LC_ALL, "C.UTF-8"))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
