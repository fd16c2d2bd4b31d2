/*
 * Provenance as buildx writes it into metadata files: always SLSA 0.2, whatever engines record.
 */
#include "build/provenance.h"

#include <json-c/json.h>
#include <stdlib.h>

enum { DEPTH_MAX = 64 };

static const char V02[] = "https://slsa.dev/provenance/v0.2";
static const char BUILD_TYPE[] = "https://mobyproject.org/buildkit@v1";

enum mode { DISABLED, MIN, MAX };

static enum mode mode_of(const char *word)
{
    bool on = true;
    if (depot_str_eq(word, "max"))
        return MAX;
    if (depot_str_eq(word, "disabled") || (depot_str_to_bool(word, &on) == 0 && !on))
        return DISABLED;
    return MIN;
}

static enum mode mode(void)
{
    return mode_of(getenv("BUILDX_METADATA_PROVENANCE"));
}

bool dp_wants_provenance(const struct depot_build_plan *p)
{
    return !depot_str_empty(p->args->metadata_file) && !depot_build_is_call(p) &&
           mode() != DISABLED;
}

/* A member at the end of a path of two; NULL: none. Borrowed. */
static struct json_object *at(struct json_object *o, const char *outer, const char *inner)
{
    struct json_object *v = NULL;
    if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, outer, &v))
        return NULL;
    if (inner == NULL)
        return v;
    return json_object_is_type(v, json_type_object) && json_object_object_get_ex(v, inner, &v)
               ? v
               : NULL;
}

/* `key` of `from` as `as` in `to`, when there is one. */
static void move(struct json_object *to, const char *as, struct json_object *from, const char *key)
{
    struct json_object *v = at(from, key, NULL);
    if (v != NULL)
        json_object_object_add(to, as, json_object_get(v));
}

static struct json_object *materials(struct json_object *definition)
{
    struct json_object *list = at(definition, "resolvedDependencies", NULL);
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0)
        return NULL;
    struct json_object *out = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *from = json_object_array_get_idx(list, i);
        struct json_object *o = json_object_new_object();
        move(o, "uri", from, "uri");
        move(o, "digest", from, "digest");
        json_object_array_add(out, o);
    }
    return out;
}

/* All that is not told elsewhere. */
static struct json_object *environment(struct json_object *internal)
{
    struct json_object *o = json_object_new_object();
    if (!json_object_is_type(internal, json_type_object))
        return o;
    json_object_object_foreach(internal, key, value)
    {
        if (depot_str_eq(key, "builderPlatform"))
            json_object_object_add(o, "platform", json_object_get(value));
        else if (!depot_str_eq(key, "buildConfig"))
            json_object_object_add(o, key, json_object_get(value));
    }
    return o;
}

static struct json_object *invocation(struct json_object *definition)
{
    struct json_object *o = json_object_new_object(), *source = json_object_new_object();
    struct json_object *from = at(definition, "externalParameters", "configSource");
    move(source, "uri", from, "uri");
    move(source, "digest", from, "digest");
    move(source, "entryPoint", from, "path");
    json_object_object_add(o, "configSource", source);
    move(o, "parameters", at(definition, "externalParameters", NULL), "request");
    json_object_object_add(
        o, "environment", environment(at(definition, "internalParameters", NULL)));
    return o;
}

static struct json_object *metadata(struct json_object *from)
{
    struct json_object *o = json_object_new_object(), *complete = json_object_new_object();
    struct json_object *told = at(from, "buildkit_completeness", NULL);
    move(o, "buildInvocationID", from, "invocationId");
    move(o, "buildInvocationID", from, "invocationID");
    move(o, "buildStartedOn", from, "startedOn");
    move(o, "buildFinishedOn", from, "finishedOn");
    move(complete, "parameters", told, "request");
    json_object_object_add(complete, "environment", json_object_new_boolean(1));
    move(complete, "materials", told, "resolvedDependencies");
    json_object_object_add(o, "completeness", complete);
    json_object_object_add(o, "reproducible", json_object_new_boolean(0));
    move(o, "reproducible", from, "buildkit_reproducible");
    move(o, "https://mobyproject.org/buildkit@v1#metadata", from, "buildkit_metadata");
    move(o, "https://mobyproject.org/buildkit@v1#hermetic", from, "buildkit_hermetic");
    return o;
}

static struct json_object *from_v1(struct json_object *v1)
{
    struct json_object *o = json_object_new_object(), *builder = json_object_new_object();
    struct json_object *definition = at(v1, "buildDefinition", NULL), *list = materials(definition);
    struct json_object *run = at(v1, "runDetails", "metadata");
    move(builder, "id", at(v1, "runDetails", "builder"), "id");
    json_object_object_add(o, "builder", builder);
    json_object_object_add(o, "buildType", json_object_new_string(BUILD_TYPE));
    if (list != NULL)
        json_object_object_add(o, "materials", list);
    json_object_object_add(o, "invocation", invocation(definition));
    move(o, "buildConfig", at(definition, "internalParameters", NULL), "buildConfig");
    if (run != NULL)
        json_object_object_add(o, "metadata", metadata(run));
    return o;
}

/* NULL when it is no JSON object. `whole`: with the steps and what was measured. */
static char *convert(const char *type, const char *predicate, bool whole)
{
    struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
    struct json_object *told = json_tokener_parse_ex(tok, predicate, (int)strlen(predicate) + 1);
    json_tokener_free(tok);
    if (!json_object_is_type(told, json_type_object)) {
        json_object_put(told);
        return NULL;
    }
    struct json_object *o = depot_str_eq(type, V02) ? json_object_get(told) : from_v1(told);
    if (!whole) {
        json_object_object_del(o, "buildConfig");
        json_object_object_del(o, "metadata");
    }
    char *text = depot_strdup(
        json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(o);
    json_object_put(told);
    return text;
}

static void keep(struct depot_part *part, const struct depot_provenance *p)
{
    char *text = convert(p->type, p->predicate, mode() == MAX);
    if (text == NULL)
        return;
    char *key = depot_str_empty(p->platform)
                    ? depot_strdup("buildx.build.provenance")
                    : depot_asprintf("buildx.build.provenance/%s", p->platform);
    char *value = depot_alloc(depot_base64_encoded_len(strlen(text)) + 1);
    depot_base64_encode(value, text, strlen(text));
    depot_kvs_set(&part->response, key, value);
    depot_free(value);
    depot_free(key);
    depot_free(text);
}

void dp_keep_provenance(struct depot_part *part, const struct depot_response *a)
{
    for (size_t i = 0; i < a->u.provenance.nlist; i++)
        if (a->u.provenance.list[i].predicate != NULL)
            keep(part, &a->u.provenance.list[i]);
}
