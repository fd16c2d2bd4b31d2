/*
 * Which build a command is about: by the beginning of an id, by how far it is behind the newest of
 * this project, or, without a word, that newest one.
 */
#include "cli.h"

#include <string.h>

enum { WHICH_MOST = 10000, WHICH_SHOWN = 10 };

struct which {
    const char *begins; /* of an id; NULL: counted back from the newest of `project` */
    int64_t back;
    char *project;
};

static int not_a_build(const char *word, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_INVALID, "\"%.64s\" is not a build's id", word);
    return depot_error_hint(err,
        "give an id or its beginning, as \"depot list builds\" shows it; ^1 for the build before "
        "the newest of this project, nothing for that one");
}

static int parse(struct which *w, const char *word, struct depot_error *err)
{
    if (word != NULL && *word != '^') {
        w->begins = word;
        return *word != '\0' && word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789")] == '\0'
                   ? 0
                   : not_a_build(word, err);
    }
    if (word != NULL && depot_str_to_int64(word + 1, 0, WHICH_MOST - 1, &w->back) != 0)
        return not_a_build(word, err);
    return depot_project(NULL, ".", &w->project, err);
}

static bool fits(const struct which *w, const struct depot_build_summary *b)
{
    return w->begins != NULL ? depot_str_starts(cli_text(b->id), w->begins)
                             : depot_str_eq(cli_text(b->info.project), w->project);
}

static int too_few(const struct which *w, size_t has, struct depot_error *err)
{
    if (has == 0)
        depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no build of project %s", w->project);
    else
        depot_error_set(err, DEPOT_ERR_NOT_FOUND, "project %s has only %zu build%s, so no ^%lld",
            w->project, has, has == 1 ? "" : "s", (long long)w->back);
    return depot_error_hint(err, "\"depot list builds\" shows those of all projects");
}

static void put_candidate(struct depot_buf *out, const struct depot_build_summary *b)
{
    char when[DEPOT_TEXT_MAX];
    cli_age(when, b->created);
    depot_buf_addf(out, "\n  %-11.32s ", cli_text(b->id));
    cli_put_column(out, cli_text(b->info.project), CLI_PROJECT_MAX, CLI_PROJECT_MAX);
    cli_put_column(out, cli_text(b->info.user), CLI_WHO_MAX, CLI_WHO_MAX);
    depot_buf_adds(out, when);
}

static int ambiguous(
    const struct which *w, const struct depot_builds *list, size_t fit, struct depot_error *err)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    size_t shown = 0;
    for (size_t i = 0; i < list->nbuilds && shown < WHICH_SHOWN; i++) {
        if (!fits(w, &list->builds[i]))
            continue;
        put_candidate(&text, &list->builds[i]);
        shown++;
    }
    depot_error_set(err, DEPOT_ERR_INVALID, "%zu builds begin with \"%.64s\"%s:%s", fit, w->begins,
        fit > shown ? ", the newest of them" : "", depot_buf_str(&text));
    depot_buf_release(&text);
    return depot_error_hint(err, "give more of the id");
}

/* Of a list that is newest first; NULL: what begins so is not there. */
static int choose(const struct which *w, const struct depot_builds *list,
    const struct depot_build_summary **out, struct depot_error *err)
{
    size_t fit = 0;
    for (size_t i = 0; i < list->nbuilds; i++) {
        const struct depot_build_summary *b = &list->builds[i];
        if (!fits(w, b))
            continue;
        if (fit == (size_t)w->back)
            *out = b;
        if (w->begins != NULL && depot_str_eq(b->id, w->begins)) {
            *out = b;
            return 0;
        }
        fit++;
    }
    if (w->begins != NULL)
        return fit > 1 ? ambiguous(w, list, fit, err) : 0;
    return *out == NULL ? too_few(w, fit, err) : 0;
}

static int among(struct cli_build *out, const struct which *w, const struct depot_builds *list,
    struct depot_error *err)
{
    const struct depot_build_summary *b = NULL;
    int rc = choose(w, list, &b, err);
    if (rc != 0)
        return rc;
    /* One that is not in the list is for whoever needs it to miss. */
    out->id = depot_strdup(b != NULL ? cli_text(b->id) : w->begins);
    out->user = depot_strdup(b != NULL ? cli_text(b->info.user) : "");
    out->named = w->begins != NULL;
    return 0;
}

/* All that begin so, of which there are few unless the daemon is an old one; of the newest of a
 * project no more than are counted. */
static int ask(const struct cli_remote *remote, const struct which *w, struct depot_builds *list,
    struct depot_arena *arena, struct depot_error *err)
{
    struct depot_buf path = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     answer = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_buf_addf(&path, "/v1/builds?limit=%lld",
        w->begins != NULL ? (long long)WHICH_MOST : (long long)w->back + 1);
    cli_add_query(&path, "begins", w->begins);
    cli_add_query(&path, "project", w->project);
    int rc = cli_request(remote, "GET", depot_buf_str(&path), &answer, err);
    if (rc == 0)
        rc = cli_read(&answer, &depot_record_builds, list, arena, err);
    depot_buf_release(&path);
    depot_buf_release(&answer);
    return rc;
}

int cli_which(const struct cli_remote *remote, const char *word, struct cli_build *out,
    struct depot_error *err)
{
    struct which w = {0};
    struct depot_builds list = {0};
    struct depot_arena arena = {0};
    int rc = parse(&w, word, err);
    if (rc == 0)
        rc = ask(remote, &w, &list, &arena, err);
    if (rc == 0)
        rc = among(out, &w, &list, err);
    depot_arena_release(&arena);
    depot_free(w.project);
    return rc;
}

int cli_which_of(const struct depot_builds *list, const char *word, struct cli_build *out,
    struct depot_error *err)
{
    struct which w = {0};
    int rc = parse(&w, word, err);
    if (rc == 0)
        rc = among(out, &w, list, err);
    depot_free(w.project);
    return rc;
}

const char *cli_arg(const struct depot_strv *args)
{
    return args->len > 0 ? args->items[0] : NULL;
}

void cli_build_release(struct cli_build *b)
{
    depot_free(b->id);
    depot_free(b->user);
    *b = (struct cli_build){0};
}

int cli_exit(int rc)
{
    return rc == 0 ? DEPOT_EXIT_OK : rc == DEPOT_ERR_INVALID ? DEPOT_EXIT_USAGE : DEPOT_EXIT_FAILED;
}
