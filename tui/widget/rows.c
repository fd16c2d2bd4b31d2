/*
 * The list of rows that most views are: selection, scrolling, its mark at the edge.
 */
#include "rows.h"

enum { WHEEL_ROWS = 3 };

static size_t back(size_t n, size_t by)
{
    return n > by ? n - by : 0;
}

static void scroll(struct rows *r, int by)
{
    const size_t page = r->page > 0 ? (size_t)r->page : 1;
    const size_t last = back(r->count, page);
    r->top = by < 0 ? back(r->top, (size_t)-by) : r->top + (size_t)by;
    if (r->top > last)
        r->top = last;
    if (r->selected < r->top)
        r->selected = r->top;
    if (r->selected >= r->top + page)
        r->selected = r->top + page - 1;
}

bool dp_rows_action(struct rows *r, enum action a, intptr_t arg)
{
    const size_t page = r->page > 1 ? (size_t)r->page : 1;
    size_t to = r->selected;
    switch (a) {
    case ACTION_UP:
        to = back(to, 1);
        break;
    case ACTION_DOWN:
        to++;
        break;
    case ACTION_PAGE_UP:
        to = back(to, page);
        break;
    case ACTION_PAGE_DOWN:
        to += page;
        break;
    case ACTION_HALF_UP:
        to = back(to, (page + 1) / 2);
        break;
    case ACTION_HALF_DOWN:
        to += (page + 1) / 2;
        break;
    case ACTION_TOP:
        to = 0;
        break;
    case ACTION_BOTTOM:
        to = back(r->count, 1);
        break;
    case ACTION_SELECT:
        to = arg > 0 ? (size_t)arg : 0;
        break;
    case ACTION_WHEEL_UP:
    case ACTION_WHEEL_DOWN:
        scroll(r, a == ACTION_WHEEL_UP ? -WHEEL_ROWS : WHEEL_ROWS);
        r->follow = false;
        return true;
    default:
        return false;
    }
    r->selected = to < r->count ? to : back(r->count, 1);
    r->follow = false;
    return true;
}

void dp_rows_layout(struct rows *r, size_t count, int page)
{
    const size_t fit = page > 0 ? (size_t)page : 1;
    r->count = count;
    r->page = page;
    if (r->follow || r->selected >= count)
        r->selected = back(count, 1);
    if (r->top > back(count, fit))
        r->top = back(count, fit);
    if (r->selected < r->top)
        r->top = r->selected;
    if (r->selected >= r->top + fit)
        r->top = r->selected - fit + 1;
}

void dp_rows_move(struct rows *r, size_t index)
{
    const size_t line = r->selected >= r->top ? r->selected - r->top : 0;
    r->selected = index;
    r->top = back(index, line);
}

void dp_rows_scrollbar(const struct rows *r, const struct canvas *c, int y, int x, int h)
{
    if (h <= 1 || r->count <= (size_t)h)
        return;
    const size_t height = (size_t)h;
    size_t size = height * height / r->count;
    size = size > 0 ? size : 1;
    const size_t travel = r->count - height;
    const size_t at = travel > 0 ? r->top * (height - size) / travel : 0;
    dp_canvas_fill(
        c, y + (int)at, x, (int)size, 1, DEPOT_STYLE_FAINT, c->grid->ascii ? '|' : 0x2503);
}
