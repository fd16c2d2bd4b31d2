/*
 * Builds that failed in part, remembered for `depot retry`: one JSON file each in the user's state
 * directory.
 */
#include "cli.h"

#include <depot/file_writer.h>
#include <depot/path.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RETRY_FILE_MAX = 4 * 1024 * 1024,
    RETRY_KEEP = 64, /* builds; the oldest goes */
};

static char *folder(void)
{
    char *state = depot_path_state_dir(), *dir = depot_path_join(state, "retry");
    depot_free(state);
    return dir;
}

static char *file_of(const char *dir, const char *id)
{
    char *name = depot_asprintf("%s.json", id), *path = depot_path_join(dir, name);
    depot_free(name);
    return path;
}

/* ---- the command line, from its options ---- */

static void add_option(struct json_object *list, const char *name, const char *value)
{
    char *text =
        value != NULL ? depot_asprintf("--%s=%s", name, value) : depot_asprintf("--%s", name);
    json_object_array_add(list, json_object_new_string(text));
    depot_free(text);
}

static void add_options(struct json_object *list, const struct depot_opt *opt, const void *target)
{
    const void *at = (const char *)target + opt->offset;
    switch (opt->type) {
    case DEPOT_OPT_BOOL:
        if (*(const bool *)at)
            add_option(list, opt->name, NULL);
        break;
    case DEPOT_OPT_STRING:
        if (*(char *const *)at != NULL)
            add_option(list, opt->name, *(char *const *)at);
        break;
    case DEPOT_OPT_LIST:
    case DEPOT_OPT_CSV: {
        const struct depot_strv *v = at;
        for (size_t i = 0; i < v->len; i++)
            add_option(list, opt->name, v->items[i]);
        break;
    }
    case DEPOT_OPT_INT:
    case DEPOT_OPT_IGNORED:
        break;
    }
}

/* What is told anew below. */
static bool is_replaced(const char *name)
{
    return depot_str_eq(name, "platform") || depot_str_eq(name, "join-with");
}

/* "linux/amd64,linux/arm64": one of them is in the other list, too. */
static bool share_platform(const char *list, const char *other)
{
    struct depot_strv a = {0}, b = {0};
    bool share = false;
    depot_strv_split(&a, list, ',');
    depot_strv_split(&b, other, ',');
    for (size_t i = 0; i < a.len; i++)
        share |= depot_strv_has(&b, a.items[i]);
    depot_strv_release(&a);
    depot_strv_release(&b);
    return share;
}

/* The parts that make one of `platforms`; NULL: all. What was `told` is not told twice. */
static void add_parts(struct json_object *list, const struct depot_build *state,
    const char *platforms, struct depot_strv *told)
{
    for (size_t i = 0; i < state->parts.len; i++) {
        const struct depot_part *p = state->parts.items[i];
        const bool made = p->state == DEPOT_BUILD_SUCCEEDED;
        if (depot_strv_has(told, p->platform) ||
            (platforms != NULL && !share_platform(platforms, p->platform)))
            continue;
        depot_strv_push(told, p->platform);
        char *with =
            depot_asprintf("%s=%s", p->platform, made && p->digest != NULL ? p->digest : "");
        if (!made)
            add_option(list, "platform", p->platform);
        add_option(list, "join-with", with);
        depot_free(with);
    }
}

/* In the order of the first time, with what builds before this one have made. */
static void add_manifests(
    struct json_object *list, const struct depot_build *state, const struct depot_strv *earlier)
{
    struct depot_strv told = {0};
    for (size_t i = 0; i < earlier->len; i++) {
        const char *item = earlier->items[i], *digest = strchr(item, '=');
        char *platforms = depot_strndup(item, strcspn(item, "="));
        if (digest != NULL && digest[1] != '\0')
            add_option(list, "join-with", item);
        else
            add_parts(list, state, platforms, &told);
        depot_free(platforms);
    }
    add_parts(list, state, NULL, &told);
    depot_strv_release(&told);
}

/* What came from there once does not come again. */
static bool reads_stdin(const struct depot_build_args *args)
{
    return depot_str_eq(args->context, "-") || depot_str_eq(args->file, "-");
}

bool cli_retry_worth(const struct depot_build *state, const struct depot_build_args *args)
{
    size_t made = 0;
    if (reads_stdin(args))
        return false;
    for (size_t i = 0; i < state->parts.len; i++)
        made += state->parts.items[i]->state == DEPOT_BUILD_SUCCEEDED;
    return made > 0 && made < state->parts.len;
}

/* ---- the files ---- */

static void forget_old(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char *oldest = NULL;
    time_t when = 0;
    size_t n = 0;
    while (d != NULL && (e = readdir(d)) != NULL) {
        struct stat st;
        if (!depot_str_ends(e->d_name, ".json") || fstatat(dirfd(d), e->d_name, &st, 0) != 0)
            continue;
        n++;
        if (oldest == NULL || st.st_mtime < when) {
            depot_free(oldest);
            oldest = depot_strdup(e->d_name);
            when = st.st_mtime;
        }
    }
    if (n > RETRY_KEEP)
        unlinkat(dirfd(d), oldest, 0);
    depot_free(oldest);
    if (d != NULL)
        closedir(d);
}

static void add_string(struct json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, json_object_new_string(value != NULL ? value : ""));
}

