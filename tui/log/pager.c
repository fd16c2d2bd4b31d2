/*
 * Where the pager stands and how it moves; log_draw.c draws it.
 */
#include "pager.h"

#include "pager_priv.h"

#include <string.h>

enum { RETURN_MAX = 4096 };          /* how far back a carriage return is looked for */
enum { SLICE_NS = 5 * 1000 * 1000 }; /* a slice of search: a third of what a key may take */

void dp_pager_init(struct log_pager *p)
{
    memset(p, 0, sizeof(*p));
    dp_log_search_init(&p->search);
    p->follow = true;
    p->raw.max = DEPOT_BUF_NO_LIMIT;
    p->h = p->w = 1;
}

void dp_pager_release(struct log_pager *p)
{
    dp_log_search_release(&p->search);
    dp_log_cells_release(&p->cells);
    dp_log_text_release(&p->text);
    depot_buf_release(&p->raw);
}

void dp_pager_set_log(struct log_pager *p, struct logstore *store, depot_time start)
{
    p->start = start;
    if (store == p->store)
        return;
    p->store = store;
    p->top = (struct log_place){0};
    p->pan = 0;
    p->follow = true;
    p->has_current = false;
    p->cells_valid = false;
    memset(p->seen, 0, sizeof(p->seen));
    p->seek = 0;
    p->typing = false;
    dp_log_search_store(&p->search, store, 0);
}

uint64_t dp_pager_lines(const struct log_pager *p)
{
    return p->store != NULL ? dp_logstore_lines(p->store) : 0;
}

struct log_seen *dp_pager_seen(struct log_pager *p, uint64_t line)
{
    struct log_seen *s = &p->seen[line % LOG_SEEN];
    struct log_line l = {0};
    if (s->valid && s->line == line &&
        (s->revision == UINT64_MAX || s->revision == dp_logstore_revision(p->store)))
        return s;
    dp_logstore_line(p->store, line, &l);
    *s = (struct log_seen){
        .line = line, .offset = l.offset, .total = l.total, .time = l.time, .valid = true};
    /* Only the newest line can change. */
    s->revision = line + 1 < dp_pager_lines(p) ? UINT64_MAX : dp_logstore_revision(p->store);
    return s;
}

/* Of a line too long to show: where the last thing that a carriage return left begins. A progress
 * bar without newlines stays up to date so. */
static uint64_t last_return(struct log_pager *p, const struct log_seen *s)
{
    char tail[RETURN_MAX];
    const uint64_t from = s->offset + s->total - sizeof(tail);
    size_t n = dp_logstore_read(p->store, from, tail, sizeof(tail));
    while (n > 0 && tail[n - 1] == '\r')
        n--;
    while (n > 0 && tail[n - 1] != '\r')
        n--;
    return n > 0 ? from + n : s->offset;
}

const struct log_cells *dp_pager_cells(struct log_pager *p, uint64_t line)
{
    const struct log_seen *s = dp_pager_seen(p, line);
    if (p->cells_valid && p->cells_line == line && p->cells_plain == p->plain &&
        p->cells_revision == s->revision)
        return &p->cells;
    const uint64_t from = s->total > LOG_LINE_SHOWN ? last_return(p, s) : s->offset;
    const uint64_t len = s->offset + s->total - from;
    depot_buf_clear(&p->raw);
    char *raw = depot_buf_reserve(&p->raw, LOG_LINE_SHOWN);
    const size_t n =
        dp_logstore_read(p->store, from, raw, len < LOG_LINE_SHOWN ? (size_t)len : LOG_LINE_SHOWN);
    dp_log_line_decode(&p->cells, raw, n, !p->plain);
    p->cells_line = line;
    p->cells_revision = s->revision;
    p->cells_plain = p->plain;
    p->cells_valid = true;
    return &p->cells;
}

size_t dp_pager_row_end(const struct log_pager *p, const struct log_cells *l, size_t from)
{
    const size_t len = l->cells.len, w = p->w > 0 ? (size_t)p->w : 1;
    size_t to = from + w < len ? from + w : len;
    if (to < len && l->cells.items[to].width == 0 && to > from + 1)
        to--; /* a wide character goes to the next row whole */
    return to;
}

static size_t rows_of(struct log_pager *p, uint64_t line)
{
    if (!p->wrap)
        return 1;
    struct log_seen *s = dp_pager_seen(p, line);
    if (s->rows > 0 && s->rows_w == p->w)
        return s->rows;
    const struct log_cells *l = dp_pager_cells(p, line);
    s->rows = 1;
    s->rows_w = p->w;
    for (size_t at = dp_pager_row_end(p, l, 0); at < l->cells.len; s->rows++)
        at = dp_pager_row_end(p, l, at);
    return s->rows;
}

