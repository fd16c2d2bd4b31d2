/*
 * A search through a whole log, a slice at a time, so that input never waits for it.
 *
 * The result is one bit per line: which lines match. It begins where the reader is, goes on to the
 * end, then from the first line to where it began; what is appended meanwhile is searched too.
 */
#ifndef DEPOT_TUI_LOG_SEARCH_H
#define DEPOT_TUI_LOG_SEARCH_H

#include <regex.h>

#include "line.h"
#include "store.h"

struct log_search {
    struct logstore *store; /* borrowed; NULL: no log yet */
    char *pattern;          /* NULL: no search */
    char *literal;          /* lower case when case is ignored; NULL: it is a regular expression */
    size_t literal_len;
    bool ignore_case;
    regex_t regex;
    regex_t ascii; /* the same without multibyte characters, for lines that have none: faster */
    bool compiled, has_ascii;

    /* Searched so far: [anchor, hi) and [0, lo). */
    uint64_t anchor, hi, lo;
    uint64_t hi_offset, lo_offset; /* where the lines hi and lo begin */
    bool open_end;                 /* the newest line was searched before it was complete */
    uint64_t open_offset;

    DEPOT_VEC(uint64_t) words;  /* a bit per line */
    DEPOT_VEC(uint32_t) blocks; /* matches per LOG_SEARCH_BLOCK words */
    uint64_t found;

    struct log_cells cells;
    struct log_text text;
    struct depot_buf buf;
};

void dp_log_search_init(struct log_search *s);
void dp_log_search_release(struct log_search *s);
/* A pattern, "" or NULL for none. It is an extended regular expression; case counts only when the
 * pattern has a capital letter. DEPOT_ERR_INVALID: the search that was stays. */
int dp_log_search_set(struct log_search *s, const char *pattern, uint64_t anchor,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Search another log for the same. */
void dp_log_search_store(struct log_search *s, struct logstore *store, uint64_t anchor);

/* Go on for at most `ns` nanoseconds. True: there is more to do. */
bool dp_log_search_work(struct log_search *s, uint64_t ns);
bool dp_log_search_busy(const struct log_search *s);
int dp_log_search_percent(const struct log_search *s);

/* The nearest match behind `line` (or before it), itself excluded; it does not wrap. */
bool dp_log_search_next(const struct log_search *s, uint64_t line, bool back, uint64_t *out);
/* Has this line been searched? */
bool dp_log_search_knows(const struct log_search *s, uint64_t line);
bool dp_log_search_hit(const struct log_search *s, uint64_t line);
/* How many matching lines stand before this one. */
uint64_t dp_log_search_rank(const struct log_search *s, uint64_t line);
bool dp_log_search_any(const struct log_search *s, uint64_t from, uint64_t to);

/* The next match in a text at or after byte `at`; false: none. An empty match counts as none. */
bool dp_log_search_find(
    const struct log_search *s, const struct log_text *t, size_t at, size_t *from, size_t *to);

#endif
