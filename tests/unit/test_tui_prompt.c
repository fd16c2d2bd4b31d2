/*
 * The line at the bottom: commands and their completion, what was entered before, pasted text.
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
#include <sys/stat.h>
#include <unistd.h>

#include "tui/app/command.h"
#include "tui/app/tui_priv.h"
#include "tui_rig.h"

#define DIR_FLEET TEST_SOURCE_DIR "/golden/tui_fleet"

static void start(struct tui_rig *r)
{
    rig_open(r);
    dp_tui_push(r->tui, VIEW_FLEET, NULL);
    assert_true(rig_feed(r, DIR_FLEET "/fleet.ndjson", 11));
}

static void type(struct tui_rig *r, const char *text)
{
    for (; *text != '\0'; text++) {
        const char name[2] = {*text, '\0'};
        rig_key(r, *text == ' ' ? "Space" : name);
    }
}

static void paste(struct tui_rig *r, const char *text)
{
    const struct key k = {.code = KEY_CODE_PASTE, .text = text};
    dp_tui_frame(r->tui, r->now);
    dp_tui_key(r->tui, &k);
}

static const char *line(const struct tui_rig *r)
{
    return depot_buf_str(&r->tui->prompt.text);
}

/* A row of the screen, 0 the lowest. */
static const char *row(struct tui_rig *r, int from_below)
{
    static char text[4096];
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_strv rows = {0};
    dp_grid_text(dp_tui_frame(r->tui, r->now), &out);
    depot_strv_split(&rows, depot_buf_str(&out), '\n');
    while (rows.len > 0 && rows.items[rows.len - 1][0] == '\0' && rows.len > (size_t)r->tui->h)
        depot_free(rows.items[--rows.len]);
    snprintf(text, sizeof(text), "%s", rows.items[rows.len - 1 - (size_t)from_below]);
    depot_strv_release(&rows);
    depot_buf_release(&out);
    return text;
}

static void is_line(struct tui_rig *r, const char *keys, const char *want)
{
    rig_keys(r, keys);
    assert_string_equal(line(r), want);
}

/* ---- completion ---- */

static void test_complete__names(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r);
    is_line(&r, ": h i Tab", "history");
    is_line(&r, "C-u s e Tab", "seek ");
    assert_non_null(strstr(row(&r, 1), "seek   search  seek-back  seek-on"));
    is_line(&r, "C-u s o r Tab", "sort");
    is_line(&r, "Tab", "sort ");
    is_line(&r, "Tab", "sort-next");
    is_line(&r, "S-Tab S-Tab", "sort");
    is_line(&r, "S-Tab", "sort-time");
    is_line(&r, "Tab", "sort");
    is_line(&r, "- s Tab", "sort-state");
    assert_null(strstr(row(&r, 1), "sort-time"));
    is_line(&r, "C-u x y Tab", "xy");
    rig_close(&r);
}

static void test_complete__arguments(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r);
    rig_keys(&r, ":");
    type(&r, "sort p");
    is_line(&r, "Tab", "sort project");
    is_line(&r, "Enter : s e e k Space Tab", "seek failed");
    rig_keys(&r, "C-u");
    type(&r, "help bui");
    is_line(&r, "Tab", "help build");
    is_line(&r, "Tab Tab", "help builders");
    rig_keys(&r, "Esc :");
    type(&r, "cache amd");
    rig_keys(&r, "Tab");
    assert_true(depot_str_starts(line(&r), "cache amd64"));
    rig_close(&r);
}

/* A build is found by how its id begins, or its project. */
static void test_complete__builds(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r);
    const struct fleet_build *b = r.fleet->builds.items[0];
    char *id = depot_asprintf("build %s", b->key);
    rig_keys(&r, ":");
    type(&r, id);
    rig_keys(&r, "Backspace Backspace Tab");
    assert_string_equal(line(&r), id);
    rig_keys(&r, "C-u");
    type(&r, "build ");
    type(&r, b->sum.info.project);
    rig_keys(&r, "Tab");
    assert_non_null(strstr(row(&r, 1), b->sum.info.project));
    rig_keys(&r, "Enter");
    assert_int_equal(dp_tui_top(r.tui)->ops->id, VIEW_BUILD);
    depot_free(id);
    rig_close(&r);
}