/* ---- places ---- */

static bool before(struct log_place a, struct log_place b)
{
    return a.line != b.line ? a.line < b.line : a.row < b.row;
}

static struct log_place up(struct log_pager *p, struct log_place at, uint64_t n)
{
    if (!p->wrap)
        return (struct log_place){.line = at.line > n ? at.line - n : 0};
    while (n > at.row && at.line > 0) {
        n -= at.row + 1;
        at.line--;
        at.row = rows_of(p, at.line) - 1;
    }
    at.row = n < at.row ? at.row - (size_t)n : 0;
    return at;
}

static struct log_place down(struct log_pager *p, struct log_place at, uint64_t n)
{
    const uint64_t lines = dp_pager_lines(p);
    if (!p->wrap)
        return (struct log_place){.line = at.line + n};
    while (n > 0) {
        const size_t rows = rows_of(p, at.line), left = rows > at.row ? rows - at.row - 1 : 0;
        if (n <= left || at.line + 1 >= lines) {
            at.row += n <= left ? (size_t)n : left;
            break;
        }
        n -= left + 1;
        at.line++;
        at.row = 0;
    }
    return at;
}

/* The last place that may be on top: the newest row stands at the bottom of the screen. */
static struct log_place last_top(struct log_pager *p)
{
    const uint64_t lines = dp_pager_lines(p);
    if (lines == 0)
        return (struct log_place){0};
    const struct log_place end = {.line = lines - 1, .row = rows_of(p, lines - 1) - 1};
    return up(p, end, p->h > 1 ? (uint64_t)p->h - 1 : 0);
}

void dp_pager_settle(struct log_pager *p)
{
    const struct log_place last = last_top(p);
    if (p->follow || before(last, p->top))
        p->top = last;
}

static void scroll(struct log_pager *p, int64_t n)
{
    if (p->store == NULL)
        return;
    if (n < 0) {
        p->top = up(p, p->top, (uint64_t)-n);
        p->follow = false;
        return;
    }
    const struct log_place to = down(p, p->top, (uint64_t)n), last = last_top(p);
    p->top = before(to, last) ? to : last;
}

static void pan(struct log_pager *p, int columns)
{
    if (p->wrap)
        return;
    if (columns < 0)
        p->pan = p->pan > (size_t)-columns ? p->pan - (size_t)-columns : 0;
    else if (p->pan + (size_t)columns < LOG_COLUMNS_MAX)
        p->pan += (size_t)columns;
}

/* ---- search ---- */

/* Bring the first match of a line into the columns shown. */
static void pan_to_match(struct log_pager *p, uint64_t line)
{
    size_t from, to;
    if (p->wrap)
        return;
    const struct log_cells *l = dp_pager_cells(p, line);
    dp_log_cells_text(l, 0, l->cells.len, &p->text);
    if (!dp_log_search_find(&p->search, &p->text, 0, &from, &to))
        return;
    const size_t column = p->text.columns.items[from], end = p->text.columns.items[to],
                 w = p->w > 0 ? (size_t)p->w : 1;
    if (end < w)
        p->pan = 0;
    else if (column < p->pan || end > p->pan + w)
        p->pan = column > w / 3 ? column - w / 3 : 0;
}

static void go_to(struct log_pager *p, uint64_t line)
{
    p->current = line;
    p->has_current = true;
    p->follow = false;
    pan_to_match(p, line);
    if (line >= p->top.line && line < p->seen_last && (line > p->top.line || p->top.row == 0))
        return;
    p->top = up(p, (struct log_place){.line = line}, (uint64_t)(p->h > 0 ? p->h / 3 : 0));
}

/* Is everything between two places known to the search, so that no nearer match can turn up? */
static bool covered(const struct log_search *s, uint64_t a, uint64_t b)
{
    if (!dp_log_search_knows(s, a) || !dp_log_search_knows(s, b))
        return false;
    return s->lo >= s->anchor || (a < s->anchor) == (b < s->anchor);
}

/* Try to end a seek with what is known by now. */
static void seek(struct log_pager *p)
{
    const struct log_search *s = &p->search;
    const bool busy = dp_log_search_busy(s), back = p->seek < 0;
    uint64_t at = p->seek_from;
    const bool hit = dp_log_search_hit(s, at) || dp_log_search_next(s, p->seek_from, back, &at);
    if (p->seek == 0 || (busy && !(hit && covered(s, p->seek_from, at))))
        return;
    if (hit) {
        p->seek = 0;
        go_to(p, at);
    } else if (!p->seek_wrapped && s->found > 0) {
        p->seek_wrapped = true;
        p->seek_from = back ? dp_pager_lines(p) : 0;
        seek(p);
    } else {
        p->seek = 0;
    }
}

