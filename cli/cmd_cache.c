/*
 * depot cache, depot prune: what the builders' caches hold, and making room in them.
 */
#include "cli.h"

#include <depot/query.h>
#include <depot/buf.h>
#include <depot/text.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cache_args {
    struct cli_remote remote;
    char *builder;
    int64_t limit;
    bool json;
};

#define OPT(field) offsetof(struct cache_args, field)

static const struct depot_opt cache_opts[] = {
    {"builder", 0, DEPOT_OPT_STRING, OPT(builder), "NAME", "Only the cache of this builder", NULL,
        0},
    {"json", 0, DEPOT_OPT_BOOL, OPT(json), NULL, "Print the daemon's answer as JSON", NULL, 0},
    {"limit", 'n', DEPOT_OPT_INT, OPT(limit), "N", "At most so many records (default: 10)", NULL,
        0},
    CLI_REMOTE_OPTIONS(struct cache_args),
};

struct prune_args {
    struct cli_remote remote;
    char *builder, *keep_storage;
    int64_t keep_hours;
    bool all, force, json;
};

#undef OPT
#define OPT(field) offsetof(struct prune_args, field)

static const struct depot_opt prune_opts[] = {
    {"all", 'a', DEPOT_OPT_BOOL, OPT(all), NULL,
        "Also remove what is shared and what frontends keep", NULL, 0},
    {"builder", 0, DEPOT_OPT_STRING, OPT(builder), "NAME", "Only the cache of this builder", NULL,
        0},
    {"force", 'f', DEPOT_OPT_BOOL, OPT(force), NULL, "Do not ask", NULL, 0},
    {"json", 0, DEPOT_OPT_BOOL, OPT(json), NULL, "Print the daemon's answer as JSON", NULL, 0},
    {"keep-hours", 0, DEPOT_OPT_INT, OPT(keep_hours), "N",
        "Keep what was used within so many hours", NULL, 0},
    {"keep-storage", 0, DEPOT_OPT_STRING, OPT(keep_storage), "SIZE",
        "Keep so much of each cache, as 10GB or 512MiB", NULL, 0},
    CLI_REMOTE_OPTIONS(struct prune_args),
};

static int parse_size(const char *s, int64_t *out, struct depot_error *err)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {
        {"", 1},
        {"B", 1},
        {"kB", 1e3},
        {"KB", 1e3},
        {"MB", 1e6},
        {"GB", 1e9},
        {"TB", 1e12},
        {"k", 1e3},
        {"K", 1e3},
        {"M", 1e6},
        {"G", 1e9},
        {"T", 1e12},
        {"KiB", 1024.0},
        {"MiB", 1048576.0},
        {"GiB", 1073741824.0},
        {"TiB", 1099511627776.0},
    };
    char *end;
    double v = strtod(s, &end);
    bool number = s[0] >= '0' && s[0] <= '9'; /* no sign, no "inf" */
    for (size_t i = 0; number && i < DEPOT_ARRAY_LEN(units); i++) {
        if (strcmp(end + strspn(end, " "), units[i].unit) != 0 || v * units[i].factor > 9e18)
            continue;
        *out = (int64_t)(v * units[i].factor);
        return 0;
    }
    depot_error_set(err, DEPOT_ERR_INVALID, "--keep-storage: \"%s\" is not a size", s);
    return depot_error_hint(err, "write it as 10GB or 512MiB");
}

/* ---- depot cache ---- */

static void print_cut(const char *s, int columns)
{
    struct depot_buf cut = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_text_fit(&cut, s, columns, DEPOT_CUT_END, !depot_text_is_utf8());
    fputs(depot_buf_str(&cut), stdout);
    depot_buf_release(&cut);
}

static void print_record(const struct depot_cache_record *r)
{
    char size[DEPOT_TEXT_MAX], when[DEPOT_TEXT_MAX];
    cli_age(when, r->last_used != 0 ? r->last_used : r->created);
    printf("  %9s  %-9s %5" PRId64 "  %-16.16s ", depot_text_bytes(size, r->bytes), when, r->uses,
        cli_text(r->type));
    print_cut(cli_text(r->description), 80);
    printf("%s%s\n", r->in_use ? " (in use)" : "", r->shared ? " (shared)" : "");
}

static void print_types(const struct depot_cache_use *b)
{
    char size[DEPOT_TEXT_MAX], free_size[DEPOT_TEXT_MAX];
    if (b->ntypes == 0)
        return;
    printf("  %9s  %11s %8s  %s\n", "SIZE", "RECLAIMABLE", "RECORDS", "TYPE");
    for (size_t i = 0; i < b->ntypes; i++) {
        const struct depot_cache_type *t = &b->types[i];
        printf("  %9s  %11s %8d  %.32s\n", depot_text_bytes(size, t->bytes),
            depot_text_bytes(free_size, t->reclaimable), t->records, cli_text(t->type));
    }
}

static void print_use(const struct depot_cache_use *b, size_t limit)
{
    char used[DEPOT_TEXT_MAX], most[DEPOT_TEXT_MAX], free_size[DEPOT_TEXT_MAX];
    const int64_t max = b->limit;
    printf("%s: ", cli_text(b->builder));
    if (!depot_str_empty(b->error)) {
        print_cut(b->error, 200);
        putchar('\n');
        return;
    }
    printf("%s%s%s, %s reclaimable, %d records\n", depot_text_bytes(used, b->bytes),
        max > 0 ? " of " : "", max > 0 ? depot_text_bytes(most, max) : "",
        depot_text_bytes(free_size, b->reclaimable), b->records);
    print_types(b);
    if (b->nlist == 0)
        return;
    printf("  %9s  %-9s %5s  %-16s %s\n", "SIZE", "USED", "USES", "TYPE", "WHAT");
    for (size_t i = 0; i < b->nlist && i < limit; i++)
        print_record(&b->list[i]);
}

