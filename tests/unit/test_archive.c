/*
 * Archives of several builders become one: as one builder would write it, and not at all when a
 * builder sends what it should not.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/digest.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "build/archive.h"
#include "tar/tar.h"

#define OCI "application/vnd.oci.image."
#define NAMES                                                                                      \
    "\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/app:1\","                   \
    "\"org.opencontainers.image.created\":\"%s\",\"org.opencontainers.image.ref.name\":\"1\"}"

/* ---- archives to join ---- */

struct made {
    struct depot_buf tar;
    struct depot_strv platforms;
};

static void add(struct made *m, const char *name, const void *data, size_t n)
{
    static const char zeros[DP_TAR_BLOCK];
    dp_tar_head(&m->tar, DP_TAR_FILE, name, 0444, n);
    depot_buf_add(&m->tar, data, n);
    depot_buf_add(&m->tar, zeros, dp_tar_padding(n));
}

static void add_text(struct made *m, const char *name, const char *text)
{
    add(m, name, text, strlen(text));
}

static void made_end(struct made *m)
{
    static const char zeros[DP_TAR_END];
    depot_buf_add(&m->tar, zeros, sizeof(zeros));
}

static void made_init(struct made *m, const char *platforms)
{
    *m = (struct made){0};
    depot_buf_init(&m->tar, DEPOT_BUF_NO_LIMIT);
    depot_strv_split(&m->platforms, platforms, ',');
}

static void made_free(struct made *m)
{
    depot_buf_release(&m->tar);
    depot_strv_release(&m->platforms);
}

/* A blob, and its descriptor, which the caller frees. */
static char *add_blob(struct made *m, const char *type, const char *text, const char *more)
{
    char digest[DEPOT_DIGEST_LEN + 1];
    depot_digest_of(text, strlen(text), digest);
    char *name = depot_asprintf("blobs/sha256/%s", digest + 7);
    add_text(m, name, text);
    depot_free(name);
    return depot_asprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}", type, digest,
        strlen(text), more);
}

/* An image with a config of its own, a layer of its own and one that all have. */
static char *add_image(struct made *m, const char *arch, const char *variant)
{
    char *config_text = depot_asprintf("{\"architecture\":\"%s%s\"}", arch, variant);
    char *own_text = depot_asprintf("layer of %s%s", arch, variant);
    char *config = add_blob(m, OCI "config.v1+json", config_text, "");
    char *own = add_blob(m, OCI "layer.v1.tar", own_text, "");
    char *common = add_blob(m, OCI "layer.v1.tar", "layer of all", "");
    char *manifest = depot_asprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI
                                    "manifest.v1+json\",\"config\":%s,\"layers\":[%s,%s]}",
        config, common, own);
    char *platform =
        depot_asprintf(",\"platform\":{\"architecture\":\"%s\",\"os\":\"linux\"%s%s%s}", arch,
            *variant != '\0' ? ",\"variant\":\"" : "", variant, *variant != '\0' ? "\"" : "");
    char *d = add_blob(m, OCI "manifest.v1+json", manifest, platform);
    char *const texts[] = {config_text, own_text, config, own, common, manifest, platform};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(texts); i++)
        depot_free(texts[i]);
    return d;
}

static void add_layout(struct made *m, char *descriptor, const char *created)
{
    char *names = depot_asprintf(NAMES, created);
    descriptor[strlen(descriptor) - 1] = '\0';
    char *index = depot_asprintf("{\"schemaVersion\":2,\"manifests\":[%s,%s}]}", descriptor, names);
    add_text(m, "index.json", index);
    add_text(m, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    made_end(m);
    depot_free(index);
    depot_free(names);
    depot_free(descriptor);
}

/* What a builder sends that made some platforms: "linux/amd64,linux/arm/v7". */
static void make(struct made *m, const char *platforms, const char *created)
{
    struct depot_buf list = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    made_init(m, platforms);
    for (size_t i = 0; i < m->platforms.len; i++) {
        struct depot_strv words = {0};
        depot_strv_split(&words, m->platforms.items[i], '/');
        char *d = add_image(m, words.items[1], words.len > 2 ? words.items[2] : "");
        depot_buf_addf(&list, "%s%s", i > 0 ? "," : "", d);
        depot_free(d);
        depot_strv_release(&words);
    }
    char *index = depot_asprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI
                                 "index.v1+json\",\"manifests\":[%s],"
                                 "\"annotations\":{\"key\":\"a<b\"}}",
        depot_buf_str(&list));
    add_layout(m, add_blob(m, OCI "index.v1+json", index, ""), created);
    depot_free(index);
    depot_buf_release(&list);
}

