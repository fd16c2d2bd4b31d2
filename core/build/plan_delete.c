/*
 * mode=delete of local outputs: what an earlier build left in the directory is removed once this
 * one has succeeded. Only below the working directory, unless more is allowed: a slip in a path
 * must not cost a home directory.
 */
#include "build/plan_env.h"

#include <depot/path.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "session/prune.h"

static const char ALLOW[] = "buildx.local.delete";

static bool deletes(const struct depot_output *o)
{
    return o->kind == DEPOT_OUTPUT_DIR && depot_str_eq(depot_kvs_get(&o->attrs, "mode"), "delete");
}

/* The path without links, as far as it exists; NULL when what does not exist yet climbs. */
static char *resolve(const char *path)
{
    char real[PATH_MAX], *head = depot_strdup(path), *rest = depot_strdup(""), *out = NULL;
    while (realpath(head, real) == NULL) {
        char *slash = strrchr(head, '/'), *name = slash != NULL ? slash + 1 : head;
        if (errno != ENOENT || depot_str_eq(name, "..") || depot_str_empty(head))
            goto out;
        char *longer = depot_asprintf("/%s%s", name, rest);
        depot_free(rest);
        rest = longer;
        if (slash == NULL)
            head[0] = '.', head[1] = '\0';
        else
            slash[slash == head] = '\0';
    }
    out = depot_asprintf("%s%s", real, rest);
out:
    depot_free(head);
    depot_free(rest);
    return out;
}

/* Below the working directory, and not that itself. */
static bool is_safe(const char *dest)
{
    char cwd[PATH_MAX];
    char *path = resolve(dest);
    size_t n = getcwd(cwd, sizeof(cwd)) != NULL ? strlen(cwd) : 0;
    bool safe = path != NULL && n > 0 && strncmp(path, cwd, n) == 0 &&
                (cwd[n - 1] == '/' ? path[n] != '\0' : path[n] == '/' && path[n + 1] != '\0');
    depot_free(path);
    return safe;
}

static int check_mode(const struct depot_output *o, struct depot_error *err)
{
    const char *mode = depot_kvs_get(&o->attrs, "mode");
    if (o->kind != DEPOT_OUTPUT_DIR || depot_str_empty(mode) || depot_str_eq(mode, "copy") ||
        depot_str_eq(mode, "delete"))
        return 0;
    depot_error_set(err, DEPOT_ERR_INVALID, "invalid mode \"%.64s\" of output %s", mode, o->type);
    return depot_error_hint(
        err, "use mode=copy, or mode=delete to remove what is not in the result");
}

int dp_plan_deletes(struct depot_build_plan *p, struct depot_error *err)
{
    const bool allowed = p->allow_delete;
    for (size_t i = 0; i < p->outputs.len; i++) {
        struct depot_output *o = &p->outputs.items[i];
        int rc = check_mode(o, err);
        if (rc != 0)
            return rc;
        if (!deletes(o))
            continue;
        if (!allowed && !is_safe(o->dest)) {
            depot_error_set(err, DEPOT_ERR_INVALID,
                "mode=delete would empty %s, which is not below the working directory", o->dest);
            return depot_error_hint(err, "if that is meant, add --allow %s", ALLOW);
        }
        o->keep = depot_map_new();
    }
    return 0;
}

int dp_plan_prune(const struct depot_build_plan *p, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->outputs.len; i++)
        if (p->outputs.items[i].keep != NULL)
            rc = dp_prune(p->outputs.items[i].dest, p->outputs.items[i].keep, err);
    return rc;
}
