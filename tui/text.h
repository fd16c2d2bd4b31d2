/*
 * Numbers and names as the screens show them, and the width of text. Pure functions.
 */
#ifndef DEPOT_TUI_TEXT_H
#define DEPOT_TUI_TEXT_H

#include <depot/buf.h>
#include <depot/clock.h>

enum { TEXT_MAX = 32 }; /* holds what any of the number formats writes */

/* "0.4s", "31.4s", "1:42", "1:02:09", "3d04h"; `tenths` false: whole seconds below a minute. */
const char *dp_text_duration(char out[TEXT_MAX], int64_t ns, bool tenths);
/* "12s", "4m", "3h", "2d" since `then`; "now" below a second; "" when not known. */
const char *dp_text_age(char out[TEXT_MAX], depot_time then, depot_time now);
/* "just now", "12s ago"; "" when not known. */
const char *dp_text_ago(char out[TEXT_MAX], depot_time then, depot_time now);
/* "812B", "61K", "4.1M", "1.9G": powers of 1024, at most 5 columns. */
const char *dp_text_bytes(char out[TEXT_MAX], int64_t n);
/* "12.4M/s". */
const char *dp_text_rate(char out[TEXT_MAX], double bytes_per_second);
/* "812", "12.4k", "3.1M". */
const char *dp_text_count(char out[TEXT_MAX], int64_t n);
/* "61%", "-" when `of` is 0. */
const char *dp_text_percent(char out[TEXT_MAX], int64_t n, int64_t of);
/* Local time "12:04:07". */
const char *dp_text_clock(char out[TEXT_MAX], depot_time t);

/* Columns: 0 for a combining mark, 1, 2; -1 for what is never drawn (controls, bidirectional
 * controls, joiners, surrogates, noncharacters). */
int dp_text_width_of(uint32_t ch);
size_t dp_text_width(const char *s); /* columns of a whole string */
/* Bytes of the longest prefix of at most `columns` columns; *got (may be NULL) how many it takes.
 */
size_t dp_text_cut(const char *s, size_t n, int columns, int *got);
/* Bytes of the first of the lines that `s` is folded to: up to the last blank that fits. Not 0
 * unless `s` is empty. */
size_t dp_text_line(const char *s, int columns);
/* Append `s` in at most `columns` columns, its middle elided: "registry.example…/web:1.2". */
void dp_text_middle(struct depot_buf *out, const char *s, int columns, bool ascii);
/* "linux/amd64" -> "amd64"; "linux/arm/v7" -> "arm/v7"; other systems keep theirs. */
const char *dp_text_platform(const char *platform);
/* The first line of a text, without trailing blanks. */
/* Bytes that two texts begin with alike, whole characters. */
size_t dp_text_common(const char *a, const char *b);
void dp_text_first_line(struct depot_buf *out, const char *s);

#endif
