/*
 * A layout's index: read, found in, changed by several at once, joined.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/clock.h>
#include <depot/digest.h>
#include <depot/file_writer.h>
#include <depot/path.h>

#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build/layout.h"

#define DIGEST(c)                                                                                  \
    "sha256:" c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c  \
        c c c c c c c c c c c c c c c c c c c c c c
#define TAGGED(c, key, tag)                                                                        \
    "{\"digest\":\"" DIGEST(c) "\",\"annotations\":{\"" key "\":\"" tag "\"}}"
#define REF   "org.opencontainers.image.ref.name"
#define IMAGE "io.containerd.image.name"

struct dir {
    char path[32];
};

static struct dir dir_new(void)
{
    struct dir d = {"/tmp/depot-layout-XXXXXX"};
    assert_non_null(mkdtemp(d.path));
    return d;
}

static void dir_free(const struct dir *d)
{
    char *cmd = depot_asprintf("rm -rf %s", d->path);
    assert_int_equal(system(cmd), 0);
    depot_free(cmd);
}

static void dir_file(const struct dir *d, const char *name, const char *text)
{
    char *path = depot_path_join(d->path, name);
    static const struct depot_file_opts opts = {.what = "test", .mode = 0644};
    assert_int_equal(depot_file_write(path, &opts, text, strlen(text), NULL), 0);
    depot_free(path);
}

static struct json_object *parse(const char *text)
{
    struct json_object *o = NULL;
    assert_int_equal(dp_layout_parse(text, strlen(text), &o, NULL), 0);
    return o;
}

static void test_layout__parse(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"{}", true},
        {"{\"manifests\":null}", true},
        {"{\"manifests\":[]}\n", true},
        {"{\"manifests\":[{}]}", true},
        {"", false},
        {"{", false},
        {"[]", false},
        {"null", false},
        {"{} {}", false},
        {"{\"manifests\":{}}", false},
        {"{\"manifests\":[1]}", false},
        {"{\"manifests\":[null]}", false},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct json_object *o = NULL;
        struct depot_error err = {0};
        int rc = dp_layout_parse(rows[i].text, strlen(rows[i].text), &o, &err);
        assert_int_equal(rc, rows[i].good ? 0 : DEPOT_ERR_INVALID);
        json_object_put(o);
    }
    char deep[400];
    memset(deep, '[', sizeof(deep));
    memcpy(deep, "{\"manifests\":", 13);
    struct json_object *o = NULL;
    assert_int_equal(dp_layout_parse(deep, sizeof(deep), &o, NULL), DEPOT_ERR_INVALID);
}

static void assert_finds(const char *text, const char *name, const char *want)
{
    struct json_object *o = parse(text);
    struct depot_strv found = {0};
    dp_layout_find(o, name, &found);
    char *joined = depot_strv_join(&found, " ");
    assert_string_equal(joined, want);
    depot_free(joined);
    depot_strv_release(&found);
    json_object_put(o);
}

static void test_layout__find(void **state)
{
    (void)state;
    assert_finds(
        "{\"manifests\":[" TAGGED("a", REF, "x") "," TAGGED("b", REF, "y") "]}", "y", DIGEST("b"));
    assert_finds("{\"manifests\":[" TAGGED("a", REF, "x") "," TAGGED("b", REF, "x") "," TAGGED(
                     "a", REF, "x") "]}",
        "x", DIGEST("a") " " DIGEST("b"));
    /* A whole name goes before a tag. */
    assert_finds("{\"manifests\":[" TAGGED("a", REF, "x") "," TAGGED("b", IMAGE, "x") "]}", "x",
        DIGEST("b"));
    assert_finds("{\"manifests\":[{\"digest\":\"sha256:../x\",\"annotations\":{\"" REF
                 "\":\"x\"}},{\"annotations\":{\"" REF "\":\"x\"}},{\"annotations\":7}]}",
        "x", "");
    struct json_object *o = parse("{\"manifests\":[" TAGGED("a", REF, "x") "]}");
    assert_string_equal(dp_layout_single(o), DIGEST("a"));
    json_object_put(o);
    o = parse("{\"manifests\":[{\"digest\":3}]}");
    assert_null(dp_layout_single(o));
    json_object_put(o);
}

