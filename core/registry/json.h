/*
 * JSON that a registry or an engine says. No I/O.
 */
#ifndef DEPOT_CORE_REGISTRY_JSON_H
#define DEPOT_CORE_REGISTRY_JSON_H

#include <json-c/json.h>

enum {
    DP_JSON_DEPTH_MAX = 32,
    /* Values of one text: an empty object takes 2 bytes there, and a few hundred here. */
    DP_JSON_VALUES_MAX = 64 * 1024,
};

/* An object, which the caller puts; NULL: the text is another thing, or is too much. */
struct json_object *dp_doc_object(const char *text, size_t n);
const char *dp_doc_string(struct json_object *o, const char *key); /* NULL: there is none */
struct json_object *dp_doc_array(struct json_object *o, const char *key);
/* Without blanks, as Go writes it. The caller frees. */
char *dp_doc_text(struct json_object *o);

#endif
