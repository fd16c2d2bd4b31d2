/*
 * What the views stand on: canvas, keys, terminal input, config, the log store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <locale.h>
#include <signal.h>
#include <sys/resource.h>

#include "tui/term/canvas.h"
#include "tui/fleet/failure.h"
#include "tui/term/input.h"
#include "tui/app/config.h"
#include "tui/log/store.h"
#include "tui/log/spill.h"

#include <depot/text.h>

static void test_failure__has_its_point_first(void **state)
{
    (void)state;
    static const struct {
        const char *message, *point, *command;
    } rows[] = {
        {"process \"/bin/sh -c make all\" did not complete successfully: exit code: 2",
            "exit code: 2", "make all: exit code: 2"},
        {"linux/arm64: process \"a \\\"b\\\"\" did not complete successfully: exit code: 1",
            "arm64: exit code: 1", "arm64: a \\\"b\\\": exit code: 1"},
        {"linux/arm/v7: failed to solve: failed to compute cache key: failed to calculate checksum "
         "of ref x9::y7: \"/src\": not found",
            "arm/v7: \"/src\": not found", NULL},
        {"process \"/bin/busybox sh -euc sh lint.sh\" did not complete successfully: exit code: 1",
            "exit code: 1", "sh lint.sh: exit code: 1"},
        {"process \"bash -o pipefail -c a | b\" did not complete successfully: exit code: 1",
            "exit code: 1", "a | b: exit code: 1"},
        {"process \"gcc -c x.c\" did not complete successfully: exit code: 1", "exit code: 1",
            "gcc -c x.c: exit code: 1"},
        {"a/b c: d", "a/b c: d", NULL},
        {"linux/arm64: process \"x\" did not complete successfully: exit code: 4294967295: context "
         "canceled: context canceled",
            "arm64: cancelled", NULL},
        {"failed to solve: ", "failed to solve: ", NULL},
        {"failed to calculate checksum of ref x", "failed to calculate checksum of ref x", NULL},
        {"process \"x", "process \"x", NULL},
        {"", "", NULL},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        for (int command = 0; command < 2; command++) {
            struct depot_buf out = DEPOT_BUF_INIT(4096);
            const bool other = command && rows[i].command != NULL;
            dp_failure_point(&out, rows[i].message, command);
            assert_string_equal(depot_buf_str(&out), other ? rows[i].command : rows[i].point);
            depot_buf_release(&out);
        }
}

/* ---- canvas ---- */

static void expect_grid(const struct grid *g, const char *want)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_grid_text(g, &out);
    assert_string_equal(depot_buf_str(&out), want);
    depot_buf_release(&out);
}

static void test_canvas__clips_and_cuts(void **state)
{
    (void)state;
    struct grid g;
    dp_grid_init(&g);
    dp_grid_resize(&g, 3, 10);
    const struct canvas all = dp_canvas_of(&g);
    const struct canvas sub = dp_canvas_sub(&all, 1, 2, 1, 5);
    assert_int_equal(dp_canvas_put(&all, 0, 7, 0, "abcdef"), 3);
    assert_int_equal(dp_canvas_put(&sub, 0, 0, 0, "123456789"), 5);
    (void)dp_canvas_put(&sub, 1, 0, 0, "outside");
    (void)dp_canvas_put(&sub, -1, 0, 0, "outside");
    dp_canvas_field(&all, 2, 0, 6, FIT_LEFT, 0, "elided text");
    expect_grid(&g, "       abc\n  12345\nelide…\n");
    dp_canvas_fill(&all, -5, -5, 1000, 1000, 0, '.');
    dp_canvas_paint(&all, -1, 4, 900, 900, STYLE_KEEP | DEPOT_ATTR_BOLD);
    dp_canvas_meter(&all, 0, 0, 0, 0.5, 0);
    expect_grid(&g, "..........\n..........\n..........\n");
    dp_grid_release(&g);
}

