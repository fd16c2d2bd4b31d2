/*
 * depot list builds|builders: what the daemon knows, as a table or as JSON.
 */
#include "cli.h"

#include <depot/answer.h>
#include <depot/text.h>

#include <string.h>

struct list_args {
    struct cli_remote remote;
    char *project, *state;
    int64_t limit;
    bool json;
};

#define OPT(field) offsetof(struct list_args, field)

static const struct depot_opt list_opts[] = {
    {"json", 0, DEPOT_OPT_BOOL, OPT(json), NULL, "Print the daemon's answer as JSON", NULL, 0},
    {"limit", 'n', DEPOT_OPT_INT, OPT(limit), "N", "At most so many builds (default: 20)", NULL, 0},
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

static void print_padded(const char *s, int width)
{
    const int w = depot_text_width(s);
    printf("%s%*s ", s, width > w ? width - w : 0, "");
}

/* Names are not cut: scripts read them too. */
struct build_widths {
    int project, platforms;
};

static int64_t count_of(int n)
{
    return n < 0 ? 0 : n;
}

static void put_hits(struct depot_buf *out, const struct depot_counts *c)
{
    const int64_t hit = count_of(c->hit);
    const int64_t of = hit + count_of(c->ran) + count_of(c->failed);
    if (of > 0)
        depot_buf_addf(out, "%lld%%", (long long)(hit * 100 / of));
    else
        depot_buf_adds(out, "-");
}

static void print_build(const struct depot_build_summary *b, const struct build_widths *w)
{
    struct depot_buf hits = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char when[DEPOT_TEXT_MAX], took[DEPOT_TEXT_MAX] = "";
    char *platforms = joined(b->info.platforms, b->info.nplatforms);
    const int64_t ms = b->duration_ms;
    cli_age(when, b->created);
    put_hits(&hits, &b->counts);
    if (ms > 0 && ms < INT64_MAX / DEPOT_MSEC)
        depot_text_duration(took, ms * DEPOT_MSEC, true);
    printf("%-11s %-10s ", cli_text(b->id), depot_build_state_name(b->state));
    print_padded(cli_text(b->info.project), w->project);
    print_padded(platforms, w->platforms);
    printf("%5s %8s  %s\n", depot_buf_str(&hits), took, when);
    depot_free(platforms);
    depot_buf_release(&hits);
}

static void print_builds(const void *answer)
{
    const struct depot_builds *list = answer;
    struct build_widths w = {18, 24};
    for (size_t i = 0; i < list->nbuilds; i++) {
        const struct depot_ev_created *info = &list->builds[i].info;
        char *platforms = joined(info->platforms, info->nplatforms);
        const int project = depot_text_width(cli_text(info->project));
        w.project = project > w.project ? project : w.project;
        const int made_for = depot_text_width(platforms);
        w.platforms = made_for > w.platforms ? made_for : w.platforms;
        depot_free(platforms);
    }
    printf("%-11s %-10s %-*s %-*s %5s %8s  %s\n", "BUILD", "STATE", w.project, "PROJECT",
        w.platforms, "PLATFORMS", "HIT%", "TIME", "CREATED");
    for (size_t i = 0; i < list->nbuilds; i++)
        print_build(&list->builds[i], &w);
}

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
