/*
 * The table of sinks, the two small ones, and the pieces of text that they share.
 */
#include "render/render_priv.h"

#include <depot/utf8.h>
#include <depot/wire.h>

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
    struct depot_buf *b = r->opts.ci != NULL ? dp_render_command(r) : &r->out;

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
        if (r->ops->begin != NULL)
            r->ops->begin(r);
        *out = r;
        return 0;
    }
    return depot_error_set(
        err, DEPOT_ERR_NOT_FOUND, "no progress mode \"%s\"", name != NULL ? name : "(none)");
}

void depot_render_apply(struct depot_render *r, const struct depot_event *ev, uint64_t now)
{
    if (r->ops->apply != NULL)
        r->ops->apply(r, ev, now);
    flush(r);
}

uint64_t depot_render_deadline(const struct depot_render *r)
{
    return r->ops->deadline != NULL ? r->ops->deadline(r) : 0;
}

void depot_render_tick(struct depot_render *r, uint64_t now)
{
    if (r->ops->tick != NULL)
        r->ops->tick(r, now);
    flush(r);
}

void depot_render_end(struct depot_render *r, uint64_t now)
{
    if (r->ops->end != NULL)
        r->ops->end(r, now);
    flush(r);
}

void depot_render_resize(struct depot_render *r, int width, int height, uint64_t now)
{
    r->opts.width = width;
    r->opts.height = height;
    if (r->ops->resize != NULL)
        r->ops->resize(r, now);
    flush(r);
}

void depot_render_cover(struct depot_render *r, bool covered)
{
    if (r->ops->cover != NULL)
        r->ops->cover(r, covered);
}

void depot_render_hide(struct depot_render *r, uint64_t now)
{
    if (r->ops->hide != NULL)
        r->ops->hide(r, now);
    flush(r);
}

void depot_render_note(struct depot_render *r, const char *text, uint64_t now)
{
    if (r->ops->hide != NULL)
        r->ops->hide(r, now);
    dp_put_text(&r->out, &r->opts, text);
    depot_buf_addc(&r->out, '\n');
    flush(r);
}

void depot_render_tails(struct depot_render *r)
{
    if (r->ops->tails != NULL)
        r->ops->tails(r);
    flush(r);
}

void depot_render_free(struct depot_render *r)
{
    if (r == NULL)
        return;
    if (r->ops->release != NULL)
        r->ops->release(r);
    flush(r);
    depot_buf_release(&r->out);
    depot_buf_release(&r->safe);
    depot_free(r);
}

void dp_put_style(struct depot_buf *out, const struct depot_render_opts *opts, enum depot_style s)
{
    struct depot_look look;

    if (opts->styles == NULL)
        return;
    look = depot_styles_look(opts->styles, s);
    depot_look_put(out, &look);
}

void dp_put_sign(struct depot_buf *out, const struct depot_render_opts *opts, enum depot_sign s)
{
    char utf8[4];

    depot_buf_add(out, utf8, depot_utf8_encode(utf8, depot_sign_char(!opts->utf8, s)));
}

void dp_put_duration(struct depot_buf *out, int64_t ns, bool tenths)
{
    char text[DEPOT_TEXT_MAX];

    depot_buf_adds(out, depot_text_duration(text, ns, tenths));
}

void dp_put_size(struct depot_buf *out, int64_t n)
{
    char text[DEPOT_TEXT_MAX];

    depot_buf_adds(out, depot_text_bytes(text, n));
}

void dp_put_text(struct depot_buf *out, const struct depot_render_opts *opts, const char *s)
{
    if (s == NULL)
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