static struct json_object *desc_of(const char *digest)
{
    char *text = depot_asprintf("{\"mediaType\":\"m/t\",\"digest\":\"%s\",\"size\":5}", digest);
    struct json_object *o = NULL;
    assert_int_equal(dp_layout_desc_parse(text, strlen(text), &o, NULL), 0);
    depot_free(text);
    return o;
}

static void test_layout__descriptors(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"mediaType\":\"m\",\"digest\":\"" DIGEST("a") "\"}",
        "{\"mediaType\":\"m\",\"digest\":\"" DIGEST("a") "\",\"size\":-1}",
        "{\"mediaType\":\"m\",\"digest\":\"" DIGEST("a") "\",\"size\":\"5\"}",
        "{\"mediaType\":\"m\",\"digest\":\"sha256:a/../b\",\"size\":5}",
        "{\"digest\":\"" DIGEST("a") "\",\"size\":5}",
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(bad); i++) {
        struct json_object *o = NULL;
        assert_int_equal(
            dp_layout_desc_parse(bad[i], strlen(bad[i]), &o, NULL), DEPOT_ERR_PROTOCOL);
    }
    json_object_put(desc_of(DIGEST("a")));
}

/* "TAG:first digit:platforms ..." of all entries. */
static char *listed(const struct dir *d)
{
    struct json_object *o = NULL, *list, *v;
    struct depot_strv words = {0};
    assert_int_equal(dp_layout_read(d->path, &o, NULL), 0);
    json_object_object_get_ex(o, "manifests", &list);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *e = json_object_array_get_idx(list, i), *notes;
        json_object_object_get_ex(e, "annotations", &notes);
        json_object_object_get_ex(e, "digest", &v);
        const char *digest = json_object_get_string(v), *platforms = "";
        if (json_object_object_get_ex(notes, "depot.platforms", &v))
            platforms = json_object_get_string(v);
        json_object_object_get_ex(notes, REF, &v);
        depot_strv_push_take(&words, depot_asprintf("%s:%c:%s", json_object_get_string(v),
                                         digest[strlen("sha256:")], platforms));
    }
    char *out = depot_strv_join(&words, " ");
    depot_strv_release(&words);
    json_object_put(o);
    return out;
}

static void put(const struct dir *d, const char *digest, const char *tag, const char *platforms)
{
    struct json_object *desc = desc_of(digest);
    const struct dp_layout_entry e = {.desc = desc, .tag = tag, .platforms = platforms};
    struct depot_error err = {0};
    assert_int_equal(dp_layout_put(d->path, &e, 1, &err), 0);
    json_object_put(desc);
}

static void assert_listed(const struct dir *d, const char *want)
{
    char *got = listed(d);
    assert_string_equal(got, want);
    depot_free(got);
}

static void test_layout__put_replaces_what_it_covers(void **state)
{
    (void)state;
    struct dir d = dir_new();
    put(&d, DIGEST("a"), "t", "amd64");
    put(&d, DIGEST("b"), "t", "arm64");
    put(&d, DIGEST("c"), "other", "amd64");
    assert_listed(&d, "other:c:amd64 t:b:arm64 t:a:amd64");
    put(&d, DIGEST("d"), "t", "amd64");
    assert_listed(&d, "t:d:amd64 other:c:amd64 t:b:arm64");
    put(&d, DIGEST("e"), "t", "amd64,arm64");
    assert_listed(&d, "t:e:amd64,arm64 other:c:amd64");
    put(&d, DIGEST("f"), "t", "amd64"); /* e has more than that */
    assert_listed(&d, "t:f:amd64 t:e:amd64,arm64 other:c:amd64");
    put(&d, DIGEST("0"), "t", NULL);
    assert_listed(&d, "t:0: other:c:amd64");
    put(&d, DIGEST("1"), "t", "amd64"); /* another tool's tells nothing */
    assert_listed(&d, "t:1:amd64 other:c:amd64");
    dir_free(&d);
}