static void test_canvas__wide_and_combining(void **state)
{
    (void)state;
    struct grid g;
    dp_grid_init(&g);
    dp_grid_resize(&g, 1, 6);
    const struct canvas c = dp_canvas_of(&g);
    (void)dp_canvas_put(&c, 0, 0, 0, "中e\xcc\x81文x文");
    expect_grid(&g, "中e\xcc\x81文x\n");   /* the last one would need a seventh column */
    (void)dp_canvas_put(&c, 0, 1, 0, "|"); /* breaks a wide one: no half stays */
    expect_grid(&g, " |e\xcc\x81文x\n");
    dp_grid_clear(&g);
    (void)dp_canvas_put(&c, 0, 0, 0, "a\033[2Jb\xe2\x80\xae\xffz");
    expect_grid(&g, "a[2Jb?\n");
    dp_grid_clear(&g);
    (void)dp_canvas_put(
        &c, 0, 0, 0, "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbdx"); /* a thumb and its colour */
    expect_grid(&g, "\xf0\x9f\x91\x8dx\n");
    dp_grid_release(&g);
}

static void test_canvas__hot_areas(void **state)
{
    (void)state;
    struct grid g;
    dp_grid_init(&g);
    dp_grid_resize(&g, 5, 5);
    const struct canvas c = dp_canvas_of(&g);
    dp_canvas_hot(&c, 0, 0, 5, 5, ACTION_NONE, 0, 7);
    dp_canvas_hot(&c, 1, 1, 1, 99, ACTION_SELECT, 42, 0);
    assert_null(dp_grid_hot(&g, 0, 0, false));
    assert_int_equal(dp_grid_hot(&g, 1, 4, false)->arg, 42);
    assert_int_equal(dp_grid_hot(&g, 1, 4, true)->pane, 7);
    assert_null(dp_grid_hot(&g, 9, 9, true));
    dp_grid_release(&g);
}

/* ---- styles and config ---- */

static void count_bad(const struct depot_error *err, void *arg)
{
    (void)err;
    ++*(int *)arg;
}

static void test_config__directives(void **state)
{
    (void)state;
    static const char text[] =
        "# comment\n\nbind global C-x quit\nbind fleet g none\n"
        "color run 123,bold\nset mouse off\nset color 256\n"
        "bind nowhere x quit\nbind global x nothing\nset what on\nnonsense\n";
    struct keymaps *k = dp_keymaps_new();
    struct depot_styles styles;
    struct tui_settings settings = {0};
    struct key key;
    int bad = 0;
    depot_styles_init(&styles, DEPOT_PALETTE_256);
    dp_config_read(text, k, &styles, &settings, count_bad, &bad);
    assert_int_equal(bad, 4);
    assert_true(settings.no_mouse);
    assert_int_equal(settings.color, 3);
    assert_int_equal(styles.looks[DEPOT_STYLE_RUN].fg, 123);
    assert_int_equal(dp_key_parse("C-x", &key, NULL), 0);
    assert_int_equal(dp_keymaps_find(k, KEYMAP_BUILD, &key), ACTION_QUIT);
    assert_int_equal(dp_key_parse("g", &key, NULL), 0);
    assert_int_equal(dp_keymaps_find(k, KEYMAP_FLEET, &key), ACTION_NONE);
    assert_int_equal(dp_keymaps_find(k, KEYMAP_BUILD, &key), ACTION_TOP);
    dp_keymaps_free(k);
}

static void test_keymap__table_is_sound(void **state)
{
    (void)state;
    size_t n;
    const struct binding *b = dp_keymap_table(&n);
    for (size_t i = 0; i < n; i++) {
        struct key k;
        char name[KEY_NAME_MAX];
        assert_int_equal(dp_key_parse(b[i].key, &k, NULL), 0);
        dp_key_name(&k, name);
        assert_string_equal(name, b[i].key);
        assert_true(dp_action_help(b[i].action)[0] != '\0');
        for (size_t j = 0; j < i; j++)
            if (b[i].keymap == b[j].keymap && strcmp(b[i].key, b[j].key) == 0)
                fail_msg("%s is bound twice in %s", b[i].key, dp_keymap_name(b[i].keymap));
    }
}

/* ---- input ---- */

