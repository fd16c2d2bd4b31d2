/*
 * Durations, sizes and names as short text; measuring UTF-8.
 */
#include "text.h"

#include <depot/utf8.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

/* ---- numbers ---- */

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

const char *dp_text_duration(char out[TEXT_MAX], int64_t ns, bool tenths)
{
    if (ns < 0)
        ns = 0;
    const int64_t s = ns / DEPOT_SEC;
    if (s < MINUTE && tenths)
        snprintf(out, TEXT_MAX, "%d.%ds", (int)s, (int)(ns % DEPOT_SEC / (DEPOT_SEC / 10)));
    else if (s < MINUTE)
        snprintf(out, TEXT_MAX, "%ds", (int)s);
    else if (s < HOUR)
        snprintf(out, TEXT_MAX, "%d:%02d", (int)(s / MINUTE), (int)(s % MINUTE));
    else if (s < DAY)
        snprintf(out, TEXT_MAX, "%d:%02d:%02d", (int)(s / HOUR), (int)(s % HOUR / MINUTE),
            (int)(s % MINUTE));
    else
        snprintf(out, TEXT_MAX, "%lldd%02dh", (long long)(s / DAY), (int)(s % DAY / HOUR));
    return out;
}

const char *dp_text_age(char out[TEXT_MAX], depot_time then, depot_time now)
{
    const int64_t s = (now - then) / DEPOT_SEC;
    if (then == 0)
        out[0] = '\0';
    else if (s < 1)
        snprintf(out, TEXT_MAX, "now");
    else if (s < MINUTE)
        snprintf(out, TEXT_MAX, "%ds", (int)s);
    else if (s < HOUR)
        snprintf(out, TEXT_MAX, "%dm", (int)(s / MINUTE));
    else if (s < 2 * DAY)
        snprintf(out, TEXT_MAX, "%dh", (int)(s / HOUR));
    else
        snprintf(out, TEXT_MAX, "%lldd", (long long)(s / DAY));
    return out;
}

const char *dp_text_ago(char out[TEXT_MAX], depot_time then, depot_time now)
{
    char age[TEXT_MAX];
    dp_text_age(age, then, now);
    if (strcmp(age, "now") == 0)
        snprintf(out, TEXT_MAX, "just now");
    else
        snprintf(out, TEXT_MAX, "%.24s%s", age, *age != '\0' ? " ago" : "");
    return out;
}

/* `n` with three digits at most and a letter. */
static void scaled(char out[TEXT_MAX], double n, double base, const char *letters)
{
    size_t i = 0;
    while (n >= (base > 1000 ? 1000 : base) - 0.5 && letters[i + 1] != '\0') {
        n /= base;
        i++;
    }
    const char letter[2] = {letters[i] == ' ' ? '\0' : letters[i], '\0'};
    if (i == 0 || n >= 9.95)
        snprintf(out, TEXT_MAX, "%.0f%s", n, letter);
    else
        snprintf(out, TEXT_MAX, "%.1f%s", n, letter);
}

const char *dp_text_bytes(char out[TEXT_MAX], int64_t n)
{
    scaled(out, n < 0 ? 0 : (double)n, 1024, "BKMGTPE");
    return out;
}

const char *dp_text_rate(char out[TEXT_MAX], double bytes_per_second)
{
    scaled(out, bytes_per_second > 0 ? bytes_per_second : 0, 1024, "BKMGTPE");
    const size_t n = strlen(out);
    snprintf(out + n, TEXT_MAX - n, "/s");
    return out;
}

const char *dp_text_count(char out[TEXT_MAX], int64_t n)
{
    scaled(out, n < 0 ? 0 : (double)n, 1000, " kMGT");
    return out;
}

const char *dp_text_percent(char out[TEXT_MAX], int64_t n, int64_t of)
{
    if (of <= 0)
        snprintf(out, TEXT_MAX, "-");
    else
        snprintf(out, TEXT_MAX, "%d%%", (int)((double)n * 100 / (double)of));
    return out;
}

