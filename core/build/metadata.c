/*
 * What --metadata-file holds: the keys of buildx, and ours beside them.
 */
#include "build/metadata.h"

#include <depot/wire.h>

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "build/plan_env.h"

/* Some answers are JSON in base64; those stand in the file as JSON. */
static struct json_object *response_value(const char *value)
{
    size_t n = strlen(value), len = 0;
    char *text = depot_alloc(n / 4 * 3 + 4);
    struct json_object *o = NULL;
    if (n > 0 && depot_base64_decode(text, &len, value, n) == 0) {
        text[len] = '\0';
        if (text[0] == '{' || text[0] == '[')
            o = json_tokener_parse(text);
    }
    depot_free(text);
    return o != NULL ? o : json_object_new_string(value);
}

/* BUILDER/NODE/REF. The last one is the record's name in the history of the part's engine, which is
 * the node; what the client calls its builders stands before it. */
static void add_ref(
    struct json_object *o, const struct depot_build_plan *plan, const struct depot_part *part)
{
    const char *builder = dp_plan_builder(plan);
    if (part->ref == NULL || part->builder == NULL || depot_build_is_call(plan))
        return; /* what a question leaves in a history is gone with it */
    char *ref = depot_asprintf(
        "%s/%s/%s", depot_str_empty(builder) ? "depot" : builder, part->builder, part->ref);
    json_object_object_add(o, "buildx.build.ref", json_object_new_string(ref));
    depot_free(ref);
}

static struct json_object *response_of(const struct depot_kvs *response)
{
    struct json_object *o = json_object_new_object();
    for (size_t i = 0; i < response->len; i++)
        json_object_object_add(o, response->items[i].key, response_value(response->items[i].value));
    return o;
}

static struct json_object *part_of(
    const struct depot_build_plan *plan, const struct depot_part *part)
{
    struct json_object *o = response_of(&part->response);
    add_ref(o, plan, part);
    return o;
}

/* Each platform has a key of its own. */
static void add_provenance(struct json_object *o, const struct depot_part *part)
{
    for (size_t i = 0; i < part->response.len; i++)
        if (depot_str_starts(part->response.items[i].key, "buildx.build.provenance"))
            json_object_object_add(
                o, part->response.items[i].key, response_value(part->response.items[i].value));
}

/* Of the whole build: what was joined, or what its first part has made. */
static struct json_object *whole(
    const struct depot_build_plan *plan, const struct depot_build *state)
{
    if (state->parts.len == 0)
        return response_of(&state->response);
    const struct depot_part *first = state->parts.items[0];
    struct json_object *o =
        response_of(state->digest != NULL ? &state->response : &first->response);
    add_ref(o, plan, first);
    for (size_t i = 0; i < state->parts.len; i++)
        add_provenance(o, state->parts.items[i]);
    return o;
}

/* In the form they have in --progress=rawjson, which is buildx's own. */
static struct json_object *warnings_of(const struct depot_build *state)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_vertex_warning *list = depot_calloc(state->warnings.len, sizeof(*list));
    for (size_t i = 0; i < state->warnings.len; i++)
        list[i] = *state->warnings.items[i];
    const struct depot_status status = {.warnings = list, .nwarnings = state->warnings.len};
    depot_wire_encode_status(&text, &status);
    struct json_object *o = json_tokener_parse(depot_buf_str(&text)), *warnings = NULL;
    if (json_object_object_get_ex(o, "warnings", &warnings))
        json_object_get(warnings);
    json_object_put(o);
    depot_free(list);
    depot_buf_release(&text);
    return warnings;
}

static bool wants_warnings(void)
{
    bool on = false;
    return dp_env_bool("BUILDX_METADATA_WARNINGS", false, &on, NULL) == 0 && on;
}

static struct json_object *names_of(
    const struct depot_build_plan *plan, const struct depot_build *state)
{
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "buildID", json_object_new_string(state->id));
    json_object_object_add(o, "projectID", json_object_new_string(plan->project));
    return o;
}

struct json_object *dp_build_metadata(
    const struct depot_build_plan *plan, const struct depot_build *state)
{
    struct json_object *o = whole(plan, state);
    json_object_object_add(o, "depot.build", names_of(plan, state));
    if (state->parts.len > 1) {
        struct json_object *platforms = json_object_new_object();
        for (size_t i = 0; i < state->parts.len; i++)
            json_object_object_add(
                platforms, state->parts.items[i]->platform, part_of(plan, state->parts.items[i]));
        json_object_object_add(o, "depot.platforms", platforms);
    }
    if (state->warnings.len > 0 && wants_warnings() && !depot_build_is_call(plan))
        json_object_object_add(o, "buildx.build.warnings", warnings_of(state));
    return o;
}
