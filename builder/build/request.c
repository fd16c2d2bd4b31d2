/*
 * What the tables of a request do not say. The input is a stranger's.
 */
#include "request.h"

#include <depot/digest.h>
#include <depot/platform.h>

#include <string.h>

#include "builder/engine/placement.h"

enum { CALL_MAX = 64 };

static int bad(const char *field, const char *want, struct depot_error *err)
{
    return depot_error_set(err, DEPOT_ERR_INVALID, "field \"%s\" must be %s", field, want);
}

/* Names of platforms to their normal form, without doubles. */
static int normalise(const char **list, size_t *n, const char *field, struct depot_arena *arena,
    struct depot_error *err)
{
    const struct depot_strv given = {.items = (char **)list, .len = *n};
    struct depot_strv seen = {.items = (char **)list};
    if (given.len > PLACEMENT_PLATFORMS_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "field \"%s\" has more than %d entries",
            field, PLACEMENT_PLATFORMS_MAX);
    for (size_t i = 0; i < given.len; i++) {
        char name[DEPOT_PLATFORM_MAX];
        if (depot_platform_parse(given.items[i], name, err) != 0)
            return depot_error_prefix(err, "field \"%s\"", field);
        if (!depot_strv_has(&seen, name))
            seen.items[seen.len++] = depot_arena_strdup(arena, name);
    }
    *n = seen.len;
    return 0;
}

static bool is_call(const char *s)
{
    const size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
    return n > 0 && n <= CALL_MAX && s[n] == '\0';
}

/* These become header values of the session call. */
static int check_session(const struct depot_build_request *r, struct depot_error *err)
{
    if (r->shared_key != NULL && depot_str_has_control(r->shared_key))
        return bad("session.shared_key", "a string without control characters", err);
    for (size_t i = 0; i < r->methods.len; i++)
        if (*r->methods.items[i] != '/' || depot_str_has_control(r->methods.items[i]))
            return bad("session.methods", "a list of \"/package.Service/Method\"", err);
    return 0;
}

static int check_join_with(const struct depot_build_request *r, struct depot_error *err)
{
    for (size_t i = 0; i < r->join_with.len; i++) {
        const char *digest = r->join_with.items[i].value;
        if (*digest != '\0' && !depot_digest_valid(digest))
            return depot_error_set(
                err, DEPOT_ERR_INVALID, "field \"join_with\": \"%.80s\" is no digest", digest);
    }
    return 0;
}

static int check_exports(
    struct depot_build_request *r, struct depot_arena *arena, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->nexports; i++) {
        struct depot_strv *only = &r->exports[i].platforms;
        rc = normalise(
            (const char **)only->items, &only->len, "solve.exports.platforms", arena, err);
    }
    return rc;
}

int request_check(struct depot_build_request *r, struct depot_arena *arena, struct depot_error *err)
{
    struct depot_error local = {0};
    if (err == NULL)
        err = &local;
    if (r->info.nplatforms == 0)
        return bad("platforms", "a list of at least one platform", err);
    if (r->call != NULL && !is_call(r->call))
        return bad("call", "the name of a question, such as \"lint\"", err);
    int rc = check_session(r, err);
    if (rc == 0)
        rc = check_join_with(r, err);
    if (rc == 0)
        rc = check_exports(r, arena, err);
    if (rc == 0)
        rc = normalise(r->info.platforms, &r->info.nplatforms, "platforms", arena, err);
    return rc;
}

static bool is_true(const struct depot_kvs *attrs, const char *key)
{
    return depot_str_eq(depot_kvs_get(attrs, key), "true");
}

static size_t count_pushes(const struct depot_build_request *r, int *last)
{
    size_t n = 0;
    for (size_t i = 0; i < r->nexports; i++) {
        const struct depot_request_export *e = &r->exports[i];
        if (!depot_str_eq(e->type, "image") || !is_true(&e->attrs, "push"))
            continue;
        *last = (int)i;
        n++;
    }
    return n;
}

int request_join_export(const struct depot_build_request *r)
{
    int at = -1;
    /* Of two that push, one answer does not tell which digest is whose. */
    if (!r->join || count_pushes(r, &at) != 1 || is_true(&r->exports[at].attrs, "push-by-digest"))
        return -1;
    return at;
}

bool request_single(const struct depot_build_request *r)
{
    int at;
    const bool joins = r->join && (count_pushes(r, &at) == 0 || request_join_export(r) >= 0);
    return r->single_builder && !joins;
}

unsigned request_exports_of(const struct depot_build_request *r, const char *platform)
{
    unsigned bits = 0;
    for (size_t i = 0; i < r->nexports; i++)
        if (r->exports[i].platforms.len == 0 || depot_strv_has(&r->exports[i].platforms, platform))
            bits |= 1u << i;
    return bits;
}
