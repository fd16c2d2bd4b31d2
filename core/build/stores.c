/*
 * After the build: directories that builders wrote blobs to get an index, which tells what the
 * blobs are. Builders tell what they wrote; it is named only when it is there.
 */
#include "build/part.h"

#include <depot/log.h>

#include <json-c/json.h>
#include <string.h>

#include "build/layout.h"
#include "session/content.h"

#define DEPOT_LOG_MODULE "build"

/* What each part wrote to one layout. */
struct written {
    const struct dp_plan_layout *layout;
    struct json_object **descs;
    const char **platforms;
    size_t n;
    const char *names; /* of an image, separated by commas; NULL: none */
    struct depot_arena arena;
};

/* ---- what was written ---- */

/* JSON as it is, or in base64. */
static int parse_answer(
    const char *text, bool encoded, struct json_object **out, struct depot_error *err)
{
    size_t n = strlen(text), len = n;
    char *json = depot_alloc(n / 4 * 3 + 4);
    int rc = encoded ? depot_base64_decode(json, &len, text, n) : 0;
    if (rc == 0)
        rc = dp_layout_desc_parse(encoded ? json : text, len, out, err);
    else
        rc = depot_error_set(err, DEPOT_ERR_PROTOCOL, "a builder's answer is not base64");
    depot_free(json);
    return rc;
}

/* A builder that exports several caches tells the manifest of one of them. What was written last to
 * this directory is its own. */
static int cache_written(const struct dp_plan_layout *l, const char *answer, const char *last,
    struct json_object **out, struct depot_error *err)
{
    int rc = parse_answer(answer, false, out, err);
    if (rc != 0 || last[0] == '\0' || depot_str_eq(dp_layout_desc_digest(*out), last))
        return rc;
    json_object_put(*out);
    *out = NULL;
    return dp_layout_desc_of(l->path, last, out, err);
}

/* Of one part; NULL when it wrote nothing there. */
static int part_written(const struct dp_plan_layout *l, const struct depot_part *part,
    const char *last, struct json_object **out, struct depot_error *err)
{
    const char *key = l->tag != NULL ? "cache.manifest" : "containerimage.descriptor";
    const char *answer = depot_kvs_get(&part->response, key);
    *out = NULL;
    if (depot_str_empty(answer))
        return 0;
    int rc = l->tag != NULL ? cache_written(l, answer, last, out, err)
                            : parse_answer(answer, true, out, err);
    if (rc == 0 && !dp_layout_has(l->path, *out)) {
        rc = depot_error_set(err, DEPOT_ERR_FAILED, "%s is not in %s, though builder %s wrote it",
            dp_layout_desc_digest(*out), l->path, part->builder);
        json_object_put(*out);
        *out = NULL;
    }
    return rc;
}

static const char *last_blob(
    struct dp_part *const *parts, size_t n, const char *builder, const struct dp_plan_layout *l)
{
    for (size_t i = 0; i < n; i++)
        if (depot_str_eq(dp_part_builder(parts[i]), builder))
            return dp_part_last_blob(parts[i], l->store);
    return "";
}

static int collect(struct written *w, const struct depot_build *state, struct dp_part *const *parts,
    size_t nparts, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < state->parts.len; i++) {
        const struct depot_part *part = state->parts.items[i];
        const char *last = last_blob(parts, nparts, part->builder, w->layout);
        rc = part_written(w->layout, part, last, &w->descs[w->n], err);
        if (rc != 0 || w->descs[w->n] == NULL)
            continue;
        w->names = depot_kvs_get(&part->response, "image.name");
        w->platforms[w->n++] = part->platform;
    }
    return rc;
}

static void insert(struct written *w, size_t at, struct json_object *desc, const char *platform)
{
    at = at < w->n ? at : w->n;
    memmove(w->descs + at + 1, w->descs + at, (w->n - at) * sizeof(*w->descs));
    memmove(w->platforms + at + 1, w->platforms + at, (w->n - at) * sizeof(*w->platforms));
    w->descs[at] = desc;
    w->platforms[at] = platform;
    w->n++;
}

/* "linux/amd64=sha256:...": an image that an earlier run of this build wrote to the directory. */
static int add_earlier(struct written *w, size_t at, const char *spec, struct depot_error *err)
{
    const char *dir = w->layout->path, *eq = strchr(spec, '=');
    struct json_object *desc = NULL;
    if (eq == NULL || eq[1] == '\0')
        return 0; /* made by this run */
    if (!depot_digest_valid(eq + 1) || dp_layout_desc_of(dir, eq + 1, &desc, err) != 0) {
        depot_error_set(err, DEPOT_ERR_NOT_FOUND, "the image of %.*s is not in %s any more",
            (int)(eq - spec), spec, dir);
        return depot_error_hint(err, "build all platforms again");
    }
    insert(w, at, desc, depot_arena_strndup(&w->arena, spec, (size_t)(eq - spec)));
    return 0;
}

/* All platforms are listed, in the order that was asked for; this run's are there in that order. */
static int add_all_earlier(
    struct written *w, const struct depot_strv *specs, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < specs->len; i++)
        rc = add_earlier(w, i, specs->items[i], err);
    return rc;
}

