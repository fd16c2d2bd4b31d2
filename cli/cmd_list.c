/*
 * depot list builds|builders: what the daemon knows, as a table or as JSON.
 */
#include "cli.h"

#include <depot/query.h>
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

static char *joined(const char *const *list, size_t n)
{
    const struct depot_strv v = {.items = (char **)list, .len = n};
    return depot_strv_join(&v, ",");
}

static int64_t count_of(int n)
{
    return n < 0 ? 0 : n;
}

/* ---- builds ---- */

static void put_id(struct depot_buf *out, const struct depot_build_summary *b)
{
    depot_buf_adds(out, cli_text(b->id));
}

static void put_state(struct depot_buf *out, const struct depot_build_summary *b)
{
    depot_buf_adds(out, depot_build_state_name(b->state));
}

static void put_project(struct depot_buf *out, const struct depot_build_summary *b)
{
    depot_buf_adds(out, cli_text(b->info.project));
}

static void put_who(struct depot_buf *out, const struct depot_build_summary *b)
{
    depot_buf_adds(out, cli_text(b->info.user));
}

static void put_source(struct depot_buf *out, const struct depot_build_summary *b)
{
    depot_created_source(out, &b->info);
}

static void put_platforms(struct depot_buf *out, const struct depot_build_summary *b)
{
    char *platforms = joined(b->info.platforms, b->info.nplatforms);
    depot_buf_adds(out, platforms);
    depot_free(platforms);
}

static void put_hits(struct depot_buf *out, const struct depot_build_summary *b)
{
    const struct depot_counts *c = &b->counts;
    const int64_t hit = count_of(c->hit);
    const int64_t of = hit + count_of(c->ran) + count_of(c->failed);
    if (of > 0)
        depot_buf_addf(out, "%lld%%", (long long)(hit * 100 / of));
    else
        depot_buf_adds(out, "-");
}

static void put_time(struct depot_buf *out, const struct depot_build_summary *b)
{
    char took[DEPOT_TEXT_MAX];
    const int64_t ms = b->duration_ms;
    if (ms > 0 && ms < INT64_MAX / DEPOT_MSEC)
        depot_buf_adds(out, depot_text_duration(took, ms * DEPOT_MSEC, true));
}

static void put_age(struct depot_buf *out, const struct depot_build_summary *b)
{
    char when[DEPOT_TEXT_MAX];
    cli_age(when, b->created);
    depot_buf_adds(out, when);
}

/* A column is as wide as its widest cell, within these; scripts read --json. */
static const struct build_column {
    const char *head;
    void (*put)(struct depot_buf *out, const struct depot_build_summary *b);
    int least, most;
    bool right;
} build_columns[] = {
    {"BUILD", put_id, 10, 32, false},
    {"STATE", put_state, 9, 16, false},
    {"PROJECT", put_project, 7, CLI_PROJECT_MAX, false},
    {"WHO", put_who, 3, CLI_WHO_MAX, false},
    {"SOURCE", put_source, 6, 20, false},
    {"PLATFORMS", put_platforms, 11, 200, false},
    {"HIT%", put_hits, 4, 8, true},
    {"TIME", put_time, 7, 16, true},
    {"CREATED", put_age, 0, 16, false},
};
enum { BUILD_COLUMNS = DEPOT_ARRAY_LEN(build_columns) };

/* Of a build, or without one its head. */
static void put_cell(
    struct depot_buf *out, const struct build_column *c, const struct depot_build_summary *b)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (b != NULL)
        c->put(&text, b);
    else
        depot_buf_adds(&text, c->head);
    depot_text_fit(out, depot_buf_str(&text), c->most, DEPOT_CUT_MIDDLE, !depot_text_is_utf8());
    depot_buf_release(&text);
}

static void print_build(const struct depot_build_summary *b, const int *widths)
{
    for (size_t i = 0; i < BUILD_COLUMNS; i++) {
        struct depot_buf cell = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        put_cell(&cell, &build_columns[i], b);
        const char *text = depot_buf_str(&cell);
        const int gap = widths[i] - depot_text_width(text), fill = gap > 0 ? gap : 0;
        const bool right = build_columns[i].right, last = i + 1 == BUILD_COLUMNS;
        printf("%*s%s%*s", right ? fill : 0, "", text, right || last ? 0 : fill, "");
        fputs(last ? "\n" : "  ", stdout);
        depot_buf_release(&cell);
    }
}

static void widen(int *widths, const struct depot_build_summary *b)
{
    for (size_t i = 0; i < BUILD_COLUMNS; i++) {
        struct depot_buf cell = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        put_cell(&cell, &build_columns[i], b);
        const int width = depot_text_width(depot_buf_str(&cell));
        widths[i] = width > widths[i] ? width : widths[i];
        depot_buf_release(&cell);
    }
}

static void print_builds(const void *answer)
{
    const struct depot_builds *list = answer;
    int widths[BUILD_COLUMNS];
    for (size_t i = 0; i < BUILD_COLUMNS; i++)
        widths[i] = build_columns[i].least;
    for (size_t i = 0; i < list->nbuilds; i++)
        widen(widths, &list->builds[i]);
    print_build(NULL, widths);
    for (size_t i = 0; i < list->nbuilds; i++)
        print_build(&list->builds[i], widths);
}

/* ---- builders ---- */

static void print_builders(const void *answer)
{
    const struct depot_builders *list = answer;
    printf("%-16s %-5s %-10s %-20s %8s  %s\n", "BUILDER", "UP", "ENGINE", "VERSION", "RUNNING",
        "PLATFORMS");
    for (size_t i = 0; i < list->nbuilders; i++) {
        const struct depot_ev_builder *b = &list->builders[i];
        char *platforms = joined(b->platforms, b->nplatforms);
        printf("%-16s %-5s %-10s %-20.20s %8d  %s\n", cli_text(b->builder), b->up ? "yes" : "no",
            cli_text(b->engine), cli_text(b->version), b->running, platforms);
        depot_free(platforms);
    }
    /* Daemons before this do not say it here. */
    if (!depot_str_empty(list->version))
        printf("\ndepotd %s\n", list->version);
}

/* ---- the command ---- */

struct list_kind {
    const char *name, *path;
    const struct depot_record *record;
    void (*print)(const void *answer);
    bool filtered;
};

static const struct list_kind kinds[] = {
    {"builds", "/v1/builds", &depot_record_builds, print_builds, true},
    {"builders", "/v1/builders", &depot_record_builders, print_builders, false},
};

static const struct list_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(kinds); i++)
        if (depot_str_eq(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

static int print_answer(const struct depot_buf *answer, const struct list_kind *kind, bool json,
    struct depot_error *err)
{
    union {
        struct depot_builds builds;
        struct depot_builders builders;
    } list;
    struct depot_arena arena = {0};
    const int rc = json ? 0 : cli_read(answer, kind->record, &list, &arena, err);
    if (json)
        cli_json_print_text(answer);
    else if (rc == 0)
        kind->print(&list);
    depot_arena_release(&arena);
    return rc;
}

static int run_list(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    const struct list_args *a = target;
    const struct list_kind *kind = find_kind(args->len > 0 ? args->items[0] : "builds");
    struct depot_error err = {0};
    struct depot_buf answer = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
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
    if (rc == 0)
        rc = print_answer(&answer, kind, a->json, &err);
    if (rc != 0)
        depot_error_print(CLI_PROGRAM, &err);
    depot_buf_release(&answer);
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