static void test_layout__put_keeps_what_it_does_not_know(void **state)
{
    (void)state;
    struct dir d = dir_new();
    char *path = depot_path_join(d.path, "index.json"), *text;
    dir_file(&d, "index.json",
        "{\"x\":[1],\"manifests\":[{\"y\":2,\"annotations\":{\"" REF "\":\"q\"}}]}");
    dir_file(&d, "oci-layout", "{\"imageLayoutVersion\":\"1.1.0\"}");
    put(&d, DIGEST("a"), "t", NULL);
    assert_int_equal(depot_file_read(path, 1 << 20, &text, NULL, NULL), 0);
    assert_non_null(strstr(text, "\"x\":[1]"));
    assert_non_null(strstr(text, "\"y\":2"));
    assert_null(strstr(text, "\\/"));
    depot_free(text);
    /* What cannot be read is not written over. */
    dir_file(&d, "index.json", "{broken");
    struct json_object *desc = desc_of(DIGEST("a"));
    const struct dp_layout_entry e = {.desc = desc, .tag = "t"};
    struct depot_error err = {0};
    assert_int_equal(dp_layout_put(d.path, &e, 1, &err), DEPOT_ERR_INVALID);
    assert_non_null(strstr(err.msg, "index.json"));
    assert_true(err.hint[0] != '\0');
    json_object_put(desc);
    assert_int_equal(depot_file_read(path, 1 << 20, &text, NULL, NULL), 0);
    assert_string_equal(text, "{broken");
    depot_free(text);
    depot_free(path);
    dir_free(&d);
}

static void test_layout__many_writers(void **state)
{
    enum { WRITERS = 8, ROUNDS = 10 };
    (void)state;
    struct dir d = dir_new();
    for (int i = 0; i < WRITERS; i++) {
        if (fork() != 0)
            continue;
        for (int j = 0; j < ROUNDS; j++) {
            char tag[32];
            snprintf(tag, sizeof(tag), "%d-%d", i, j);
            put(&d, DIGEST("a"), tag, NULL);
        }
        _exit(0);
    }
    for (int i = 0, status; i < WRITERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct json_object *o = NULL, *list;
    assert_int_equal(dp_layout_read(d.path, &o, NULL), 0);
    json_object_object_get_ex(o, "manifests", &list);
    assert_int_equal(json_object_array_length(list), WRITERS * ROUNDS);
    json_object_put(o);
    char *lock = depot_path_join(d.path, "index.json.lock");
    assert_int_not_equal(access(lock, F_OK), 0);
    depot_free(lock);
    dir_free(&d);
}

static void test_layout__waits_for_another_tool(void **state)
{
    (void)state;
    struct dir d = dir_new();
    char *lock = depot_path_join(d.path, "index.json.lock");
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(lock, O_RDONLY | O_CREAT, 0600);
        if (fd < 0 || flock(fd, LOCK_EX) != 0)
            _exit(1);
        usleep(300 * 1000);
        _exit(unlink(lock));
    }
    while (access(lock, F_OK) != 0)
        usleep(1000);
    usleep(20 * 1000);
    uint64_t start = depot_mono_ms();
    put(&d, DIGEST("a"), "t", NULL);
    assert_true(depot_mono_ms() - start > 100);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    depot_free(lock);
    dir_free(&d);
}

static void put_blob(const struct dir *d, const char *text, char digest[DEPOT_DIGEST_LEN + 1])
{
    depot_digest_of(text, strlen(text), digest);
    char *name = depot_asprintf("blobs/sha256/%s", digest + strlen("sha256:"));
    dir_file(d, name, text);
    depot_free(name);
}

static struct json_object *desc_with(const char *type, const char *digest, size_t size)
{
    char *text =
        depot_asprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}", type, digest, size);
    struct json_object *o = NULL;
    assert_int_equal(dp_layout_desc_parse(text, strlen(text), &o, NULL), 0);
    depot_free(text);
    return o;
}

