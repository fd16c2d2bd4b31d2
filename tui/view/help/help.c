/*
 * Help: keys, signs and terms of the view below, printed from the tables.
 */
#include "tui/app/command.h"
#include "tui/app/view.h"

#include <depot/utf8.h>

#include <stdio.h>
#include <string.h>

struct help_view {
    struct view base;
    enum keymap keymap;
    const struct view_note *notes; /* of the view that it is about; may be NULL */
    int scroll, lines;
};

/* Of the view below, or of the keymap that was named. */
static int help_open(struct view *base, const char *arg, struct depot_error *err)
{
    struct help_view *v = (struct help_view *)base;
    const struct view *below = dp_tui_top(base->tui);
    DEPOT_UNUSED(err);
    v->keymap = arg == NULL && below != NULL ? dp_view_keymap(below->ops->id) : KEYMAP_GLOBAL;
    for (size_t i = 0; i < KEYMAP_COUNT; i++)
        if (depot_str_eq(arg, dp_keymap_name((enum keymap)i)))
            v->keymap = (enum keymap)i;
    if ((int)v->keymap < VIEW_COUNT)
        v->notes = dp_tui_view(base->tui, (enum view_id)v->keymap)->notes;
    return 0;
}

static void help_offer(const struct tui *t, struct completion *c)
{
    DEPOT_UNUSED(t);
    for (int i = 0; i < KEYMAP_COUNT; i++)
        dp_completion_offer(c, dp_keymap_name((enum keymap)i), NULL);
}

/* Flows entries into columns, top to bottom. */
struct flow {
    const struct canvas *c;
    int scroll, line, per_column, width;
};

static bool flow_place(const struct flow *f, int *y, int *x)
{
    const int at = f->line - f->scroll;
    *y = at % (f->per_column > 0 ? f->per_column : 1);
    *x = at / (f->per_column > 0 ? f->per_column : 1) * f->width;
    return at >= 0 && *x + f->width <= f->c->w + f->width / 4;
}

static void flow_entry(struct flow *f, uint32_t style, const char *key, int key_w, const char *text)
{
    const int text_w = f->width - key_w - 5;
    do {
        const size_t n = depot_text_line(text, text_w);
        int y, x;
        if (flow_place(f, &y, &x)) {
            dp_canvas_field(f->c, y, x + 1, key_w, FIT_LEFT, style, key);
            dp_canvas_putn(f->c, y, x + key_w + 3, DEPOT_STYLE_TEXT, text, n);
        }
        f->line++;
        key = "";
        text += n;
        while (*text == ' ')
            text++;
    } while (*text != '\0');
}

static void flow_heading(struct flow *f, const char *text)
{
    int y, x;
    if (f->line > 0)
        f->line++;
    if (f->per_column > 0 && f->line % f->per_column == f->per_column - 1)
        f->line++; /* no heading at a column's foot */
    if (flow_place(f, &y, &x))
        dp_canvas_field(f->c, y, x + 1, f->width - 3, FIT_LEFT, DEPOT_STYLE_HEADING, text);
    f->line++;
}

static void flow_keymap(struct flow *f, const struct keymaps *keys, enum keymap map)
{
    size_t n;
    const struct binding *table = dp_keymap_table(&n);
    flow_heading(f, dp_keymap_title(map));
    for (int a = 1; a < ACTION_COUNT; a++) {
        struct depot_buf b = DEPOT_BUF_INIT(256);
        bool here = false;
        for (size_t i = 0; i < n && !here; i++)
            here = table[i].keymap == map && (int)table[i].action == a;
        if (here)
            dp_keymaps_keys(keys, map, (enum action)a, 3, &b);
        if (b.len > 0)
            flow_entry(f, DEPOT_STYLE_KEY, b.data, 13, dp_action_help((enum action)a));
        depot_buf_release(&b);
    }
}

static void flow_commands(struct flow *f)
{
    struct command c;
    flow_heading(f, "Command line");
    for (size_t i = 0; dp_command_at(i, &c); i++) {
        char text[64];
        snprintf(text, sizeof(text), ":%s %s", c.name, c.args);
        flow_entry(f, DEPOT_STYLE_KEY, text, 16, c.help);
    }
}

