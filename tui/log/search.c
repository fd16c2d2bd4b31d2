/*
 * Sliced search: lines of a log store against a pattern, the result as bits.
 */
#include "search.h"

#include <ctype.h>
#include <locale.h>
#include <string.h>

enum {
    BLOCK_WORDS = 64, /* 4096 lines: one count for all of them */
    BLOCK_LINES = BLOCK_WORDS * 64,
    READ_SIZE = 128 * 1024, /* a slice of work between two looks at the clock */
};

void dp_log_search_init(struct log_search *s)
{
    memset(s, 0, sizeof(*s));
    s->buf.max = DEPOT_BUF_NO_LIMIT;
}

static void pattern_release(struct log_search *s)
{
    depot_free(s->pattern);
    depot_free(s->literal);
    if (s->compiled)
        regfree(&s->regex);
    if (s->has_ascii)
        regfree(&s->ascii);
    s->pattern = s->literal = NULL;
    s->compiled = s->has_ascii = false;
}

void dp_log_search_release(struct log_search *s)
{
    pattern_release(s);
    depot_vec_free(&s->words);
    depot_vec_free(&s->blocks);
    dp_log_cells_release(&s->cells);
    dp_log_text_release(&s->text);
    depot_buf_release(&s->buf);
}

/* ---- the pattern ---- */

/* A pattern without operators is compared as bytes, many times faster. Only ASCII can be folded
 * that way. */
static bool is_literal(const char *p)
{
    for (; *p != '\0'; p++)
        if (strchr("\\^$.|?*+()[]{}", *p) != NULL || (unsigned char)*p >= 0x80)
            return false;
    return true;
}

static bool has_capital(const char *p)
{
    for (; *p != '\0'; p++)
        if (isupper((unsigned char)*p))
            return true;
    return false;
}

/* The C library's matcher is three times as fast in the C locale. */
static bool compile_ascii(regex_t *out, const char *pattern, int flags)
{
    for (const char *p = pattern; *p != '\0'; p++)
        if ((unsigned char)*p >= 0x80)
            return false;
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return false;
    const locale_t before = uselocale(c);
    const int rc = regcomp(out, pattern, flags);
    uselocale(before);
    freelocale(c);
    return rc == 0;
}

static void restart(struct log_search *s, uint64_t anchor)
{
    struct log_line line;
    s->words.len = s->blocks.len = 0;
    s->found = 0;
    s->open_end = false;
    s->anchor = s->hi = s->lo = 0;
    s->hi_offset = s->lo_offset = 0;
    if (s->store != NULL && s->pattern != NULL && anchor > 0 &&
        dp_logstore_line(s->store, anchor, &line)) {
        s->anchor = s->hi = anchor;
        s->hi_offset = line.offset;
    }
}

int dp_log_search_set(
    struct log_search *s, const char *pattern, uint64_t anchor, struct depot_error *err)
{
    if (depot_str_empty(pattern)) {
        pattern_release(s);
        restart(s, 0);
        return 0;
    }
    const bool ignore_case = !has_capital(pattern), literal = is_literal(pattern);
    regex_t regex;
    const int flags = REG_EXTENDED | (ignore_case ? REG_ICASE : 0);
    if (!literal) {
        const int rc = regcomp(&regex, pattern, flags);
        if (rc != 0) {
            char why[128];
            regerror(rc, &regex, why, sizeof(why));
            return depot_error_set(err, DEPOT_ERR_INVALID, "%s", why);
        }
    }
    pattern_release(s);
    s->pattern = depot_strdup(pattern);
    s->ignore_case = ignore_case;
    if (literal) {
        s->literal = depot_strdup(pattern);
        s->literal_len = strlen(pattern);
    } else {
        s->regex = regex;
        s->compiled = true;
        s->has_ascii = compile_ascii(&s->ascii, pattern, flags);
    }
    restart(s, anchor);
    return 0;
}

void dp_log_search_store(struct log_search *s, struct logstore *store, uint64_t anchor)
{
    s->store = store;
    restart(s, anchor);
}

/* ---- one text ---- */

static unsigned char fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool same(const struct log_search *s, const char *at)
{
    if (!s->ignore_case)
        return memcmp(at, s->literal, s->literal_len) == 0;
    for (size_t i = 0; i < s->literal_len; i++)
        if (fold((unsigned char)at[i]) != (unsigned char)s->literal[i])
            return false;
    return true;
}

static bool is_letter(unsigned char c)
{
    return c >= 'a' && c <= 'z';
}