const char *dp_text_clock(char out[TEXT_MAX], depot_time t)
{
    const time_t s = (time_t)(t / DEPOT_SEC);
    struct tm tm;
    if (t == 0 || localtime_r(&s, &tm) == NULL || strftime(out, TEXT_MAX, "%H:%M:%S", &tm) == 0)
        out[0] = '\0';
    return out;
}

/* ---- UTF-8 ---- */

/* What could move the cursor, turn the writing direction or join with its neighbours. */
static const struct {
    uint32_t first, last;
} never_drawn[] = {
    {0x0000, 0x001f},
    {0x007f, 0x009f},
    {0x00ad, 0x00ad},
    {0x061c, 0x061c},
    {0x180e, 0x180e},
    {0x200b, 0x200f},
    {0x2028, 0x202e},
    {0x2060, 0x206f},
    {0xd800, 0xdfff},
    {0xfe00, 0xfe0f},
    {0xfeff, 0xfeff},
    {0xfff0, 0xfffb},
    {0xfffe, 0xffff},
    {0x1f3fb, 0x1f3ff}, /* colours of a skin: joined by some terminals, of two columns in others */
    {0xe0000, 0xe0fff},
};

int dp_text_width_of(uint32_t ch)
{
    if (ch >= 0x20 && ch < 0x7f)
        return 1;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(never_drawn); i++)
        if (ch >= never_drawn[i].first && ch <= never_drawn[i].last)
            return -1;
    const int w = wcwidth((wchar_t)ch);
    return w < 0 ? 1 : w; /* not known to this locale: drawn as '?' */
}

/* Columns of the first character, 0 when it is not drawn. */
static int first_width(const char *s, size_t n, size_t *used)
{
    *used = 1;
    if (*s >= ' ' && *s <= '~') /* nearly always */
        return 1;
    const int32_t ch = depot_utf8_decode(s, n, used);
    const int w = ch < 0 ? 1 : dp_text_width_of((uint32_t)ch);
    return w > 0 ? w : 0;
}

size_t dp_text_width(const char *s)
{
    size_t columns = 0;
    for (size_t n = strlen(s), used; n > 0; s += used, n -= used)
        columns += (size_t)first_width(s, n, &used);
    return columns;
}

size_t dp_text_cut(const char *s, size_t n, int columns, int *got)
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

/* Start of the longest suffix of at most `columns` columns. */
static size_t cut_tail(const char *s, size_t n, int columns)
{
    const int all = (int)dp_text_width(s);
    int skipped = 0;
    size_t at = 0;
    for (size_t used; at < n && all - skipped > columns; at += used)
        skipped += first_width(s + at, n - at, &used);
    return at;
}

size_t dp_text_line(const char *s, int columns)
{
    const size_t n = strlen(s), cut = dp_text_cut(s, n, columns > 0 ? columns : 1, NULL);
    size_t at = cut;
    if (cut == n || s[cut] == ' ')
        return cut > 0 ? cut : n;
    while (at > 0 && s[at] != ' ')
        at--;
    return at > 0 ? at : cut > 0 ? cut : n;
}

void dp_text_middle(struct depot_buf *out, const char *s, int columns, bool ascii)
{
    const size_t n = strlen(s);
    const char *mark = ascii ? ".." : "…";
    const int mark_w = ascii ? 2 : 1;
    if ((int)dp_text_width(s) <= columns) {
        depot_buf_add(out, s, n);
        return;
    }
    if (columns <= mark_w + 1) {
        depot_buf_add(out, s, dp_text_cut(s, n, columns, NULL));
        return;
    }
    const int tail = (columns - mark_w) / 2;
    depot_buf_add(out, s, dp_text_cut(s, n, columns - mark_w - tail, NULL));
    depot_buf_adds(out, mark);
    depot_buf_adds(out, s + cut_tail(s, n, tail));
}

/* ---- names ---- */

const char *dp_text_platform(const char *platform)
{
    return depot_str_starts(platform, "linux/") ? platform + 6 : platform;
}

size_t dp_text_common(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] != '\0' && a[n] == b[n])
        n++;
    return depot_utf8_start(a, n);
}

void dp_text_first_line(struct depot_buf *out, const char *s)
{
    size_t n = strcspn(s, "\r\n");
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    depot_buf_add(out, s, n);
}