static void test_layout__join(void **state)
{
    static const char index_type[] = "application/vnd.oci.image.index.v1+json";
    static const char image_type[] = "application/vnd.oci.image.manifest.v1+json";
    static const char *const platforms[] = {"linux/amd64", "linux/arm/v7"};
    static const char image[] = "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"}";
    char a[DEPOT_DIGEST_LEN + 1], b[DEPOT_DIGEST_LEN + 1];
    struct json_object *descs[2], *out = NULL;
    struct depot_error err = {0};
    (void)state;
    struct dir d = dir_new();
    char *blobs = depot_path_join(d.path, "blobs/sha256");
    assert_int_equal(depot_path_mkdirs(blobs, 0755, NULL), 0);
    depot_free(blobs);
    const char *index = "{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":["
                        "{\"mediaType\":\"m\",\"digest\":\"" DIGEST("c") "\",\"size\":1}]}";
    put_blob(&d, image, a);
    put_blob(&d, index, b);
    descs[0] = desc_with(image_type, a, strlen(image));
    descs[1] = desc_with(index_type, b, strlen(index));
    assert_true(dp_layout_has(d.path, descs[0]));
    assert_int_equal(dp_layout_join(d.path, descs, platforms, 2, &out, &err), 0);
    assert_true(dp_layout_has(d.path, out));
    json_object_put(out);
    json_object_put(descs[1]);
    descs[1] = desc_with(index_type, DIGEST("9"), 5);
    assert_false(dp_layout_has(d.path, descs[1]));
    out = NULL;
    assert_true(dp_layout_join(d.path, descs, platforms, 2, &out, &err) < 0);
    assert_null(out);
    json_object_put(descs[0]);
    json_object_put(descs[1]);
    dir_free(&d);
}

static bool has_blob(const struct dir *d, const char *digest)
{
    char *path = depot_asprintf("%s/blobs/sha256/%s", d->path, digest + strlen("sha256:"));
    bool there = access(path, F_OK) == 0;
    depot_free(path);
    return there;
}

static void test_layout__prune(void **state)
{
    static const char type[] = "application/vnd.oci.image.manifest.v1+json";
    char layer[DEPOT_DIGEST_LEN + 1], rest[DEPOT_DIGEST_LEN + 1], top[DEPOT_DIGEST_LEN + 1];
    struct depot_error err = {0};
    (void)state;
    struct dir d = dir_new();
    char *blobs = depot_path_join(d.path, "blobs/sha256");
    assert_int_equal(depot_path_mkdirs(blobs, 0755, NULL), 0);
    put_blob(&d, "layer", layer);
    put_blob(&d, "rest", rest);
    char *text = depot_asprintf("{\"layers\":[{\"digest\":\"%s\"},{\"digest\":7},9]}", layer);
    put_blob(&d, text, top);
    dir_file(&d, "blobs/sha256/no-digest", "x");
    struct json_object *desc = desc_with(type, top, strlen(text));
    const struct dp_layout_entry e = {.desc = desc, .tag = "t"};
    assert_int_equal(dp_layout_put(d.path, &e, 1, &err), 0);
    assert_int_equal(dp_layout_prune(d.path, 1, &err), 0);
    assert_true(has_blob(&d, rest)); /* it is newer than that */
    assert_int_equal(dp_layout_prune(d.path, time(NULL) + 10, &err), 0);
    assert_false(has_blob(&d, rest));
    assert_true(has_blob(&d, layer));
    assert_true(has_blob(&d, top));
    assert_true(has_blob(&d, "sha256:no-digest"));
    /* What is not known may name anything. */
    put_blob(&d, "rest", rest);
    char *path = depot_asprintf("%s/%s", blobs, top + strlen("sha256:"));
    assert_int_equal(truncate(path, 3), 0);
    assert_true(dp_layout_prune(d.path, time(NULL) + 10, &err) < 0);
    assert_int_equal(unlink(path), 0);
    assert_true(dp_layout_prune(d.path, time(NULL) + 10, &err) < 0);
    assert_true(has_blob(&d, rest));
    assert_true(has_blob(&d, layer));
    depot_free(path);
    depot_free(text);
    depot_free(blobs);
    json_object_put(desc);
    dir_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout__parse),
        cmocka_unit_test(test_layout__find),
        cmocka_unit_test(test_layout__descriptors),
        cmocka_unit_test(test_layout__put_replaces_what_it_covers),
        cmocka_unit_test(test_layout__put_keeps_what_it_does_not_know),
        cmocka_unit_test(test_layout__many_writers),
        cmocka_unit_test(test_layout__waits_for_another_tool),
        cmocka_unit_test(test_layout__join),
        cmocka_unit_test(test_layout__prune),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
