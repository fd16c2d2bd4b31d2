/*
 * The warnings below a finished build, in short or with all that is known of each.
 */
#include "render/facts.h"
#include "render/tty.h"

#include <string.h>

enum { SURROUNDINGS = 2 /* lines above and below those that are meant */ };

/* The lines of the file from `first` to `last`, as far as it has them. */
static void cut_lines(struct depot_build_error *to, const struct depot_source_info *info, int first,
    int last, struct depot_arena *a)
{
    const char *p = (const char *)info->data, *end = p + info->len;

    to->first_line = first;
    to->lines = depot_arena_alloc(a, (size_t)(last - first + 1) * sizeof(*to->lines));
    for (int line = 1; p < end && line <= last; line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((stop != NULL ? stop : end) - p);

        if (line >= first)
            to->lines[to->nlines++] = depot_arena_strndup(a, p, n);
        p += n + 1;
    }
}

static void put_source(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_vertex_warning *w)
{
    enum { LINE_MAX = 1 << 24, SPAN_MAX = 100 };
    struct depot_arena a = {0};
    struct depot_build_error e = {.ranges = w->ranges, .nranges = w->nranges};

    if (w->info == NULL || w->info->data == NULL || !w->nranges)
        return;
    int first = w->ranges[0].start_line, last = w->ranges[0].end_line;
    if (first < 1 || first > LINE_MAX)
        return;
    if (last < first || last - first > SPAN_MAX)
        last = first;
    e.file = w->info->filename;
    cut_lines(
        &e, w->info, first > SURROUNDINGS ? first - SURROUNDINGS : 1, last + SURROUNDINGS, &a);
    dp_put_excerpt(out, opts, &e);
    depot_arena_release(&a);
}

static void put_details(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_vertex_warning *w)
{
    for (size_t i = 0; i < w->ndetail; i++) {
        dp_put_text(out, opts, w->detail[i]);
        depot_buf_addc(out, '\n');
    }
    if (!depot_str_empty(w->url)) {
        depot_buf_adds(out, "More info: ");
        dp_put_text(out, opts, w->url);
        depot_buf_addc(out, '\n');
    }
    put_source(out, opts, w);
    depot_buf_addc(out, '\n');
}

void depot_render_warnings(const struct depot_build *b, const struct depot_render_opts *opts)
{
    struct depot_buf lines = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    size_t n = 0;

    for (size_t i = 0; i < b->warnings.len; i++) {
        if (dp_warning_again(b, i))
            continue;
        n++;
        depot_buf_adds(&lines, " - ");
        dp_put_text(&lines, opts, b->warnings.items[i]->short_text);
        depot_buf_addc(&lines, '\n');
        if (opts->details)
            put_details(&lines, opts, b->warnings.items[i]);
    }
    if (n)
        depot_buf_addf(&out, "\n %zu warning%s found%s:\n%s", n, n == 1 ? "" : "s",
            opts->details ? "" : " (use --debug to expand)", depot_buf_str(&lines));
    depot_buf_release(&lines);
    dp_emit(opts, &out);
}
