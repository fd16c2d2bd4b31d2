/*
 * moby.buildkit.v1.sourcepolicy.Policy from JSON: each message is a table of its members.
 */
#include "build/source_policy.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "grpc/pb.h"

enum { DEPTH_MAX = 16 };

enum kind { INT, STRING, WORD, MESSAGE, MESSAGES, STRINGS_BY_NAME };

struct member {
    const char *name; /* NULL ends the table; in capitals or not, as Go reads it */
    uint32_t number;
    enum kind kind;
    const char *const *words;     /* WORD: in order of their numbers, NULL at the end */
    const struct member *message; /* MESSAGE, MESSAGES */
};

#define END                                                                                        \
    {                                                                                              \
        NULL, 0, INT, NULL, NULL                                                                   \
    }

static const char *const actions[] = {"ALLOW", "DENY", "CONVERT", NULL};
static const char *const matches[] = {"WILDCARD", "EXACT", "REGEX", NULL};
static const char *const conditions[] = {"EQUAL", "NOTEQUAL", "MATCHES", NULL};

static const struct member constraint[] = {
    {"key", 1, STRING, NULL, NULL},
    {"value", 2, STRING, NULL, NULL},
    {"condition", 3, WORD, conditions, NULL},
    END,
};

static const struct member selector[] = {
    {"identifier", 1, STRING, NULL, NULL},
    {"match_type", 2, WORD, matches, NULL},
    {"constraints", 3, MESSAGES, NULL, constraint},
    END,
};

static const struct member update[] = {
    {"identifier", 1, STRING, NULL, NULL},
    {"attrs", 2, STRINGS_BY_NAME, NULL, NULL},
    END,
};

static const struct member rule[] = {
    {"action", 1, WORD, actions, NULL},
    {"selector", 2, MESSAGE, NULL, selector},
    {"updates", 3, MESSAGE, NULL, update},
    END,
};

static const struct member policy[] = {
    {"version", 1, INT, NULL, NULL},
    {"rules", 2, MESSAGES, NULL, rule},
    END,
};

static int encode(struct json_object *o, const struct member *table, struct depot_buf *out,
    struct depot_error *err);

static int bad(const char *name, const char *want, struct depot_error *err)
{
    return depot_error_set(err, DEPOT_ERR_INVALID, "\"%.64s\" must be %s", name, want);
}

static void put_uint(struct depot_buf *out, uint32_t number, uint64_t v)
{
    uint8_t bytes[2 * DP_PB_VARINT_MAX];
    depot_buf_add(out, bytes, (size_t)(dp_pb_put_uint(bytes, number, v) - bytes));
}

/* Also when there are none: an empty message is one more of a list. */
static void put_bytes(struct depot_buf *out, uint32_t number, const void *data, size_t n)
{
    uint8_t head[2 * DP_PB_VARINT_MAX];
    uint8_t *end = dp_pb_put_varint(dp_pb_put_tag(head, number, DP_PB_BYTES), n);
    depot_buf_add(out, head, (size_t)(end - head));
    depot_buf_add(out, data, n);
}

static int put_string(
    struct json_object *v, const struct member *m, struct depot_buf *out, struct depot_error *err)
{
    if (!json_object_is_type(v, json_type_string))
        return bad(m->name, "a string", err);
    put_bytes(out, m->number, json_object_get_string(v), (size_t)json_object_get_string_len(v));
    return 0;
}

/* Its name, or its number. */
static int put_word(
    struct json_object *v, const struct member *m, struct depot_buf *out, struct depot_error *err)
{
    for (uint64_t i = 0; m->words[i] != NULL; i++) {
        if ((json_object_is_type(v, json_type_string) &&
                depot_str_eq(json_object_get_string(v), m->words[i])) ||
            (json_object_is_type(v, json_type_int) && json_object_get_int64(v) == (int64_t)i)) {
            put_uint(out, m->number, i);
            return 0;
        }
    }
    char *all = depot_asprintf("%s, %s or %s", m->words[0], m->words[1], m->words[2]);
    int rc = bad(m->name, all, err);
    depot_free(all);
    return rc;
}

static int put_message(
    struct json_object *v, const struct member *m, struct depot_buf *out, struct depot_error *err)
{
    struct depot_buf inner = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    int rc = json_object_is_type(v, json_type_object) ? encode(v, m->message, &inner, err)
                                                      : bad(m->name, "an object", err);
    if (rc == 0)
        put_bytes(out, m->number, depot_buf_str(&inner), inner.len);
    depot_buf_release(&inner);
    return rc;
}

static int put_messages(
    struct json_object *v, const struct member *m, struct depot_buf *out, struct depot_error *err)
{
    int rc = json_object_is_type(v, json_type_array) ? 0 : bad(m->name, "a list", err);
    for (size_t i = 0; rc == 0 && i < json_object_array_length(v); i++)
        rc = put_message(json_object_array_get_idx(v, i), m, out, err);
    return rc;
}

static int put_by_name(
    struct json_object *v, const struct member *m, struct depot_buf *out, struct depot_error *err)
{
    if (!json_object_is_type(v, json_type_object))
        return bad(m->name, "an object of strings", err);
    json_object_object_foreach(v, key, value)
    {
        static const struct member of = {"attrs", 2, STRING, NULL, NULL};
        struct depot_buf pair = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        put_bytes(&pair, 1, key, strlen(key));
        int rc = put_string(value, &of, &pair, err);
        if (rc == 0)
            put_bytes(out, m->number, pair.data, pair.len);
        depot_buf_release(&pair);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int put(
    struct json_object *v, const struct member *m, struct depot_buf *out, struct depot_error *err)
{
    switch (m->kind) {
    case INT:
        if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0)
            return bad(m->name, "a number", err);
        put_uint(out, m->number, (uint64_t)json_object_get_int64(v));
        return 0;
    case STRING:
        return put_string(v, m, out, err);
    case WORD:
        return put_word(v, m, out, err);
    case MESSAGE:
        return put_message(v, m, out, err);
    case MESSAGES:
        return put_messages(v, m, out, err);
    case STRINGS_BY_NAME:
        return put_by_name(v, m, out, err);
    }
    return DEPOT_ERR_INTERNAL;
}

static int encode(struct json_object *o, const struct member *table, struct depot_buf *out,
    struct depot_error *err)
{
    json_object_object_foreach(o, key, value)
    {
        const struct member *m = table;
        while (m->name != NULL && strcasecmp(m->name, key) != 0)
            m++;
        if (m->name == NULL)
            return depot_error_set(err, DEPOT_ERR_INVALID, "unknown member \"%.64s\"", key);
        int rc = put(value, m, out, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int dp_source_policy_encode(
    const char *json, size_t n, struct depot_buf *out, struct depot_error *err)
{
    if (n > DP_SOURCE_POLICY_MAX)
        return depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "it is larger than %d KiB", DP_SOURCE_POLICY_MAX / 1024);
    struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    char *text = depot_strndup(json, n);
    struct json_object *o = json_tokener_parse_ex(tok, text, (int)strlen(text) + 1);
    int rc = json_object_is_type(o, json_type_object)
                 ? encode(o, policy, out, err)
                 : depot_error_set(err, DEPOT_ERR_INVALID, "it is not a JSON object");
    json_object_put(o);
    depot_free(text);
    json_tokener_free(tok);
    return rc;
}
