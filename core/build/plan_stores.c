/*
 * Directories of blobs that builders read from and write to: caches of type local, contexts that
 * are OCI layouts, images written as a directory. Here they are found and lent; what was written is
 * told by their indexes after the build, see stores.c.
 */
#include "build/plan.h"

#include <depot/buf.h>
#include <depot/digest.h>
#include <depot/path.h>

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/layout.h"
#include "session/content.h"

enum { STORE_ID_LEN = 25 };
static const char oci_layout[] = "oci-layout://";
static const char default_tag[] = "latest";

/* ---- lending ---- */

/* A builder says the name back in a header: what is not printable ASCII is spelled out. */
static char *header_name(const char *path)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (const char *p = path; *p != '\0'; p++) {
        if (*p > ' ' && *p < 0x7f && *p != '%')
            depot_buf_addc(&b, *p);
        else
            depot_buf_addf(&b, "%%%02X", (unsigned char)*p);
    }
    return depot_buf_detach(&b);
}

static struct dp_session_store *find_store(struct depot_build_plan *p, const char *id)
{
    for (size_t i = 0; i < p->stores.len; i++)
        if (depot_str_eq(p->stores.items[i].id, id))
            return &p->stores.items[i];
    return NULL;
}

/* The same directory may be read from and written to. */
static struct dp_session_store *lend(
    struct depot_build_plan *p, const char *kind, const char *name, const char *path)
{
    char *id = depot_asprintf("%s%s", kind, name);
    struct dp_session_store *store = find_store(p, id);
    if (store == NULL) {
        struct dp_session_store s = {.id = depot_strdup(id), .path = depot_strdup(path)};
        depot_vec_push(&p->stores, s);
        store = &p->stores.items[p->stores.len - 1];
    }
    depot_free(id);
    return store;
}

/* Written to at the end of the build: told now if that cannot be. */
static int check_writable(const char *what, const char *path, struct depot_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 0; /* it will be made */
    if (!S_ISDIR(st.st_mode))
        return depot_error_set(err, DEPOT_ERR_INVALID, "%s %s is not a directory", what, path);
    if (access(path, W_OK | X_OK) != 0)
        return depot_error_errno(err, errno, "%s %s cannot be written", what, path);
    return 0;
}

/* ---- caches ---- */

int dp_plan_cache_to_local(
    struct depot_build_plan *p, struct depot_output *e, struct depot_error *err)
{
    const char *dest = depot_kvs_get(&e->attrs, "dest"), *tag = depot_kvs_get(&e->attrs, "tag");
    const char *reset = depot_kvs_get(&e->attrs, "reset");
    if (depot_str_empty(dest)) {
        depot_error_set(err, DEPOT_ERR_INVALID, "--cache-to type=local needs dest=DIRECTORY");
        return DEPOT_ERR_INVALID;
    }
    int rc = check_writable("--cache-to dest", dest, err);
    if (rc == 0 && reset != NULL && dp_spec_bool(reset) < 0)
        rc = depot_error_set(
            err, DEPOT_ERR_INVALID, "--cache-to reset=%s: expected true or false", reset);
    if (rc != 0)
        return rc;
    char *name = header_name(dest);
    struct dp_session_store *store = lend(p, "local:", name, dest);
    store->writable = true;
    store->optional = dp_spec_bool(depot_kvs_get(&e->attrs, "ignore-error")) == 1;
    struct dp_plan_layout layout = {.store = depot_strdup(store->id),
        .path = depot_strdup(dest),
        .tag = depot_strdup(tag != NULL ? tag : default_tag),
        .reset = dp_spec_bool(reset) == 1,
        .since = time(NULL)};
    depot_vec_push(&p->layouts, layout);
    depot_kvs_set(&e->attrs, "dest", name);
    depot_free(name);
    return 0;
}

static void warn_unused(struct depot_build_plan *p, const char *src, const char *why)
{
    depot_strv_push_take(
        &p->warnings, depot_asprintf("--cache-from: the local cache %s is not used: %s", src, why));
}

/* The digests that a cache is imported by: the one that is given, or all that have the tag, which
 * several builders may have written for several platforms. */
static int find_caches(
    const char *src, const struct depot_kvs *attrs, struct depot_strv *out, struct depot_error *err)
{
    const char *digest = depot_kvs_get(attrs, "digest"), *tag = depot_kvs_get(attrs, "tag");
    struct json_object *index = NULL;
    if (!depot_str_empty(digest)) {
        depot_strv_push(out, digest);
        return 0;
    }
    int rc = dp_layout_read(src, &index, err);
    tag = tag != NULL ? tag : default_tag;
    if (rc == 0)
        dp_layout_find(index, tag, out);
    if (rc == 0 && out->len == 0)
        rc = depot_error_set(
            err, DEPOT_ERR_NOT_FOUND, "nothing in its index.json has the tag \"%s\"", tag);
    json_object_put(index);
    return rc;
}

/* A cache that is not there, as before the first build, is no error. */
int dp_plan_cache_from_local(struct depot_build_plan *p, struct depot_output *e,
    struct depot_strv *digests, struct depot_error *err)
{
    const char *src = depot_kvs_get(&e->attrs, "src");
    struct depot_error why = {0};
    struct stat st;
    if (depot_str_empty(src))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "--cache-from type=local needs src=DIRECTORY");
    if (find_caches(src, &e->attrs, digests, &why) != 0)
        warn_unused(p, src, why.msg);
    for (size_t i = 0; i < digests->len;) {
        if (dp_blob_open(src, digests->items[i], NULL, &st, &why) == 0) {
            i++;
            continue;
        }
        warn_unused(p, src, why.msg);
        depot_free(digests->items[i]);
        depot_vec_remove(digests, i);
    }
    char *name = header_name(src);
    if (digests->len > 0)
        lend(p, "local:", name, src);
    depot_kvs_set(&e->attrs, "src", name);
    depot_free(name);
    return 0;
}

