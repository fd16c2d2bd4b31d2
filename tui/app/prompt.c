/*
 * The line at the bottom: commands, filters, searches, questions. A small line editor.
 */
#include "tui_priv.h"

#include <depot/utf8.h>

#include <stdio.h>
#include <string.h>

/* ---- editing ---- */

static size_t before(const struct prompt *p, size_t at)
{
    return at > 0 ? depot_utf8_start(p->text.data, at - 1) : 0;
}

static size_t after(const struct prompt *p, size_t at)
{
    size_t used;
    if (at >= p->text.len)
        return p->text.len;
    depot_utf8_decode(p->text.data + at, p->text.len - at, &used);
    return at + used;
}

static void insert(struct prompt *p, const char *s, size_t n)
{
    if (p->text.len + n > PROMPT_MAX) {
        snprintf(p->error, sizeof(p->error), "longer than %d bytes", PROMPT_MAX);
        return;
    }
    char *tail = depot_memdup(depot_buf_str(&p->text) + p->cursor, p->text.len - p->cursor);
    const size_t ntail = p->text.len - p->cursor;
    depot_buf_truncate(&p->text, p->cursor);
    depot_buf_add(&p->text, s, n);
    p->cursor = p->text.len;
    if (ntail > 0)
        depot_buf_add(&p->text, tail, ntail);
    depot_free(tail);
    p->typed = true;
}

static void cut(struct prompt *p, size_t from, size_t to)
{
    if (from >= to)
        return;
    memmove(p->text.data + from, p->text.data + to, p->text.len - to);
    depot_buf_truncate(&p->text, p->text.len - (to - from));
    p->cursor = from;
    p->typed = true;
}

static size_t word_before(const struct prompt *p)
{
    size_t at = p->cursor;
    while (at > 0 && p->text.data[at - 1] == ' ')
        at--;
    while (at > 0 && p->text.data[at - 1] != ' ')
        at--;
    return at;
}

static void replace(struct prompt *p, size_t from, const char *text)
{
    cut(p, from, p->cursor);
    insert(p, text, strlen(text));
}

static void recall(struct prompt *p, int by)
{
    const struct depot_strv *h = &p->history[p->kind];
    const int64_t to = (int64_t)p->back + by;
    if (to < 0 || to > (int64_t)h->len)
        return;
    if (p->draft == NULL)
        p->draft = depot_strdup(depot_buf_str(&p->text));
    p->back = (size_t)to;
    p->cursor = p->text.len;
    replace(p, 0, to > 0 ? h->items[h->len - (size_t)to] : p->draft);
    if (to == 0)
        dp_prompt_forget_draft(p);
}

static void edit(struct prompt *p, const struct key *k)
{
    const bool ctrl = k->mods == KEY_CTRL;
    if (k->code == KEY_CODE_PASTE)
        insert(p, k->text, strlen(k->text));
    else if (k->code == KEY_CODE_BACKSPACE)
        cut(p, before(p, p->cursor), p->cursor);
    else if (k->code == KEY_CODE_DELETE || (ctrl && k->code == 'd'))
        cut(p, p->cursor, after(p, p->cursor));
    else if (k->code == KEY_CODE_LEFT || (ctrl && k->code == 'b'))
        p->cursor = before(p, p->cursor);
    else if (k->code == KEY_CODE_RIGHT || (ctrl && k->code == 'f'))
        p->cursor = after(p, p->cursor);
    else if (k->code == KEY_CODE_HOME || (ctrl && k->code == 'a'))
        p->cursor = 0;
    else if (k->code == KEY_CODE_END || (ctrl && k->code == 'e'))
        p->cursor = p->text.len;
    else if (ctrl && k->code == 'u')
        cut(p, 0, p->cursor);
    else if (ctrl && k->code == 'w')
        cut(p, word_before(p), p->cursor);
    else if (k->code == KEY_CODE_UP || (ctrl && k->code == 'p'))
        recall(p, 1);
    else if (k->code == KEY_CODE_DOWN || (ctrl && k->code == 'n'))
        recall(p, -1);
    else if (k->mods == 0 && k->code >= ' ' && k->code < KEY_CODE_BASE) {
        char bytes[4];
        insert(p, bytes, depot_utf8_encode(bytes, k->code));
    }
}

/* ---- completion ---- */

static void complete(struct tui *t, int by)
{
    struct prompt *p = &t->prompt;
    struct completion *c = &p->completion;
    if (c->items.len == 0)
        dp_command_complete(t, depot_buf_str(&p->text), p->cursor, c);
    if (c->items.len == 0)
        return;
    replace(p, c->from, dp_completion_step(c, by));
    if (c->items.len == 1)
        dp_completion_end(c);
}

/* ---- what it is for ---- */

static void give(struct tui *t, bool done)
{
    struct prompt *p = &t->prompt;
    struct view *v = dp_tui_top(t);
    struct depot_error err = {0};
    int rc = 0;
    if (v == NULL)
        return;
    if (p->kind == PROMPT_FILTER && v->ops->filter != NULL)
        rc = v->ops->filter(v, depot_buf_str(&p->text), done, &err);
    if (p->kind == PROMPT_SEARCH && v->ops->search != NULL)
        rc = v->ops->search(v, depot_buf_str(&p->text), done, &err);
    t->renew |= p->kind == PROMPT_FILTER && rc == 0;
    snprintf(p->error, sizeof(p->error), "%.500s", rc != 0 ? err.msg : "");
}

