/*
 * JSON with bounds: what a text would become is known before it is parsed.
 */
#include "registry/json.h"

#include <depot/registry.h>

/* Each value but the first has one of these before it; those within strings say nothing. */
static size_t count_values(const char *text, size_t n)
{
    size_t count = 1;
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == ',' || text[i] == '[' || text[i] == ':'))
            count++;
    }
    return count;
}

struct json_object *dp_doc_object(const char *text, size_t n)
{
    if (text == NULL || n > DEPOT_MANIFEST_MAX || count_values(text, n) > DP_JSON_VALUES_MAX)
        return NULL;
    struct json_tokener *tok = json_tokener_new_ex(DP_JSON_DEPTH_MAX);
    struct json_object *o = tok != NULL ? json_tokener_parse_ex(tok, text, (int)n) : NULL;
    if (!json_object_is_type(o, json_type_object)) {
        json_object_put(o);
        o = NULL;
    }
    json_tokener_free(tok);
    return o;
}

const char *dp_doc_string(struct json_object *o, const char *key)
{
    struct json_object *v;
    if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v) ||
        !json_object_is_type(v, json_type_string))
        return NULL;
    return json_object_get_string(v);
}

struct json_object *dp_doc_array(struct json_object *o, const char *key)
{
    struct json_object *v;
    if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v) ||
        !json_object_is_type(v, json_type_array))
        return NULL;
    return v;
}

char *dp_doc_text(struct json_object *o)
{
    return depot_json_as_go(
        json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}