static void touch(const char *dir, const char *name)
{
    char *path = depot_asprintf("%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    depot_free(path);
}

static void test_complete__files(void **state)
{
    (void)state;
    char dir[] = "/tmp/depot-prompt-XXXXXX";
    struct tui_rig r;
    start(&r);
    assert_non_null(mkdtemp(dir));
    touch(dir, "one.ndjson");
    touch(dir, "one two.ndjson");
    touch(dir, ".one");
    char *below = depot_asprintf("%s/sub", dir), *want = depot_asprintf("replay %s/", dir);
    assert_int_equal(mkdir(below, 0700), 0);
    rig_keys(&r, ":");
    type(&r, want);
    is_line(&r, "Tab S-Tab", want);
    type(&r, "s");
    rig_keys(&r, "Tab");
    assert_true(depot_str_ends(line(&r), "/sub/"));
    rig_keys(&r, "C-u");
    type(&r, want);
    rig_keys(&r, "o Tab . Tab");
    assert_true(depot_str_ends(line(&r), "/one.ndjson"));
    static const char *const names[] = {"one.ndjson", "one two.ndjson", ".one", "sub", ""};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++) {
        char *path = depot_asprintf("%s/%s", dir, names[i]);
        assert_int_equal(remove(path), 0);
        depot_free(path);
    }
    depot_free(below);
    depot_free(want);
    rig_close(&r);
}

static void test_complete__shows_all_of_many_in_turn(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r);
    rig_keys(&r, ":");
    for (int i = 0; i < 200; i++) {
        rig_keys(&r, "Tab");
        char *word = depot_strndup(line(&r), strcspn(line(&r), " "));
        assert_non_null(strstr(row(&r, 1), word));
        depot_free(word);
    }
    for (int w = 0; w < 90; w += 3) {
        dp_tui_resize(r.tui, 8 + w % 5, w);
        dp_tui_frame(r.tui, r.now);
    }
    rig_close(&r);
}

/* ---- hints ---- */

static void test_hint__tells_of_the_command(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r);
    rig_keys(&r, ":");
    assert_non_null(strstr(row(&r, 0), "Tab completes"));
    type(&r, "seek");
    assert_non_null(strstr(row(&r, 0), "MOMENT"));
    type(&r, " 1:20");
    assert_non_null(strstr(row(&r, 0), "Replay: go to 1:20"));
    rig_keys(&r, "C-u");
    type(&r, "hist");
    assert_non_null(strstr(row(&r, 0), "history"));
    rig_keys(&r, "C-u");
    type(&r, "nonsense");
    assert_string_equal(row(&r, 0), " :nonsense");
    rig_close(&r);
}

/* ---- what is run ---- */

static void test_command__every_view_has_a_row(void **state)
{
    (void)state;
    struct command c;
    size_t n = 0;
    for (; dp_command_at(n, &c); n++) {
        assert_true(c.run != NULL && c.name[0] != '\0' && c.help[0] != '\0' && c.args != NULL);
        if (n < VIEW_COUNT)
            assert_int_equal(c.view, n);
        if (n < VIEW_COUNT)
            assert_int_equal(dp_views[n]->id, n);
    }
    assert_true(n > VIEW_COUNT);
}

static void test_command__is_known_by_how_it_begins(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r);
    rig_keys(&r, ": h i s t Enter");
    assert_int_equal(dp_tui_top(r.tui)->ops->id, VIEW_HISTORY);
    rig_keys(&r, ": s e Enter");
    assert_non_null(strstr(row(&r, 0), "several commands begin with \"se\""));
    rig_keys(&r, ": x y Enter");
    assert_non_null(strstr(row(&r, 0), "there is no command \"xy\""));
    rig_close(&r);
}

