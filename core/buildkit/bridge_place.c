/*
 * From the linter's buildError to the detail of an error.
 */
#include "buildkit/bridge_place.h"

#include <json-c/json.h>

enum { JSON_DEPTH = 32 };

static struct json_object *member(struct json_object *o, const char *name)
{
    struct json_object *v = NULL;
    if (json_object_is_type(o, json_type_object))
        json_object_object_get_ex(o, name, &v);
    return v;
}

/* {"info": SOURCE, "ranges": [...]}; both stay the answer's, too. */
static struct json_object *detail_of(struct json_object *answer)
{
    struct json_object *location = member(member(answer, "buildError"), "location");
    struct json_object *sources = member(answer, "sources"), *ranges = member(location, "ranges");
    int64_t i = json_object_get_int64(member(location, "sourceIndex"));
    if (!json_object_is_type(ranges, json_type_array) ||
        !json_object_is_type(sources, json_type_array) || i < 0 ||
        (uint64_t)i >= json_object_array_length(sources))
        return NULL;
    struct json_object *source = json_object_array_get_idx(sources, (size_t)i);
    struct json_object *o = json_object_new_object(), *info = json_object_new_object();
    static const char *const kept[] = {"filename", "data", "language"}; /* not its definition */
    for (size_t k = 0; k < DEPOT_ARRAY_LEN(kept); k++)
        if (member(source, kept[k]) != NULL)
            json_object_object_add(info, kept[k], json_object_get(member(source, kept[k])));
    json_object_object_add(o, "info", info);
    json_object_object_add(o, "ranges", json_object_get(ranges));
    return o;
}

bool dp_bk_place_of_lint(const char *json, struct depot_buf *to)
{
    struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
    struct json_object *answer = json_tokener_parse_ex(tok, json, (int)strlen(json));
    struct json_object *detail = detail_of(answer);
    if (detail != NULL)
        depot_buf_adds(to, json_object_to_json_string_ext(
                               detail, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(detail);
    json_object_put(answer);
    json_tokener_free(tok);
    return detail != NULL && !to->overflow;
}
