/*
 * The head of the step view: what there is to know about a step, as pieces of text. Composed anew
 * for each frame; it is a few dozen rows at most.
 */
#include "step_priv.h"
#include "tui/fleet/failure.h"
#include "tui/widget/step.h"

#include <depot/utf8.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    INSTRUCTION_MAX = 64 * 1024, /* bytes of an instruction that are shown */
    INSTRUCTION_ROWS = 200,
    TEXT_ROWS = 40, /* of an error, of a warning */
    LINKS_MAX = 100,
};

/* ---- steps ---- */

/* Cached steps are given times by the engine; they mean nothing. */
static bool has_time(const struct depot_step *s)
{
    return depot_step_is_started(s) && s->outcome != DEPOT_OUTCOME_HIT &&
           s->outcome != DEPOT_OUTCOME_SKIPPED;
}

/* "0.4s"; nothing for what has no time of its own. */
static void took_text(char out[DEPOT_TEXT_MAX], const struct depot_step *s, depot_time now)
{
    out[0] = '\0';
    if (has_time(s))
        depot_text_duration(out, depot_step_duration(s, now), true);
}

/* A step that can be gone to. In a tall head it has a row of its own. */
static void link_to(struct step_head *h, const struct step_facts *f, const struct depot_step *s)
{
    struct depot_buf label = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char took[DEPOT_TEXT_MAX];
    const uint32_t style = depot_outcome_style(s->outcome);
    dp_step_label(&label, s);
    took_text(took, s, f->now);
    int w = depot_text_width(depot_buf_str(&label));
    const int most = h->w - 1 - HEAD_LABEL_W - 4;
    if (w > most)
        w = most > 1 ? most : 1;
    if (!h->tall && h->x > 1 + HEAD_LABEL_W && h->x + w + 2 > h->w) {
        dp_head_row(h);
        h->x = 1 + HEAD_LABEL_W;
    }
    const size_t first = h->pieces.len;
    dp_head_glyph(h, style, depot_outcome_sign(s->outcome));
    dp_head_text(h, DEPOT_STYLE_TEXT, " ");
    dp_head_field(h, DEPOT_STYLE_TEXT, w, depot_buf_str(&label));
    for (size_t i = first; i < h->pieces.len; i++)
        h->pieces.items[i].link = (int)h->links.len;
    depot_vec_push(&h->links, s);
    if (h->tall) {
        const int took_w = (int)strlen(took), at = h->w - took_w, room = at - h->x - 3;
        if (s->parsed.ordinal > 0 && room >= 8) {
            struct depot_buf what = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
            depot_text_first_line(&what, s->parsed.instruction);
            h->x += 2;
            dp_head_field(h, DEPOT_STYLE_DIM, room, depot_buf_str(&what));
            depot_buf_release(&what);
        }
        if (at > h->x + 1) {
            h->x = at;
            dp_head_text(h, DEPOT_STYLE_DIM, took);
        }
        dp_head_row(h);
    } else {
        h->x += 3;
    }
    depot_buf_release(&label);
}

static void link_list(struct step_head *h, const struct step_facts *f, const char *label,
    struct depot_step *const *steps, size_t n)
{
    size_t shown = 0, known = 0;
    for (size_t i = 0; i < n; i++)
        known += steps[i]->known;
    if (known == 0)
        return;
    if (h->tall) {
        dp_head_gap(h);
        dp_head_text(h, DEPOT_STYLE_HEADING, label);
        dp_head_row(h);
    } else {
        dp_head_label(h, label);
    }
    const size_t most = h->tall ? LINKS_MAX : 12;
    for (size_t i = 0; i < n && shown < most; i++) {
        if (!steps[i]->known)
            continue;
        link_to(h, f, steps[i]);
        shown++;
    }
    if (known > shown)
        dp_head_textf(h, DEPOT_STYLE_DIM, "and %zu more", known - shown);
    if (!h->tall || known > shown)
        dp_head_row(h);
}

/* ---- the parts of the head ---- */

