/*
 * Errors and lint warnings as annotations of a CI system, at the line of the Dockerfile they speak
 * of.
 */
#include "render/facts.h"

#include <string.h>

/* GitHub shows ten of each kind a step; what is beyond is in the log all the same. */
enum { NOTES_MAX = 10 };

/* The engine knows a Dockerfile by its name alone. */
static const char *place_of(const char *file, const char *dockerfile)
{
    const char *base = dockerfile ? strrchr(dockerfile, '/') : NULL;

    if (!file)
        return dockerfile;
    base = base ? base + 1 : dockerfile;
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

static void put_warning(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_vertex_warning *w, const char *dockerfile)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_ci_note note = {.level = DEPOT_CI_WARNING};
    const char *rest;
    char *rule = rule_of(w->short_text, &rest);

    dp_put_text(&text, opts, rest);
    if (!depot_str_empty(w->url)) {
        depot_buf_addc(&text, '\n');
        dp_put_text(&text, opts, w->url);
    }
    note.title = rule;
    note.text = depot_buf_str(&text);
    if (w->nranges > 0) {
        note.file = place_of(w->info ? w->info->filename : NULL, dockerfile);
        note.line = w->ranges[0].start_line;
        note.end_line = w->ranges[0].end_line;
    }
    depot_ci_put_note(out, opts->ci, &note);
    depot_free(rule);
    depot_buf_release(&text);
}

static void put_error(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_build *b, const struct depot_part *p, const char *dockerfile)
{
    const struct depot_build_error *e = p->error;
    const struct depot_step *s = e->vertex ? depot_build_step(b, p, e->vertex) : NULL;
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     title = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_ci_note note = {.level = DEPOT_CI_ERROR};

    if (*p->platform)
        depot_buf_addf(&title, "%s: ", p->platform);
    if (s)
        dp_put_step(&title, opts, s, 80);
    else
        depot_buf_adds(&title, "the build failed");
    dp_put_text(&text, opts, dp_short_error(e));
    for (size_t i = 0; s && i < s->tail_len; i++) {
        depot_buf_addc(&text, '\n');
        dp_put_text(&text, opts, dp_tail_line(s, i));
    }
    note.title = depot_buf_str(&title);
    note.text = depot_buf_str(&text);
    if (e->nranges > 0) {
        note.file = place_of(e->file, dockerfile);
        note.line = e->ranges[0].start_line;
        note.end_line = e->ranges[0].end_line;
    }
    depot_ci_put_note(out, opts->ci, &note);
    depot_buf_release(&text);
    depot_buf_release(&title);
}

static void put_message(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_build *b)
{
    const struct depot_ci_note note = {
        .level = DEPOT_CI_ERROR, .title = "the build failed", .text = b->message};

    depot_ci_put_note(out, opts->ci, &note);
}

void depot_render_notes(
    const struct depot_build *b, const struct depot_render_opts *opts, const char *dockerfile)
{
    struct depot_render_opts text = *opts;
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    size_t n = 0, errors = 0;

    text.sanitize = true;
    for (size_t i = 0; i < b->warnings.len && n < NOTES_MAX; i++) {
        if (dp_warning_again(b, i))
            continue;
        put_warning(&out, &text, b->warnings.items[i], dockerfile);
        n++;
    }
    for (size_t i = 0; i < b->parts.len && errors < NOTES_MAX; i++) {
        const struct depot_part *p = b->parts.items[i];

        if (p->state != DEPOT_BUILD_FAILED || !p->error)
            continue;
        put_error(&out, &text, b, p, dockerfile);
        errors++;
    }
    if (errors == 0 && b->state == DEPOT_BUILD_FAILED && b->message)
        put_message(&out, &text, b);
    if (out.len) {
        fwrite(out.data, 1, out.len, opts->out);
        fflush(opts->out);
    }
    depot_buf_release(&out);
}