static const struct {
    const char *bytes, *name;
} sequences[] = {
    {"j", "j"},
    {"\r", "Enter"},
    {"\t", "Tab"},
    {"\033[Z", "S-Tab"},
    {"\177", "Backspace"},
    {"\004", "C-d"},
    {"\033[A", "Up"},
    {"\033OA", "Up"},
    {"\033[1;5C", "C-Right"},
    {"\033[5~", "PgUp"},
    {"\033[6;3~", "M-PgDn"},
    {"\033[H", "Home"},
    {"\033[7~", "Home"},
    {"\033[4~", "End"},
    {"\033OP", "F1"},
    {"\033[[A", "F1"},
    {"\033[11~", "F1"},
    {"\033[20~", "F9"},
    {"\033[24~", "F12"},
    {"\033[P", "Del"},   /* st */
    {"\033[4h", "Ins"},  /* st */
    {"\033O2P", "S-F1"}, /* older xterms, konsole */
    {"\033O1;5A", "C-Up"},
    {"\033[a", "S-Up"}, /* rxvt, as the next five */
    {"\033Od", "C-Left"},
    {"\033[5^", "C-PgUp"},
    {"\033[7$", "S-Home"},
    {"\033[8@", "C-S-End"},
    {"\033[23~", "F11"},
    {"\033x", "M-x"},
    {"\xc3\xa9", "é"},
    {" ", "Space"},
};

static void test_input__keys_whole_and_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(sequences); i++) {
        for (int whole = 0; whole < 2; whole++) {
            struct input in;
            struct key k = {0};
            char name[KEY_NAME_MAX];
            const size_t n = strlen(sequences[i].bytes);
            dp_input_init(&in);
            for (size_t at = 0; at < n; at += whole ? n : 1) {
                if (dp_input_next(&in, false, &k))
                    fail_msg("%s came too early", sequences[i].name);
                dp_input_feed(&in, sequences[i].bytes + at, whole ? n : 1);
            }
            assert_true(dp_input_next(&in, false, &k));
            dp_key_name(&k, name);
            assert_string_equal(name, sequences[i].name);
            assert_false(dp_input_pending(&in));
            dp_input_release(&in);
        }
    }
}

static void test_input__escape_alone(void **state)
{
    (void)state;
    struct input in;
    struct key k;
    dp_input_init(&in);
    dp_input_feed(&in, "\033", 1);
    assert_false(dp_input_next(&in, false, &k));
    assert_true(dp_input_next(&in, true, &k));
    assert_int_equal(k.code, KEY_CODE_ESC);
    dp_input_release(&in);
}

/* Keys do not wait behind bytes that cannot become a character any more. */
static void test_input__bad_utf8(void **state)
{
    (void)state;
    static const char *const rows[] = {"\x80q", "\xc0q", "\xe4q", "\xf0q", "\xf5q", "\xffq"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct input in;
        struct key k = {0};
        dp_input_init(&in);
        dp_input_feed(&in, rows[i], 2);
        assert_true(dp_input_next(&in, false, &k));
        assert_int_equal(k.code, 0xfffd);
        assert_true(dp_input_next(&in, false, &k));
        assert_int_equal(k.code, 'q');
        dp_input_release(&in);
    }
}

static void test_input__mouse_paste_answers(void **state)
{
    (void)state;
    static const char bytes[] = "\033[<0;10;5M\033[<0;10;5m\033[<65;3;4M\033[<35;1;1M"
                                "\033[?2026;2$y\033[?62;22c\033[200~a\nb\033[201~q";
    for (int whole = 0; whole < 2; whole++) {
        struct input in;
        struct key k, got[8];
        char pasted[16] = "";
        size_t n = 0;
        dp_input_init(&in);
        for (size_t at = 0; at < sizeof(bytes) - 1; at += whole ? sizeof(bytes) : 1) {
            dp_input_feed(&in, bytes + at, whole ? sizeof(bytes) - 1 : 1);
            while (dp_input_next(&in, false, &k)) {
                assert_true(n < DEPOT_ARRAY_LEN(got));
                got[n++] = k;
                if (k.code == KEY_CODE_PASTE)
                    snprintf(pasted, sizeof(pasted), "%s", k.text);
            }
        }
        assert_int_equal(n, 4);
        assert_int_equal(got[0].code, KEY_CODE_MOUSE);
        assert_int_equal(got[0].y, 4);
        assert_int_equal(got[0].x, 9);
        assert_int_equal(got[1].button, MOUSE_WHEEL_DOWN);
        assert_int_equal(got[2].code, KEY_CODE_PASTE);
        assert_string_equal(pasted, "a b");
        assert_int_equal(got[3].code, 'q');
        assert_true(in.answered && in.synchronised);
        dp_input_release(&in);
    }
}

