/*
 * The pure parts of core/buildkit: what is decoded from an engine's bytes, and what is packed for
 * it. protobuf-c, generated from the same files, is the peer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "buildkit/convert.h"
#include "buildkit/error.h"
#include "buildkit/message.h"
#include "buildkit/status.h"

/* protobuf-c's strings are not const. */
#define STR(s) ((char *)(s))

/* ---- the wire format ---- */
static void test_pb__bytes_message_round_trip(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 16383, 16384, 1 << 20};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(sizes); i++) {
        char *data = depot_alloc(sizes[i] + 1);
        memset(data, 'x', sizes[i]);
        struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        uint8_t head[DP_PB_BYTES_HEAD_MAX];
        depot_buf_add(&buf, head, dp_pb_bytes_head(head, sizes[i]));
        depot_buf_add(&buf, data, sizes[i]);

        const uint8_t *got;
        size_t len;
        assert_int_equal(dp_pb_bytes_message(buf.data, buf.len, &got, &len), 0);
        assert_int_equal(len, sizes[i]);
        assert_memory_equal(got, data, len);

        Bk__BytesMessage *m = bk__bytes_message__unpack(NULL, buf.len, (uint8_t *)buf.data);
        assert_non_null(m);
        assert_int_equal(m->data.len, sizes[i]);
        bk__bytes_message__free_unpacked(m, NULL);
        depot_buf_release(&buf);
        depot_free(data);
    }
}

static void test_pb__bad_fields_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"\x0a", 1}, /* no length */
        {"\x0a\x05"  /* too short */
         "abc",
            5},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     /* length of 2^64-1 */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* varint too long */
        {"\x02\x00", 2},                                          /* field 0 */
        {"\x0b", 1},                                              /* a group */
        {"\x0d\x01\x02", 3},                                      /* fixed32 cut off */
        {"\x09\x01\x02\x03\x04\x05\x06\x07", 8},                  /* fixed64 cut off */
        {"\x88\x80\x80\x80\x80\x01\x00", 7},                      /* field above 2^29 */
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        const uint8_t *got;
        size_t len;
        assert_int_equal(
            dp_pb_bytes_message(rows[i].bytes, rows[i].n, &got, &len), DEPOT_ERR_PROTOCOL);
    }
}

static void test_pb__unknown_fields_are_skipped(void **state)
{
    (void)state;
    static const char msg[] =
        "\x10\x01\x0a\x02hi\x1d\x01\x02\x03\x04\x21\x01\x02\x03\x04\x05\x06\x07"
        "\x08\x2a\x01z";
    const uint8_t *got;
    size_t len;
    assert_int_equal(dp_pb_bytes_message(msg, sizeof(msg) - 1, &got, &len), 0);
    assert_int_equal(len, 2);
    assert_memory_equal(got, "hi", 2);
}

/* ---- status ---- */
static ProtobufCBinaryData bytes(const char *s)
{
    return (ProtobufCBinaryData){.len = strlen(s), .data = (uint8_t *)s};
}

