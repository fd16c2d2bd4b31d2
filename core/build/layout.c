/*
 * Reading and writing a layout's index.
 */
#include "build/layout.h"

#include <depot/digest.h>
#include <depot/file_writer.h>
#include <depot/path.h>
#include <depot/registry.h>

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "build/archive_blobs.h"
#include "session/content.h"

enum {
    JSON_DEPTH = 32,
    LOCK_WAIT_MS = 10000, /* whoever holds it writes one small file */
    LOCK_STEP_MS = 10,
    JSON_FLAGS = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
};

static const char index_type[] = "application/vnd.oci.image.index.v1+json";
static const char image_key[] = "io.containerd.image.name";
static const char tag_key[] = "org.opencontainers.image.ref.name";
static const char platforms_key[] = "depot.platforms";

/* ---- values ---- */

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
    struct json_object *v;
    return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
                   json_object_is_type(v, type)
               ? v
               : NULL;
}

static const char *annotation(struct json_object *desc, const char *key)
{
    return dp_doc_string(member(desc, "annotations", json_type_object), key);
}

static void set_string(struct json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, json_object_new_string(value));
}

static bool is_blank(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] == '\0' || strchr(" \t\r\n", s[i]) == NULL)
            return false;
    return true;
}

/* An object and nothing behind it; NULL when it is none. */
static struct json_object *parse_object(const char *json, size_t n, size_t max)
{
    struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
    struct json_object *o = NULL;
    bool whole = false;
    if (tok != NULL && n > 0 && n <= max) {
        json_tokener_set_flags(tok, JSON_TOKENER_VALIDATE_UTF8);
        o = json_tokener_parse_ex(tok, json, (int)n);
        size_t end = json_tokener_get_parse_end(tok);
        whole =
            json_tokener_get_error(tok) == json_tokener_success && is_blank(json + end, n - end);
    }
    json_tokener_free(tok);
    if (whole && json_object_is_type(o, json_type_object))
        return o;
    json_object_put(o);
    return NULL;
}

/* ---- the index ---- */

static struct json_object *new_index(void)
{
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "schemaVersion", json_object_new_int(2));
    set_string(o, "mediaType", index_type);
    json_object_object_add(o, "manifests", json_object_new_array());
    return o;
}

static bool are_objects(struct json_object *list)
{
    for (size_t i = 0; i < json_object_array_length(list); i++)
        if (!json_object_is_type(json_object_array_get_idx(list, i), json_type_object))
            return false;
    return true;
}

int dp_layout_parse(const char *json, size_t n, struct json_object **out, struct depot_error *err)
{
    struct json_object *o = parse_object(json, n, DP_LAYOUT_INDEX_MAX), *list = NULL;
    bool has = o != NULL && json_object_object_get_ex(o, "manifests", &list) && list != NULL;
    if (o != NULL && !has) /* Go writes an empty list as null */
        json_object_object_add(o, "manifests", json_object_new_array());
    if (o == NULL || (has && (!json_object_is_type(list, json_type_array) || !are_objects(list)))) {
        json_object_put(o);
        return depot_error_set(err, DEPOT_ERR_INVALID, "it is not an image index");
    }
    *out = o;
    return 0;
}

static char *index_path(const char *dir)
{
    return depot_path_join(dir, "index.json");
}

static int read_once(const char *dir, struct json_object **out, struct depot_error *err)
{
    char *path = index_path(dir), *text = NULL;
    struct stat st;
    size_t n = 0;
    int rc = stat(path, &st) == 0 && !S_ISREG(st.st_mode)
                 ? depot_error_set(err, DEPOT_ERR_DENIED, "%s is not a regular file", path)
                 : depot_file_read(path, DP_LAYOUT_INDEX_MAX, &text, &n, err);
    if (rc == 0 && n == 0)
        rc = depot_error_set(err, DEPOT_ERR_NOT_FOUND, "%s is empty", path);
    else if (rc == 0 && dp_layout_parse(text, n, out, err) != 0)
        rc = depot_error_prefix(err, "cannot read %s", path);
    depot_free(text);
    depot_free(path);
    return rc;
}

static void wait_a_little(void)
{
    const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
    nanosleep(&step, NULL);
}