static void put_outcome(struct step_head *h, const struct step_facts *f)
{
    const struct depot_step *s = f->step;
    const uint32_t style = depot_outcome_style(s->outcome);
    char text[DEPOT_TEXT_MAX];
    dp_head_glyph(h, style, depot_outcome_sign(s->outcome));
    dp_head_textf(h, style, " %s", depot_outcome_word(s->outcome));
    if (has_time(s))
        dp_head_textf(h, DEPOT_STYLE_STRONG, "  %s",
            depot_text_duration(text, depot_step_duration(s, f->now), true));
    h->x += 2;
    if (has_time(s)) {
        dp_head_text(h, DEPOT_STYLE_HEADING, " started ");
        dp_head_text(h, DEPOT_STYLE_TEXT, depot_text_clock(text, s->started));
    }
    if (f->stats != NULL && f->stats->runs > 0) {
        char low[DEPOT_TEXT_MAX], high[DEPOT_TEXT_MAX];
        depot_text_duration(low, f->stats->p25, true);
        depot_text_duration(high, f->stats->p75, true);
        if (h->tall)
            dp_head_row(h);
        else
            h->x += 2;
        dp_head_text(h, DEPOT_STYLE_HEADING, h->tall ? "usually " : " usually ");
        dp_head_textf(h, DEPOT_STYLE_TEXT, "%s", depot_text_duration(text, f->stats->median, true));
        if (f->stats->runs > 1 && strcmp(low, high) != 0)
            dp_head_textf(h, DEPOT_STYLE_DIM, "  %s to %s", low, high);
        dp_head_textf(
            h, DEPOT_STYLE_DIM, "  %u run%s", f->stats->runs, f->stats->runs == 1 ? "" : "s");
    }
    if (s->critical) {
        h->x += 2;
        dp_head_text(h, DEPOT_STYLE_CRITICAL, " * critical path");
    }
    dp_head_row(h);
}

/* The engine joins continued lines and leaves their indentation. Outside of quotes, two blanks are
 * such a joint: `joint` goes there. False: there was none. */
static bool split_joints(struct depot_buf *out, const char *s, char joint)
{
    bool any = false;
    char quote = '\0';
    for (; *s != '\0'; s++) {
        if (*s == '\\' && s[1] != '\0' && quote != '\'') {
            depot_buf_addc(out, *s++);
        } else if (quote == '\0' && s[0] == ' ' && s[1] == ' ') {
            while (s[1] == ' ')
                s++;
            depot_buf_addc(out, joint);
            any = true;
            continue;
        } else if (*s == quote) {
            quote = '\0';
        } else if (quote == '\0' && (*s == '"' || *s == '\'')) {
            quote = *s;
        }
        depot_buf_addc(out, *s);
    }
    return any;
}

/* The first `n` bytes of a piece in DEPOT_STYLE_STRONG. */
static void split_piece(struct step_head *h, size_t at, size_t n)
{
    struct head_piece rest = h->pieces.items[at];
    struct head_piece *p = &h->pieces.items[at];
    if (n >= p->len) {
        p->style = DEPOT_STYLE_STRONG;
        return;
    }
    int w;
    depot_text_cut(h->pool.data + p->text, n, h->w, &w);
    rest.text += n;
    rest.len -= n;
    rest.x += w;
    rest.w -= w;
    p->len = n;
    p->w = w;
    p->style = DEPOT_STYLE_STRONG;
    depot_vec_push(&h->pieces, rest);
}

static void put_instruction(struct step_head *h, const struct step_facts *f)
{
    const struct depot_step_name *p = &f->step->parsed;
    char *cut =
        depot_strndup(*p->instruction != '\0' ? p->instruction : f->step->name, INSTRUCTION_MAX);
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const bool joints = split_joints(&text, cut, h->tall ? '\n' : ' ');
    dp_head_gap(h);
    /* Its first word strong; the rest is often long. */
    const size_t first = h->pieces.len, word = strcspn(depot_buf_str(&text), " \n");
    dp_head_wrap(h, DEPOT_STYLE_TEXT, 5, h->brief > 0 ? h->brief : INSTRUCTION_ROWS,
        h->tall && !joints, depot_buf_str(&text));
    if (h->pieces.len > first)
        split_piece(h, first, word);
    dp_head_gap(h);
    depot_buf_release(&text);
    depot_free(cut);
}