static void pack_sample(struct depot_buf *to)
{
    Google__Timestamp t1 = GOOGLE__TIMESTAMP__INIT, t2 = GOOGLE__TIMESTAMP__INIT;
    t1.seconds = 1700000000;
    t1.nanos = 5;
    t2.seconds = 1700000001;
    Pb__ProgressGroup group = PB__PROGRESS_GROUP__INIT;
    group.id = STR("g1");
    group.name = STR("copy");
    group.weak = true;
    Bk__Vertex v1 = BK__VERTEX__INIT, v2 = BK__VERTEX__INIT;
    v1.digest = STR("sha256:a");
    v1.name = STR("[1/2] FROM x");
    v1.cached = true;
    v1.started = &t1;
    v1.completed = &t2;
    v2.digest = STR("sha256:b");
    v2.inputs = (char *[]){STR("sha256:a"), STR("sha256:c")};
    v2.n_inputs = 2;
    v2.name = STR("[2/2] RUN y");
    v2.error = STR("exit code: 7");
    v2.progress_group = &group;

    Bk__VertexStatus s = BK__VERTEX_STATUS__INIT;
    s.id = STR("layer");
    s.vertex = STR("sha256:b");
    s.name = STR("downloading");
    s.current = 1;
    s.total = 5000000000;
    s.timestamp = &t1;
    Bk__VertexLog l1 = BK__VERTEX_LOG__INIT, l2 = BK__VERTEX_LOG__INIT;
    l1.vertex = l2.vertex = STR("sha256:b");
    l1.stream = 1;
    l2.stream = 2;
    l1.timestamp = l2.timestamp = &t2;
    l1.msg = (ProtobufCBinaryData){.len = 4, .data = (uint8_t *)"a\0\xff\n"};

    Pb__Position p1 = PB__POSITION__INIT, p2 = PB__POSITION__INIT;
    p1.line = 3;
    p2.line = 4;
    p2.character = 9;
    Pb__Range range = PB__RANGE__INIT;
    range.start = &p1;
    range.end = &p2;
    Pb__SourceInfo info = PB__SOURCE_INFO__INIT;
    info.filename = STR("Dockerfile");
    info.data = bytes("FROM x\n");
    Bk__VertexWarning w = BK__VERTEX_WARNING__INIT;
    w.vertex = STR("sha256:b");
    w.level = 1;
    w.short_text = bytes("short");
    w.detail = (ProtobufCBinaryData[]){bytes("d1"), bytes("d2")};
    w.n_detail = 2;
    w.url = STR("https://x");
    w.info = &info;
    w.ranges = (Pb__Range *[]){&range};
    w.n_ranges = 1;

    Bk__StatusResponse m = BK__STATUS_RESPONSE__INIT;
    m.vertexes = (Bk__Vertex *[]){&v1, &v2};
    m.n_vertexes = 2;
    m.statuses = (Bk__VertexStatus *[]){&s};
    m.n_statuses = 1;
    m.logs = (Bk__VertexLog *[]){&l1, &l2};
    m.n_logs = 2;
    m.warnings = (Bk__VertexWarning *[]){&w};
    m.n_warnings = 1;
    dp_pb_pack(to, &m.base);
}

static void test_status__vertexes(void **state)
{
    (void)state;
    struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_arena arena = {0};
    struct depot_status st;
    pack_sample(&buf);
    assert_int_equal(dp_bk_status_decode(buf.data, buf.len, &arena, &st, NULL), 0);
    assert_int_equal(st.nvertexes, 2);
    const struct depot_vertex *v = st.vertexes;
    assert_string_equal(v[0].digest, "sha256:a");
    assert_true(v[0].cached);
    assert_int_equal(v[0].started, INT64_C(1700000000000000005));
    assert_int_equal(v[0].completed, INT64_C(1700000001000000000));
    assert_null(v[0].error);
    assert_null(v[0].group);
    assert_int_equal(v[0].ninputs, 0);
    assert_int_equal(v[1].ninputs, 2);
    assert_string_equal(v[1].inputs[1], "sha256:c");
    assert_int_equal(v[1].started, 0);
    assert_string_equal(v[1].error, "exit code: 7");
    assert_string_equal(v[1].group->name, "copy");
    assert_true(v[1].group->weak);
    depot_arena_release(&arena);
    depot_buf_release(&buf);
}

static void test_status__statuses_logs_warnings(void **state)
{
    (void)state;
    struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_arena arena = {0};
    struct depot_status st;
    pack_sample(&buf);
    assert_int_equal(dp_bk_status_decode(buf.data, buf.len, &arena, &st, NULL), 0);
    assert_int_equal(st.nstatuses, 1);
    assert_string_equal(st.statuses[0].id, "layer");
    assert_int_equal(st.statuses[0].total, INT64_C(5000000000));
    assert_int_equal(st.nlogs, 2);
    assert_int_equal(st.logs[0].len, 4);
    assert_memory_equal(st.logs[0].data, "a\0\xff\n", 4);
    assert_true((const char *)st.logs[0].data > buf.data &&
                (const char *)st.logs[0].data < buf.data + buf.len); /* not copied */
    assert_ptr_equal(st.logs[0].vertex, st.logs[1].vertex);
    assert_int_equal(st.logs[1].stream, 2);
    assert_int_equal(st.logs[1].len, 0);
    const struct depot_vertex_warning *w = &st.warnings[0];
    assert_int_equal(st.nwarnings, 1);
    assert_string_equal(w->short_text, "short");
    assert_string_equal(w->detail[1], "d2");
    assert_string_equal(w->info->filename, "Dockerfile");
    assert_int_equal(w->info->len, 7);
    assert_int_equal(w->ranges[0].start_line, 3);
    assert_int_equal(w->ranges[0].end_char, 9);
    depot_arena_release(&arena);
    depot_buf_release(&buf);
}