static void remember(struct prompt *p)
{
    struct depot_strv *h = &p->history[p->kind];
    if (p->text.len == 0 || (h->len > 0 && depot_str_eq(h->items[h->len - 1], p->text.data)))
        return;
    if (h->len >= PROMPT_HISTORY) {
        depot_free(h->items[0]);
        depot_vec_remove(h, 0);
    }
    depot_strv_push(h, p->text.data);
}

static void done(struct tui *t)
{
    struct prompt *p = &t->prompt;
    const enum prompt_kind kind = p->kind;
    remember(p);
    give(t, true);
    if (p->error[0] != '\0')
        return;
    char *text = depot_strdup(depot_buf_str(&p->text));
    dp_tui_text_fn *fn = p->text_fn;
    char *arg = p->arg;
    p->arg = NULL;
    dp_prompt_close(t);
    if (kind == PROMPT_COMMAND)
        dp_tui_command(t, text);
    else if (kind == PROMPT_ASK && fn != NULL && text[0] != '\0')
        fn(t, text, arg);
    depot_free(text);
    depot_free(arg);
}

static void abandon(struct tui *t)
{
    struct prompt *p = &t->prompt;
    if (p->kind == PROMPT_FILTER || p->kind == PROMPT_SEARCH) {
        depot_buf_clear(&p->text);
        depot_buf_adds(&p->text, "");
        give(t, true);
    }
    dp_prompt_close(t);
}

static void answer_yes(struct tui *t, const struct key *k)
{
    struct prompt *p = &t->prompt;
    dp_tui_yes_fn *fn = p->yes_fn;
    char *arg = p->arg;
    p->arg = NULL;
    dp_prompt_close(t);
    if ((k->code == 'y' || k->code == 'Y') && k->mods == 0 && fn != NULL)
        fn(t, arg);
    depot_free(arg);
}

void dp_prompt_key(struct tui *t, const struct key *k)
{
    struct prompt *p = &t->prompt;
    t->dirty = true;
    if (k->code == KEY_CODE_MOUSE || k->code == KEY_CODE_FOCUS)
        return;
    p->error[0] = '\0';
    if (k->code == KEY_CODE_TAB && p->kind == PROMPT_COMMAND) {
        complete(t, k->mods & KEY_SHIFT ? -1 : 1);
        return;
    }
    dp_completion_end(&p->completion);
    if (p->kind == PROMPT_YES) {
        answer_yes(t, k);
    } else if (k->code == KEY_CODE_ENTER) {
        done(t);
    } else if (k->code == KEY_CODE_ESC ||
               (k->mods == KEY_CTRL && (k->code == 'c' || k->code == 'g')) ||
               (k->code == KEY_CODE_BACKSPACE && p->text.len == 0)) {
        abandon(t);
    } else {
        edit(p, k);
    }
}

void dp_prompt_heed(struct tui *t)
{
    if (t->prompt.kind == PROMPT_NONE || !t->prompt.typed)
        return;
    t->prompt.typed = false;
    give(t, false);
}

/* What the view's help says of its filter. */
static const char *filter_note(const struct tui *t)
{
    const struct view *v = dp_tui_top(t);
    const struct view_note *n = v != NULL ? v->ops->notes : NULL;
    while (n != NULL && n->term != NULL && !depot_str_eq(n->term, "filter"))
        n++;
    return n != NULL && n->term != NULL ? n->text : "";
}

static void draw_hint(const struct tui *t, const struct canvas *c, int y, int x)
{
    const struct prompt *p = &t->prompt;
    struct depot_buf hint = DEPOT_BUF_INIT(SAY_MAX);
    if (p->kind == PROMPT_COMMAND && p->text.len == 0)
        depot_buf_adds(&hint, "Tab completes, Up brings back what was entered");
    else if (p->kind == PROMPT_COMMAND)
        dp_command_hint(p->text.data, &hint);
    else if (p->kind == PROMPT_FILTER && p->text.len == 0)
        depot_buf_adds(&hint, filter_note(t));
    dp_canvas_field(c, y, x, c->w - x - 1, FIT_LEFT, DEPOT_STYLE_DIM, depot_buf_str(&hint));
    depot_buf_release(&hint);
}

void dp_prompt_draw(const struct tui *t, const struct canvas *c, int y)
{
    const struct prompt *p = &t->prompt;
    int x = 1 + dp_canvas_put(c, y, 1, DEPOT_STYLE_STRONG, p->label);
    if (p->kind == PROMPT_YES)
        return;
    const char *text = depot_buf_str(&p->text);
    const int room = c->w - x - 2;
    int columns = 0;
    size_t from = 0;
    /* Scroll so that the cursor is visible. */
    depot_text_cut(text, p->cursor, GRID_MAX_W, &columns);
    if (columns > room && room > 0)
        from = depot_text_cut(text, p->cursor, columns - room, NULL);
    if (from > p->cursor)
        from = p->cursor;
    const int at = x + dp_canvas_putn(c, y, x, DEPOT_STYLE_TEXT, text + from, p->cursor - from);
    x = at + dp_canvas_put(c, y, at, DEPOT_STYLE_TEXT, text + p->cursor);
    dp_canvas_paint(c, y, at, 1, 1, STYLE_KEEP | DEPOT_ATTR_REVERSE);
    if (p->error[0] != '\0')
        dp_canvas_put(c, y, x + 3, DEPOT_STYLE_ERROR, p->error);
    else
        draw_hint(t, c, y, x + 3);
    if (p->completion.items.len > 0) {
        const struct canvas row = dp_canvas_sub(c, y - 1, 0, 1, c->w);
        dp_completion_draw(&p->completion, &row);
    }
}
