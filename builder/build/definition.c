/*
 * Frontend attributes into a build.definition.
 */
#include "definition.h"

#include <string.h>
#include <strings.h>

#include "builder/store/store.h"

static const char arg_prefix[] = "build-arg:";

/* They are given to every step and are in no cache key: the frontend's rule. */
static bool is_proxy(const char *name)
{
    static const char *const names[] = {
        "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static void add_arg(
    struct definition *d, const struct store *s, const char *name, const char *value)
{
    struct depot_ev_definition *ev = &d->ev;
    char print[STORE_FINGERPRINT_LEN + 1];
    if (is_proxy(name) || ev->nargs >= DEFINITION_ARGS_MAX)
        return;
    if (ev->args == NULL)
        ev->args = depot_arena_alloc(&d->arena, DEFINITION_ARGS_MAX * sizeof(*ev->args));
    store_fingerprint(s, name, value, print);
    ev->args[ev->nargs++] = (struct depot_pair){
        .key = depot_arena_strdup(&d->arena, name), .value = depot_arena_strdup(&d->arena, print)};
}

/* "": all of them; else stages with commas. */
static void set_no_cache(struct definition *d, const char *stages)
{
    struct depot_strv list = {0};
    depot_strv_split(&list, stages, ',');
    d->ev.no_cache = true;
    d->ev.nno_cache_stages = list.len;
    d->ev.no_cache_stages =
        depot_arena_alloc(&d->arena, (list.len + 1) * sizeof(*d->ev.no_cache_stages));
    for (size_t i = 0; i < list.len; i++)
        d->ev.no_cache_stages[i] = depot_arena_strdup(&d->arena, list.items[i]);
    depot_strv_release(&list);
}

void definition_attr(
    struct definition *d, const struct store *s, const char *key, const char *value)
{
    if (depot_str_starts(key, arg_prefix))
        add_arg(d, s, key + strlen(arg_prefix), value);
    else if (depot_str_eq(key, "no-cache"))
        set_no_cache(d, value);
}

void definition_release(struct definition *d)
{
    depot_arena_release(&d->arena);
}
