/*
 * What a CI system gets beside the log: annotations, a report, groups; --ci and DEPOT_CI_OUTPUT
 * choose.
 */
#include "cli.h"

#include <depot/file_writer.h>
#include <depot/path.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    unsigned bits;
} words[] = {
    {"annotations", CLI_CI_ANNOTATIONS},
    {"groups", CLI_CI_GROUPS},
    {"report", CLI_CI_REPORT},
    {"all", CLI_CI_ANNOTATIONS | CLI_CI_GROUPS | CLI_CI_REPORT},
    {"none", 0},
};

static int parse_word(const char *word, unsigned *bits)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(words); i++) {
        if (!depot_str_eq(words[i].word, word))
            continue;
        *bits |= words[i].bits;
        return 0;
    }
    return DEPOT_ERR_INVALID;
}

static int parse(const char *from, const char *list, unsigned *bits, struct depot_error *err)
{
    struct depot_strv parts = {0};
    int rc = 0;
    *bits = 0;
    depot_strv_split(&parts, list, ',');
    for (size_t i = 0; rc == 0 && i < parts.len; i++) {
        rc = parse_word(parts.items[i], bits);
        if (rc != 0) {
            depot_error_set(err, rc, "invalid value \"%.40s\" for %s", parts.items[i], from);
            rc = depot_error_hint(
                err, "expected annotations, groups and report with commas, or all, or none");
        }
    }
    depot_strv_release(&parts);
    return rc;
}

int cli_ci_init(
    struct cli_ci *c, const struct depot_strv *flag, unsigned otherwise, struct depot_error *err)
{
    const char *env = getenv("DEPOT_CI_OUTPUT");
    int rc = 0;
    *c = (struct cli_ci){.system = depot_ci_detect(), .what = otherwise};
    if (flag->len > 0) {
        char *list = depot_strv_join(flag, ",");
        rc = parse("--ci", list, &c->what, err);
        depot_free(list);
    } else if (!depot_str_empty(env) && otherwise != 0) {
        rc = parse("DEPOT_CI_OUTPUT", env, &c->what, err);
    }
    if (c->system == NULL)
        c->what = 0;
    return rc;
}

/* As the checkout has it, when it lies there. */
static char *in_checkout(const struct depot_ci *system, const char *path)
{
    const char *root = depot_ci_root(system);
    char real[PATH_MAX], top[PATH_MAX];
    if (realpath(path, real) == NULL)
        return NULL;
    if (root == NULL || realpath(root, top) == NULL)
        return depot_strdup(path);
    const size_t n = strlen(top);
    const bool inside = strncmp(real, top, n) == 0 && real[n] == '/';
    return depot_strdup(inside ? real + n + 1 : real);
}

void cli_ci_place(struct cli_ci *c, const char *context, const char *file)
{
    if (c->system == NULL)
        return;
    depot_free(c->dockerfile);
    char *path =
        depot_str_empty(file) ? depot_path_join(context, "Dockerfile") : depot_strdup(file);
    c->dockerfile = in_checkout(c->system, path);
    depot_free(path);
}

/* For GitLab, which takes annotations from a file of the job's artifacts alone. */
static void write_quality(const struct cli_ci *c, const char *path, const struct depot_build *b,
    const struct depot_render_opts *opts)
{
    const struct depot_file_opts how = {
        .what = "report", .mode = 0644, .flags = DEPOT_FILE_PARENTS};
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_error err = {0};
    depot_render_quality(b, opts, c->dockerfile, &text);
    if (depot_file_write(path, &how, depot_buf_str(&text), text.len, &err) != 0)
        depot_error_print(CLI_PROGRAM, &err);
    depot_buf_release(&text);
}

void cli_ci_annotate(
    const struct cli_ci *c, const struct depot_build *b, const struct depot_render_opts *opts)
{
    const char *quality = getenv("DEPOT_CI_CODE_QUALITY");
    if ((c->what & CLI_CI_ANNOTATIONS) == 0)
        return;
    depot_render_notes(b, opts, c->dockerfile);
    if (!depot_str_empty(quality))
        write_quality(c, quality, b, opts);
}

void cli_ci_error(const struct cli_ci *c, const struct depot_error *err)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if ((c->what & CLI_CI_ANNOTATIONS) == 0)
        return;
    depot_clean_string(&text, err->msg);
    depot_buf_adds(&text, err->hint[0] != '\0' ? "\n" : "");
    depot_clean_string(&text, err->hint);
    const struct depot_ci_note note = {
        .level = DEPOT_CI_ERROR, .title = "depot build", .text = depot_buf_str(&text)};
    depot_ci_put_note(&out, c->system, &note);
    fputs(depot_buf_str(&out), stderr);
    depot_buf_release(&text);
    depot_buf_release(&out);
}

static enum depot_ci_level level_of(const struct depot_build *b)
{
    if (b->state != DEPOT_BUILD_SUCCEEDED)
        return DEPOT_CI_ERROR;
    return b->warnings.len > 0 ? DEPOT_CI_WARNING : DEPOT_CI_GOOD;
}

/* A report that nobody takes is no reason for a build to fail. */
void cli_ci_report(
    const struct cli_ci *c, const struct depot_build *b, const struct depot_render_opts *opts)
{
    struct depot_buf page = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     said = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_error err = {0};
    if ((c->what & CLI_CI_REPORT) == 0 || depot_str_empty(b->id))
        return;
    depot_render_report(b, opts, &page);
    if (depot_ci_report(c->system, depot_buf_str(&page), b->id, level_of(b), &said, &err) != 0)
        depot_error_print(CLI_PROGRAM, &err);
    fputs(depot_buf_str(&said), opts->out);
    fflush(opts->out);
    depot_buf_release(&page);
    depot_buf_release(&said);
}

void cli_ci_release(struct cli_ci *c)
{
    depot_free(c->dockerfile);
    c->dockerfile = NULL;
}