static void flow_signs(struct flow *f)
{
    static const struct {
        enum depot_sign glyph;
        enum depot_outcome outcome;
        const char *text;
    } signs[] = {
        {DEPOT_SIGN_WAIT, DEPOT_OUTCOME_WAITING, "waiting, with the reason"},
        {DEPOT_SIGN_RUN, DEPOT_OUTCOME_RUNNING, "running"},
        {DEPOT_SIGN_HIT, DEPOT_OUTCOME_HIT, "found in the cache"},
        {DEPOT_SIGN_SKIP, DEPOT_OUTCOME_SKIPPED, "not needed: a later step was a hit"},
        {DEPOT_SIGN_SHARED, DEPOT_OUTCOME_SHARED, "ran once, with another build or platform"},
        {DEPOT_SIGN_RAN, DEPOT_OUTCOME_RAN, "done: it ran"},
        {DEPOT_SIGN_FAIL, DEPOT_OUTCOME_FAILED, "failed"},
        {DEPOT_SIGN_CANC, DEPOT_OUTCOME_CANCELLED, "cancelled"},
    };
    flow_heading(f, "Signs");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(signs); i++) {
        char word[16];
        char sign[5] = "";
        const size_t n =
            depot_utf8_encode(sign, depot_sign_char(f->c->grid->ascii, signs[i].glyph));
        sign[n] = '\0';
        snprintf(word, sizeof(word), "%s %s", sign, depot_outcome_word(signs[i].outcome));
        flow_entry(f, depot_outcome_style(signs[i].outcome), word, 13, signs[i].text);
    }
}

static void help_draw(struct view *base, const struct canvas *c)
{
    struct help_view *v = (struct help_view *)base;
    const struct canvas body = dp_canvas_sub(c, 1, 1, c->h - 1, c->w - 2);
    const int columns = c->w >= 150 ? 3 : c->w >= 100 ? 2 : 1;
    struct flow f = {.c = &body,
        .scroll = columns > 1 ? v->scroll * body.h : v->scroll,
        .per_column = columns > 1 ? body.h : GRID_MAX_H * 10,
        .width = body.w / columns};
    const struct keymaps *keys = dp_tui_keymaps(base->tui);
    if (v->keymap != KEYMAP_GLOBAL)
        flow_keymap(&f, keys, v->keymap);
    flow_signs(&f);
    if (v->notes != NULL) {
        flow_heading(&f, "Terms");
        for (const struct view_note *n = v->notes; n->term != NULL; n++)
            flow_entry(&f, DEPOT_STYLE_STRONG, n->term, 13, n->text);
    }
    flow_keymap(&f, keys, KEYMAP_GLOBAL);
    flow_keymap(&f, keys, KEYMAP_REPLAY);
    flow_commands(&f);
    v->lines = columns > 1 ? (f.line + body.h - 1) / (body.h > 0 ? body.h : 1) - columns + 1
                           : f.line - body.h + 1;
    dp_canvas_hot(c, 0, 0, c->h, c->w, ACTION_NONE, 0, 1);
}

static enum view_result help_action(struct view *base, enum action a, intptr_t arg)
{
    struct help_view *v = (struct help_view *)base;
    const int page = base->w >= 100 ? 1 : base->h > 2 ? base->h - 2 : 1;
    const int line = 1;
    DEPOT_UNUSED(arg);
    if (a == ACTION_DOWN || a == ACTION_WHEEL_DOWN)
        v->scroll += line;
    else if (a == ACTION_UP || a == ACTION_WHEEL_UP)
        v->scroll -= line;
    else if (a == ACTION_PAGE_DOWN || a == ACTION_HALF_DOWN)
        v->scroll += page;
    else if (a == ACTION_PAGE_UP || a == ACTION_HALF_UP)
        v->scroll -= page;
    else if (a == ACTION_TOP)
        v->scroll = 0;
    else if (a == ACTION_BOTTOM)
        v->scroll = v->lines;
    else
        return VIEW_IGNORED;
    if (v->scroll >= v->lines)
        v->scroll = v->lines - 1;
    if (v->scroll < 0)
        v->scroll = 0;
    return VIEW_HANDLED;
}

static void help_title(struct view *base, struct depot_buf *left, struct depot_buf *right)
{
    const struct help_view *v = (const struct help_view *)base;
    DEPOT_UNUSED(right);
    depot_buf_addf(left, "help: %s", dp_keymap_name(v->keymap));
}

static const enum action help_hints[] = {ACTION_PAGE_DOWN, ACTION_NONE};

const struct view_ops view_help = {
    .id = VIEW_HELP,
    .size = sizeof(struct help_view),
    .offer = help_offer,
    .open = help_open,
    .draw = help_draw,
    .action = help_action,
    .title = help_title,
    .hints = help_hints,
};