/* ---- contexts ---- */

bool dp_plan_is_layout(const char *value)
{
    return depot_str_starts(value, oci_layout);
}

/* A tag as registries have them. */
static bool is_tag(const char *s)
{
    static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t n = strlen(s);
    return n > 0 && n <= 128 && strspn(s, chars) == n && s[0] != '.' && s[0] != '-';
}

/* "DIR[:TAG][@DIGEST]", cut in place. */
static void split_ref(char *ref, const char **tag, const char **digest)
{
    char *at = strrchr(ref, '@'), *colon;
    *tag = *digest = NULL;
    if (at != NULL && depot_digest_valid(at + 1)) {
        *digest = at + 1;
        *at = '\0';
    }
    colon = strrchr(ref, ':');
    if (colon != NULL && is_tag(colon + 1)) {
        *tag = colon + 1;
        *colon = '\0';
    }
}

/* By its tag, or the only one there is. */
static int resolve(const char *dir, const char *tag, char **digest, struct depot_error *err)
{
    struct json_object *index = NULL;
    struct depot_strv found = {0};
    int rc = dp_layout_read(dir, &index, err);
    if (rc != 0)
        return depot_error_hint(
            err, "give a directory with an index.json, or the digest: oci-layout://DIR@sha256:...");
    dp_layout_find(index, tag, &found);
    *digest = depot_strdup(found.len > 0 ? found.items[0] : dp_layout_single(index));
    if (*digest == NULL)
        rc = depot_error_set(
            err, DEPOT_ERR_NOT_FOUND, "nothing in %s/index.json has the tag \"%s\"", dir, tag);
    depot_strv_release(&found);
    json_object_put(index);
    return rc;
}

int dp_plan_layout_context(
    struct depot_build_plan *p, const char *key, const char *value, struct depot_error *err)
{
    char *dir = depot_strdup(value + strlen(oci_layout)), *digest = NULL;
    const char *tag, *given;
    char id[STORE_ID_LEN + 1];
    struct stat st;
    split_ref(dir, &tag, &given);
    int rc = 0;
    if (given != NULL)
        digest = depot_strdup(given);
    else
        rc = resolve(dir, tag != NULL ? tag : default_tag, &digest, err);
    if (rc == 0)
        rc = dp_blob_open(dir, digest, NULL, &st, err);
    if (rc == 0) {
        depot_random_id(id, STORE_ID_LEN);
        lend(p, "oci:", id, dir);
        char *ref = depot_asprintf("%s%s@%s", oci_layout, id, digest);
        depot_kvs_set(&p->attrs, key, ref);
        depot_free(ref);
    } else {
        depot_error_prefix(err, "--build-context %s", value);
    }
    depot_free(digest);
    depot_free(dir);
    return rc;
}

/* ---- images as directories ---- */

bool dp_plan_is_store(const char *type, const struct depot_kvs *attrs)
{
    bool image = depot_str_eq(type, "oci") || depot_str_eq(type, "docker");
    return image && dp_spec_bool(depot_kvs_get(attrs, "tar")) == 0;
}

int dp_plan_store_output(
    struct depot_build_plan *p, const struct depot_output *out, struct depot_error *err)
{
    static const char id[] = "export"; /* the one that builders know */
    if (depot_str_empty(out->dest) || depot_str_eq(out->dest, "-"))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "output type=%s,tar=false needs dest=DIRECTORY", out->type);
    if (find_store(p, id) != NULL)
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "a build can have one output with tar=false");
    int rc = check_writable("output dest", out->dest, err);
    if (rc != 0)
        return rc;
    lend(p, id, "", out->dest)->writable = true;
    struct dp_plan_layout layout = {.store = depot_strdup(id), .path = depot_strdup(out->dest)};
    depot_vec_push(&p->layouts, layout);
    return 0;
}

/* ---- the directories ---- */

int dp_plan_make_stores(struct depot_build_plan *p, struct depot_error *err)
{
    int rc = 0;
    if (p->layouts.len > 0 && p->args->detach) {
        depot_error_set(err, DEPOT_ERR_INVALID,
            "--detach cannot be used with a cache or an output that is written to this machine");
        return depot_error_hint(err, "use --cache-to type=registry, or leave out --detach");
    }
    for (size_t i = 0; rc == 0 && i < p->layouts.len; i++)
        rc = depot_path_mkdirs(p->layouts.items[i].path, 0755, err);
    for (size_t i = 0; rc == 0 && i < p->layouts.len; i++)
        rc = dp_layout_check(p->layouts.items[i].path, err);
    return rc;
}

void dp_plan_release_stores(struct depot_build_plan *p)
{
    for (size_t i = 0; i < p->stores.len; i++) {
        depot_free(p->stores.items[i].id);
        depot_free(p->stores.items[i].path);
    }
    for (size_t i = 0; i < p->layouts.len; i++) {
        depot_free(p->layouts.items[i].store);
        depot_free(p->layouts.items[i].path);
        depot_free(p->layouts.items[i].tag);
    }
    depot_vec_free(&p->stores);
    depot_vec_free(&p->layouts);
}
