/*
 * What the image and its provenance say of the checkout that the context lies in.
 */
#include "build/plan_env.h"

#include <limits.h>
#include <stdlib.h>

/* As buildx: a word that is no switch leaves the default. */
static bool is_on(const char *name, bool unset)
{
    bool on = unset;
    return dp_env_bool(name, unset, &on, NULL) == 0 ? on : unset;
}

static bool wants_labels(void)
{
    return depot_str_eq(getenv("BUILDX_GIT_LABELS"), "full") || is_on("BUILDX_GIT_LABELS", false);
}

/* `path` below `root` as a relative path, "." for the root itself; NULL when it lies elsewhere. */
static const char *below(const char *root, const char *path)
{
    const size_t n = strlen(root);
    if (strncmp(path, root, n) != 0)
        return NULL;
    if (path[n] == '\0')
        return ".";
    return n > 0 && root[n - 1] == '/' ? path + n : path[n] == '/' ? path + n + 1 : NULL;
}

static void set(struct depot_build_plan *p, const char *key, const char *value)
{
    if (value != NULL)
        depot_kvs_set(&p->attrs, key, value);
}

static const char *dockerfile_dir(const struct depot_build_plan *p)
{
    for (size_t i = 0; i < p->dirs.len; i++)
        if (depot_str_eq(p->dirs.items[i].name, "dockerfile"))
            return p->dirs.items[i].path;
    return NULL;
}

static void label_entrypoint(struct depot_build_plan *p, const char *root)
{
    const char *dir = dockerfile_dir(p), *name = depot_kvs_get(&p->attrs, "filename");
    const char *rel = dir != NULL && name != NULL ? below(root, dir) : NULL;
    if (rel == NULL)
        return;
    char *path = depot_str_eq(rel, ".") ? depot_strdup(name) : depot_asprintf("%s/%s", rel, name);
    set(p, "label:com.docker.image.source.entrypoint", path);
    depot_free(path);
}

static void name_dirs(struct depot_build_plan *p, const char *root)
{
    for (size_t i = 0; i < p->dirs.len; i++) {
        char *key = depot_asprintf("vcs:localdir:%s", p->dirs.items[i].name);
        set(p, key, below(root, p->dirs.items[i].path));
        depot_free(key);
    }
}

/* Only of a directory: what an engine fetches has a history of its own. */
void dp_plan_git(struct depot_build_plan *p)
{
    const struct depot_source *s = &p->source;
    if (p->context_kind != DP_CONTEXT_DIR || s->root == NULL)
        return;
    const bool dirty = s->dirty && is_on("BUILDX_GIT_CHECK_DIRTY", false);
    char *commit =
        s->commit != NULL ? depot_asprintf("%s%s", s->commit, dirty ? "-dirty" : "") : NULL;
    if (is_on("BUILDX_GIT_INFO", true)) {
        set(p, "vcs:revision", commit);
        set(p, "vcs:source", s->remote);
        name_dirs(p, s->root);
    }
    if (wants_labels()) {
        set(p, "label:org.opencontainers.image.revision", commit);
        set(p, "label:org.opencontainers.image.source", s->remote);
        label_entrypoint(p, s->root);
    }
    depot_free(commit);
}
