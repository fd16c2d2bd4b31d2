/*
 * The body of POST /v1/builds: one row per field says where it goes and what it may be. The input
 * is a stranger's.
 */
#include "request.h"

#include <depot/digest.h>

#include "builder/engine/placement.h"

#include <json-c/json.h>

#include <string.h>

enum kind { STRING, TEXT, BOOL, STRINGS, ATTRS, OBJECT, EXPORTS, SETTINGS };

struct field {
    const char *name;
    enum kind kind;
    size_t offset;              /* in struct request */
    const struct field *fields; /* OBJECT: ends with a row without name */
};

#define AT(member) offsetof(struct request, member)

static const struct field source_fields[] = {
    {"remote", STRING, AT(remote), NULL},
    {"commit", STRING, AT(commit), NULL},
    {"branch", STRING, AT(branch), NULL},
    {"dirty", BOOL, AT(dirty), NULL},
    {NULL, STRING, 0, NULL},
};

static const struct field ci_fields[] = {
    {"url", STRING, AT(ci_url), NULL},
    {NULL, STRING, 0, NULL},
};

static const struct field session_fields[] = {
    {"shared_key", STRING, AT(shared_key), NULL},
    {"methods", STRINGS, AT(methods), NULL},
    {NULL, STRING, 0, NULL},
};

/* Exports and cache exports are the same shape (type and attributes); see take_exports(). */
static const struct field solve_fields[] = {
    {"frontend", STRING, AT(frontend), NULL},
    {"attrs", ATTRS, AT(attrs), NULL},
    {"exports", EXPORTS, AT(exports), NULL},
    {"cache_exports", EXPORTS, AT(cache_exports), NULL},
    {"default_image", BOOL, AT(default_image), NULL},
    {"entitlements", STRINGS, AT(entitlements), NULL},
    {"source_policy", TEXT, AT(source_policy), NULL},
    {"policy_file", STRING, AT(policy_file), NULL},
    {NULL, STRING, 0, NULL},
};

static const struct field root_fields[] = {
    {"project", STRING, AT(project), NULL},
    {"command", STRING, AT(command), NULL},
    {"target", STRING, AT(target), NULL},
    {"builder", STRING, AT(builder), NULL},
    {"tags", STRINGS, AT(tags), NULL},
    {"platforms", STRINGS, AT(platforms), NULL},
    {"source", OBJECT, 0, source_fields},
    {"user", STRING, AT(user), NULL},
    {"host", STRING, AT(host), NULL},
    {"ci", OBJECT, 0, ci_fields},
    {"single_builder", BOOL, AT(single_builder), NULL},
    {"join", BOOL, AT(join), NULL},
    {"join_with", ATTRS, AT(join_with), NULL},
    {"keep_going", BOOL, AT(keep_going), NULL},
    {"detach", BOOL, AT(detach), NULL},
    {"call", STRING, AT(call), NULL},
    {"settings", SETTINGS, AT(settings), NULL},
    {"session", OBJECT, AT(session), session_fields},
    {"solve", OBJECT, 0, solve_fields},
    {NULL, STRING, 0, NULL},
};

/* The path of the field in hand, for messages: "solve.attrs". */
struct where {
    const char *outer, *name;
};

static int bad(const struct where *w, const char *want, struct depot_error *err)
{
    return depot_error_set(err, DEPOT_ERR_INVALID, "field \"%s%s%.60s\" must be %s", w->outer,
        *w->outer != '\0' ? "." : "", w->name, want);
}

static int too_big(const struct where *w, size_t max, const char *unit, struct depot_error *err)
{
    return depot_error_set(err, DEPOT_ERR_TOO_BIG, "field \"%s%s%.60s\" has more than %zu %s",
        w->outer, *w->outer != '\0' ? "." : "", w->name, max, unit);
}

/* A string's bytes, without NULs inside, up to `max`; borrowed from `v`. */
static int get_string(const struct where *w, struct json_object *v, size_t max, const char **out,
    struct depot_error *err)
{
    if (!json_object_is_type(v, json_type_string))
        return bad(w, "a string", err);
    size_t n = (size_t)json_object_get_string_len(v);
    const char *s = json_object_get_string(v);
    if (n > max)
        return too_big(w, max, "bytes", err);
    if (memchr(s, '\0', n) != NULL)
        return bad(w, "a string without NUL", err);
    *out = s;
    return 0;
}

