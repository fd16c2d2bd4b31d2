/*
 * The "key=value,key=value" of docker's flags: one CSV record, each field split at its first '='.
 */
#include "build/plan.h"

#include <depot/buf.h>

#include <string.h>

/* One field into `field`; returns what follows its comma, NULL at the end. */
static const char *next_field(const char *s, struct depot_buf *field, bool *bad_quote)
{
    depot_buf_clear(field);
    bool quoted = *s == '"';
    *bad_quote = false;
    if (!quoted) {
        size_t n = strcspn(s, ",");
        depot_buf_add(field, s, n);
        return s[n] == ',' ? s + n + 1 : NULL;
    }
    for (s++; *s != '\0'; s++) {
        if (*s != '"') {
            depot_buf_addc(field, *s);
        } else if (s[1] == '"') {
            depot_buf_addc(field, *s++);
        } else {
            *bad_quote = s[1] != '\0' && s[1] != ',';
            return s[1] == ',' ? s + 2 : NULL;
        }
    }
    *bad_quote = true;
    return NULL;
}

int dp_csv_fields(const char *what, const char *s, struct depot_kvs *out, struct depot_error *err)
{
    struct depot_buf field = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    int rc = 0;
    while (s != NULL && rc == 0) {
        bool bad_quote;
        s = next_field(s, &field, &bad_quote);
        const char *text = depot_buf_str(&field);
        const char *eq = strchr(text, '=');
        if (bad_quote) {
            rc = depot_error_set(err, DEPOT_ERR_INVALID, "%s: a quote is not closed", what);
        } else if (eq == NULL) {
            depot_kvs_set(out, text, "");
        } else {
            char *key = depot_strndup(text, (size_t)(eq - text));
            depot_kvs_set(out, key, eq + 1);
            depot_free(key);
        }
    }
    depot_buf_release(&field);
    return rc;
}