/* A message may end anywhere: each prefix is refused or gives a shorter status, never more. */
static void test_status__every_prefix(void **state)
{
    (void)state;
    struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    pack_sample(&buf);
    size_t good = 0;
    for (size_t n = 0; n < buf.len; n++) {
        struct depot_arena arena = {0};
        struct depot_status st;
        char *copy =
            depot_memdup(buf.data, n); /* exactly n bytes, so that ASan sees a stray read */
        int rc = dp_bk_status_decode(copy, n, &arena, &st, NULL);
        assert_true(rc == 0 || rc == DEPOT_ERR_PROTOCOL);
        good += rc == 0;
        depot_arena_release(&arena);
        depot_free(copy);
    }
    assert_int_equal(good, 6); /* before each of the six records */
    depot_buf_release(&buf);
}

static void test_status__too_many_records(void **state)
{
    (void)state;
    size_t n = 2 * (size_t)(DP_STATUS_MAX_ITEMS + 1);
    char *msg = depot_alloc(n);
    for (size_t i = 0; i < n; i += 2) {
        msg[i] = 0x1a; /* a log of no bytes */
        msg[i + 1] = 0;
    }
    struct depot_arena arena = {0};
    struct depot_status st;
    assert_int_equal(dp_bk_status_decode(msg, n, &arena, &st, NULL), DEPOT_ERR_TOO_BIG);
    assert_int_equal(st.nlogs, 0);
    assert_int_equal(dp_bk_status_decode(msg, n - 2, &arena, &st, NULL), 0);
    assert_int_equal(st.nlogs, DP_STATUS_MAX_ITEMS);
    assert_string_equal(st.logs[0].vertex, "");
    depot_arena_release(&arena);
    depot_free(msg);
}

static void test_status__odd_times_count_as_unknown(void **state)
{
    (void)state;
    static const struct {
        int64_t sec;
        int32_t nsec;
        depot_time want;
    } rows[] = {
        {1, 999999999, 1999999999}, {-1, 0, 0}, {INT64_MAX, 0, 0}, {1, -1, 0}, {1, 1000000000, 0},
        {INT64_C(-62135596800), 0, 0}, /* Go's zero time */
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        Google__Timestamp t = GOOGLE__TIMESTAMP__INIT;
        t.seconds = rows[i].sec;
        t.nanos = rows[i].nsec;
        Bk__Vertex v = BK__VERTEX__INIT;
        v.started = &t;
        Bk__StatusResponse m = BK__STATUS_RESPONSE__INIT;
        m.vertexes = (Bk__Vertex *[]){&v};
        m.n_vertexes = 1;
        struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_arena arena = {0};
        struct depot_status st;
        dp_pb_pack(&buf, &m.base);
        assert_int_equal(dp_bk_status_decode(buf.data, buf.len, &arena, &st, NULL), 0);
        assert_int_equal(st.vertexes[0].started, rows[i].want);
        assert_int_equal(dp_bk_time(&t), rows[i].want);
        depot_arena_release(&arena);
        depot_buf_release(&buf);
    }
    assert_int_equal(dp_bk_time(NULL), 0);
}

/* ---- error details ---- */
static char *source_json(const char *text, const char *ranges, const char *line_key)
{
    size_t n = strlen(text);
    char *data = depot_alloc(depot_base64_encoded_len(n) + 1);
    depot_base64_encode(data, text, n);
    char *json =
        depot_asprintf("{\"info\":{\"filename\":\"D\",\"data\":\"%s\"},\"ranges\":[", data);
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_buf_adds(&b, json);
    for (const char *p = ranges; *p != '\0'; p += 2) /* pairs of digits: from, to */
        depot_buf_addf(&b, "%s{\"start\":{\"%s\":%c},\"end\":{\"%s\":%c}}", p > ranges ? "," : "",
            line_key, p[0], line_key, p[1]);
    depot_buf_adds(&b, "]}");
    depot_free(json);
    depot_free(data);
    return depot_buf_detach(&b);
}