/* ---- joining them ---- */

struct joined {
    int rc;
    struct depot_buf tar;
    struct depot_kvs answer;
    struct depot_error err;
};

static int take(void *arg, const void *data, size_t n, struct depot_error *err)
{
    struct joined *j = arg;
    (void)err;
    depot_buf_add(&j->tar, data, n);
    return 0;
}

static int take_none(void *arg, const void *data, size_t n, struct depot_error *err)
{
    (void)arg;
    (void)data;
    (void)n;
    return depot_error_set(err, DEPOT_ERR_IO, "no space left");
}

static int file_of(const struct depot_buf *b)
{
    char path[] = "/tmp/depot-test-archive-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, depot_buf_str(b), b->len), b->len);
    return fd;
}

static void join_into(struct joined *j, enum depot_archive kind, const char *platforms,
    const struct made *made, size_t n,
    int write_fn(void *, const void *, size_t, struct depot_error *))
{
    static const char *const names[] = {"one", "two", "three"};
    struct dp_archive_part parts[3];
    struct depot_strv all = {0};
    *j = (struct joined){0};
    depot_buf_init(&j->tar, DEPOT_BUF_NO_LIMIT);
    depot_strv_split(&all, platforms, ',');
    for (size_t i = 0; i < n; i++)
        parts[i] = (struct dp_archive_part){.builder = names[i],
            .platforms = &made[i].platforms,
            .fd = file_of(&made[i].tar),
            .len = made[i].tar.len};
    const struct dp_archive a = {.kind = kind,
        .parts = parts,
        .nparts = n,
        .platforms = &all,
        .host = "linux/arm64",
        .write = write_fn,
        .arg = j};
    j->rc = dp_archive_join(&a, &j->answer, &j->err);
    for (size_t i = 0; i < n; i++)
        close(parts[i].fd);
    depot_strv_release(&all);
}

static void join(struct joined *j, enum depot_archive kind, const char *platforms,
    const struct made *made, size_t n)
{
    join_into(j, kind, platforms, made, n, take);
}

static void joined_free(struct joined *j)
{
    depot_buf_release(&j->tar);
    depot_kvs_release(&j->answer);
}

/* The content of an entry of the joined archive; the caller frees. NULL: there is none. */
static char *content(const struct joined *j, const char *name)
{
    struct dp_tar t;
    struct dp_tar_entry e;
    struct depot_error err = {0};
    char *found = NULL;
    int fd = file_of(&j->tar);
    dp_tar_init(&t, fd, j->tar.len);
    while (dp_tar_next(&t, &e, &err) == 0)
        if (found == NULL && depot_str_eq(e.name, name))
            found = depot_strndup(j->tar.data + e.data, (size_t)e.size);
    dp_tar_release(&t);
    close(fd);
    return found;
}

static size_t entries(const struct joined *j)
{
    struct dp_tar t;
    struct dp_tar_entry e;
    struct depot_error err = {0};
    size_t n = 0;
    int fd = file_of(&j->tar);
    dp_tar_init(&t, fd, j->tar.len);
    while (dp_tar_next(&t, &e, &err) == 0)
        n++;
    assert_int_equal(err.code, 0);
    dp_tar_release(&t);
    close(fd);
    return n;
}

static char *index_of(const struct joined *j)
{
    const char *digest = depot_kvs_get(&j->answer, "containerimage.digest");
    assert_non_null(digest);
    char *name = depot_asprintf("blobs/sha256/%s", digest + 7);
    char *text = content(j, name);
    depot_free(name);
    assert_non_null(text);
    return text;
}