/* Offset of the literal in [at, n); n when there is none. */
static size_t find_literal(const struct log_search *s, const char *text, size_t at, size_t n)
{
    const unsigned char first = (unsigned char)s->literal[0];
    const bool both = s->ignore_case && is_letter(first);
    if (n < s->literal_len)
        return n;
    const size_t last = n - s->literal_len;
    if (both) {
        for (; at <= last; at++)
            if (((unsigned char)text[at] | 0x20) == first && same(s, text + at))
                return at;
        return n;
    }
    while (at <= last) {
        const char *p = memchr(text + at, first, last - at + 1);
        if (p == NULL)
            return n;
        at = (size_t)(p - text);
        if (same(s, p))
            return at;
        at++;
    }
    return n;
}

/* `text` ends in a NUL; a line has none inside once it is decoded. */
static bool find(
    const struct log_search *s, const char *text, size_t at, size_t n, size_t *from, size_t *to)
{
    if (s->literal != NULL) {
        *from = find_literal(s, text, at, n);
        *to = *from + s->literal_len;
        return *from < n;
    }
    regmatch_t m;
    if (!s->compiled || at > n)
        return false;
    if (regexec(&s->regex, text + at, 1, &m, at > 0 ? REG_NOTBOL : 0) != 0)
        return false;
    *from = at + (size_t)m.rm_so;
    *to = at + (size_t)m.rm_eo;
    return true;
}

bool dp_log_search_find(
    const struct log_search *s, const struct log_text *t, size_t at, size_t *from, size_t *to)
{
    if (s->pattern == NULL || t->text.len == 0)
        return false;
    while (at <= t->text.len && find(s, t->text.data, at, t->text.len, from, to)) {
        if (*to > *from)
            return true;
        at = *to + 1;
    }
    return false;
}

static bool line_matches(struct log_search *s, char *data, size_t n)
{
    size_t from, to;
    if (n > LOG_LINE_SHOWN)
        n = LOG_LINE_SHOWN;
    if (dp_log_line_is_plain(data, n)) {
        const char behind = data[n];
        data[n] = '\0';
        const bool hit = s->has_ascii ? regexec(&s->ascii, data, 0, NULL, 0) == 0
                                      : find(s, data, 0, n, &from, &to);
        data[n] = behind;
        return hit;
    }
    dp_log_line_decode(&s->cells, data, n, false);
    dp_log_cells_text(&s->cells, 0, s->cells.cells.len, &s->text);
    if (s->text.text.len == 0)
        return s->compiled && regexec(&s->regex, "", 0, NULL, 0) == 0;
    return find(s, s->text.text.data, 0, s->text.text.len, &from, &to);
}

/* ---- the bits ---- */

static void set_bit(struct log_search *s, uint64_t line, bool on)
{
    const size_t word = (size_t)(line / 64), block = word / BLOCK_WORDS;
    const uint64_t bit = UINT64_C(1) << line % 64;
    if (word >= s->words.len) {
        if (!on)
            return;
        while (s->words.len <= word)
            depot_vec_push(&s->words, 0);
        while (s->blocks.len <= block)
            depot_vec_push(&s->blocks, 0);
    }
    if (((s->words.items[word] & bit) != 0) == on)
        return;
    s->words.items[word] ^= bit;
    s->blocks.items[block] += on ? 1u : UINT32_MAX;
    s->found += on ? 1u : UINT64_MAX;
}

bool dp_log_search_hit(const struct log_search *s, uint64_t line)
{
    const uint64_t word = line / 64;
    return word < s->words.len && (s->words.items[word] >> line % 64 & 1) != 0;
}

/* Bits of a word from `from` to below `to`, both within 0 to 64. */
static uint64_t part_of(uint64_t word, unsigned from, unsigned to)
{
    if (from >= to)
        return 0;
    word &= UINT64_MAX << from;
    return to >= 64 ? word : word & ((UINT64_C(1) << to) - 1);
}

static unsigned bits_in(uint64_t w)
{
    unsigned n = 0;
    for (; w != 0; w &= w - 1)
        n++;
    return n;
}

uint64_t dp_log_search_rank(const struct log_search *s, uint64_t line)
{
    uint64_t n = 0;
    size_t word = 0;
    const uint64_t last = line / 64;
    for (; word + BLOCK_WORDS <= last && word < s->words.len; word += BLOCK_WORDS)
        n += s->blocks.items[word / BLOCK_WORDS];
    for (; word < last && word < s->words.len; word++)
        n += bits_in(s->words.items[word]);
    if (word == last && word < s->words.len)
        n += bits_in(part_of(s->words.items[word], 0, (unsigned)(line % 64)));
    return n;
}

/* First match in [from, to). */
static bool first_in(const struct log_search *s, uint64_t from, uint64_t to, uint64_t *out)
{
    const uint64_t all = (uint64_t)s->words.len * 64;
    if (to > all)
        to = all;
    while (from < to) {
        const size_t word = (size_t)(from / 64);
        if (from % BLOCK_LINES == 0 && s->blocks.items[word / BLOCK_WORDS] == 0) {
            from += BLOCK_LINES;
            continue;
        }
        uint64_t w = part_of(s->words.items[word], (unsigned)(from % 64), 64);
        if (w != 0) {
            uint64_t at = (uint64_t)word * 64;
            for (; (w & 1) == 0; w >>= 1)
                at++;
            *out = at;
            return at < to;
        }
        from = ((uint64_t)word + 1) * 64;
    }
    return false;
}