static void test_error__excerpt_padding(void **state)
{
    (void)state;
    static const struct {
        const char *text, *ranges;
        int first;
        size_t nlines;
        const char *first_text;
    } rows[] = {
        {"1\n2\n3\n4\n5\n6\n7\n8", "44", 2, 5, "2"},   /* one line: two around */
        {"1\n2\n3\n4\n5\n6\n7\n8", "4455", 3, 4, "3"}, /* more: one around */
        {"1\n2\n3\n4\n5\n6\n7\n8", "46", 3, 5, "3"}, {"1\n2\n3\n4", "11", 1, 3, "1"},
        {"1\n2\n3\n4", "22", 1, 4, "1"}, {"1\n2\n3\n4", "44", 2, 3, "2"},
        {"1\n2\n3\n", "33", 1, 4, "1"}, /* the empty line after a final newline counts */
        {"1\r\n2\r\n", "22", 1, 3, "1"}, {"1", "11", 1, 1, "1"},
        {"1\n2", "29", 1, 2, "1"},    /* an end past the text is cut */
        {"1\n2\n3", "31", 1, 3, "1"}, /* an end before its start */
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_arena arena = {0};
        struct depot_build_error e = {0};
        char *json = source_json(rows[i].text, rows[i].ranges, i % 2 ? "line" : "Line");
        dp_bk_error_add_detail(
            "github.com/moby/buildkit/errdefs.Source+json", json, strlen(json), &arena, &e);
        assert_string_equal(e.file, "D");
        assert_int_equal(e.nranges, strlen(rows[i].ranges) / 2);
        assert_int_equal(e.first_line, rows[i].first);
        assert_int_equal(e.nlines, rows[i].nlines);
        assert_string_equal(e.lines[0], rows[i].first_text);
        depot_free(json);
        depot_arena_release(&arena);
    }
}

static void test_error__source_without_place_is_left_out(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "x", "[]", "{}", "null", "{\"info\":{}}",
        "{\"ranges\":[{}]}", "{\"info\":null,\"ranges\":[{\"start\":{\"line\":1}}]}",
        "{\"info\":{\"filename\":\"D\"},\"ranges\":[]}", "{\"info\":[],\"ranges\":{}}"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_arena arena = {0};
        struct depot_build_error e = {0};
        dp_bk_error_add_detail("errdefs.Source+json", rows[i], strlen(rows[i]), &arena, &e);
        assert_int_equal(e.nlines, 0);
        assert_int_equal(e.nranges, e.file != NULL);
        depot_arena_release(&arena);
    }
}

static void test_error__range_outside_of_text_has_no_excerpt(void **state)
{
    (void)state;
    struct depot_arena arena = {0};
    struct depot_build_error e = {0};
    char *json = source_json("1\n2", "77", "line");
    dp_bk_error_add_detail("errdefs.Source+json", json, strlen(json), &arena, &e);
    assert_string_equal(e.file, "D");
    assert_int_equal(e.ranges[0].start_line, 7);
    assert_int_equal(e.nlines, 0);
    depot_free(json);
    depot_arena_release(&arena);
}

static void test_error__long_excerpt_is_cut(void **state)
{
    (void)state;
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (int i = 0; i < 3 * DP_BK_ERROR_MAX_LINES; i++)
        depot_buf_adds(&text, "RUN x\n");
    size_t n = depot_base64_encoded_len(text.len);
    char *data = depot_alloc(n + 1);
    depot_base64_encode(data, text.data, text.len);
    char *json = depot_asprintf("{\"info\":{\"filename\":\"D\",\"data\":\"%s\"},"
                                "\"ranges\":[{\"start\":{\"line\":2},\"end\":{\"line\":1000}}]}",
        data);
    struct depot_arena arena = {0};
    struct depot_build_error e = {0};
    dp_bk_error_add_detail("errdefs.Source+json", json, strlen(json), &arena, &e);
    assert_int_equal(e.nlines, DP_BK_ERROR_MAX_LINES);
    depot_arena_release(&arena);
    depot_free(json);
    depot_free(data);
    depot_buf_release(&text);
}