static void seek_start(struct log_pager *p, int way, uint64_t from)
{
    p->seek = way;
    p->seek_from = from;
    p->seek_wrapped = false;
    dp_pager_work(p);
}

static void match(struct log_pager *p, bool back)
{
    const uint64_t lines = dp_pager_lines(p);
    if (p->search.pattern == NULL || lines == 0)
        return;
    const uint64_t from = p->has_current ? p->current : back ? p->seen_last : p->top.line;
    if (!p->has_current)
        seek_start(p, back ? -1 : 1, from);
    else if (back)
        seek_start(p, -1, from > 0 ? from - 1 : lines);
    else
        seek_start(p, 1, from + 1);
}

int dp_pager_search(struct log_pager *p, const char *text, bool done, struct depot_error *err)
{
    if (!p->typing && !done) {
        p->typing = true;
        p->origin = p->top;
        p->origin_follow = p->follow;
    }
    const struct log_place origin = p->typing ? p->origin : p->top;
    const bool same = p->search.pattern != NULL && depot_str_eq(p->search.pattern, text);
    if (depot_str_empty(text) && p->typing) {
        p->top = p->origin;
        p->follow = p->origin_follow;
        p->has_current = false;
    }
    p->typing = p->typing && !done;
    if (same)
        return 0; /* Enter behind the last letter */
    p->seek = 0;
    p->has_current = false;
    const int rc = dp_log_search_set(&p->search, text, origin.line, err);
    if (rc == 0 && p->search.pattern != NULL)
        seek_start(p, 1, origin.line);
    return rc;
}

bool dp_pager_work(struct log_pager *p)
{
    const bool more = dp_log_search_work(&p->search, SLICE_NS);
    if (p->seek != 0)
        seek(p);
    return more;
}

/* ---- actions ---- */

static bool move(struct log_pager *p, enum action a)
{
    const int page = p->h > 2 ? p->h - 1 : 1;
    switch (a) {
    case ACTION_UP:
        scroll(p, -1);
        return true;
    case ACTION_DOWN:
        scroll(p, 1);
        return true;
    case ACTION_PAGE_UP:
        scroll(p, -page);
        return true;
    case ACTION_PAGE_DOWN:
        scroll(p, page);
        return true;
    case ACTION_HALF_UP:
        scroll(p, -(page / 2 + 1));
        return true;
    case ACTION_HALF_DOWN:
        scroll(p, page / 2 + 1);
        return true;
    case ACTION_WHEEL_UP:
        scroll(p, -3);
        return true;
    case ACTION_WHEEL_DOWN:
        scroll(p, 3);
        return true;
    case ACTION_TOP:
        p->top = (struct log_place){0};
        p->pan = 0;
        p->follow = false;
        return true;
    case ACTION_BOTTOM:
        p->follow = true;
        return true;
    case ACTION_LEFT:
        pan(p, -(p->w / 2 + 1));
        return true;
    case ACTION_RIGHT:
        pan(p, p->w / 2 + 1);
        return true;
    default:
        return false;
    }
}

bool dp_pager_action(struct log_pager *p, enum action a, intptr_t arg)
{
    switch (a) {
    case ACTION_FOLLOW:
        p->follow = !p->follow;
        p->has_current &= !p->follow;
        return true;
    case ACTION_WRAP:
        p->wrap = !p->wrap;
        p->top.row = 0;
        p->pan = 0;
        return true;
    case ACTION_TIMES:
        p->times = (p->times + 1) % LOG_TIMES_COUNT;
        return true;
    case ACTION_COLOURS:
        p->plain = !p->plain;
        return true;
    case ACTION_MATCH_NEXT:
    case ACTION_MATCH_PREV:
        match(p, a == ACTION_MATCH_PREV);
        return true;
    case ACTION_SELECT:
        p->has_current = !p->has_current || p->current != (uint64_t)arg;
        p->current = (uint64_t)arg;
        return true;
    default:
        return move(p, a);
    }
}

bool dp_pager_line(struct log_pager *p, uint64_t *line, struct log_text *text)
{
    const uint64_t lines = dp_pager_lines(p);
    if (lines == 0)
        return false;
    *line = p->has_current ? p->current : p->follow ? lines - 1 : p->top.line;
    if (*line >= lines)
        *line = lines - 1;
    const struct log_cells *l = dp_pager_cells(p, *line);
    dp_log_cells_text(l, 0, l->cells.len, text);
    return true;
}