static void test_command__sorts(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r);
    rig_keys(&r, ": s o r t Space w h o Enter");
    dp_tui_resize(r.tui, 24, 120);
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_grid_text(dp_tui_frame(r.tui, r.now), &out);
    assert_non_null(strstr(depot_buf_str(&out), "WHO\342\206\223"));
    depot_buf_release(&out);
    rig_keys(&r, ": s o r t Space n o Enter");
    assert_non_null(strstr(row(&r, 0), "no column \"no\""));
    rig_keys(&r, "B : s o r t Space w h o Enter");
    assert_non_null(strstr(row(&r, 0), "no column"));
    rig_close(&r);
}

/* Without an argument a view's name is the key's action: of what is selected here. */
static void test_command__why_of_the_selected(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r);
    rig_keys(&r, "j : w h y Enter");
    assert_int_equal(dp_tui_top(r.tui)->ops->id, VIEW_WHY);
    rig_close(&r);
}

/* ---- what was entered before ---- */

static void test_history__of_each_kind(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r);
    rig_keys(&r, "\\ w e b Enter : k e y s Enter : k e y s Enter \\ a p i Enter");
    is_line(&r, ": s e Up", "keys");
    is_line(&r, "Up", "keys");
    is_line(&r, "Down", "se");
    is_line(&r, "Down", "se");
    rig_keys(&r, "Esc");
    is_line(&r, "\\ Up Up", "web");
    is_line(&r, "Down", "api");
    is_line(&r, "Down", "");
    is_line(&r, "C-p C-p C-n", "api");
    rig_close(&r);
}

/* ---- paste and mouse ---- */

static void test_paste__is_one_line(void **state)
{
    (void)state;
    struct tui_rig r;
    char big[3 * PROMPT_MAX];
    start(&r);
    rig_keys(&r, "\\ x Left");
    paste(&r, "a b   c[31md"); /* as input.c hands it on */
    assert_string_equal(line(&r), "a b   c[31mdx");
    memset(big, 'y', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    paste(&r, big);
    assert_string_equal(line(&r), "a b   c[31mdx");
    assert_non_null(strstr(row(&r, 0), "longer than"));
    paste(&r, "\303\244\377");
    assert_string_equal(line(&r), "a b   c[31md\303\244\377x");
    is_line(&r, "Backspace Backspace", "a b   c[31mdx");
    rig_close(&r);
}

static void test_mouse__leaves_the_line_alone(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r);
    rig_keys(&r, ": s o Tab");
    for (int y = 0; y < 24; y++) {
        const struct key k = {.code = KEY_CODE_MOUSE, .y = y, .x = 5, .button = MOUSE_LEFT};
        dp_tui_key(r.tui, &k);
    }
    assert_string_equal(line(&r), "sort");
    assert_int_equal(dp_tui_top(r.tui)->ops->id, VIEW_FLEET);
    is_line(&r, "Tab", "sort ");
    rig_close(&r);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete__names),
        cmocka_unit_test(test_complete__arguments),
        cmocka_unit_test(test_complete__builds),
        cmocka_unit_test(test_complete__files),
        cmocka_unit_test(test_complete__shows_all_of_many_in_turn),
        cmocka_unit_test(test_hint__tells_of_the_command),
        cmocka_unit_test(test_command__every_view_has_a_row),
        cmocka_unit_test(test_command__is_known_by_how_it_begins),
        cmocka_unit_test(test_command__sorts),
        cmocka_unit_test(test_command__why_of_the_selected),
        cmocka_unit_test(test_history__of_each_kind),
        cmocka_unit_test(test_paste__is_one_line),
        cmocka_unit_test(test_mouse__leaves_the_line_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
