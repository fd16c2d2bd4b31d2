/*
 * Text measured and cut by columns. The only place that asks the C library for a width.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* wcwidth() */
#endif

#include "text/width.h"

#include <depot/text.h>
#include <depot/utf8.h>

#include <langinfo.h>
#include <string.h>
#include <wchar.h>

bool depot_text_is_utf8(void)
{
    return depot_str_eq(nl_langinfo(CODESET), "UTF-8");
}

/* ---- characters ---- */

/* What no cell has: it could move the cursor, turn the writing direction, hide, or join with its
 * neighbours. Text that is only cleaned keeps what joins: there no column has to be right. */
static const struct {
    uint32_t first, last;
    bool joins;
} never_drawn[] = {
    {0x0000, 0x001f, false},
    {0x007f, 0x009f, false},
    {0x00ad, 0x00ad, false},
    {0x061c, 0x061c, false},
    {0x180e, 0x180e, false},
    {0x200b, 0x200f, false},
    {0x2028, 0x202e, false},
    {0x2060, 0x206f, false},
    {0xd800, 0xdfff, false},
    {0xfe00, 0xfe0f, true}, /* variants: terminals differ in what they do to the width */
    {0xfeff, 0xfeff, false},
    {0xfff0, 0xfffb, false},
    {0xfffe, 0xffff, false},
    {0x1f3fb, 0x1f3ff, true}, /* colours of a skin: joined by some, of two columns in others */
    {0xe0000, 0xe0fff, false},
};

static int find_never_drawn(uint32_t ch)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(never_drawn); i++)
        if (ch >= never_drawn[i].first && ch <= never_drawn[i].last)
            return (int)i;
    return -1;
}

bool dp_text_hides(uint32_t ch)
{
    const int i = find_never_drawn(ch);
    return i >= 0 && !never_drawn[i].joins;
}

int depot_text_width_of(uint32_t ch)
{
    if (ch >= 0x20 && ch < 0x7f)
        return 1;
    if (find_never_drawn(ch) >= 0)
        return -1;
    const int w = wcwidth((wchar_t)ch);
    return w < 0 ? 1 : w; /* not known to this locale */
}

struct depot_char depot_text_next(const char *s, size_t n)
{
    struct depot_char c = {.ch = (unsigned char)*s, .width = 1, .used = 1};
    if (*s >= ' ' && *s <= '~') /* nearly always */
        return c;
    if (*s == '\t') {
        c.ch = ' ';
        return c;
    }
    const int32_t ch = depot_utf8_decode(s, n, &c.used);
    c.ch = ch < 0 ? '?' : (uint32_t)ch;
    c.width = depot_text_width_of(c.ch);
    return c;
}

/* ---- strings ---- */

/* Columns of the first character. */
static int first_width(const char *s, size_t n, size_t *used)
{
    const struct depot_char c = depot_text_next(s, n);
    *used = c.used;
    return c.width > 0 ? c.width : 0;
}

int depot_text_width(const char *s)
{
    int columns = 0;
    for (size_t n = strlen(s), used; n > 0; s += used, n -= used)
        columns += first_width(s, n, &used);
    return columns;
}

size_t depot_text_cut(const char *s, size_t n, int columns, int *got)
{
    size_t at = 0;
    int taken = 0;
    for (size_t used; at < n; at += used) {
        const int w = first_width(s + at, n - at, &used);
        if (w > 0 && taken + w > columns)
            break;
        taken += w;
    }
    if (got != NULL)
        *got = taken;
    return at;
}

/* Start of the longest suffix of at most `columns` of the `all` columns. */
static size_t cut_front(const char *s, size_t n, int all, int columns)
{
    int skipped = 0;
    size_t at = 0;
    for (size_t used; at < n && all - skipped > columns; at += used)
        skipped += first_width(s + at, n - at, &used);
    return at;
}

void depot_text_fit(
    struct depot_buf *out, const char *s, int columns, enum depot_cut cut, bool ascii)
{
    const char *mark = ascii ? ".." : "…";
    const int all = depot_text_width(s), mark_w = ascii ? 2 : 1, room = columns - mark_w;
    const size_t n = strlen(s);
    if (all <= columns) {
        depot_buf_add(out, s, n);
        return;
    }
    if (cut == DEPOT_CUT_BARE || room < 2) {
        depot_buf_add(out, s, depot_text_cut(s, n, columns, NULL));
        return;
    }
    const int back = cut == DEPOT_CUT_FRONT ? room : cut == DEPOT_CUT_MIDDLE ? room / 2 : 0;
    depot_buf_add(out, s, depot_text_cut(s, n, room - back, NULL));
    depot_buf_adds(out, mark);
    if (back > 0)
        depot_buf_adds(out, s + cut_front(s, n, all, back));
}

size_t depot_text_line(const char *s, int columns)
{
    const size_t n = strlen(s), cut = depot_text_cut(s, n, columns > 0 ? columns : 1, NULL);
    size_t at = cut;
    if (cut == n || s[cut] == ' ')
        return cut > 0 ? cut : n;
    while (at > 0 && s[at] != ' ')
        at--;
    return at > 0 ? at : cut > 0 ? cut : n;
}

/* ---- pieces ---- */

const char *depot_text_platform(const char *platform)
{
    return depot_str_starts(platform, "linux/") ? platform + 6 : platform;
}

size_t depot_text_common(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] != '\0' && a[n] == b[n])
        n++;
    return depot_utf8_start(a, n);
}

void depot_text_first_line(struct depot_buf *out, const char *s)
{
    size_t n = strcspn(s, "\r\n");
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    depot_buf_add(out, s, n);
}