/* Terminals that do not know mode 1006 send three bytes, which are no keys. */
static void test_input__mouse_of_old(void **state)
{
    (void)state;
    static const char bytes[] = "\033[M *%\033[M#*%\033[Ma*%\033[M`*%q";
    for (int whole = 0; whole < 2; whole++) {
        struct input in;
        struct key k, got[8];
        size_t n = 0;
        dp_input_init(&in);
        for (size_t at = 0; at < sizeof(bytes) - 1; at += whole ? sizeof(bytes) : 1) {
            dp_input_feed(&in, bytes + at, whole ? sizeof(bytes) - 1 : 1);
            while (dp_input_next(&in, false, &k)) {
                assert_true(n < DEPOT_ARRAY_LEN(got));
                got[n++] = k;
            }
        }
        assert_int_equal(n, 4);
        assert_int_equal(got[0].button, MOUSE_LEFT);
        assert_int_equal(got[0].x, 9);
        assert_int_equal(got[0].y, 4);
        assert_int_equal(got[1].button, MOUSE_WHEEL_DOWN);
        assert_int_equal(got[2].button, MOUSE_WHEEL_UP);
        assert_int_equal(got[3].code, 'q');
        dp_input_release(&in);
    }
}

static void test_input__what_the_terminal_answers(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int column, background;
        size_t keys;
    } cases[] = {
        {"\033[1;5R\033[?62c", 5, -1, 0},
        {"\033[?62c\033[1;3R", 0, -1, 1}, /* not asked any more: M-F3 */
        {"\033OR\033[?62c", 0, -1, 1},
        {"\033]11;rgb:ffff/ffff/ffff\033\\\033[?62c", 0, 100, 0},
        {"\033]11;rgb:00/80/00\a\033[1;3R\033[?62c", 3, 29, 0},
        {"\033]11;rgb:0/0/f\a\033[?62c", 0, 11, 0},
        {"\033]11;rgb:no/thing\033\\\033]4;1;x\a\033[?62c", 0, -1, 0},
        {"\033]11;rgb:///\a\033]11;rgb:ff\a\033[?62cq", 0, -1, 1},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(cases); i++) {
        for (int whole = 0; whole < 2; whole++) {
            struct input in;
            struct key k;
            size_t n = 0;
            const size_t len = strlen(cases[i].bytes);
            dp_input_init(&in);
            in.asked = true;
            for (size_t at = 0; at < len; at += whole ? len : 1) {
                dp_input_feed(&in, cases[i].bytes + at, whole ? len : 1);
                while (dp_input_next(&in, false, &k))
                    n++;
            }
            assert_int_equal(n, cases[i].keys);
            assert_true(in.answered);
            assert_int_equal(in.column, cases[i].column);
            assert_int_equal(in.background, cases[i].background);
            assert_false(dp_input_pending(&in));
            dp_input_release(&in);
        }
    }
}

static void test_input__any_bytes(void **state)
{
    (void)state;
    uint32_t seed = 7;
    struct input in;
    struct key k;
    dp_input_init(&in);
    for (int i = 0; i < 200000; i++) {
        static const char likely[] = "\033[<;?M~0123456789Oc$y";
        seed = seed * 1664525u + 1013904223u;
        const uint32_t r = seed >> 8;
        const char b = r % 3 == 0 ? (char)(r >> 8) : likely[(r >> 4) % (sizeof(likely) - 1)];
        dp_input_feed(&in, &b, 1);
        while (dp_input_next(&in, r % 50 == 0, &k))
            ;
        assert_true(in.len < INPUT_MAX);
    }
    dp_input_release(&in);
}

/* ---- the log store ---- */

static void test_logstore__keeps_every_byte(void **state)
{
    (void)state;
    struct spill *s = dp_spill_new();
    struct logstore *l = dp_logstore_new(s);
    struct depot_buf all = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char chunk[5000], back[5000];
    uint32_t seed = 3;
    uint64_t lines = 0;
    for (int i = 0; i < 400; i++) {
        seed = seed * 1664525u + 1013904223u;
        const size_t n = 1 + (seed >> 8) % sizeof(chunk);
        for (size_t j = 0; j < n; j++) {
            chunk[j] = j % 61 == 60 ? '\n' : (char)(j * 7 + (size_t)i);
            lines += chunk[j] == '\n';
        }
        depot_buf_add(&all, chunk, n);
        dp_logstore_append(l, chunk, n, 1 + i % 2, i * DEPOT_SEC + 1);
    }
    assert_int_equal(dp_logstore_bytes(l), all.len);
    assert_int_equal(dp_logstore_lines(l), lines + (all.data[all.len - 1] != '\n'));
    for (size_t at = 0; at < all.len; at += 4999) {
        const size_t n = dp_logstore_read(l, at, back, sizeof(back));
        assert_memory_equal(back, all.data + at, n);
    }
    uint64_t line = 0;
    for (size_t at = 0; at < all.len; line++) {
        struct log_line got;
        const char *nl = memchr(all.data + at, '\n', all.len - at);
        const size_t len = nl != NULL ? (size_t)(nl - all.data) - at : all.len - at;
        assert_true(dp_logstore_line(l, line, &got));
        assert_int_equal(got.offset, at);
        assert_int_equal(got.total, len);
        assert_memory_equal(got.data, all.data + at, got.len);
        if (line % 97 == 0)
            assert_int_equal(dp_logstore_line_at(l, at), line);
        at += len + 1;
    }
    assert_false(dp_logstore_line(l, line, &(struct log_line){0}));
    depot_buf_release(&all);
    dp_logstore_free(l);
    dp_spill_free(s);
}