/* ---- tests ---- */

static void test_archive__layouts_become_one(void **state)
{
    struct made made[2];
    struct joined j;
    (void)state;
    make(&made[0], "linux/amd64", "2020-01-01T00:00:00Z");
    make(&made[1], "linux/arm64", "2021-01-01T00:00:00Z");
    join(&j, DEPOT_ARCHIVE_OCI, "linux/amd64,linux/arm64", made, 2);
    assert_string_equal(j.err.msg, "");
    /* 2 folders, 2 configs, 3 layers, 2 manifests, 1 index, index.json, oci-layout */
    assert_int_equal(entries(&j), 12);
    char *index = index_of(&j), *layout = content(&j, "index.json");
    const char *amd = strstr(index, "\"amd64\""), *arm = strstr(index, "\"arm64\"");
    assert_true(amd != NULL && arm != NULL && amd < arm);
    assert_non_null(strstr(index, "\"key\": \"a"));
    assert_non_null(strstr(layout, "2021-01-01T00:00:00Z"));
    assert_non_null(strstr(layout, depot_kvs_get(&j.answer, "containerimage.digest")));
    assert_string_equal(depot_kvs_get(&j.answer, "image.name"), "docker.io/library/app:1");
    assert_null(content(&j, "manifest.json"));
    depot_free(index);
    depot_free(layout);
    joined_free(&j);
    made_free(&made[0]);
    made_free(&made[1]);
}

static void test_archive__is_the_same_whoever_came_first(void **state)
{
    static const char all[] = "linux/amd64,linux/riscv64,linux/arm/v7";
    struct made made[2];
    struct joined there, back;
    (void)state;
    make(&made[0], "linux/amd64,linux/arm/v7", "2020-01-01T00:00:00Z");
    make(&made[1], "linux/riscv64", "2020-01-01T00:00:00Z");
    join(&there, DEPOT_ARCHIVE_OCI, all, made, 2);
    struct made swap = made[0];
    made[0] = made[1];
    made[1] = swap;
    join(&back, DEPOT_ARCHIVE_OCI, all, made, 2);
    assert_int_equal(there.rc, 0);
    assert_int_equal(back.rc, 0);
    assert_int_equal(there.tar.len, back.tar.len);
    assert_memory_equal(there.tar.data, back.tar.data, back.tar.len);
    char *index = index_of(&there);
    const char *first = strstr(index, "\"amd64\""), *second = strstr(index, "\"riscv64\""),
               *third = strstr(index, "\"arm\"");
    assert_true(first != NULL && first < second && second < third);
    depot_free(index);
    joined_free(&there);
    joined_free(&back);
    made_free(&made[0]);
    made_free(&made[1]);
}

static void test_archive__a_manifest_without_index(void **state)
{
    struct made made[2];
    struct joined j;
    (void)state;
    make(&made[0], "linux/amd64", "2020-01-01T00:00:00Z");
    made_init(&made[1], "linux/arm/v7");
    add_layout(&made[1], add_image(&made[1], "arm", "v7"), "2020-01-01T00:00:00Z");
    for (int turn = 0; turn < 2; turn++) {
        join(&j, DEPOT_ARCHIVE_OCI, "linux/amd64,linux/arm/v7", made, 2);
        assert_string_equal(j.err.msg, "");
        char *index = index_of(&j), *layout = content(&j, "index.json");
        assert_non_null(strstr(index, "\"variant\": \"v7\""));
        assert_null(strstr(layout, "platform"));
        depot_free(index);
        depot_free(layout);
        joined_free(&j);
        struct made swap = made[0];
        made[0] = made[1];
        made[1] = swap;
    }
    made_free(&made[0]);
    made_free(&made[1]);
}