/* Where in the Dockerfile it failed. */
static void put_place(struct step_head *h, const struct depot_step *s)
{
    struct depot_buf place = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_failure_place(&place, s);
    if (place.len > 0) {
        dp_head_label(h, "at");
        dp_head_field(h, DEPOT_STYLE_TEXT, h->w - h->x, depot_buf_str(&place));
        dp_head_row(h);
    }
    depot_buf_release(&place);
}

static void put_error(struct step_head *h, const struct step_facts *f)
{
    if (f->step->error == NULL)
        return;
    dp_head_label(h, "error");
    struct depot_buf text = DEPOT_BUF_INIT(64 * 1024);
    dp_failure_point(&text, f->step->error, false); /* the command stands above already */
    dp_head_words(h, DEPOT_STYLE_ERROR, 1 + HEAD_LABEL_W, TEXT_ROWS, depot_buf_str(&text));
    depot_buf_release(&text);
    put_place(h, f->step);
    dp_head_gap(h);
}

/* Why it does not run, or who did it instead. */
static void put_reason(struct step_head *h, const struct step_facts *f)
{
    const struct depot_step *s = f->step;
    const struct depot_part *part = s->part;
    if (s->shared_with != NULL) {
        dp_head_label(h, "done by");
        link_to(h, f, s->shared_with);
        if (!h->tall)
            dp_head_row(h);
    } else if (s->shared_by != NULL) {
        dp_head_label(h, "run by");
        dp_head_textf(h, DEPOT_STYLE_TEXT,
            *s->shared_by != '\0' ? "build %s, for this one as well" : "%sanother client's build",
            s->shared_by);
        dp_head_row(h);
    } else if (s->outcome == DEPOT_OUTCOME_SKIPPED) {
        dp_head_label(h, "because");
        dp_head_text(h, DEPOT_STYLE_TEXT, "a later step was found in the cache");
        dp_head_row(h);
    } else if (s->outcome == DEPOT_OUTCOME_WAITING && part != NULL && part->queue_reason != NULL &&
               part->assigned == 0) {
        dp_head_label(h, "waits");
        dp_head_words(h, DEPOT_STYLE_TEXT, 1 + HEAD_LABEL_W, 3, part->queue_reason);
    }
}

/* "amd64 ✓ DONE 31.4s, 29.6s faster" for each platform that has this step too. */
static void put_twins(struct step_head *h, const struct step_facts *f)
{
    const struct depot_build *b = f->build->state;
    const int64_t own = depot_step_duration(f->step, f->now);
    int n = 0;
    for (size_t i = 0; i < b->steps.len && n < 40; i++) {
        const struct depot_step *t = b->steps.items[i];
        if (!dp_step_is_sibling(f->step, t))
            continue;
        char took[DEPOT_TEXT_MAX], by[DEPOT_TEXT_MAX];
        if (n == 0 && h->tall) {
            dp_head_gap(h);
            dp_head_text(h, DEPOT_STYLE_HEADING, "on other platforms");
            dp_head_row(h);
        } else if (n == 0) {
            dp_head_label(h, "twin");
        } else if (!h->tall && h->x + 36 > h->w) {
            dp_head_row(h);
            h->x = 1 + HEAD_LABEL_W;
        }
        n++;
        took_text(took, t, f->now);
        const size_t first = h->pieces.len;
        dp_head_glyph(h, depot_outcome_style(t->outcome), depot_outcome_sign(t->outcome));
        dp_head_textf(h, DEPOT_STYLE_TEXT, " %s", depot_text_platform(t->platform));
        for (size_t k = first; k < h->pieces.len; k++)
            h->pieces.items[k].link = (int)h->links.len;
        depot_vec_push(&h->links, t);
        dp_head_textf(h, depot_outcome_style(t->outcome), "  %s", depot_outcome_word(t->outcome));
        if (took[0] != '\0')
            dp_head_textf(h, DEPOT_STYLE_TEXT, " %s", took);
        const int64_t diff = depot_step_duration(t, f->now) - own;
        if (took[0] != '\0' && own > 0 && (diff > DEPOT_SEC / 10 || diff < -DEPOT_SEC / 10))
            dp_head_textf(h, diff > 0 ? DEPOT_STYLE_WARN : DEPOT_STYLE_DIM, "  %s %s",
                depot_text_duration(by, diff > 0 ? diff : -diff, true),
                diff > 0 ? "slower" : "faster");
        if (h->tall)
            dp_head_row(h);
        else
            h->x += 3;
    }
    if (n > 0 && !h->tall)
        dp_head_row(h);
}

