/*
 * Fuzzes the words of a filter: each takes some of the text, and what it looks for, in quotes,
 * is one word that looks for the same. Expressions are not compiled: that is the C library's.
 */
#include <stdlib.h>

#include "tui/widget/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False: it ends in a backslash, which would be the quote's. */
static bool quote(struct depot_buf *out, const struct depot_buf *pattern)
{
    bool escaped = false;
    depot_buf_addc(out, '"');
    for (size_t i = 0; i < pattern->len; i++) {
        const char c = pattern->data[i];
        const bool blank = c == ' ' || c == '\t';
        if (escaped && (c == '"' || blank))
            return false;
        depot_buf_adds(out, c == '"' ? "\\" : "");
        depot_buf_addc(out, c);
        escaped = c == '\\' && !escaped;
    }
    depot_buf_addc(out, '"');
    return !escaped;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_buf pattern = DEPOT_BUF_INIT(size), again = DEPOT_BUF_INIT(size);
    struct depot_buf quoted = DEPOT_BUF_INIT(3 * size + 2);
    struct filter_word w;
    char *text = depot_strndup((const char *)data, size);
    for (const char *at = text, *before = at; dp_filter_next(&at, &w, &pattern); before = at) {
        if (at <= before || pattern.overflow)
            abort();
        depot_buf_clear(&quoted);
        if (!quote(&quoted, &pattern))
            continue;
        const char *q = quoted.data;
        if (!dp_filter_next(&q, &w, &again) || *q != '\0' || w.negated || w.field != FIELD_ANY ||
            !depot_str_eq(depot_buf_str(&pattern), depot_buf_str(&again)))
            abort();
    }
    depot_buf_release(&pattern);
    depot_buf_release(&again);
    depot_buf_release(&quoted);
    depot_free(text);
    return 0;
}
