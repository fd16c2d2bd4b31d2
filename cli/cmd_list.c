/*
 * depot list builds|builders: what the daemon knows, as a table or as JSON.
 */
#include "cli.h"

#include <depot/event.h>
#include <depot/text.h>

#include <string.h>

struct list_args {
    struct cli_remote remote;
    char *project, *state;
    int64_t limit;
    bool json, mine;
};

#define OPT(field) offsetof(struct list_args, field)

static const struct depot_opt list_opts[] = {
    {"json", 0, DEPOT_OPT_BOOL, OPT(json), NULL, "Print the daemon's answer as JSON", NULL, 0},
    {"limit", 'n', DEPOT_OPT_INT, OPT(limit), "N", "At most so many builds (default: 20)", NULL, 0},
    {"mine", 0, DEPOT_OPT_BOOL, OPT(mine), NULL, "Only builds that this user has started", NULL, 0},
    {"project", 0, DEPOT_OPT_STRING, OPT(project), "NAME", "Only builds of this project", NULL, 0},
    {"state", 0, DEPOT_OPT_STRING, OPT(state), "STATE", "Only builds in this state",
        "active|queued|running|succeeded|failed|cancelled", 0},
    CLI_REMOTE_OPTIONS(struct list_args),
};

static char *joined(struct json_object *o, const char *key)
{
    size_t n;
    struct json_object *list = cli_json_list(o, key, &n);
    struct depot_strv v = {0};
    for (size_t i = 0; i < n; i++) {
        const char *item = json_object_get_string(json_object_array_get_idx(list, i));
        depot_strv_push(&v, item != NULL ? item : "");
    }
    char *s = depot_strv_join(&v, ",");
    depot_strv_release(&v);
    return s;
}

static int64_t count_of(struct json_object *counts, const char *key)
{
    const int64_t n = cli_json_int(counts, key);
    return n < 0 ? 0 : n < INT32_MAX ? n : INT32_MAX;
}

static void put_hits(struct depot_buf *out, struct json_object *b)
{
    struct json_object *counts = NULL;
    json_object_object_get_ex(b, "counts", &counts);
    const int64_t hit = count_of(counts, "hit");
    const int64_t of = hit + count_of(counts, "ran") + count_of(counts, "failed");
    if (of > 0)
        depot_buf_addf(out, "%lld%%", (long long)(hit * 100 / of));
    else
        depot_buf_adds(out, "-");
}

static void put_platforms(struct depot_buf *out, struct json_object *b)
{
    char *platforms = joined(b, "platforms");
    depot_buf_adds(out, platforms);
    depot_free(platforms);
}

static void put_time(struct depot_buf *out, struct json_object *b)
{
    char took[DEPOT_TEXT_MAX];
    const int64_t ms = cli_json_int(b, "duration_ms");
    if (ms > 0 && ms < INT64_MAX / DEPOT_MSEC)
        depot_buf_adds(out, depot_text_duration(took, ms * DEPOT_MSEC, true));
}

static void put_age(struct depot_buf *out, struct json_object *b)
{
    char when[DEPOT_TEXT_MAX];
    cli_age(when, cli_json_string(b, "created"));
    depot_buf_adds(out, when);
}

static void put_source(struct depot_buf *out, struct json_object *b)
{
    struct json_object *source = NULL;
    json_object_object_get_ex(b, "source", &source);
    const struct depot_ev_created of = {.branch = cli_json_string(source, "branch"),
        .commit = cli_json_string(source, "commit"),
        .dirty = cli_json_true(source, "dirty")};
    depot_created_source(out, &of);
}

/* A column is as wide as its widest cell, within these; scripts read --json. */
struct build_column {
    const char *head, *member; /* of the daemon's answer, as it stands there */
    void (*put)(struct depot_buf *out, struct json_object *build); /* else */
    int least, most;
    bool right;
};

static const struct build_column build_columns[] = {
    {"BUILD", "id", NULL, 10, 32, false},
    {"STATE", "state", NULL, 9, 16, false},
    {"PROJECT", "project", NULL, 7, CLI_PROJECT_MAX, false},
    {"WHO", "user", NULL, 3, CLI_WHO_MAX, false},
    {"SOURCE", NULL, put_source, 6, 20, false},
    {"PLATFORMS", NULL, put_platforms, 11, 200, false},
    {"HIT%", NULL, put_hits, 4, 8, true},
    {"TIME", NULL, put_time, 7, 16, true},
    {"CREATED", NULL, put_age, 0, 16, false},
};
enum { BUILD_COLUMNS = DEPOT_ARRAY_LEN(build_columns) };

/* Of a build, or without one its head. */
static void put_cell(struct depot_buf *out, const struct build_column *c, struct json_object *build)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (build == NULL)
        depot_buf_adds(&text, c->head);
    else if (c->put != NULL)
        c->put(&text, build);
    else
        depot_buf_adds(&text, cli_json_string(build, c->member));
    depot_text_fit(out, depot_buf_str(&text), c->most, DEPOT_CUT_MIDDLE, !depot_text_is_utf8());
    depot_buf_release(&text);
}