static int print_uses(const struct depot_buf *answer, size_t limit, struct depot_error *err)
{
    struct depot_caches list;
    struct depot_arena arena = {0};
    const int rc =
        cli_read(answer, depot_record_of_response(DEPOT_QUERY_CACHE), &list, &arena, err);
    for (size_t i = 0; rc == 0 && i < list.nbuilders; i++) {
        if (i > 0)
            putchar('\n');
        print_use(&list.builders[i], limit);
    }
    depot_arena_release(&arena);
    return rc;
}

static int run_cache(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    const struct cache_args *a = target;
    struct depot_error err = {0};
    struct depot_buf path = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     answer = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    DEPOT_UNUSED(cmd);
    DEPOT_UNUSED(args);
    depot_buf_adds(&path, "/v1/cache");
    cli_add_query(&path, "builder", a->builder);
    int rc = cli_request(&a->remote, "GET", depot_buf_str(&path), &answer, &err);
    if (rc == 0 && a->json)
        cli_json_print_text(&answer);
    else if (rc == 0)
        rc = print_uses(&answer, a->limit > 0 ? (size_t)a->limit : 10, &err);
    if (rc != 0)
        depot_error_print(CLI_PROGRAM, &err);
    depot_buf_release(&answer);
    depot_buf_release(&path);
    return rc == 0 ? DEPOT_EXIT_OK : DEPOT_EXIT_FAILED;
}

const struct depot_command cmd_cache = {
    .name = "cache",
    .alias = "du",
    .args = "",
    .summary = "Show what the builders' caches hold",
    .opts = cache_opts,
    .nopts = DEPOT_ARRAY_LEN(cache_opts),
    .args_size = sizeof(struct cache_args),
    .run = run_cache,
};

/* ---- depot prune ---- */

static int confirm(const struct prune_args *a, struct depot_error *err)
{
    char line[16];
    if (a->force)
        return 0;
    if (!isatty(STDIN_FILENO)) {
        depot_error_set(err, DEPOT_ERR_INVALID, "nobody is there to be asked");
        return depot_error_hint(err, "say --force");
    }
    fprintf(stderr, "Remove %s from the cache of %s? [y/N] ",
        a->all ? "all that is not in use" : "what is neither in use nor shared",
        a->builder != NULL ? a->builder : "all builders");
    if (fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y'))
        return 0;
    return depot_error_set(err, DEPOT_ERR_CANCELLED, "nothing was removed");
}

/* *ok is false when a builder failed. */
static int print_pruned(const struct depot_buf *answer, bool *ok, struct depot_error *err)
{
    struct depot_prunes list;
    struct depot_arena arena = {0};
    char size[DEPOT_TEXT_MAX];
    const int rc =
        cli_read(answer, depot_record_of_response(DEPOT_QUERY_PRUNE), &list, &arena, err);
    for (size_t i = 0; rc == 0 && i < list.nbuilders; i++) {
        const struct depot_pruned *b = &list.builders[i];
        printf("%s: freed %s, %d records", cli_text(b->builder), depot_text_bytes(size, b->bytes),
            b->records);
        if (!depot_str_empty(b->error)) {
            printf(", then failed: ");
            print_cut(b->error, 200);
            *ok = false;
        }
        putchar('\n');
    }
    depot_arena_release(&arena);
    return rc;
}

static int run_prune(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    const struct prune_args *a = target;
    struct depot_error err = {0};
    struct depot_buf answer = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    int64_t keep = 0;
    bool ok = true;
    DEPOT_UNUSED(cmd);
    DEPOT_UNUSED(args);
    int rc = a->keep_storage != NULL ? parse_size(a->keep_storage, &keep, &err) : 0;
    if (rc == 0)
        rc = confirm(a, &err);
    if (rc != 0) {
        depot_error_print(CLI_PROGRAM, &err);
        return rc == DEPOT_ERR_INVALID ? DEPOT_EXIT_USAGE : DEPOT_EXIT_FAILED;
    }
    const struct depot_query body = {
        .builder = a->builder, .all = a->all, .keep_bytes = keep, .keep_hours = a->keep_hours};
    rc = cli_post(&a->remote, "/v1/cache/prune", &depot_record_query_body, &body, &answer, &err);
    if (rc == 0 && a->json)
        cli_json_print_text(&answer);
    else if (rc == 0)
        rc = print_pruned(&answer, &ok, &err);
    if (rc != 0)
        depot_error_print(CLI_PROGRAM, &err);
    depot_buf_release(&answer);
    return rc == 0 && ok ? DEPOT_EXIT_OK : DEPOT_EXIT_FAILED;
}

const struct depot_command cmd_prune = {
    .name = "prune",
    .args = "",
    .summary = "Make room in the builders' caches",
    .opts = prune_opts,
    .nopts = DEPOT_ARRAY_LEN(prune_opts),
    .args_size = sizeof(struct prune_args),
    .run = run_prune,
};
