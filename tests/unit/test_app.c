/*
 * Option tables, platforms, help and completions.
 */
#include <depot/app.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct args {
    bool push;
    char *file, *progress;
    struct depot_strv tags, platforms;
    int64_t limit;
};

#define OPT(field) offsetof(struct args, field)

static const struct depot_opt opts[] = {
    {"file", 'f', DEPOT_OPT_STRING, OPT(file), "FILE", "Name of the file", NULL, 0},
    {"limit", 'n', DEPOT_OPT_INT, OPT(limit), "N", "At most", NULL, 0},
    {"platform", 0, DEPOT_OPT_CSV, OPT(platforms), "PLATFORM", "Platforms", NULL, 0},
    {"progress", 0, DEPOT_OPT_STRING, OPT(progress), "MODE", "Progress", "auto|plain", 0},
    {"push", 'p', DEPOT_OPT_BOOL, OPT(push), NULL, "Push it", NULL, 0},
    {"tag", 't', DEPOT_OPT_LIST, OPT(tags), "NAME", "Name", NULL, 0},
    {"squash", 0, DEPOT_OPT_IGNORED, 0, NULL, NULL, NULL, DEPOT_OPT_HIDDEN | DEPOT_OPT_NO_ARG},
};

static const struct depot_command cmd = {
    .name = "make",
    .args = "PATH",
    .min_args = 1,
    .max_args = 1,
    .summary = "Make it",
    .opts = opts,
    .nopts = DEPOT_ARRAY_LEN(opts),
    .args_size = sizeof(struct args),
};

static int parse(const char *line, struct args *a, struct depot_strv *rest, struct depot_error *err)
{
    struct depot_strv argv = {0};
    memset(a, 0, sizeof(*a));
    depot_strv_split(&argv, line, ' ');
    int rc = depot_opts_parse(&cmd, (int)argv.len, argv.items, a, rest, err);
    depot_strv_release(&argv);
    return rc;
}

static void test_opts__all_spellings_of_a_flag_mean_the_same(void **state)
{
    static const char *const lines[] = {"-f x -t a -t b -p dir", "-fx -t=a -tb -p dir",
        "--file=x --tag a --tag=b --push dir", "-pfx --tag a -t b -- dir",
        "dir --file x --push=true --tag a --tag b"};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(lines); i++) {
        struct args a;
        struct depot_strv rest = {0};
        struct depot_error err = {0};
        assert_int_equal(parse(lines[i], &a, &rest, &err), 0);
        assert_string_equal(a.file, "x");
        assert_true(a.push);
        assert_int_equal(a.tags.len, 2);
        assert_string_equal(a.tags.items[1], "b");
        assert_string_equal(rest.items[0], "dir");
        depot_opts_release(&cmd, &a);
        depot_strv_release(&rest);
    }
}

/* As a variable that is not set gives it. */
static void test_opts__an_empty_word_was_not_said(void **state)
{
    struct args a;
    struct depot_strv rest = {0};
    struct depot_error err = {0};
    (void)state;
    assert_int_equal(parse("--progress=plain --progress= dir", &a, &rest, &err), 0);
    assert_null(a.progress);
    assert_int_equal(rest.len, 1);
    depot_opts_release(&cmd, &a);
    depot_strv_release(&rest);
}

static void test_opts__what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *line, *message;
    } rows[] = {
        {"--plattform x dir", "unknown flag: --plattform"},
        {"-x dir", "unknown flag: -x"},
        {"--push=maybe dir", "invalid value \"maybe\" for --push: expected true or false"},
        {"--progress=fast dir", "invalid value \"fast\" for --progress"},
        {"dir --limit x", "invalid value \"x\" for --limit: expected a number"},
        {"dir -f", "flag needs an argument: --file"},
        {"--push", "\"make\" requires exactly 1 argument, got 0"},
        {"a b", "\"make\" requires exactly 1 argument, got 2"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct args a;
        struct depot_strv rest = {0};
        struct depot_error err = {0};
        assert_int_equal(parse(rows[i].line, &a, &rest, &err), DEPOT_ERR_INVALID);
        assert_string_equal(err.msg, rows[i].message);
        depot_opts_release(&cmd, &a);
        depot_strv_release(&rest);
    }
}

