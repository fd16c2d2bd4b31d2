/*
 * Errors and lint warnings, at the line of the Dockerfile they speak of: as annotations of a CI
 * system, or as a report of code quality.
 */
#include "render/facts.h"

#include <string.h>

/* GitHub shows ten of each kind a step; what is beyond is in the log all the same. */
enum { NOTES_MAX = 10, STEP_MAX = 80 };

/* The engine knows a Dockerfile by its name alone. */
static const char *place_of(const char *file, const char *dockerfile)
{
    const char *base = dockerfile != NULL ? strrchr(dockerfile, '/') : NULL;

    if (file == NULL)
        return dockerfile;
    base = base != NULL ? base + 1 : dockerfile;
    return depot_str_eq(file, base) ? dockerfile : file;
}

/* "FromAsCasing: ..." begins with the rule's name; a title if there is none. */
static char *rule_of(const char *text, const char **rest)
{
    size_t n = strcspn(text, ": ");

    *rest = text;
    if (n == 0 || text[n] != ':' || text[n + 1] != ' ')
        return depot_strdup("Dockerfile");
    *rest = text + n + 2;
    return depot_strndup(text, n);
}

struct notes {
    const struct depot_build *build;
    struct depot_render_opts opts;
    const char *dockerfile;
    struct depot_buf out;
    void (*put)(struct notes *n, const struct depot_ci_note *note);
};

static void put_annotation(struct notes *n, const struct depot_ci_note *note)
{
    depot_ci_put_note(&n->out, n->opts.ci, note);
}

static void put_quality(struct notes *n, const struct depot_ci_note *note)
{
    depot_buf_adds(&n->out, n->out.len ? ",\n" : "[\n");
    depot_ci_put_quality(&n->out, note);
}

static void put_at(struct notes *n, struct depot_ci_note *note, const char *file,
    const struct depot_range *ranges, size_t nranges)
{
    if (nranges > 0) {
        note->file = place_of(file, n->dockerfile);
        note->line = ranges[0].start_line;
        note->end_line = ranges[0].end_line;
    }
    n->put(n, note);
}

static void put_warning(struct notes *n, const struct depot_vertex_warning *w)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_ci_note note = {.level = DEPOT_CI_WARNING};
    const char *rest;
    char *rule = rule_of(w->short_text, &rest);

    dp_put_text(&text, &n->opts, rest);
    if (!depot_str_empty(w->url)) {
        depot_buf_addc(&text, '\n');
        dp_put_text(&text, &n->opts, w->url);
    }
    note.title = rule;
    note.text = depot_buf_str(&text);
    put_at(n, &note, w->info != NULL ? w->info->filename : NULL, w->ranges, w->nranges);
    depot_free(rule);
    depot_buf_release(&text);
}

static void put_error(struct notes *n, const struct depot_part *p)
{
    const struct depot_build_error *e = p->error;
    const struct depot_step *s =
        e->vertex != NULL ? depot_build_step(n->build, p, e->vertex) : NULL;
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     title = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_ci_note note = {.level = DEPOT_CI_ERROR};

    if (*p->platform)
        depot_buf_addf(&title, "%s: ", p->platform);
    if (s != NULL)
        dp_put_step(&title, &n->opts, s, STEP_MAX);
    else
        depot_buf_adds(&title, "the build failed");
    dp_put_text(&text, &n->opts, dp_short_error(e));
    for (size_t i = 0; s != NULL && i < s->tail_len; i++) {
        depot_buf_addc(&text, '\n');
        dp_put_text(&text, &n->opts, dp_tail_line(s, i));
    }
    note.title = depot_buf_str(&title);
    note.text = depot_buf_str(&text);
    put_at(n, &note, e->file, e->ranges, e->nranges);
    depot_buf_release(&text);
    depot_buf_release(&title);
}

static void put_warnings(struct notes *n)
{
    size_t count = 0;

    for (size_t i = 0; i < n->build->warnings.len && count < NOTES_MAX; i++) {
        if (dp_warning_again(n->build, i))
            continue;
        put_warning(n, n->build->warnings.items[i]);
        count++;
    }
}

static void put_errors(struct notes *n)
{
    const struct depot_build *b = n->build;
    const struct depot_ci_note whole = {
        .level = DEPOT_CI_ERROR, .title = "the build failed", .text = b->message};
    size_t count = 0;

    for (size_t i = 0; i < b->parts.len && count < NOTES_MAX; i++) {
        if (b->parts.items[i]->state != DEPOT_BUILD_FAILED || b->parts.items[i]->error == NULL)
            continue;
        put_error(n, b->parts.items[i]);
        count++;
    }
    if (count == 0 && b->state == DEPOT_BUILD_FAILED && b->message != NULL)
        n->put(n, &whole);
}

static void put_all(struct notes *n)
{
    n->opts.sanitize = true;
    depot_buf_init(&n->out, DEPOT_BUF_NO_LIMIT);
    put_warnings(n);
    put_errors(n);
}

void depot_render_notes(
    const struct depot_build *b, const struct depot_render_opts *opts, const char *dockerfile)
{
    struct notes n = {.build = b, .opts = *opts, .dockerfile = dockerfile, .put = put_annotation};

    put_all(&n);
    if (n.out.len) {
        fwrite(n.out.data, 1, n.out.len, opts->out);
        fflush(opts->out);
    }
    depot_buf_release(&n.out);
}

void depot_render_quality(const struct depot_build *b, const struct depot_render_opts *opts,
    const char *dockerfile, struct depot_buf *out)
{
    struct notes n = {.build = b, .opts = *opts, .dockerfile = dockerfile, .put = put_quality};

    put_all(&n);
    depot_buf_adds(out, n.out.len ? depot_buf_str(&n.out) : "[");
    depot_buf_adds(out, "\n]\n");
    depot_buf_release(&n.out);
}