static void test_error__status_with_details(void **state)
{
    (void)state;
    char *inner = source_json("FROM x\nRUN y\n", "22", "line");
    char *outer = source_json("other\n", "11", "line");
    Google__Any any[4];
    const char *urls[] = {"github.com/moby/buildkit/stack.Stack+json",
        "github.com/moby/buildkit/errdefs.Vertex+json",
        "github.com/moby/buildkit/errdefs.Source+json",
        "github.com/moby/buildkit/errdefs.Source+json"};
    const char *values[] = {"{\"frames\":[]}", "{\"digest\":\"sha256:b\"}", inner, outer};
    Google__Any *list[4];
    for (size_t i = 0; i < 4; i++) {
        google__any__init(&any[i]);
        any[i].type_url = (char *)urls[i];
        any[i].value = bytes(values[i]);
        list[i] = &any[i];
    }
    Google__Status m = GOOGLE__STATUS__INIT;
    m.code = 2;
    m.message = STR("exit code: 7");
    m.details = list;
    m.n_details = 4;
    struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_pb_pack(&buf, &m.base);

    struct depot_arena arena = {0};
    struct depot_build_error e;
    assert_int_equal(dp_bk_error_decode(buf.data, buf.len, &arena, &e), 0);
    assert_string_equal(e.message, "exit code: 7");
    assert_int_equal(e.code, 2);
    assert_string_equal(e.vertex, "sha256:b");
    assert_int_equal(e.ranges[0].start_line, 2); /* the first source is the innermost */
    assert_string_equal(e.lines[1], "RUN y");
    assert_int_equal(dp_bk_error_decode(buf.data, buf.len - 1, &arena, &e), DEPOT_ERR_PROTOCOL);
    depot_arena_release(&arena);
    depot_buf_release(&buf);
    depot_free(inner);
    depot_free(outer);
}

/* ---- solve ---- */
static void test_solve__always_has_cache_and_both_exporter_forms(void **state)
{
    (void)state;
    struct depot_kvs attrs = {0};
    struct depot_bk_export ex[2] = {{.type = STR("image")}, {.type = STR("local")}};
    depot_kvs_set(&ex[0].attrs, "name", "x");
    depot_kvs_set(&attrs, "target", "t");
    struct depot_bk_solve req = {
        .ref = "r", .frontend = "dockerfile.v0", .attrs = &attrs, .exports = ex, .nexports = 2};
    struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_bk_pack_solve(&req, &buf);
    Bk__SolveRequest *m = bk__solve_request__unpack(NULL, buf.len, (uint8_t *)buf.data);
    assert_non_null(m);
    assert_non_null(m->cache);
    assert_string_equal(m->session, "");
    assert_string_equal(m->frontend_attrs[0]->value, "t");
    assert_string_equal(m->exporter, "image");
    assert_string_equal(m->exporter_attrs[0]->key, "name");
    assert_int_equal(m->n_exporters, 2);
    assert_string_equal(m->exporters[1]->type, "local");
    assert_false(m->internal);
    bk__solve_request__free_unpacked(m, NULL);
    depot_buf_clear(&buf);

    struct depot_bk_solve bare = {.ref = "r", .internal = true};
    dp_bk_pack_solve(&bare, &buf);
    assert_int_equal(buf.len, 7);
    assert_memory_equal(buf.data, "\x0a\x01r\x42\x00\x58\x01", 7);
    depot_buf_release(&buf);
    depot_kvs_release(&attrs);
    depot_kvs_release(&ex[0].attrs);
}

