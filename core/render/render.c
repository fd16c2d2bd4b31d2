/*
 * The table of sinks, the two small ones, and number formats that they share.
 */
#include "render/render_priv.h"

#include <depot/wire.h>

#include <math.h>
#include <string.h>

static void rawjson_apply(struct depot_render *r, const struct depot_event *ev, uint64_t now)
{
    DEPOT_UNUSED(now);
    if (ev->type != DEPOT_EVENT_BUILD_STATUS)
        return;
    depot_wire_encode_status(&r->out, &ev->u.status.status);
    depot_buf_addc(&r->out, '\n');
}

static const struct dp_render_ops rawjson = {
    .name = "rawjson",
    .size = sizeof(struct depot_render),
    .apply = rawjson_apply,
};

static const struct dp_render_ops quiet = {
    .name = "quiet",
    .size = sizeof(struct depot_render),
};

static const struct dp_render_ops *const sinks[] = {
    &dp_render_tty, &dp_render_plain, &rawjson, &quiet};
const char *const depot_render_names[] = {"tty", "plain", "rawjson", "quiet", NULL};

struct depot_buf *dp_render_command(struct depot_render *r)
{
    depot_guard_feed(&r->guard, &r->safe, r->out.data, r->out.len);
    depot_buf_clear(&r->out);
    return &r->safe;
}

static void flush(struct depot_render *r)
{
    struct depot_buf *b = r->opts.ci ? dp_render_command(r) : &r->out;

    if (!b->len)
        return;
    fwrite(b->data, 1, b->len, r->opts.out);
    fflush(r->opts.out);
    depot_buf_clear(b);
}

void dp_emit(const struct depot_render_opts *opts, struct depot_buf *b)
{
    struct depot_buf safe = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_guard guard;

    depot_guard_init(&guard, opts->ci, false);
    depot_guard_feed(&guard, &safe, b->data, b->len);
    if (safe.len) {
        fwrite(safe.data, 1, safe.len, opts->out);
        fflush(opts->out);
    }
    depot_buf_release(&safe);
    depot_buf_release(b);
}

int depot_render_new(struct depot_render **out, const char *name, const struct depot_build *build,
    const struct depot_render_opts *opts, struct depot_error *err)
{
    struct depot_render *r;

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(sinks); i++) {
        if (!depot_str_eq(sinks[i]->name, name))
            continue;
        r = depot_calloc(1, sinks[i]->size);
        r->ops = sinks[i];
        r->build = build;
        r->opts = *opts;
        depot_buf_init(&r->out, DEPOT_BUF_NO_LIMIT);
        depot_buf_init(&r->safe, DEPOT_BUF_NO_LIMIT);
        depot_guard_init(&r->guard, opts->ci, r->ops == &rawjson);
        if (r->ops->begin)
            r->ops->begin(r);
        *out = r;
        return 0;
    }
    return depot_error_set(
        err, DEPOT_ERR_NOT_FOUND, "no progress mode \"%s\"", name ? name : "(none)");
}

void depot_render_apply(struct depot_render *r, const struct depot_event *ev, uint64_t now)
{
    if (r->ops->apply)
        r->ops->apply(r, ev, now);
    flush(r);
}

uint64_t depot_render_deadline(const struct depot_render *r)
{
    return r->ops->deadline ? r->ops->deadline(r) : 0;
}

void depot_render_tick(struct depot_render *r, uint64_t now)
{
    if (r->ops->tick)
        r->ops->tick(r, now);
    flush(r);
}

void depot_render_end(struct depot_render *r, uint64_t now)
{
    if (r->ops->end)
        r->ops->end(r, now);
    flush(r);
}

void depot_render_resize(struct depot_render *r, int width, int height, uint64_t now)
{
    r->opts.width = width;
    r->opts.height = height;
    if (r->ops->resize)
        r->ops->resize(r, now);
    flush(r);
}

void depot_render_cover(struct depot_render *r, bool covered)
{
    if (r->ops->cover)
        r->ops->cover(r, covered);
}

void depot_render_hide(struct depot_render *r, uint64_t now)
{
    if (r->ops->hide)
        r->ops->hide(r, now);
    flush(r);
}

void depot_render_note(struct depot_render *r, const char *text, uint64_t now)
{
    if (r->ops->hide)
        r->ops->hide(r, now);
    dp_put_text(&r->out, &r->opts, text);
    depot_buf_addc(&r->out, '\n');
    flush(r);
}

void depot_render_tails(struct depot_render *r)
{
    if (r->ops->tails)
        r->ops->tails(r);
    flush(r);
}

void depot_render_free(struct depot_render *r)
{
    if (!r)
        return;
    if (r->ops->release)
        r->ops->release(r);
    flush(r);
    depot_buf_release(&r->out);
    depot_buf_release(&r->safe);
    depot_free(r);
}

double dp_seconds(int64_t ns)
{
    int64_t whole = ns / DEPOT_SEC, rest = ns % DEPOT_SEC;

    return (double)whole + (double)rest / 1e9;
}

void dp_put_fixed(struct depot_buf *out, double v, int decimals)
{
    char tmp[64];

    snprintf(tmp, sizeof(tmp), "%.*f", decimals, v);
    for (char *p = tmp; *p; p++)
        if (*p == ',')
            *p = '.';
    depot_buf_adds(out, tmp);
}

void dp_put_bytes(struct depot_buf *out, int64_t n)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double size = n < 0 ? -(double)n : (double)n, unit = 1;
    size_t i = 0;

    while (i + 1 < DEPOT_ARRAY_LEN(units) && size >= unit * 1000) {
        unit *= 1000;
        i++;
    }
    if (i == 0)
        depot_buf_addf(out, "%lld", (long long)n);
    else
        dp_put_fixed(out, (double)n / unit, 2);
    depot_buf_adds(out, units[i]);
}

void dp_put_text(struct depot_buf *out, const struct depot_render_opts *opts, const char *s)
{
    if (!s)
        return;
    if (opts->sanitize)
        depot_clean_string(out, s);
    else
        depot_buf_adds(out, s);
}

void dp_put_wait(struct depot_buf *out, const struct depot_part *p, bool sanitize)
{
    depot_buf_adds(out, " waits");
    if (p->queue_position > 0)
        depot_buf_addf(out, ", number %d in line", p->queue_position);
    if (depot_str_empty(p->queue_reason))
        return;
    depot_buf_adds(out, ": ");
    if (sanitize)
        depot_clean_string(out, p->queue_reason);
    else
        depot_buf_adds(out, p->queue_reason);
}