static void test_opts__a_near_miss_is_suggested(void **state)
{
    struct args a;
    struct depot_strv rest = {0};
    struct depot_error err = {0};
    (void)state;
    assert_int_equal(parse("--plattform x dir", &a, &rest, &err), DEPOT_ERR_INVALID);
    assert_string_equal(err.hint, "did you mean --platform?");
    depot_opts_release(&cmd, &a);
    depot_strv_release(&rest);
}

static void test_opts__help_is_an_outcome(void **state)
{
    struct args a;
    struct depot_strv rest = {0};
    (void)state;
    assert_int_equal(parse("--help", &a, &rest, NULL), DEPOT_ERR_EOF);
    assert_int_equal(parse("-h", &a, &rest, NULL), DEPOT_ERR_EOF);
    depot_strv_release(&rest);
}

static void test_help__shows_options_but_not_hidden_ones(void **state)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    struct depot_error err = {0};
    (void)state;
    depot_help_command(f, "depot", &cmd);
    depot_man_command(f, "depot", &cmd);
    assert_int_equal(depot_completion(f, "bash", "depot", &cmd, 1, NULL), 0);
    assert_int_equal(depot_completion(f, "zsh", "depot", &cmd, 1, NULL), 0);
    assert_int_equal(depot_completion(f, "fish", "depot", &cmd, 1, NULL), 0);
    assert_int_equal(depot_completion(f, "csh", "depot", &cmd, 1, &err), DEPOT_ERR_INVALID);
    fclose(f);
    assert_non_null(strstr(text, "-f, --file FILE"));
    assert_non_null(strstr(text, "(auto|plain)"));
    assert_null(strstr(text, "squash"));
    free(text);
}

static void test_project__a_given_one_is_a_name(void **state)
{
    static const struct {
        const char *flag, *env, *out, *says;
    } rows[] = {
        {NULL, NULL, "default", NULL},
        {"web", "shop", "web", NULL},
        {"", "shop/caf\xc3\xa9 2", "shop/caf\xc3\xa9 2", NULL},
        {NULL, "shop\tcart", NULL, "DEPOT_PROJECT_ID holds a control character"},
        {"we\nb", "shop", NULL, "--project holds a control character"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_error err = {0};
        char *out = NULL;
        if (rows[i].env != NULL)
            setenv("DEPOT_PROJECT_ID", rows[i].env, 1);
        else
            unsetenv("DEPOT_PROJECT_ID");
        const int rc = depot_project(rows[i].flag, NULL, &out, &err);
        assert_int_equal(rc, rows[i].says != NULL ? DEPOT_ERR_INVALID : 0);
        if (rows[i].says != NULL)
            assert_string_equal(err.msg, rows[i].says);
        else
            assert_string_equal(out, rows[i].out);
        assert_true((err.hint[0] != '\0') == (rows[i].says != NULL));
        depot_free(out);
    }
    unsetenv("DEPOT_PROJECT_ID");
}

static void test_version__worth_a_line(void **state)
{
    static const struct {
        const char *daemon, *lack, *text;
    } rows[] = {
        {DEPOT_VERSION, NULL, NULL},
        {NULL, NULL, NULL},
        {"", NULL, NULL},
        {"nonsense", NULL, NULL},
        {"99999999999999999999.1", NULL, "and the daemon is 9999"},
        {"7.2.1", NULL, "and the daemon is 7.2.1: what only one of them knows"},
        {"7.2.1", "it burns", "the daemon (7.2.1) does not know all of this depot"},
        {NULL, "it burns", "the daemon (of an older version) does not know all"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *text = depot_version_note(rows[i].daemon, rows[i].lack);
        assert_int_equal(text == NULL, rows[i].text == NULL);
        if (text != NULL)
            assert_non_null(strstr(text, rows[i].text));
        depot_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opts__all_spellings_of_a_flag_mean_the_same),
        cmocka_unit_test(test_opts__an_empty_word_was_not_said),
        cmocka_unit_test(test_opts__what_is_wrong_is_named),
        cmocka_unit_test(test_opts__a_near_miss_is_suggested),
        cmocka_unit_test(test_opts__help_is_an_outcome),
        cmocka_unit_test(test_project__a_given_one_is_a_name),
        cmocka_unit_test(test_version__worth_a_line),
        cmocka_unit_test(test_help__shows_options_but_not_hidden_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