static int take_string(
    const struct where *w, struct json_object *v, size_t max, char **to, struct depot_error *err)
{
    const char *s = NULL;
    int rc = get_string(w, v, max, &s, err);
    if (rc != 0)
        return rc;
    depot_free(*to); /* a name may stand twice: the last one counts */
    *to = depot_strdup(s);
    return 0;
}

static int take_strings(
    const struct where *w, struct json_object *v, struct depot_strv *to, struct depot_error *err)
{
    if (!json_object_is_type(v, json_type_array))
        return bad(w, "a list of strings", err);
    size_t n = json_object_array_length(v);
    if (n > REQUEST_LIST_MAX)
        return too_big(w, REQUEST_LIST_MAX, "entries", err);
    for (size_t i = 0; i < n; i++) {
        const char *s = NULL;
        int rc = get_string(w, json_object_array_get_idx(v, i), REQUEST_NAME_MAX, &s, err);
        if (rc != 0)
            return rc;
        depot_strv_push(to, s);
    }
    return 0;
}

/* Names of platforms to their normal form, without doubles. */
static int normalise(struct depot_strv *platforms, const char *field, struct depot_error *err)
{
    struct depot_strv given = *platforms;
    *platforms = (struct depot_strv){0};
    int rc = 0;
    if (given.len > PLAN_PLATFORMS_MAX)
        rc = depot_error_set(err, DEPOT_ERR_TOO_BIG, "field \"%s\" has more than %d entries", field,
            PLAN_PLATFORMS_MAX);
    for (size_t i = 0; rc == 0 && i < given.len; i++) {
        char name[DEPOT_PLATFORM_MAX];
        rc = depot_platform_parse(given.items[i], name, err);
        if (rc != 0)
            depot_error_prefix(err, "field \"%s\"", field);
        else if (!depot_strv_has(platforms, name))
            depot_strv_push(platforms, name);
    }
    depot_strv_release(&given);
    return rc;
}

static int take_attrs(
    const struct where *w, struct json_object *v, struct depot_kvs *to, struct depot_error *err)
{
    if (!json_object_is_type(v, json_type_object))
        return bad(w, "an object of strings", err);
    if (json_object_object_length(v) > REQUEST_ATTRS_MAX)
        return too_big(w, REQUEST_ATTRS_MAX, "entries", err);
    json_object_object_foreach(v, key, value)
    {
        const struct where inner = {w->name, key};
        const char *s = NULL;
        int rc = get_string(&inner, value, REQUEST_VALUE_MAX, &s, err);
        if (rc != 0)
            return rc;
        if (*key == '\0' || strlen(key) > REQUEST_NAME_MAX)
            return bad(w, "an object with shorter, non-empty names", err);
        depot_kvs_set(to, key, s);
    }
    return 0;
}

static int take_export(const struct where *w, struct json_object *v, struct depot_bk_export *to,
    struct depot_error *err)
{
    struct json_object *type, *attrs;
    if (!json_object_is_type(v, json_type_object) || !json_object_object_get_ex(v, "type", &type))
        return bad(w, "a list of objects with \"type\" and \"attrs\"", err);
    const struct where type_at = {w->name, "type"}, attrs_at = {w->name, "attrs"};
    int rc = take_string(&type_at, type, REQUEST_NAME_MAX, &to->type, err);
    if (rc == 0 && *to->type == '\0')
        rc = bad(&type_at, "a name", err);
    if (rc == 0 && json_object_object_get_ex(v, "attrs", &attrs) && attrs != NULL)
        rc = take_attrs(&attrs_at, attrs, &to->attrs, err);
    return rc;
}

