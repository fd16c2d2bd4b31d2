/*
 * What a step moved: layers, files of the context, exported bytes, with their rates.
 */
#include "step_priv.h"

#include <stdio.h>
#include <string.h>

enum { MOVES_MAX = 64, CHANGED_MAX = 8, METER_W = 10 };

/* Bytes per second of a transfer, until it ended or was told of last. */
static double rate_of(const struct depot_transfer *t)
{
    const depot_time to = t->completed != 0 ? t->completed : t->timestamp;
    const int64_t ns = t->started != 0 && to > t->started ? depot_time_between(t->started, to) : 0;
    return ns > DEPOT_SEC / 20 ? (double)t->current * DEPOT_SEC / (double)ns : 0;
}

static void put_amount(struct step_head *h, const struct depot_transfer *t)
{
    char text[DEPOT_TEXT_MAX];
    if (t->total > 0 || t->current > 0)
        dp_head_text(h, DEPOT_STYLE_TEXT, depot_text_share(text, t->current, t->total));
}

static void put_rate(struct step_head *h, double rate)
{
    char text[DEPOT_TEXT_MAX];
    if (rate > 0)
        dp_head_textf(h, DEPOT_STYLE_DIM, "  %s", depot_text_rate(text, rate));
}

/* What it is called: "transferring context:" without its colon. */
static void put_name(struct step_head *h, uint32_t style, int w, const struct depot_transfer *t)
{
    char *name = depot_strdup(*t->id != '\0' ? t->id : t->name);
    const size_t n = strlen(name);
    if (n > 0 && name[n - 1] == ':')
        name[n - 1] = '\0';
    dp_head_field(h, style, w, name);
    depot_free(name);
}

static void put_move(struct step_head *h, const struct depot_transfer *t)
{
    const bool over = t->completed != 0;
    const int amounts = METER_W + 24, room = h->w - amounts - 2, name_w = room > 16 ? room : 16;
    const double part = t->total > 0 ? (double)t->current / (double)t->total : 0;
    put_name(h, over ? DEPOT_STYLE_DIM : DEPOT_STYLE_TEXT, name_w, t);
    h->x = 1 + name_w + 1;
    if (room > 16) {
        if (!over && t->total > 0)
            dp_head_meter(h, METER_W, part, DEPOT_STYLE_RUN);
        h->x = 1 + name_w + 1 + METER_W + 1;
    }
    put_amount(h, t);
    if (h->x + 10 < h->w)
        put_rate(h, rate_of(t));
    dp_head_row(h);
}

struct sum {
    int64_t current, total;
    double rate;
    size_t n, over;
    const struct depot_transfer *last;
};

static struct sum sum_of(const struct depot_step *s)
{
    struct sum m = {0};
    for (size_t i = 0; i < s->transfers.len; i++) {
        const struct depot_transfer *t = s->transfers.items[i];
        m.n++;
        m.over += t->completed != 0;
        m.current += t->current > 0 ? t->current : 0;
        m.total += t->total > t->current ? t->total : t->current;
        if (t->completed == 0)
            m.rate += rate_of(t);
        if (t->completed == 0 || m.last == NULL)
            m.last = t;
    }
    if (m.n == 1)
        m.rate = rate_of(m.last);
    return m;
}

/* One row for all of them. */
static void put_sum(struct step_head *h, const struct depot_step *s)
{
    char text[DEPOT_TEXT_MAX];
    const struct sum m = sum_of(s);
    dp_head_label(h, "moved");
    if (m.total > 0 || m.current > 0)
        dp_head_textf(h, DEPOT_STYLE_TEXT, "%s ", depot_text_share(text, m.current, m.total));
    if (m.over < m.n && m.total > 0)
        dp_head_meter(h, METER_W, (double)m.current / (double)m.total, DEPOT_STYLE_RUN);
    put_rate(h, m.rate);
    h->x += h->x > 11 ? 2 : 0;
    if (m.n > 1)
        dp_head_textf(h, DEPOT_STYLE_DIM, "%zu of %zu  ", m.over, m.n);
    put_name(h, DEPOT_STYLE_DIM, h->w - h->x, m.last);
    dp_head_row(h);
}

static void put_all(struct step_head *h, const struct depot_step *s)
{
    char bytes[DEPOT_TEXT_MAX];
    const struct sum m = sum_of(s);
    dp_head_gap(h);
    dp_head_text(h, DEPOT_STYLE_HEADING, "moved");
    if (m.current > 0)
        dp_head_textf(h, DEPOT_STYLE_TEXT, "  %s", depot_text_bytes(bytes, m.current));
    put_rate(h, m.n > 1 ? m.rate : 0);
    dp_head_row(h);
    for (size_t i = 0; i < s->transfers.len && i < MOVES_MAX; i++)
        put_move(h, s->transfers.items[i]);
    if (s->transfers.len > MOVES_MAX) {
        dp_head_textf(h, DEPOT_STYLE_DIM, "and %zu more", s->transfers.len - MOVES_MAX);
        dp_head_row(h);
    }
}

/* The build context, at the step that loads it; false: this is another. */
static bool put_context(struct step_head *h, const struct depot_step *s)
{
    const struct depot_part *p = s->part;
    char all[DEPOT_TEXT_MAX], sent[DEPOT_TEXT_MAX];
    if (p == NULL || !p->has_context || s->parsed.kind != DEPOT_STEP_INTERNAL ||
        strstr(s->name, "load build context") == NULL)
        return false;
    const struct depot_ev_context *c = &p->context;
    dp_head_label(h, "context");
    dp_head_textf(h, DEPOT_STYLE_TEXT, "%lld file%s  %s", (long long)c->files,
        c->files == 1 ? "" : "s", depot_text_bytes(all, c->bytes));
    dp_head_textf(h, DEPOT_STYLE_DIM, "  sent %lld  %s", (long long)c->sent_files,
        depot_text_bytes(sent, c->sent_bytes));
    dp_head_row(h);
    const size_t most = h->tall ? CHANGED_MAX : 1;
    for (size_t i = 0; i < c->nchanged && i < most; i++) {
        dp_head_label(h, i == 0 ? "changed" : "");
        dp_head_field(h, DEPOT_STYLE_TEXT, h->w - h->x - 12, c->changed[i]);
        const int64_t more = (int64_t)(c->nchanged - most) + c->changed_more;
        if (i + 1 == most && more > 0)
            dp_head_textf(h, DEPOT_STYLE_DIM, "  and %lld", (long long)more);
        dp_head_row(h);
    }
    return true;
}

void dp_step_head_moves(struct step_head *h, const struct step_facts *f)
{
    const bool told = put_context(h, f->step);
    if (f->step->transfers.len == 0 || (told && depot_step_is_completed(f->step)))
        return;
    if (h->tall)
        put_all(h, f->step);
    else
        put_sum(h, f->step);
}