static void test_archive__docker_names_the_host_s_platform(void **state)
{
    static const struct {
        const char *first, *second, *layer;
    } rows[] = {
        {"linux/amd64", "linux/arm64", "layer of arm64"},
        {"linux/arm64", "linux/amd64", "layer of arm64"},
        {"linux/s390x", "linux/riscv64", "layer of s390x"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct made made[2];
        struct joined j;
        char digest[DEPOT_DIGEST_LEN + 1];
        make(&made[0], rows[i].first, "2020-01-01T00:00:00Z");
        make(&made[1], rows[i].second, "2020-01-01T00:00:00Z");
        char *all = depot_asprintf("%s,%s", rows[i].first, rows[i].second);
        join(&j, DEPOT_ARCHIVE_DOCKER, all, made, 2);
        assert_string_equal(j.err.msg, "");
        char *manifest = content(&j, "manifest.json");
        depot_digest_of(rows[i].layer, strlen(rows[i].layer), digest);
        assert_non_null(manifest);
        assert_non_null(strstr(manifest, digest + 7));
        assert_non_null(strstr(manifest, "\"RepoTags\":[\"app:1\"]"));
        depot_free(manifest);
        depot_free(all);
        joined_free(&j);
        made_free(&made[0]);
        made_free(&made[1]);
    }
}

/* Replaces a text of the second archive by one that is as long, or cuts the archive there. */
static void spoil(struct made *m, const char *from, const char *to)
{
    char *at = NULL;
    for (size_t i = 0; at == NULL && i + strlen(from) <= m->tar.len; i++)
        if (memcmp(m->tar.data + i, from, strlen(from)) == 0)
            at = m->tar.data + i;
    assert_non_null(at);
    if (to == NULL)
        depot_buf_truncate(&m->tar, (size_t)(at - m->tar.data));
    else
        memcpy(at, to, strlen(to));
}

static void test_archive__holds_builders_to_their_digests(void **state)
{
    static const struct {
        const char *from, *to, *why;
    } rows[] = {
        {"layer of arm64", "layer of evil!", "has the digest"},
        {"\"layers\"", "\"LAYERS\"", "has the digest"},
        {"\"manifests\":[{\"mediaType\":\"" OCI "manifest",
            "\"manifests\":[{\"mediaTypo\":\"" OCI "manifest", "has the digest"},
        {"\"manifests\":[{\"mediaType\":\"" OCI "index.v1+json\",\"digest\":\"sha256:",
            "\"manifests\":[{\"mediaType\":\"" OCI "index.v1+json\",\"digest\":\"sha512:",
            "no digest"},
        {"{\"schemaVersion\":2,\"manifests\":", "[\"schemaVersion\",2,\"manifests\",",
            "not a JSON"},
        {"\"manifests\":[{\"mediaType\":\"" OCI "index",
            "\"MANIFESTS\":[{\"mediaType\":\"" OCI "index", "lists 0 images"},
        {"oci-layout", NULL, "it ends early"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct made made[2];
        struct joined j;
        make(&made[0], "linux/amd64", "2020-01-01T00:00:00Z");
        make(&made[1], "linux/arm64", "2020-01-01T00:00:00Z");
        spoil(&made[1], rows[i].from, rows[i].to);
        join(&j, DEPOT_ARCHIVE_OCI, "linux/amd64,linux/arm64", made, 2);
        if (j.rc != DEPOT_ERR_PROTOCOL || strstr(j.err.msg, rows[i].why) == NULL ||
            strstr(j.err.msg, "builder two") == NULL)
            fail_msg("row %zu: %d %s", i, j.rc, j.err.msg);
        joined_free(&j);
        made_free(&made[0]);
        made_free(&made[1]);
    }
}

/* Layouts that are whole as tar, with an index that leads astray. */
static void test_archive__refuses_indexes_that_lead_astray(void **state)
{
    static const struct {
        const char *manifest, *why;
    } rows[] = {
        {"{\"config\":{\"digest\":\"sha256:"
         "0000000000000000000000000000000000000000000000000000000000000000\",\"size\":1}}",
            "no builder sent the blob"},
        {"{\"config\":{\"digest\":\"sha256:../../../../../../etc/passwd\",\"size\":1}}",
            "no digest"},
        {"{\"config\":7}", "no digest"},
        {"{\"layers\":[[],{}]}", "no digest"},
        {"[]", "not JSON"},
        {"{\"layers\":", "not JSON"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct made made[2];
        struct joined j;
        make(&made[0], "linux/amd64", "2020-01-01T00:00:00Z");
        made_init(&made[1], "linux/arm64");
        char *d = add_blob(&made[1], OCI "manifest.v1+json", rows[i].manifest, "");
        char *index =
            depot_asprintf("{\"mediaType\":\"" OCI "index.v1+json\",\"manifests\":[%s]}", d);
        add_layout(&made[1], add_blob(&made[1], OCI "index.v1+json", index, ""), "2020");
        join(&j, DEPOT_ARCHIVE_DOCKER, "linux/amd64,linux/arm64", made, 2);
        if (j.rc != DEPOT_ERR_PROTOCOL || strstr(j.err.msg, rows[i].why) == NULL)
            fail_msg("row %zu: %d %s", i, j.rc, j.err.msg);
        depot_free(index);
        depot_free(d);
        joined_free(&j);
        made_free(&made[0]);
        made_free(&made[1]);
    }
}

static void test_archive__an_index_that_would_fill_memory(void **state)
{
    struct made made;
    struct joined j;
    struct depot_buf index = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    depot_buf_adds(&index, "{\"manifests\":[{}");
    while (index.len < 1000000)
        depot_buf_adds(&index, ",{}");
    depot_buf_adds(&index, "]}");
    made_init(&made, "linux/amd64");
    add_layout(&made, add_blob(&made, OCI "index.v1+json", depot_buf_str(&index), ""), "2020");
    join(&j, DEPOT_ARCHIVE_OCI, "linux/amd64", &made, 1);
    assert_non_null(strstr(j.err.msg, "is not JSON"));
    joined_free(&j);
    made_free(&made);
    depot_buf_release(&index);
}

static void test_archive__indexes_in_indexes_end(void **state)
{
    struct made made;
    struct joined j;
    (void)state;
    made_init(&made, "linux/amd64");
    char *d = add_image(&made, "amd64", "");
    for (int i = 0; i < 8; i++) {
        char *index =
            depot_asprintf("{\"mediaType\":\"" OCI "index.v1+json\",\"manifests\":[%s]}", d);
        depot_free(d);
        d = add_blob(&made, OCI "index.v1+json", index, "");
        depot_free(index);
    }
    add_layout(&made, d, "2020");
    join(&j, DEPOT_ARCHIVE_OCI, "linux/amd64", &made, 1);
    assert_non_null(strstr(j.err.msg, "too deep"));
    joined_free(&j);
    made_free(&made);
}

static void test_archive__what_nothing_leads_to_is_left_out(void **state)
{
    struct made made[2];
    struct joined j;
    (void)state;
    make(&made[0], "linux/amd64", "2020-01-01T00:00:00Z");
    make(&made[1], "linux/arm64", "2020-01-01T00:00:00Z");
    depot_buf_truncate(&made[1].tar, made[1].tar.len - DP_TAR_END);
    depot_free(add_blob(&made[1], "x", "a blob of nobody's", ""));
    add_text(&made[1], "blobs/sha256/short", "x");
    add_text(&made[1], "manifest.json", "[]");
    add_text(&made[1], "else/where", "x");
    made_end(&made[1]);
    join(&j, DEPOT_ARCHIVE_OCI, "linux/amd64,linux/arm64", made, 2);
    assert_string_equal(j.err.msg, "");
    assert_int_equal(entries(&j), 12);
    joined_free(&j);
    made_free(&made[0]);
    made_free(&made[1]);
}

static void test_archive__nothing_was_sent(void **state)
{
    struct made made[2];
    struct joined j;
    (void)state;
    make(&made[0], "linux/amd64", "2020-01-01T00:00:00Z");
    made_init(&made[1], "linux/arm64");
    join(&j, DEPOT_ARCHIVE_OCI, "linux/amd64,linux/arm64", made, 2);
    assert_string_equal(j.err.msg, "builder two sent no archive");
    joined_free(&j);
    made_free(&made[0]);
    made_free(&made[1]);
}

static void test_archive__an_output_that_cannot_be_written(void **state)
{
    static const enum depot_archive kinds[] = {DEPOT_ARCHIVE_OCI, DEPOT_ARCHIVE_TAR};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(kinds); i++) {
        struct made made;
        struct joined j;
        make(&made, "linux/amd64", "2020-01-01T00:00:00Z");
        join_into(&j, kinds[i], "linux/amd64", &made, 1, take_none);
        assert_int_equal(j.rc, DEPOT_ERR_IO);
        assert_string_equal(j.err.msg, "no space left");
        joined_free(&j);
        made_free(&made);
    }
}

static void test_archive__folders_of_platforms_lie_side_by_side(void **state)
{
    struct made made[2];
    struct joined j;
    (void)state;
    made_init(&made[0], "linux/amd64,linux/s390x");
    dp_tar_head(&made[0].tar, DP_TAR_DIR, "linux_amd64/", 0755, 0);
    add_text(&made[0], "linux_amd64/a", "one");
    dp_tar_head(&made[0].tar, DP_TAR_DIR, "linux_s390x/", 0755, 0);
    add_text(&made[0], "linux_s390x/a", "three");
    made_end(&made[0]);
    made_init(&made[1], "linux/arm64");
    add_text(&made[1], "linux_arm64/a", "two");
    made_end(&made[1]);
    join(&j, DEPOT_ARCHIVE_TAR, "linux/amd64,linux/arm64,linux/s390x", made, 2);
    assert_string_equal(j.err.msg, "");
    assert_int_equal(j.tar.len, 8 * DP_TAR_BLOCK + DP_TAR_END);
    static const char *const names[] = {
        "linux_amd64/", "linux_amd64/a", NULL, "linux_arm64/a", NULL, "linux_s390x/"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++)
        if (names[i] != NULL)
            assert_string_equal(j.tar.data + i * DP_TAR_BLOCK, names[i]);
    assert_int_equal(j.answer.len, 0);
    joined_free(&j);
    made_free(&made[0]);
    made_free(&made[1]);
}

static void test_archive__no_two_builders_write_one_file(void **state)
{
    static const struct {
        const char *first, *second, *why;
    } rows[] = {
        {"linux_amd64/a", "linux_amd64/b", "builders one and two both have \"linux_amd64\""},
        {"a", "a", "both have \"a\""},
        {"linux_amd64/a", "../a", "builder two"},
        {"linux_amd64/a", "/a", "builder two"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct made made[2];
        struct joined j;
        made_init(&made[0], "linux/amd64");
        add_text(&made[0], rows[i].first, "x");
        made_end(&made[0]);
        made_init(&made[1], "linux/arm64");
        add_text(&made[1], rows[i].second, "x");
        made_end(&made[1]);
        join(&j, DEPOT_ARCHIVE_TAR, "linux/amd64,linux/arm64", made, 2);
        if (j.rc == 0 || strstr(j.err.msg, rows[i].why) == NULL)
            fail_msg("row %zu: %d %s", i, j.rc, j.err.msg);
        assert_int_equal(j.tar.len, 0);
        joined_free(&j);
        made_free(&made[0]);
        made_free(&made[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive__layouts_become_one),
        cmocka_unit_test(test_archive__is_the_same_whoever_came_first),
        cmocka_unit_test(test_archive__a_manifest_without_index),
        cmocka_unit_test(test_archive__docker_names_the_host_s_platform),
        cmocka_unit_test(test_archive__holds_builders_to_their_digests),
        cmocka_unit_test(test_archive__refuses_indexes_that_lead_astray),
        cmocka_unit_test(test_archive__an_index_that_would_fill_memory),
        cmocka_unit_test(test_archive__indexes_in_indexes_end),
        cmocka_unit_test(test_archive__what_nothing_leads_to_is_left_out),
        cmocka_unit_test(test_archive__nothing_was_sent),
        cmocka_unit_test(test_archive__an_output_that_cannot_be_written),
        cmocka_unit_test(test_archive__folders_of_platforms_lie_side_by_side),
        cmocka_unit_test(test_archive__no_two_builders_write_one_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