static void test_logstore__long_lines_and_clips(void **state)
{
    (void)state;
    struct spill *s = dp_spill_new();
    struct logstore *l = dp_logstore_new(s);
    static const char note[] = "[output clipped, log limit 2MiB reached]\n";
    char *big = depot_alloc(1024 * 1024);
    struct log_line line;
    const struct log_clip *clips;
    memset(big, 'x', 1024 * 1024);
    for (int i = 0; i < 10; i++)
        dp_logstore_append(l, big, 1024 * 1024, 1, 5);
    dp_logstore_append(l, "\n", 1, 1, 6);
    dp_logstore_append(l, note, sizeof(note) - 1, 2, 7);
    assert_int_equal(dp_logstore_lines(l), 2);
    assert_true(dp_logstore_line(l, 0, &line));
    assert_int_equal(line.len, LOG_LINE_SHOWN);
    assert_int_equal(line.total, 10 * 1024 * 1024);
    assert_true(dp_logstore_line(l, 1, &line));
    assert_int_equal(line.time, 7);
    assert_int_equal(line.stream, 2);
    assert_int_equal(dp_logstore_clips(l, &clips), 1);
    assert_int_equal(clips[0].line, 1);
    assert_int_equal(clips[0].limit, 2 * 1024 * 1024);
    depot_free(big);
    dp_logstore_free(l);
    dp_spill_free(s);
}

/* A full disk: what memory holds is kept, the rest is counted and reads as nothing. */
static void test_logstore__says_what_it_lost(void **state)
{
    (void)state;
    struct rlimit before, small;
    struct spill *s = dp_spill_new();
    struct logstore *l = dp_logstore_new(s);
    char *line = depot_alloc(64 * 1024), back[16];
    memset(line, 'x', 64 * 1024);
    line[64 * 1024 - 1] = '\n';
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    small = before;
    small.rlim_cur = 1024 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < (SPILL_MEMORY_MAX >> 16) + 100; i++)
        dp_logstore_append(l, line, 64 * 1024, 1, 5);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(dp_spill_lost(s) > 0);
    assert_int_equal(dp_logstore_lines(l), (SPILL_MEMORY_MAX >> 16) + 100);
    assert_int_equal(dp_logstore_read(l, 32 * 1024 * 1024, back, 16), 16);
    assert_int_equal(back[0], 'x');
    depot_free(line);
    dp_logstore_free(l);
    dp_spill_free(s);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure__has_its_point_first),
        cmocka_unit_test(test_canvas__clips_and_cuts),
        cmocka_unit_test(test_canvas__wide_and_combining),
        cmocka_unit_test(test_canvas__hot_areas),
        cmocka_unit_test(test_config__directives),
        cmocka_unit_test(test_keymap__table_is_sound),
        cmocka_unit_test(test_input__keys_whole_and_byte_by_byte),
        cmocka_unit_test(test_input__escape_alone),
        cmocka_unit_test(test_input__bad_utf8),
        cmocka_unit_test(test_input__mouse_paste_answers),
        cmocka_unit_test(test_input__mouse_of_old),
        cmocka_unit_test(test_input__what_the_terminal_answers),
        cmocka_unit_test(test_input__any_bytes),
        cmocka_unit_test(test_logstore__keeps_every_byte),
        cmocka_unit_test(test_logstore__long_lines_and_clips),
        cmocka_unit_test(test_logstore__says_what_it_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