/* As a daemon tells it of a build in its list. */
static void tell_which(struct json_object *o, const struct depot_build *state)
{
    char created[DEPOT_TIME_STR_MAX];
    depot_time_format(created, state->created);
    add_string(o, "project", state->info.project);
    add_string(o, "user", state->info.user);
    add_string(o, "created", created);
}

int cli_retry_save(const struct depot_build *state, const struct depot_command *cmd,
    const void *target, const struct depot_build_args *built, struct depot_error *err)
{
    static const struct depot_file_opts opts = {.what = "note for depot retry", .mode = 0600};
    char *cwd = getcwd(NULL, 0);
    if (cwd == NULL)
        return depot_error_errno(err, errno, "depot retry will not find the directory again");
    char *dir = folder(), *path = file_of(dir, state->id);
    struct json_object *o = json_object_new_object(), *args = json_object_new_array();
    for (size_t i = 0; i < cmd->nopts; i++)
        if (!is_replaced(cmd->opts[i].name))
            add_options(args, &cmd->opts[i], target);
    add_manifests(args, state, &built->join_with);
    json_object_array_add(args, json_object_new_string("--"));
    json_object_array_add(args, json_object_new_string(built->context));
    json_object_object_add(o, "dir", json_object_new_string(cwd));
    tell_which(o, state);
    json_object_object_add(o, "args", args);
    const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
    int rc = depot_path_private_dir(dir, err);
    if (rc == 0)
        rc = depot_file_write(path, &opts, text, strlen(text), err);
    if (rc == 0)
        forget_old(dir);
    json_object_put(o);
    free(cwd);
    depot_free(path);
    depot_free(dir);
    return rc;
}

static int hint_what_can(struct depot_error *err)
{
    return depot_error_hint(err,
        "a build can be retried where it was started, when a part of it has succeeded and another "
        "has failed; see depot build --keep-going");
}

static int unknown(const char *id, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is nothing to retry of build %.64s", id);
    return hint_what_can(err);
}

static int none_such(struct depot_error *err)
{
    depot_error_prefix(err, "nothing to retry");
    return hint_what_can(err);
}

static const char *json_text(struct json_object *v)
{
    const char *text = json_object_get_string(v);
    return text != NULL ? text : "";
}

static int read_note(const char *path, struct json_object **out, struct depot_error *err)
{
    char *text = NULL;
    int rc = depot_file_read(path, RETRY_FILE_MAX, &text, NULL, err);
    if (rc == 0)
        *out = json_tokener_parse(text);
    depot_free(text);
    return rc;
}

static int by_age(const void *a, const void *b)
{
    const struct depot_build_summary *x = a, *y = b;
    return (x->created < y->created) - (x->created > y->created);
}

/* Notes of earlier versions do not say which build they are of; their names do. */
static void read_summary(
    const char *dir, const char *name, struct depot_build_summary *b, struct depot_arena *arena)
{
    struct json_object *o = NULL;
    char *path = depot_path_join(dir, name);
    if (read_note(path, &o, NULL) == 0) {
        const char *created = cli_json_string(o, "created");
        b->info.project = depot_arena_strdup(arena, cli_json_string(o, "project"));
        b->info.user = depot_arena_strdup(arena, cli_json_string(o, "user"));
        if (depot_time_parse(created, strlen(created), &b->created) != 0)
            b->created = 0;
    }
    b->id = depot_arena_strndup(arena, name, strlen(name) - strlen(".json"));
    json_object_put(o);
    depot_free(path);
}

/* What can be retried, newest first, as a daemon lists builds. */
static void all_notes(const char *dir, struct depot_builds *out, struct depot_arena *arena)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    out->builds = depot_arena_alloc(arena, (RETRY_KEEP + 1) * sizeof(*out->builds));
    while (d != NULL && out->nbuilds <= RETRY_KEEP && (e = readdir(d)) != NULL)
        if (depot_str_ends(e->d_name, ".json"))
            read_summary(dir, e->d_name, &out->builds[out->nbuilds++], arena);
    if (d != NULL)
        closedir(d);
    qsort(out->builds, out->nbuilds, sizeof(*out->builds), by_age);
}

static int load(const char *path, char **dir, struct depot_strv *args, struct depot_error *err)
{
    struct json_object *o = NULL;
    size_t n = 0;
    int rc = read_note(path, &o, err);
    struct json_object *list = cli_json_list(o, "args", &n);
    if (rc == 0 && (n == 0 || *cli_json_string(o, "dir") == '\0'))
        rc = depot_error_set(err, DEPOT_ERR_IO, "%s is damaged", path);
    for (size_t i = 0; rc == 0 && i < n; i++)
        depot_strv_push(args, json_text(json_object_array_get_idx(list, i)));
    if (rc == 0)
        *dir = depot_strdup(cli_json_string(o, "dir"));
    json_object_put(o);
    return rc;
}

int cli_retry_load(const char *word, char **dir, struct depot_strv *args, struct depot_error *err)
{
    char *at = folder(), *path = NULL;
    struct depot_builds notes = {0};
    struct depot_arena arena = {0};
    struct cli_build build = {0};
    all_notes(at, &notes, &arena);
    int rc = cli_which_of(&notes, word, &build, err);
    if (rc == 0) {
        path = file_of(at, build.id);
        rc = access(path, F_OK) == 0 ? load(path, dir, args, err) : unknown(build.id, err);
    } else if (rc == DEPOT_ERR_NOT_FOUND) {
        rc = none_such(err);
    }
    cli_build_release(&build);
    depot_arena_release(&arena);
    depot_free(path);
    depot_free(at);
    return rc;
}