static void put_warnings(struct step_head *h, const struct step_facts *f)
{
    for (size_t i = 0; i < f->step->warnings.len && i < 20; i++) {
        const struct depot_vertex_warning *w = f->step->warnings.items[i];
        dp_head_gap(h);
        dp_head_label(h, "warning");
        dp_head_words(h, DEPOT_STYLE_WARN, 1 + HEAD_LABEL_W, TEXT_ROWS,
            w->short_text != NULL ? w->short_text : "");
        for (size_t k = 0; h->tall && k < w->ndetail && k < 10; k++) {
            h->x = 1 + HEAD_LABEL_W;
            dp_head_words(h, DEPOT_STYLE_DIM, 1 + HEAD_LABEL_W, TEXT_ROWS, w->detail[k]);
        }
        if (h->tall && !depot_str_empty(w->url)) {
            h->x = 1 + HEAD_LABEL_W;
            dp_head_words(h, DEPOT_STYLE_DIM, 1 + HEAD_LABEL_W, 3, w->url);
        }
    }
}

static void put_builder(struct step_head *h, const struct step_facts *f)
{
    const struct depot_part *p = f->step->part;
    if (!h->tall || p == NULL || *p->builder == '\0')
        return;
    dp_head_label(h, "builder");
    dp_head_text(h, DEPOT_STYLE_TEXT, p->builder);
    if (depot_part_emulates(p, f->step->platform))
        dp_head_text(h, DEPOT_STYLE_WARN, "  emulated");
    dp_head_row(h);
}

void dp_step_head_clear(struct step_head *h)
{
    h->pieces.len = h->links.len = 0;
    h->first_input = h->first_dependant = 0;
}

void dp_step_head_compose(
    struct step_head *h, const struct step_facts *f, int w, bool tall, int brief, bool ascii)
{
    dp_step_head_clear(h);
    h->pool.max = DEPOT_BUF_NO_LIMIT;
    depot_buf_clear(&h->pool);
    h->rows = h->y = 0;
    h->x = 1;
    h->w = w - 1;
    h->tall = tall;
    h->brief = brief;
    h->ascii = ascii;
    put_outcome(h, f);
    put_instruction(h, f);
    put_error(h, f);
    put_builder(h, f);
    put_reason(h, f);
    dp_step_head_moves(h, f);
    put_twins(h, f);
    h->first_input = h->links.len;
    const bool waits = f->step->outcome == DEPOT_OUTCOME_WAITING;
    link_list(h, f, waits ? "waits for" : "needs", f->step->inputs, f->step->ninputs);
    h->first_dependant = h->links.len;
    link_list(h, f, "needed by", f->step->dependants.items, f->step->dependants.len);
    put_warnings(h, f);
}

/* ---- drawing ---- */

void dp_step_head_draw(const struct step_head *h, const struct canvas *c, int top, int link)
{
    for (size_t i = 0; i < h->pieces.len; i++) {
        const struct head_piece *p = &h->pieces.items[i];
        const int y = p->y - top;
        if (y < 0 || y >= c->h)
            continue;
        if (p->meter) {
            dp_canvas_meter(c, y, p->x, p->w, p->fraction, p->style);
            continue;
        }
        dp_canvas_putn(c, y, p->x, p->style, h->pool.data + p->text, p->len);
        if (p->link >= 0) {
            dp_canvas_hot(c, y, p->x, 1, p->w, ACTION_SELECT, -1 - (intptr_t)p->link, 0);
            if (p->link == link)
                dp_canvas_paint(c, y, p->x, 1, p->w, DEPOT_STYLE_SELECTED);
        }
    }
}

int dp_step_head_link_row(const struct step_head *h, int link)
{
    for (size_t i = 0; i < h->pieces.len; i++)
        if (h->pieces.items[i].link == link)
            return h->pieces.items[i].y;
    return 0;
}