int dp_layout_read(const char *dir, struct json_object **out, struct depot_error *err)
{
    struct depot_error local = {0};
    err = err != NULL ? err : &local;
    int rc = read_once(dir, out, err);
    /* Other tools write it in place: what is half there may soon be whole. */
    for (int tries = 0; rc == DEPOT_ERR_INVALID && tries < 10; tries++) {
        wait_a_little();
        rc = read_once(dir, out, err);
    }
    return rc;
}

static struct json_object *entry_at(struct json_object *index, size_t i)
{
    return json_object_array_get_idx(member(index, "manifests", json_type_array), i);
}

static size_t entry_count(struct json_object *index)
{
    return json_object_array_length(member(index, "manifests", json_type_array));
}

static void find_by(
    struct json_object *index, const char *key, const char *name, struct depot_strv *digests)
{
    for (size_t i = 0; i < entry_count(index) && digests->len < DP_LAYOUT_FOUND_MAX; i++) {
        struct json_object *entry = entry_at(index, i);
        const char *digest = dp_doc_string(entry, "digest"), *named = annotation(entry, key);
        if (named != NULL && depot_str_eq(named, name) && depot_digest_valid(digest) &&
            !depot_strv_has(digests, digest))
            depot_strv_push(digests, digest);
    }
}

void dp_layout_find(struct json_object *index, const char *name, struct depot_strv *digests)
{
    find_by(index, image_key, name, digests);
    if (digests->len == 0)
        find_by(index, tag_key, name, digests);
}

const char *dp_layout_single(struct json_object *index)
{
    const char *digest =
        entry_count(index) == 1 ? dp_doc_string(entry_at(index, 0), "digest") : NULL;
    return depot_digest_valid(digest) ? digest : NULL;
}

/* ---- descriptors ---- */

static int64_t size_of(struct json_object *desc)
{
    struct json_object *size = member(desc, "size", json_type_int);
    return size != NULL ? json_object_get_int64(size) : -1;
}

int dp_layout_desc_parse(
    const char *json, size_t n, struct json_object **out, struct depot_error *err)
{
    struct json_object *o = parse_object(json, n, DP_LAYOUT_DESC_MAX);
    if (o == NULL || !depot_digest_valid(dp_doc_string(o, "digest")) || size_of(o) < 0 ||
        dp_doc_string(o, "mediaType") == NULL) {
        json_object_put(o);
        return depot_error_set(
            err, DEPOT_ERR_PROTOCOL, "the builder's description of what it wrote is not one");
    }
    *out = o;
    return 0;
}

static struct json_object *new_desc(const char *type, const char *digest, size_t size)
{
    struct json_object *o = json_object_new_object();
    set_string(o, "mediaType", type);
    set_string(o, "digest", digest);
    json_object_object_add(o, "size", json_object_new_int64((int64_t)size));
    return o;
}

static int read_blob(
    const char *dir, const char *digest, char **out, size_t *n, struct depot_error *err)
{
    char *path = depot_asprintf("%s/blobs/%s", dir, digest);
    *strrchr(path, ':') = '/';
    int rc = depot_file_read(path, DEPOT_MANIFEST_MAX, out, n, err);
    depot_free(path);
    return rc;
}

static int read_manifest(const char *dir, const char *digest, struct json_object **out, size_t *n,
    struct depot_error *err)
{
    char *text = NULL;
    int rc = read_blob(dir, digest, &text, n, err);
    if (rc == 0 && (*out = parse_object(text, *n, DEPOT_MANIFEST_MAX)) == NULL)
        rc = depot_error_set(err, DEPOT_ERR_PROTOCOL, "%s in %s is no manifest", digest, dir);
    depot_free(text);
    return rc;
}

int dp_layout_manifest(
    const char *dir, const char *digest, struct json_object **out, struct depot_error *err)
{
    size_t n;
    return read_manifest(dir, digest, out, &n, err);
}

int dp_layout_desc_of(
    const char *dir, const char *digest, struct json_object **out, struct depot_error *err)
{
    struct json_object *o = NULL;
    size_t n;
    int rc = read_manifest(dir, digest, &o, &n, err);
    const char *type = dp_doc_string(o, "mediaType");
    if (rc == 0 && type == NULL)
        rc = depot_error_set(err, DEPOT_ERR_PROTOCOL, "%s in %s is no manifest", digest, dir);
    if (rc == 0)
        *out = new_desc(type, digest, n);
    json_object_put(o);
    return rc;
}

