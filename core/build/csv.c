/*
 * One CSV record, as Docker's programs read it in their flags: a field that begins with a quote
 * ends with one, a quote inside it is written twice, and no other field has any.
 */
#include "build/spec.h"

#include <depot/buf.h>

#include <ctype.h>
#include <string.h>

/* The text of a quoted field into `field`; what follows it, or NULL when its end is missing. */
static const char *quoted(const char *s, struct depot_buf *field)
{
    for (s++; *s != '\0'; s++) {
        if (*s == '"' && s[1] != '"')
            return s + 1;
        s += *s == '"';
        depot_buf_addc(field, *s);
    }
    return NULL;
}

/* The same for any other field. */
static const char *plain(const char *s, struct depot_buf *field)
{
    const size_t n = strcspn(s, ",\"");
    depot_buf_add(field, s, n);
    return s[n] == '"' ? NULL : s + n;
}

int dp_csv_split(const char *flag, const char *s, struct depot_strv *out, struct depot_error *err)
{
    struct depot_buf field = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const char *at = s;
    int rc = 0;
    for (bool more = true; more && rc == 0;) {
        depot_buf_clear(&field);
        at = *at == '"' ? quoted(at, &field) : plain(at, &field);
        if (at == NULL || (*at != '\0' && *at != ',')) {
            rc = dp_spec_refuse(err, flag, s,
                "a quote is out of place: a field with quotes stands whole between them, and has "
                "each of its own twice");
            break;
        }
        depot_strv_push(out, depot_buf_str(&field));
        more = *at++ == ',';
    }
    depot_buf_release(&field);
    return rc;
}

/* The key in lower case and without blanks around it. */
static char *clean_key(const char *s, size_t n)
{
    while (n > 0 && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        n--;
    char *key = depot_strndup(s, n);
    for (char *c = key; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return key;
}

static int add_field(const char *flag, const char *s, const char *field, struct depot_kvs *out,
    struct depot_error *err)
{
    const char *eq = strchr(field, '=');
    if (eq == NULL)
        return dp_spec_refuse(err, flag, s, "\"%.100s\" is not KEY=VALUE", field);
    char *key = clean_key(field, (size_t)(eq - field));
    int rc = dp_spec_name(flag, s, strlen(key), err);
    if (*key == '\0')
        rc = dp_spec_refuse(err, flag, s, "\"%.100s\" has no key", field);
    else if (rc == 0)
        depot_kvs_set(out, key, eq + 1);
    depot_free(key);
    return rc;
}

int dp_csv_fields(const char *flag, const char *s, struct depot_kvs *out, struct depot_error *err)
{
    struct depot_strv fields = {0};
    int rc = dp_csv_split(flag, s, &fields, err);
    for (size_t i = 0; rc == 0 && i < fields.len; i++)
        rc = add_field(flag, s, fields.items[i], out, err);
    depot_strv_release(&fields);
    return rc;
}

/* A field with a comma or a quote must be quoted to be one. */
static void add_csv(struct depot_buf *b, const char *key, const char *value)
{
    char *field = depot_asprintf("%s=%s", key, value);
    if (strpbrk(field, ",\"\r\n") == NULL) {
        depot_buf_adds(b, field);
    } else {
        depot_buf_addc(b, '"');
        for (const char *c = field; *c != '\0'; c++) {
            if (*c == '"')
                depot_buf_addc(b, '"');
            depot_buf_addc(b, *c);
        }
        depot_buf_addc(b, '"');
    }
    depot_free(field);
}

char *dp_csv_join(const struct depot_kvs *fields)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (size_t i = 0; i < fields->len; i++) {
        if (i > 0)
            depot_buf_addc(&b, ',');
        add_csv(&b, fields->items[i].key, fields->items[i].value);
    }
    char *text = depot_strdup(depot_buf_str(&b));
    depot_buf_release(&b);
    return text;
}
