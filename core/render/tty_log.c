/*
 * The end of each step's log, kept for the case that the step fails.
 */
#include "render/tty.h"

#include <stdlib.h>
#include <string.h>

static struct dp_tty_log *log_of(const struct dp_tty *t, const struct depot_step *s)
{
    return s->index < t->logs.len ? t->logs.items[s->index] : NULL;
}

/* Drop whole lines from the front. */
static void shrink(struct dp_tty_log *l)
{
    size_t drop = l->buf.len - DP_TTY_TAIL_BYTES;
    const char *end = l->buf.data + l->buf.len;
    const char *nl = memchr(l->buf.data + drop, '\n', l->buf.len - drop);
    const char *stop = nl != NULL && nl + 1 < end ? nl + 1 : l->buf.data + drop;

    for (const char *p = l->buf.data; (p = memchr(p, '\n', (size_t)(stop - p))) != NULL; p++)
        l->dropped_lines++;
    depot_buf_consume(&l->buf, (size_t)(stop - l->buf.data));
}

void dp_tty_log_add(
    struct dp_tty *t, const struct depot_step *s, const struct depot_vertex_log *log)
{
    struct dp_tty_log *l;
    const uint8_t *data = log->data;
    size_t n = log->len;

    while (t->logs.len <= s->index)
        depot_vec_push(&t->logs, NULL);
    l = t->logs.items[s->index];
    if (l == NULL) {
        l = t->logs.items[s->index] = depot_calloc(1, sizeof(*l));
        depot_buf_init(&l->buf, DEPOT_BUF_NO_LIMIT);
    }
    for (; n > DP_TTY_TAIL_BYTES; data++, n--)
        l->dropped_lines += *data == '\n';
    depot_buf_add(&l->buf, data, n);
    /* Not at every line, so that the moves cost little. */
    if (l->buf.len > (size_t)2 * DP_TTY_TAIL_BYTES)
        shrink(l);
}

static void log_free(struct dp_tty_log *l)
{
    if (l == NULL)
        return;
    depot_buf_release(&l->buf);
    depot_free(l);
}

void dp_tty_log_forget(struct dp_tty *t, const struct depot_step *s)
{
    if (log_of(t, s) == NULL)
        return;
    log_free(t->logs.items[s->index]);
    t->logs.items[s->index] = NULL;
}

void dp_tty_logs_release(struct dp_tty *t)
{
    for (size_t i = 0; i < t->logs.len; i++)
        log_free(t->logs.items[i]);
    depot_vec_free(&t->logs);
}

/* ---- what is left of it on the terminal ---- */

/* The last DP_TTY_TAIL_LINES lines; how many are before them. */
static const char *last_lines(const struct dp_tty_log *l, size_t *n, uint64_t *before)
{
    const char *start = l->buf.data, *end = start + l->buf.len, *p = end;
    int lines = 0;

    while (p > start && lines <= DP_TTY_TAIL_LINES) {
        if (p[-1] == '\n' && p != end)
            lines++;
        if (lines < DP_TTY_TAIL_LINES || p[-1] != '\n')
            p--;
        else
            break;
    }
    *before = l->dropped_lines;
    for (const char *q = start; q < p; q++)
        *before += *q == '\n';
    *n = (size_t)(end - p);
    return p;
}

static bool same_log(const struct dp_tty_log *a, const struct dp_tty_log *b)
{
    return a != NULL && b != NULL && a->buf.len == b->buf.len &&
           a->dropped_lines == b->dropped_lines &&
           memcmp(depot_buf_str(&a->buf), depot_buf_str(&b->buf), a->buf.len) == 0;
}

/* A sibling that failed with the very same words. */
static const struct depot_step *sibling_before(const struct dp_tty *t, size_t at)
{
    const struct depot_build *b = t->base.build;
    const struct depot_step *s = b->started.items[at];

    for (size_t i = 0; i < at; i++) {
        const struct depot_step *o = b->started.items[i];

        if (o->outcome == DEPOT_OUTCOME_FAILED && o->part != s->part &&
            strcmp(o->parsed.instruction, s->parsed.instruction) == 0 &&
            same_log(log_of(t, o), log_of(t, s)))
            return o;
    }
    return NULL;
}

static void put_style(struct dp_tty *t, enum depot_style style)
{
    dp_put_style(&t->base.out, &t->base.opts, style);
}

/* On one line: the whole of it stands in the excerpt of the Dockerfile. */
static void put_name(struct dp_tty *t, const struct depot_step *s)
{
    const struct depot_render_opts *opts = &t->base.opts;
    struct depot_buf title = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf clean = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const int columns = opts->width > 20 ? opts->width - 3 : DP_TTY_WIDTH_MAX;

    depot_step_title(&title, t->base.build, s);
    depot_clean_string(&clean, depot_buf_str(&title));
    put_style(t, DEPOT_STYLE_FAIL);
    dp_put_sign(&t->base.out, opts, DEPOT_SIGN_FAIL);
    put_style(t, DEPOT_STYLE_STRONG);
    depot_buf_addc(&t->base.out, ' ');
    depot_text_fit(&t->base.out, depot_buf_str(&clean), columns, DEPOT_CUT_END, !opts->utf8);
    put_style(t, DEPOT_STYLE_TEXT);
    depot_buf_release(&title);
    depot_buf_release(&clean);
}

static void put_lines(struct dp_tty *t, const struct dp_tty_log *l)
{
    struct depot_buf *out = &t->base.out;
    uint64_t before;
    size_t n;
    const char *p = last_lines(l, &n, &before);

    if (before) {
        put_style(t, DEPOT_STYLE_DIM);
        depot_buf_addf(
            out, "(%llu line%s before these", (unsigned long long)before, before == 1 ? "" : "s");
        if (*t->base.build->id)
            depot_buf_addf(out, ": depot logs %s", t->base.build->id);
        depot_buf_adds(out, ")");
        put_style(t, DEPOT_STYLE_TEXT);
        depot_buf_addc(out, '\n');
    }
    while (n > 0) {
        const char *nl = memchr(p, '\n', n);
        size_t len = nl != NULL ? (size_t)(nl - p) : n;

        depot_text_log_line(out, p, len);
        depot_buf_addc(out, '\n');
        len += nl != NULL;
        p += len;
        n -= len;
    }
}

void dp_tty_put_tails(struct dp_tty *t)
{
    const struct depot_build *b = t->base.build;
    struct depot_buf *out = &t->base.out;
    bool any = false;

    for (size_t i = 0; i < b->started.len; i++) {
        const struct depot_step *s = b->started.items[i];
        const struct dp_tty_log *l = log_of(t, s);

        if (s->outcome != DEPOT_OUTCOME_FAILED)
            continue;
        any = true;
        depot_buf_addc(out, '\n');
        put_name(t, s);
        if (l == NULL || !l->buf.len)
            depot_buf_adds(out, "\n(it wrote nothing)\n");
        else if (sibling_before(t, i) != NULL)
            depot_buf_adds(out, "\n(the same output)\n");
        else {
            depot_buf_addc(out, '\n');
            put_lines(t, l);
        }
    }
    if (any)
        depot_buf_addc(out, '\n');
}