const char *dp_layout_desc_digest(struct json_object *desc)
{
    return dp_doc_string(desc, "digest");
}

bool dp_layout_has(const char *dir, struct json_object *desc)
{
    struct stat st;
    return dp_blob_open(dir, dp_layout_desc_digest(desc), NULL, &st, NULL) == 0 &&
           st.st_size == size_of(desc);
}

/* ---- putting entries ---- */

/* Is every word of `inner` one of `outer`? */
static bool covers(const char *outer, const char *inner)
{
    struct depot_strv a = {0}, b = {0};
    bool all = true;
    depot_strv_split(&a, outer, ',');
    depot_strv_split(&b, inner, ',');
    for (size_t i = 0; i < b.len; i++)
        all = all && depot_strv_has(&a, b.items[i]);
    depot_strv_release(&a);
    depot_strv_release(&b);
    return all;
}

/* Does the new entry take the place of this one? */
static bool replaces(const struct dp_layout_entry *e, struct json_object *old)
{
    const char *image = annotation(old, image_key), *platforms = annotation(old, platforms_key);
    if (!depot_str_eq(annotation(old, tag_key), e->tag) ||
        !depot_str_eq(image != NULL ? image : "", e->image != NULL ? e->image : ""))
        return false;
    return e->platforms == NULL || platforms == NULL || covers(e->platforms, platforms) ||
           depot_str_eq(dp_doc_string(old, "digest"), dp_layout_desc_digest(e->desc));
}

static struct json_object *new_entry(const struct dp_layout_entry *e)
{
    struct json_object *o = NULL, *notes;
    json_object_deep_copy(e->desc, &o, NULL);
    notes = member(o, "annotations", json_type_object);
    if (notes == NULL) {
        notes = json_object_new_object();
        json_object_object_add(o, "annotations", notes);
    }
    if (e->image != NULL)
        set_string(notes, image_key, e->image);
    set_string(notes, tag_key, e->tag);
    if (e->platforms != NULL)
        set_string(notes, platforms_key, e->platforms);
    return o;
}

static void put_entries(struct json_object *index, const struct dp_layout_entry *entries, size_t n)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < n; i++)
        json_object_array_add(list, new_entry(&entries[i]));
    for (size_t i = 0; i < entry_count(index); i++) {
        struct json_object *old = entry_at(index, i);
        bool stays = true;
        for (size_t j = 0; j < n; j++)
            stays = stays && !replaces(&entries[j], old);
        if (stays)
            json_object_array_add(list, json_object_get(old));
    }
    json_object_object_add(index, "manifests", list);
}

/* A link that somebody put there would lead elsewhere: it is refused. */
static const struct depot_file_opts file_opts = {
    .what = "layout", .mode = 0644, .flags = DEPOT_FILE_OWN};

static int check_file(const char *dir, const char *name, struct depot_error *err)
{
    char *path = depot_path_join(dir, name);
    int rc = depot_file_check(path, &file_opts, err);
    depot_free(path);
    return rc;
}

int dp_layout_check(const char *dir, struct depot_error *err)
{
    struct json_object *index = NULL;
    int rc = check_file(dir, "index.json", err);
    if (rc == 0)
        rc = check_file(dir, "oci-layout", err);
    if (rc == 0)
        rc = dp_layout_read(dir, &index, err);
    json_object_put(index);
    if (rc != 0 && rc != DEPOT_ERR_NOT_FOUND)
        return depot_error_hint(err, "remove it, or choose another directory");
    depot_error_clear(err);
    return 0;
}

static int write_file(const char *dir, const char *name, const char *text, struct depot_error *err)
{
    char *path = depot_path_join(dir, name);
    int rc = depot_file_write(path, &file_opts, text, strlen(text), err);
    depot_free(path);
    return rc;
}