/* ---- workers ---- */
static void test_workers__platforms_and_engine(void **state)
{
    (void)state;
    Pb__Platform p[4];
    static const char *const parts[4][3] = {{"arm64", "linux", "v8"}, {"amd64", "linux", ""},
        {"arm", "linux", "v7"}, {"arm64", "linux", ""}};
    Pb__Platform *list[4];
    for (size_t i = 0; i < 4; i++) {
        pb__platform__init(&p[i]);
        p[i].architecture = (char *)parts[i][0];
        p[i].os = (char *)parts[i][1];
        p[i].variant = (char *)parts[i][2];
        list[i] = &p[i];
    }
    Bk__Pair label = BK__PAIR__INIT;
    label.key = STR("org.mobyproject.buildkit.worker.snapshotter");
    static const struct {
        const char *id;
        size_t nlabels;
        bool docker;
        const char *engine;
        unsigned caps;
    } rows[] = {
        {"abc", 1, false, "buildkit", 0},
        {"moby", 0, false, "docker", DEPOT_BK_CAP_MOBY},
        {"moby", 0, true, "docker", DEPOT_BK_CAP_MOBY},
        {"abc", 1, true, "docker", 0},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        Bk__WorkerRecord w = BK__WORKER_RECORD__INIT;
        w.id = (char *)rows[i].id;
        w.platforms = list;
        w.n_platforms = 4;
        w.labels = (Bk__Pair *[]){&label};
        w.n_labels = rows[i].nlabels;
        Bk__ListWorkersResponse m = BK__LIST_WORKERS_RESPONSE__INIT;
        m.record = (Bk__WorkerRecord *[]){&w};
        m.n_record = 1;
        struct depot_arena arena = {0};
        struct depot_bk_info info = {0};
        dp_bk_add_workers(&m, rows[i].docker, &arena, &info);
        assert_string_equal(info.engine, rows[i].engine);
        assert_int_equal(info.caps, rows[i].caps);
        assert_int_equal(info.nplatforms, 3);
        assert_string_equal(info.platforms[0], "linux/arm64");
        assert_string_equal(info.platforms[2], "linux/arm/v7");
        depot_arena_release(&arena);
    }
}

/* ---- history ---- */
static void test_history__digest_of_a_record(void **state)
{
    (void)state;
    Bk__Descriptor whole = BK__DESCRIPTOR__INIT, second = BK__DESCRIPTOR__INIT;
    whole.digest = STR("sha256:whole");
    second.digest = STR("sha256:second");
    Bk__IndexedDescriptor at1 = BK__INDEXED_DESCRIPTOR__INIT, at0 = BK__INDEXED_DESCRIPTOR__INIT;
    at1.key = 1;
    at1.value = &whole;
    at0.value = &second;
    Bk__ResultInfo result = BK__RESULT_INFO__INIT, indexed = BK__RESULT_INFO__INIT;
    result.result = &whole;
    indexed.results = (Bk__IndexedDescriptor *[]){&at1, &at0};
    indexed.n_results = 2;
    Bk__NamedResultInfo named = BK__NAMED_RESULT_INFO__INIT;
    named.key = STR("linux/amd64");
    named.value = &indexed;
    Bk__HistoryRecord rec = BK__HISTORY_RECORD__INIT;
    Bk__HistoryEvent ev = BK__HISTORY_EVENT__INIT;
    ev.record = &rec;
    struct depot_arena arena = {0};
    struct depot_bk_record out;
    dp_bk_convert_record(&ev, &arena, &out);
    assert_null(out.digest);
    assert_int_equal(out.kind, DEPOT_BK_STARTED);
    rec.results = (Bk__NamedResultInfo *[]){&named};
    rec.n_results = 1;
    ev.type = BK__HISTORY_EVENT_TYPE__COMPLETE;
    dp_bk_convert_record(&ev, &arena, &out);
    assert_string_equal(out.digest, "sha256:second");
    assert_int_equal(out.kind, DEPOT_BK_COMPLETE);
    rec.result = &result;
    dp_bk_convert_record(&ev, &arena, &out);
    assert_string_equal(out.digest, "sha256:whole");
    depot_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pb__bytes_message_round_trip),
        cmocka_unit_test(test_pb__bad_fields_are_refused),
        cmocka_unit_test(test_pb__unknown_fields_are_skipped),
        cmocka_unit_test(test_status__vertexes),
        cmocka_unit_test(test_status__statuses_logs_warnings),
        cmocka_unit_test(test_status__every_prefix),
        cmocka_unit_test(test_status__too_many_records),
        cmocka_unit_test(test_status__odd_times_count_as_unknown),
        cmocka_unit_test(test_error__excerpt_padding),
        cmocka_unit_test(test_error__source_without_place_is_left_out),
        cmocka_unit_test(test_error__range_outside_of_text_has_no_excerpt),
        cmocka_unit_test(test_error__long_excerpt_is_cut),
        cmocka_unit_test(test_error__status_with_details),
        cmocka_unit_test(test_solve__always_has_cache_and_both_exporter_forms),
        cmocka_unit_test(test_workers__platforms_and_engine),
        cmocka_unit_test(test_history__digest_of_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