static void written_release(struct written *w)
{
    for (size_t i = 0; i < w->n; i++)
        json_object_put(w->descs[i]);
    depot_free(w->descs);
    depot_free(w->platforms);
    depot_arena_release(&w->arena);
}

/* ---- indexes ---- */

/* Caches cannot be made one: they stand side by side, and all are imported. */
static int put_caches(const struct written *w, struct depot_error *err)
{
    struct dp_layout_entry *entries = depot_calloc(w->n, sizeof(*entries));
    for (size_t i = 0; i < w->n; i++)
        entries[i] = (struct dp_layout_entry){
            .desc = w->descs[i], .tag = w->layout->tag, .platforms = w->platforms[i]};
    int rc = dp_layout_put(w->layout->path, entries, w->n, err);
    depot_free(entries);
    return rc;
}

/* The tag of an image's whole name. */
static const char *tag_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *colon = strchr(slash != NULL ? slash : name, ':');
    return colon != NULL ? colon + 1 : "latest";
}

static int put_names(const struct written *w, struct json_object *desc, struct depot_error *err)
{
    struct depot_strv names = {0};
    depot_strv_split(&names, w->names != NULL ? w->names : "", ',');
    struct dp_layout_entry *entries = depot_calloc(names.len + 1, sizeof(*entries));
    entries[0] = (struct dp_layout_entry){.desc = desc, .tag = "latest"};
    for (size_t i = 0; i < names.len; i++)
        entries[i] = (struct dp_layout_entry){
            .desc = desc, .image = names.items[i], .tag = tag_of(names.items[i])};
    int rc = dp_layout_put(w->layout->path, entries, names.len > 0 ? names.len : 1, err);
    depot_free(entries);
    depot_strv_release(&names);
    return rc;
}

/* As an engine tells of an image that it made. */
static void tell(const struct written *w, struct json_object *desc, struct depot_kvs *joined)
{
    const char *text = json_object_to_json_string_ext(
        desc, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    char *encoded = depot_alloc(depot_base64_encoded_len(strlen(text)) + 1);
    depot_base64_encode(encoded, text, strlen(text));
    depot_kvs_set(joined, "containerimage.descriptor", encoded);
    depot_kvs_set(joined, "containerimage.digest", dp_layout_desc_digest(desc));
    if (w->names != NULL)
        depot_kvs_set(joined, "image.name", w->names);
    depot_free(encoded);
}

/* A push beside it has names of its own, which builders tell in their place. */
static const char *own_names(const struct depot_build_plan *p)
{
    for (size_t i = 0; i < p->outputs.len; i++)
        if (p->outputs.items[i].kind == DEPOT_OUTPUT_STORE)
            return depot_kvs_get(&p->outputs.items[i].attrs, "name");
    return NULL;
}

static int put_image(const struct written *w, struct depot_kvs *joined, struct depot_error *err)
{
    const char *dir = w->layout->path;
    struct json_object *index = NULL;
    int rc = w->n > 1 ? dp_layout_join(dir, w->descs, w->platforms, w->n, &index, err) : 0;
    if (rc == 0)
        rc = put_names(w, index != NULL ? index : w->descs[0], err);
    if (rc == 0 && index != NULL)
        tell(w, index, joined);
    json_object_put(index);
    return rc;
}

/* What is left over harms nobody, so that it could not be removed is worth a word at most. */
static void clean(const struct dp_plan_layout *l)
{
    struct depot_error err = {0};
    dp_ingest_sweep(l->path);
    if (l->reset && dp_layout_prune(l->path, l->since, &err) != 0)
        depot_log_warn("nothing was removed from the cache %s: %s", l->path, err.msg);
}

static int finish(struct written *w, const struct depot_build_plan *plan,
    const struct depot_build *state, struct depot_kvs *joined, struct depot_error *err)
{
    const char *names = own_names(plan);
    int rc = 0;
    if (w->layout->tag != NULL)
        return w->n > 0 ? put_caches(w, err) : 0;
    if (names != NULL)
        w->names = names;
    if (w->n > 0 && state->state == DEPOT_BUILD_SUCCEEDED)
        rc = add_all_earlier(w, &plan->args->join_with, err);
    if (rc == 0 && w->n > 0 && state->state == DEPOT_BUILD_SUCCEEDED)
        rc = put_image(w, joined, err);
    return rc;
}

int dp_stores_finish(const struct depot_build_plan *plan, const struct depot_build *state,
    struct dp_part *const *parts, size_t nparts, struct depot_kvs *joined, struct depot_error *err)
{
    const size_t max = state->parts.len + plan->args->join_with.len + 1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->layouts.len; i++) {
        struct written w = {.layout = &plan->layouts.items[i],
            .descs = depot_calloc(max, sizeof(struct json_object *)),
            .platforms = depot_calloc(max, sizeof(char *))};
        rc = collect(&w, state, parts, nparts, err);
        if (rc == 0)
            rc = finish(&w, plan, state, joined, err);
        if (rc == 0 && w.n > 0)
            clean(w.layout);
        written_release(&w);
    }
    return rc;
}