static int write_marker(const char *dir, struct depot_error *err)
{
    char *path = depot_path_join(dir, "oci-layout");
    bool there = access(path, F_OK) == 0;
    depot_free(path);
    return there ? 0 : write_file(dir, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", err);
}

static int put_locked(
    const char *dir, const struct dp_layout_entry *entries, size_t n, struct depot_error *err)
{
    struct json_object *index = NULL;
    int rc = read_once(dir, &index, err);
    if (rc == DEPOT_ERR_NOT_FOUND) {
        depot_error_clear(err);
        index = new_index();
        rc = 0;
    }
    if (rc == DEPOT_ERR_INVALID)
        return depot_error_hint(err, "remove it, or choose another directory");
    if (rc == 0)
        rc = write_marker(dir, err);
    if (rc == 0) {
        put_entries(index, entries, n);
        rc = write_file(dir, "index.json", json_object_to_json_string_ext(index, JSON_FLAGS), err);
    }
    json_object_put(index);
    return rc;
}

/* ---- the lock, which is the one of other tools: flock() on a file beside the index ---- */

/* The file that is locked may have been removed meanwhile, and another one made. */
static bool is_still(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

/* 1: locked; 0: not now. */
static int try_lock(const char *path, int *fd, struct depot_error *err)
{
    *fd = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    if (*fd < 0) {
        depot_error_errno(err, errno, "cannot lock %s", path);
        return depot_error_hint(err, "check that the directory can be written");
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0 && is_still(*fd, path))
        return 1;
    close(*fd);
    return 0;
}

static int lock(const char *path, int *fd, struct depot_error *err)
{
    for (int waited = 0; waited < LOCK_WAIT_MS; waited += LOCK_STEP_MS) {
        int rc = try_lock(path, fd, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        wait_a_little();
    }
    depot_error_set(err, DEPOT_ERR_TIMEOUT, "%s is locked by another build", path);
    return depot_error_hint(err, "let the other build end, and build again");
}

int dp_layout_put(
    const char *dir, const struct dp_layout_entry *entries, size_t n, struct depot_error *err)
{
    struct depot_error local = {0};
    char *path = depot_path_join(dir, "index.json.lock");
    int fd = -1;
    err = err != NULL ? err : &local;
    int rc = lock(path, &fd, err);
    if (rc == 0) {
        rc = put_locked(dir, entries, n, err);
        unlink(path);
        close(fd);
    }
    depot_free(path);
    return rc;
}

/* ---- one index of several images ---- */

static int write_blob(const char *dir, const char *text, size_t n, char digest[DP_DIGEST_SIZE],
    struct depot_error *err)
{
    struct dp_ingest *in = NULL;
    int rc = dp_ingest_new(dir, &in, err);
    if (rc == 0)
        rc = dp_ingest_add(in, text, n, err);
    if (rc == 0)
        rc = dp_ingest_check(in, (int64_t)n, "", digest, err);
    if (rc == 0)
        rc = dp_ingest_commit(in, err);
    dp_ingest_free(in);
    return rc;
}

static int write_index(const char *dir, const struct depot_join_part *parts, size_t n,
    struct json_object **out, struct depot_error *err)
{
    char *text = NULL, digest[DP_DIGEST_SIZE];
    const char *type;
    int rc = depot_index_join(parts, n, NULL, &text, &type, err);
    if (rc == 0)
        rc = write_blob(dir, text, strlen(text), digest, err);
    if (rc == 0)
        *out = new_desc(type, digest, strlen(text));
    depot_free(text);
    return rc;
}

int dp_layout_join(const char *dir, struct json_object *const *descs, const char *const *platforms,
    size_t n, struct json_object **out, struct depot_error *err)
{
    struct depot_join_part *parts = depot_calloc(n, sizeof(*parts));
    char **texts = depot_calloc(n, sizeof(*texts));
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *digest = dp_layout_desc_digest(descs[i]);
        parts[i] = (struct depot_join_part){.platform = platforms[i], .digest = digest};
        rc = read_blob(dir, digest, &texts[i], &parts[i].len, err);
        parts[i].manifest = texts[i];
    }
    if (rc == 0)
        rc = write_index(dir, parts, n, out, err);
    for (size_t i = 0; i < n; i++)
        depot_free(texts[i]);
    depot_free(texts);
    depot_free(parts);
    return rc;
}