static void print_build(struct json_object *build, const int *widths)
{
    for (size_t i = 0; i < BUILD_COLUMNS; i++) {
        struct depot_buf cell = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        put_cell(&cell, &build_columns[i], build);
        const char *text = depot_buf_str(&cell);
        const int gap = widths[i] - depot_text_width(text), fill = gap > 0 ? gap : 0;
        const bool right = build_columns[i].right, last = i + 1 == BUILD_COLUMNS;
        printf("%*s%s%*s", right ? fill : 0, "", text, right || last ? 0 : fill, "");
        fputs(last ? "\n" : "  ", stdout);
        depot_buf_release(&cell);
    }
}

static void widen(int *widths, struct json_object *build)
{
    for (size_t i = 0; i < BUILD_COLUMNS; i++) {
        struct depot_buf cell = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        put_cell(&cell, &build_columns[i], build);
        const int width = depot_text_width(depot_buf_str(&cell));
        widths[i] = width > widths[i] ? width : widths[i];
        depot_buf_release(&cell);
    }
}

static void print_builds(struct json_object *answer)
{
    size_t n;
    struct json_object *list = cli_json_list(answer, "builds", &n);
    int widths[BUILD_COLUMNS];
    for (size_t i = 0; i < BUILD_COLUMNS; i++)
        widths[i] = build_columns[i].least;
    for (size_t i = 0; i < n; i++)
        widen(widths, json_object_array_get_idx(list, i));
    print_build(NULL, widths);
    for (size_t i = 0; i < n; i++)
        print_build(json_object_array_get_idx(list, i), widths);
}

static void print_builders(struct json_object *answer)
{
    size_t n;
    struct json_object *list = cli_json_list(answer, "builders", &n);
    printf("%-16s %-5s %-10s %-20s %8s  %s\n", "BUILDER", "UP", "ENGINE", "VERSION", "RUNNING",
        "PLATFORMS");
    for (size_t i = 0; i < n; i++) {
        struct json_object *b = json_object_array_get_idx(list, i);
        char *platforms = joined(b, "platforms");
        printf("%-16s %-5s %-10s %-20.20s %8lld  %s\n", cli_json_string(b, "builder"),
            cli_json_true(b, "up") ? "yes" : "no", cli_json_string(b, "engine"),
            cli_json_string(b, "version"), (long long)cli_json_int(b, "running"), platforms);
        depot_free(platforms);
    }
    /* Daemons before this do not say it here. */
    const char *daemon = cli_json_string(answer, "version");
    if (!depot_str_empty(daemon))
        printf("\ndepotd %s\n", daemon);
}

struct list_kind {
    const char *name, *path;
    void (*print)(struct json_object *answer);
    bool filtered;
};

static const struct list_kind kinds[] = {
    {"builds", "/v1/builds", print_builds, true},
    {"builders", "/v1/builders", print_builders, false},
};

static const struct list_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(kinds); i++)
        if (depot_str_eq(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

static int run_list(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    const struct list_args *a = target;
    const struct list_kind *kind = find_kind(args->len > 0 ? args->items[0] : "builds");
    struct depot_error err = {0};
    struct json_object *answer = NULL;
    DEPOT_UNUSED(cmd);
    if (kind == NULL) {
        depot_error_set(&err, DEPOT_ERR_INVALID, "cannot list \"%s\"", args->items[0]);
        depot_error_hint(&err, "list builds or builders");
        depot_error_print(CLI_PROGRAM, &err);
        return DEPOT_EXIT_USAGE;
    }
    struct depot_buf path = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_buf_adds(&path, kind->path);
    if (kind->filtered) {
        depot_buf_addf(&path, "?limit=%lld", (long long)(a->limit > 0 ? a->limit : 20));
        cli_add_query(&path, "project", a->project);
        cli_add_query(&path, "state", a->state);
        cli_add_query(&path, "user", a->mine ? depot_user() : NULL);
    }
    int rc = cli_request(&a->remote, "GET", depot_buf_str(&path), &answer, &err);
    if (rc != 0)
        depot_error_print(CLI_PROGRAM, &err);
    else if (a->json)
        cli_json_print(answer);
    else
        kind->print(cli_json_clean(answer));
    json_object_put(answer);
    depot_buf_release(&path);
    return rc == 0 ? DEPOT_EXIT_OK : DEPOT_EXIT_FAILED;
}

const struct depot_command cmd_list = {
    .name = "list",
    .alias = "ls",
    .args = "[builds | builders]",
    .max_args = 1,
    .summary = "List builds or builders",
    .opts = list_opts,
    .nopts = DEPOT_ARRAY_LEN(list_opts),
    .args_size = sizeof(struct list_args),
    .run = run_list,
};
