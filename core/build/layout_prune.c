/*
 * Removing from a layout the blobs that nothing names. What cannot be read may name anything: then
 * nothing is removed.
 */
#include "build/layout.h"

#include <depot/digest.h>
#include <depot/registry.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/archive_blobs.h"

struct prune {
    const char *dir;
    struct depot_map *named;
    struct depot_strv todo; /* manifests and indexes to look into */
};

static bool names_others(const char *type)
{
    static const char *const types[] = {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(types); i++)
        if (depot_str_eq(type, types[i]))
            return true;
    return false;
}

static void name(struct prune *p, struct json_object *desc)
{
    const char *digest = dp_doc_string(desc, "digest");
    if (!depot_digest_valid(digest) || depot_map_get(p->named, digest) != NULL)
        return;
    depot_map_set(p->named, digest, p);
    if (names_others(dp_doc_string(desc, "mediaType")))
        depot_strv_push(&p->todo, digest);
}

static void name_all(struct prune *p, struct json_object *manifest)
{
    static const char *const lists[] = {"manifests", "layers"};
    struct json_object *config = NULL;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(lists); i++) {
        struct json_object *list = dp_doc_array(manifest, lists[i]);
        for (size_t j = 0; list != NULL && j < json_object_array_length(list); j++)
            name(p, json_object_array_get_idx(list, j));
    }
    if (json_object_object_get_ex(manifest, "config", &config))
        name(p, config);
}

static int find_named(struct prune *p, struct depot_error *err)
{
    struct json_object *o = NULL;
    int rc = dp_layout_read(p->dir, &o, err);
    if (rc == 0)
        name_all(p, o);
    json_object_put(o);
    for (size_t i = 0; rc == 0 && i < p->todo.len; i++) {
        o = NULL;
        rc = dp_layout_manifest(p->dir, p->todo.items[i], &o, err);
        if (rc == 0)
            name_all(p, o);
        json_object_put(o);
    }
    return rc;
}

/* A blob, that nobody has touched since. */
static bool is_old_blob(int folder, const char *name, time_t before)
{
    struct stat st;
    char *digest = depot_asprintf("sha256:%s", name);
    bool blob = depot_digest_valid(digest);
    depot_free(digest);
    return blob && fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_mtime < before;
}

static void remove_rest(const struct prune *p, int folder, time_t before)
{
    DIR *d = fdopendir(folder);
    if (d == NULL) {
        close(folder);
        return;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char *digest = depot_asprintf("sha256:%s", e->d_name);
        if (depot_map_get(p->named, digest) == NULL && is_old_blob(folder, e->d_name, before))
            unlinkat(folder, e->d_name, 0);
        depot_free(digest);
    }
    closedir(d);
}

int dp_layout_prune(const char *dir, time_t before, struct depot_error *err)
{
    struct prune p = {.dir = dir, .named = depot_map_new()};
    int rc = find_named(&p, err);
    if (rc == 0) {
        char *path = depot_asprintf("%s/blobs/sha256", dir);
        int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder >= 0)
            remove_rest(&p, folder, before);
        depot_free(path);
    }
    depot_map_free(p.named);
    depot_strv_release(&p.todo);
    return rc;
}