/* Last match in [0, to). */
static bool last_in(const struct log_search *s, uint64_t to, uint64_t *out)
{
    const uint64_t all = (uint64_t)s->words.len * 64;
    if (to > all)
        to = all;
    while (to > 0) {
        const size_t word = (size_t)((to - 1) / 64);
        if (to % BLOCK_LINES == 0 && s->blocks.items[word / BLOCK_WORDS] == 0) {
            to -= BLOCK_LINES;
            continue;
        }
        uint64_t w = part_of(s->words.items[word], 0, (unsigned)((to - 1) % 64) + 1);
        if (w != 0) {
            uint64_t at = (uint64_t)word * 64 + 63;
            for (; (w >> 63) == 0; w <<= 1)
                at--;
            *out = at;
            return true;
        }
        to = (uint64_t)word * 64;
    }
    return false;
}

bool dp_log_search_next(const struct log_search *s, uint64_t line, bool back, uint64_t *out)
{
    return back ? last_in(s, line, out) : first_in(s, line + 1, UINT64_MAX, out);
}

bool dp_log_search_any(const struct log_search *s, uint64_t from, uint64_t to)
{
    uint64_t at;
    return first_in(s, from, to, &at);
}

bool dp_log_search_knows(const struct log_search *s, uint64_t line)
{
    return line < s->lo || (line >= s->anchor && line < s->hi);
}

/* ---- work ---- */

/*
 * Search lines from *line at *offset on, below `end_line`, in what one read gives. A line without
 * newline counts only at the end of the log. Returns false when nothing was left to do.
 */
static bool scan(struct log_search *s, uint64_t *line, uint64_t *offset, uint64_t end_line)
{
    const uint64_t bytes = dp_logstore_bytes(s->store);
    if (*line >= end_line || *offset >= bytes)
        return false;
    depot_buf_clear(&s->buf);
    char *data = depot_buf_reserve(&s->buf, READ_SIZE + 1);
    const size_t n = dp_logstore_read(s->store, *offset, data, READ_SIZE);
    size_t at = 0;
    while (at < n && *line < end_line) {
        const char *nl = memchr(data + at, '\n', n - at);
        const size_t len = nl != NULL ? (size_t)(nl - data) - at : n - at;
        const bool last = nl == NULL && *offset + n >= bytes;
        if (nl == NULL && !last && at > 0)
            break; /* the next read has it whole */
        set_bit(s, *line, line_matches(s, data + at, len));
        if (nl == NULL && !last) { /* longer than a read: what is shown of it was searched */
            struct log_line next;
            if (!dp_logstore_line(s->store, *line + 1, &next)) {
                s->open_end = true;
                s->open_offset = *offset;
                *offset = bytes;
            } else {
                *offset = next.offset;
            }
            (*line)++;
            return true;
        }
        if (last) {
            s->open_end = true;
            s->open_offset = *offset + at;
        }
        (*line)++;
        at += len + (nl != NULL);
    }
    *offset += at;
    return at > 0;
}

/* The line that was the open end has grown: search it anew. */
static void reopen(struct log_search *s)
{
    if (!s->open_end || s->hi_offset >= dp_logstore_bytes(s->store))
        return;
    s->open_end = false;
    s->hi--;
    s->hi_offset = s->open_offset;
}

bool dp_log_search_busy(const struct log_search *s)
{
    if (s->pattern == NULL || s->store == NULL)
        return false;
    return s->lo < s->anchor || s->hi_offset < dp_logstore_bytes(s->store);
}

bool dp_log_search_work(struct log_search *s, uint64_t ns)
{
    if (!dp_log_search_busy(s))
        return false;
    const uint64_t end = depot_mono_ns() + ns;
    do {
        reopen(s);
        if (!scan(s, &s->hi, &s->hi_offset, UINT64_MAX) &&
            !scan(s, &s->lo, &s->lo_offset, s->anchor)) {
            s->lo = s->anchor;
            s->hi_offset = dp_logstore_bytes(s->store);
            break;
        }
    } while (dp_log_search_busy(s) && depot_mono_ns() < end);
    return dp_log_search_busy(s);
}

int dp_log_search_percent(const struct log_search *s)
{
    const uint64_t lines = s->store != NULL ? dp_logstore_lines(s->store) : 0;
    const uint64_t done = s->hi - s->anchor + s->lo;
    return lines == 0 || done >= lines ? 100 : (int)((double)done * 100 / (double)lines);
}
