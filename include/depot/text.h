/*
 * Numbers, names and text as people read them: one way to write a size or a time for whoever shows
 * it, one notion of how many columns a text takes, one of what is not to reach a terminal.
 *
 * Pure functions that cannot fail. Those that take an `out` write at most DEPOT_TEXT_MAX bytes with
 * the NUL to it and return it.
 */
#ifndef DEPOT_TEXT_H
#define DEPOT_TEXT_H

#include <depot/buf.h>
#include <depot/clock.h>

#include <stdbool.h>

enum { DEPOT_TEXT_MAX = 32 };

/* ---- numbers ---- */

/* "0.4s", "31.4s", "1:42", "1:02:09", "3d04h"; `tenths` false: whole seconds below a minute. */
const char *depot_text_duration(char out[DEPOT_TEXT_MAX], int64_t ns, bool tenths);
/* "12s", "4m", "3h", "2d" since `then`; "now" below a second; "" when not known. */
const char *depot_text_age(char out[DEPOT_TEXT_MAX], depot_time then, depot_time now);
/* "just now", "12s ago"; "" when not known. */
const char *depot_text_ago(char out[DEPOT_TEXT_MAX], depot_time then, depot_time now);
/* "812B", "61kB", "4.1MB", "1.9GB": powers of 1000, as docker has them; at most 5 columns. */
const char *depot_text_bytes(char out[DEPOT_TEXT_MAX], int64_t n);
/* "13/50MB", "950kB/2.1MB": the unit once where it is the same; `n` alone when it is not below
 * `of`.
 */
const char *depot_text_share(char out[DEPOT_TEXT_MAX], int64_t n, int64_t of);
/* "12MB/s"; below 0 counts as 0. */
const char *depot_text_rate(char out[DEPOT_TEXT_MAX], double bytes_per_second);
/* "812", "12k", "3.1M". */
const char *depot_text_count(char out[DEPOT_TEXT_MAX], int64_t n);
/* "61%", "-" when `of` is 0. */
const char *depot_text_percent(char out[DEPOT_TEXT_MAX], int64_t n, int64_t of);
/* "%.*f" with a point in every locale. */
const char *depot_text_fixed(char out[DEPOT_TEXT_MAX], double v, int decimals);
/* Local time "12:04:07"; "" when not known. */
const char *depot_text_clock(char out[DEPOT_TEXT_MAX], depot_time t);

/* ---- columns ---- */

/* Whether the locale's characters are UTF-8; widths go by the locale, too. */
bool depot_text_is_utf8(void);

/* A character as a terminal may get it. */
struct depot_char {
    uint32_t ch; /* '?' for bytes that are no UTF-8, a blank for a tab */
    int width;   /* columns: 1 or 2; 0: a combining mark; -1: never drawn, as controls are */
    size_t used; /* bytes */
};
/* The one at the front of `n` > 0 bytes. */
struct depot_char depot_text_next(const char *s, size_t n);
/* Columns of a character, or -1, as above. */
int depot_text_width_of(uint32_t ch);
/* Columns of a whole string. */
int depot_text_width(const char *s);
/* Bytes of the longest prefix of at most `columns` columns; *got (may be NULL): how many it takes.
 */
size_t depot_text_cut(const char *s, size_t n, int columns, int *got);
/* Bytes of the first of the lines that `s` is folded to: up to the last blank that fits. Not 0
 * unless `s` is empty. */
size_t depot_text_line(const char *s, int columns);
/* Where a text that is too long is cut. An ellipsis stands there, unless there is hardly room for
 * itself. */
enum depot_cut {
    DEPOT_CUT_END,
    DEPOT_CUT_MIDDLE, /* both ends of a path or of an image's name tell something */
    DEPOT_CUT_FRONT,
    DEPOT_CUT_BARE, /* the end, without a sign of it: the beginning of an id names it, too */
};
/* Append `s` in at most `columns` columns. */
void depot_text_fit(
    struct depot_buf *out, const char *s, int columns, enum depot_cut cut, bool ascii);

/* ---- pieces ---- */

/* "linux/amd64" -> "amd64"; "linux/arm/v7" -> "arm/v7"; other systems keep theirs. */
const char *depot_text_platform(const char *platform);
/* Bytes that two texts begin with alike, whole characters. */
size_t depot_text_common(const char *a, const char *b);
/* Append the first line of a text, without trailing blanks. */
void depot_text_first_line(struct depot_buf *out, const char *s);
/* Append what a terminal would show of a line of a log in the end: what is behind its last carriage
 * return, cleaned; of a very long one the beginning of that. */
void depot_text_log_line(struct depot_buf *out, const char *line, size_t n);

/*
 * Cleans text for a terminal as it streams: drops escape sequences (CSI, OSC and other strings),
 * C0 except tab and newline, C1, characters that hide text or turn its direction; what is no UTF-8
 * becomes '?'. A sequence may be cut anywhere between two calls; a newline ends one that never
 * ends.
 */
struct depot_clean {
    unsigned char state, have;
    char utf8[4];
};
void depot_clean_feed(struct depot_clean *c, struct depot_buf *out, const void *data, size_t n);
void depot_clean_string(struct depot_buf *out, const char *s); /* a whole string; no newlines */

#endif