static int take_exports(const struct where *w, struct json_object *v,
    struct depot_bk_export **items, size_t *n, struct depot_error *err)
{
    if (!json_object_is_type(v, json_type_array))
        return bad(w, "a list of objects with \"type\" and \"attrs\"", err);
    size_t len = json_object_array_length(v);
    if (*n + len > REQUEST_EXPORTS_MAX)
        return too_big(w, REQUEST_EXPORTS_MAX, "entries", err);
    *items = depot_realloc(*items, (*n + len + 1) * sizeof(**items));
    for (size_t i = 0; i < len; i++) {
        struct depot_bk_export *e = &(*items)[(*n)++];
        *e = (struct depot_bk_export){0};
        int rc = take_export(w, json_object_array_get_idx(v, i), e, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Is the client to load export `i`? */
static int take_load(struct json_object *v, size_t i, struct request *r, struct depot_error *err)
{
    static const struct where at = {"exports", "load"};
    struct json_object *load;
    if (!json_object_object_get_ex(v, "load", &load) || load == NULL)
        return 0;
    if (!json_object_is_type(load, json_type_boolean))
        return bad(&at, "true or false", err);
    if (json_object_get_boolean(load))
        r->loads |= 1u << i;
    return 0;
}

static int take_only_for(
    struct json_object *v, size_t i, struct request *r, struct depot_error *err)
{
    static const struct where at = {"exports", "platforms"};
    struct json_object *list;
    if (!json_object_object_get_ex(v, "platforms", &list) || list == NULL)
        return 0;
    int rc = take_strings(&at, list, &r->only_for[i], err);
    if (rc == 0)
        rc = normalise(&r->only_for[i], "exports.platforms", err);
    return rc;
}

/* What stands beside type and attributes, in the list that `r->exports` came from. */
static int take_options(
    struct json_object *v, size_t first, struct request *r, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_object_array_length(v); i++) {
        struct json_object *o = json_object_array_get_idx(v, i);
        rc = take_load(o, first + i, r, err);
        if (rc == 0)
            rc = take_only_for(o, first + i, r, err);
    }
    return rc;
}

/* A cache export has an export's shape: read it as one and move it over. */
static int take_cache_exports(
    const struct where *w, struct json_object *v, struct request *r, struct depot_error *err)
{
    struct depot_bk_export *items = NULL;
    size_t n = 0;
    int rc = take_exports(w, v, &items, &n, err);
    size_t len = r->ncache_exports;
    if (rc == 0 && len + n > REQUEST_EXPORTS_MAX)
        rc = too_big(w, REQUEST_EXPORTS_MAX, "entries", err);
    if (rc == 0)
        r->cache_exports =
            depot_realloc(r->cache_exports, (len + n + 1) * sizeof(*r->cache_exports));
    for (size_t i = 0; i < n; i++) {
        if (rc == 0) {
            r->cache_exports[r->ncache_exports++] =
                (struct depot_bk_cache){.type = items[i].type, .attrs = items[i].attrs};
        } else {
            depot_free(items[i].type);
            depot_kvs_release(&items[i].attrs);
        }
    }
    depot_free(items);
    return rc;
}

static int take_settings(
    const struct where *w, struct json_object *v, struct request *r, struct depot_error *err)
{
    static const struct where text_at = {"settings", "text"}, stage_at = {"settings", "stage"};
    if (!json_object_is_type(v, json_type_array))
        return bad(w, "a list of objects with \"stage\" and \"text\"", err);
    const size_t n = json_object_array_length(v);
    if (n > REQUEST_SETTINGS_MAX)
        return too_big(w, REQUEST_SETTINGS_MAX, "entries", err);
    r->settings = depot_arena_alloc(&r->arena, (n + 1) * sizeof(*r->settings));
    for (r->nsettings = 0; r->nsettings < n; r->nsettings++) {
        struct json_object *o = json_object_array_get_idx(v, r->nsettings), *text, *stage;
        const char *s = "", *t = NULL;
        if (!json_object_is_type(o, json_type_object) ||
            !json_object_object_get_ex(o, "text", &text))
            return bad(w, "a list of objects with \"stage\" and \"text\"", err);
        int rc = get_string(&text_at, text, REQUEST_NAME_MAX, &t, err);
        if (rc == 0 && json_object_object_get_ex(o, "stage", &stage))
            rc = get_string(&stage_at, stage, REQUEST_NAME_MAX, &s, err);
        if (rc != 0)
            return rc;
        r->settings[r->nsettings] = (struct depot_setting){
            .stage = depot_arena_strdup(&r->arena, s), .text = depot_arena_strdup(&r->arena, t)};
    }
    r->has_settings = true;
    return 0;
}

static int take_object(const char *outer, struct json_object *obj, const struct field *fields,
    struct request *r, struct depot_error *err);

static int take_field(const char *outer, const struct field *f, struct json_object *v,
    struct request *r, struct depot_error *err)
{
    const struct where w = {outer, f->name};
    void *to = (char *)r + f->offset;
    switch (f->kind) {
    case STRING:
        return take_string(&w, v, REQUEST_NAME_MAX, to, err);
    case TEXT:
        return take_string(&w, v, REQUEST_VALUE_MAX, to, err);
    case BOOL:
        if (!json_object_is_type(v, json_type_boolean))
            return bad(&w, "true or false", err);
        *(bool *)to = json_object_get_boolean(v);
        return 0;
    case STRINGS:
        return take_strings(&w, v, to, err);
    case ATTRS:
        return take_attrs(&w, v, to, err);
    case EXPORTS: {
        if (f->offset == AT(cache_exports))
            return take_cache_exports(&w, v, r, err);
        const size_t first = r->nexports;
        const int rc = take_exports(&w, v, &r->exports, &r->nexports, err);
        return rc == 0 ? take_options(v, first, r, err) : rc;
    }
    case SETTINGS:
        return take_settings(&w, v, r, err);
    case OBJECT:
        if (!json_object_is_type(v, json_type_object))
            return bad(&w, "an object", err);
        if (f->offset == AT(session))
            r->session = true;
        return take_object(f->name, v, f->fields, r, err);
    }
    return 0;
}

static int take_object(const char *outer, struct json_object *obj, const struct field *fields,
    struct request *r, struct depot_error *err)
{
    for (const struct field *f = fields; f->name != NULL; f++) {
        struct json_object *v;
        if (!json_object_object_get_ex(obj, f->name, &v) || v == NULL)
            continue; /* absent and null are the same */
        int rc = take_field(outer, f, v, r, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static bool is_call(const char *s)
{
    const size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
    return n > 0 && n <= REQUEST_CALL_MAX && s[n] == '\0';
}

static int check(struct request *r, struct json_object *root, struct depot_error *err)
{
    static const struct where platforms = {"", "platforms"}, solve = {"", "solve"},
                              call = {"", "call"}, key = {"session", "shared_key"},
                              methods = {"session", "methods"};
    if (!json_object_object_get_ex(root, "solve", NULL))
        return bad(&solve, "there", err);
    if (r->platforms.len == 0)
        return bad(&platforms, "a list of at least one platform", err);
    if (r->call != NULL && !is_call(r->call))
        return bad(&call, "the name of a question, such as \"lint\"", err);
    /* These become header values of the session call. */
    if (r->shared_key != NULL && depot_str_has_control(r->shared_key))
        return bad(&key, "a string without control characters", err);
    for (size_t i = 0; i < r->methods.len; i++)
        if (*r->methods.items[i] != '/' || depot_str_has_control(r->methods.items[i]))
            return bad(&methods, "a list of \"/package.Service/Method\"", err);
    return normalise(&r->platforms, "platforms", err);
}

static struct json_object *parse(const char *json, size_t n, struct depot_error *err)
{
    if (n > REQUEST_MAX) {
        depot_error_set(err, DEPOT_ERR_TOO_BIG, "the request has more than %d bytes", REQUEST_MAX);
        return NULL;
    }
    struct json_tokener *tok = json_tokener_new_ex(REQUEST_DEPTH_MAX);
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = json_tokener_parse_ex(tok, json, (int)n);
    enum json_tokener_error e = json_tokener_get_error(tok);
    size_t end = json_tokener_get_parse_end(tok);
    while (end < n && strchr(" \t\r\n", json[end]) != NULL && json[end] != '\0')
        end++;
    if (e != json_tokener_success || end != n)
        depot_error_set(err, DEPOT_ERR_INVALID, "the request is not JSON: %s at byte %zu",
            e == json_tokener_success    ? "something follows"
            : e == json_tokener_continue ? "it ends early"
                                         : json_tokener_error_desc(e),
            end);
    else if (!json_object_is_type(root, json_type_object))
        depot_error_set(err, DEPOT_ERR_INVALID, "the request must be a JSON object");
    json_tokener_free(tok);
    if (e != json_tokener_success || end != n || !json_object_is_type(root, json_type_object)) {
        json_object_put(root);
        return NULL;
    }
    return root;
}

static int check_join_with(const struct request *r, struct depot_error *err)
{
    for (size_t i = 0; i < r->join_with.len; i++) {
        const char *digest = r->join_with.items[i].value;
        if (*digest != '\0' && !depot_digest_valid(digest))
            return depot_error_set(
                err, DEPOT_ERR_INVALID, "field \"join_with\": \"%.80s\" is no digest", digest);
    }
    return 0;
}

int request_parse(const char *json, size_t n, struct request *out, struct depot_error *err)
{
    struct depot_error local = {0};
    if (err == NULL)
        err = &local;
    depot_error_clear(err);
    struct json_object *root = parse(json, n, err);
    if (root == NULL)
        return err->code;
    struct request r = {0};
    int rc = take_object("", root, root_fields, &r, err);
    if (rc == 0)
        rc = check(&r, root, err);
    if (rc == 0)
        rc = check_join_with(&r, err);
    json_object_put(root);
    if (rc != 0)
        request_release(&r);
    else
        *out = r;
    return rc;
}

static bool is_true(const struct depot_kvs *attrs, const char *key)
{
    return depot_str_eq(depot_kvs_get(attrs, key), "true");
}

static size_t count_pushes(const struct request *r, int *last)
{
    size_t n = 0;
    for (size_t i = 0; i < r->nexports; i++) {
        const struct depot_bk_export *e = &r->exports[i];
        if (!depot_str_eq(e->type, "image") || !is_true(&e->attrs, "push"))
            continue;
        *last = (int)i;
        n++;
    }
    return n;
}

int request_join_export(const struct request *r)
{
    int at = -1;
    /* Of two that push, one answer does not tell which digest is whose. */
    if (!r->join || count_pushes(r, &at) != 1 || is_true(&r->exports[at].attrs, "push-by-digest"))
        return -1;
    return at;
}

bool request_single(const struct request *r)
{
    int at;
    const bool joins = r->join && (count_pushes(r, &at) == 0 || request_join_export(r) >= 0);
    return r->single_builder && !joins;
}

unsigned request_exports_of(const struct request *r, const char *platform)
{
    unsigned bits = 0;
    for (size_t i = 0; i < r->nexports; i++)
        if (r->only_for[i].len == 0 || depot_strv_has(&r->only_for[i], platform))
            bits |= 1u << i;
    return bits;
}

void request_release(struct request *r)
{
    depot_kvs_release(&r->join_with);
    char *strings[] = {r->project, r->command, r->target, r->builder, r->remote, r->commit,
        r->branch, r->user, r->host, r->ci_url, r->shared_key, r->frontend, r->source_policy,
        r->policy_file, r->call};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(strings); i++)
        depot_free(strings[i]);
    depot_strv_release(&r->tags);
    depot_strv_release(&r->platforms);
    depot_strv_release(&r->methods);
    depot_strv_release(&r->entitlements);
    depot_kvs_release(&r->attrs);
    depot_arena_release(&r->arena);
    for (size_t i = 0; i < r->nexports; i++) {
        depot_strv_release(&r->only_for[i]);
        depot_free(r->exports[i].type);
        depot_kvs_release(&r->exports[i].attrs);
    }
    depot_free(r->exports);
    for (size_t i = 0; i < r->ncache_exports; i++) {
        depot_free(r->cache_exports[i].type);
        depot_kvs_release(&r->cache_exports[i].attrs);
    }
    depot_free(r->cache_exports);
    *r = (struct request){0};
}
