/*
 * The store on a real directory: logs, the index, recovery, retention's pieces, hostile ids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include <depot/base.h>
#include <depot/loop.h>
#include <depot/wire.h>

#include "builder/store/store.h"

struct fixture {
    struct depot_loop *loop;
    struct store *store;
    char dir[64];
};

static void open_store(struct fixture *f)
{
    struct depot_error err = {0};

    if (store_open(f->loop, f->dir, &f->store, &err) != 0)
        fail_msg("%s", err.msg);
}

static void close_store(struct fixture *f)
{
    store_free(f->store);
    f->store = NULL;
    depot_loop_turn(f->loop);
    depot_loop_turn(f->loop);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->dir, "/tmp/test_store_XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(depot_loop_new(&f->loop, NULL), 0);
    open_store(f);
    *state = f;
    return 0;
}

static void remove_tree(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d && (e = readdir(d)) != NULL) {
        char path[512];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (unlink(path) != 0)
            remove_tree(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    depot_loop_free(f->loop);
    remove_tree(f->dir);
    free(f);
    return 0;
}

/* ---- events ---- */

static int append(struct fixture *f, const char *id, struct depot_event *ev)
{
    int r = store_append(f->store, id, ev, NULL);

    depot_event_release(ev);
    return r;
}

static void create(struct fixture *f, const char *id, const char *project)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_CREATED};

    ev.u.created.project = project;
    ev.u.created.command = "depot build .";
    ev.u.created.origin = "depot";
    ev.u.created.user = "ann";
    ev.u.created.platforms = (const char *[]){"linux/amd64"};
    ev.u.created.nplatforms = 1;
    assert_int_equal(append(f, id, &ev), 0);
}

static void assign(struct fixture *f, const char *id, const char *builder)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_ASSIGNED};

    ev.u.assigned.platform = "linux/amd64";
    ev.u.assigned.builder = builder;
    assert_int_equal(append(f, id, &ev), 0);
}

static int log_bytes(struct fixture *f, const char *id, const char *text, size_t n)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    struct depot_vertex_log log = {
        .vertex = "sha256:a", .stream = 1, .data = (const uint8_t *)text, .len = n, .timestamp = 1};

    ev.u.status.platform = "linux/amd64";
    ev.u.status.builder = "one";
    ev.u.status.status.logs = &log;
    ev.u.status.status.nlogs = 1;
    return append(f, id, &ev);
}

static void step(struct fixture *f, const char *id, int64_t ms)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    struct depot_vertex v = {.digest = "sha256:a",
        .name = "[build 1/2] RUN make",
        .started = DEPOT_SEC,
        .completed = DEPOT_SEC + ms * DEPOT_MSEC};

    ev.u.status.platform = "linux/amd64";
    ev.u.status.builder = "one";
    ev.u.status.status.vertexes = &v;
    ev.u.status.status.nvertexes = 1;
    assert_int_equal(append(f, id, &ev), 0);
}

static void finish(struct fixture *f, const char *id)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_RESULT};

    ev.u.result.platform = "linux/amd64";
    ev.u.result.builder = "one";
    ev.u.result.state = DEPOT_BUILD_SUCCEEDED;
    assert_int_equal(append(f, id, &ev), 0);
    ev = (struct depot_event){.type = DEPOT_EVENT_BUILD_FINISHED};
    ev.u.finished.state = DEPOT_BUILD_SUCCEEDED;
    assert_int_equal(append(f, id, &ev), 0);
}

struct reading {
    uint64_t next; /* the seq that must come */
    size_t n;
    char last[4096];
    enum depot_event_type type;
};

static void on_line(struct store_line *line, void *arg)
{
    struct reading *r = arg;
    size_t n = line->len < sizeof(r->last) - 1 ? line->len : sizeof(r->last) - 1;

    assert_int_equal(line->seq, r->next);
    assert_int_equal(line->data[line->len], '\n');
    assert_null(memchr(line->data, '\n', line->len));
    r->next++;
    r->n++;
    r->type = line->type;
    memcpy(r->last, line->data, n);
    r->last[n] = '\0';
}

static struct reading read_all(struct fixture *f, const char *id, uint64_t after, size_t max)
{
    struct reading r = {.next = after + 1};
    int n;

    while ((n = store_read(f->store, id, r.next - 1, max, on_line, &r, NULL)) > 0)
        assert_true((size_t)n <= max);
    assert_int_equal(n, 0);
    return r;
}

static char *log_path(struct fixture *f, const char *id)
{
    return depot_asprintf("%s/builds/%s.ndjson", f->dir, id);
}

/* ---- tests ---- */

static void test_append__gives_seq_and_reads_back_from_memory_and_disk(void **state)
{
    struct fixture *f = *state;
    struct reading r;

    create(f, "b1", "web");
    assign(f, "b1", "one");
    assert_int_equal(log_bytes(f, "b1", "hello", 5), 0);
    assert_int_equal(store_build_seq(f->store, "b1"), 3);
    assert_false(store_build_over(f->store, "b1"));
    r = read_all(f, "b1", 0, 2); /* not on disk yet */
    assert_int_equal(r.n, 3);
    assert_non_null(strstr(r.last, "\"build\":\"b1\""));
    assert_int_equal(read_all(f, "b1", 2, 10).n, 1);
    assert_int_equal(read_all(f, "b1", 3, 10).n, 0);
    assert_int_equal(read_all(f, "b1", 999, 10).n, 0);
    depot_loop_turn(f->loop);
    finish(f, "b1");
    depot_loop_turn(f->loop);
    assert_true(store_build_over(f->store, "b1"));
    r = read_all(f, "b1", 0, 2); /* from disk */
    assert_int_equal(r.n, 5);
    assert_int_equal(r.type, DEPOT_EVENT_BUILD_FINISHED);
}

static void test_append__refuses_what_does_not_fit(void **state)
{
    struct fixture *f = *state;
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_CREATED};

    assert_int_equal(log_bytes(f, "nobody", "x", 1), DEPOT_ERR_NOT_FOUND);
    create(f, "b1", "web");
    assert_int_equal(append(f, "b1", &ev), DEPOT_ERR_EXISTS);
    finish(f, "b1");
    assert_int_equal(log_bytes(f, "b1", "late", 4), DEPOT_ERR_INVALID);
    ev = (struct depot_event){.type = DEPOT_EVENT_BUILD_CREATED};
    assert_int_equal(append(f, "b1", &ev), DEPOT_ERR_EXISTS);
}

static void test_ids__cannot_leave_the_directory(void **state)
{
    static const char *const bad[] = {"", ".", "..", "../x", "a/b", "A", "a.b", "a\n", "a b",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "%2e", "/etc/passwd", "\xc3\xa4"};
    struct fixture *f = *state;

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(bad); i++) {
        struct depot_event ev = {.type = DEPOT_EVENT_BUILD_CREATED};
        struct depot_error err;
        assert_false(store_id_valid(bad[i]));
        assert_int_equal(append(f, bad[i], &ev), DEPOT_ERR_INVALID);
        assert_false(store_build_exists(f->store, bad[i]));
        assert_true(store_build_over(f->store, bad[i]));
        assert_int_equal(store_build_seq(f->store, bad[i]), 0);
        assert_true(store_read(f->store, bad[i], 0, 1, on_line, NULL, &err) < 0);
    }
    assert_false(store_id_valid(NULL));
    assert_true(store_id_valid("b7k2q9x4c1"));
}

static void test_read__ten_thousand_events_from_anywhere(void **state)
{
    struct fixture *f = *state;
    char text[600];

    memset(text, 'x', sizeof(text));
    create(f, "big", "web");
    for (int i = 2; i <= 10000; i++) {
        assert_int_equal(log_bytes(f, "big", text, (size_t)(i * 7919 % 600)), 0);
        if (i % 100 == 0)
            depot_loop_turn(f->loop);
    }
    for (int over = 0; over < 2; over++) {
        assert_int_equal(read_all(f, "big", 0, 64).next, over ? 10003 : 10001);
        assert_int_equal(read_all(f, "big", 0, 1000).next, over ? 10003 : 10001);
        for (uint64_t after = 1; after < 10000; after = after * 3 + 1) {
            struct reading r = {.next = after + 1};
            assert_int_equal(store_read(f->store, "big", after, 1, on_line, &r, NULL), 1);
        }
        if (!over) {
            finish(f, "big");
            depot_loop_turn(f->loop);
        }
    }
    close_store(f);
    open_store(f);
    assert_int_equal(read_all(f, "big", 5000, 64).next, 10003);
    assert_int_equal(read_all(f, "big", 0, 64).next, 10003);
}

static void test_read__a_line_longer_than_the_chunk(void **state)
{
    struct fixture *f = *state;
    size_t n = 3 * 1024 * 1024;
    char *text = depot_alloc(n);

    memset(text, 'y', n);
    create(f, "long", "web");
    assert_int_equal(log_bytes(f, "long", text, n), 0);
    assert_int_equal(log_bytes(f, "long", "z", 1), 0);
    finish(f, "long");
    depot_loop_turn(f->loop);
    assert_int_equal(read_all(f, "long", 0, 64).n, 5);
    assert_int_equal(read_all(f, "long", 2, 64).n, 3);
    depot_free(text);
}

static void test_open__finishes_what_was_running(void **state)
{
    struct fixture *f = *state;
    struct reading r;

    create(f, "b1", "web");
    assign(f, "b1", "one");
    create(f, "b2", "web");
    finish(f, "b2");
    close_store(f);
    open_store(f);
    assert_true(store_build_over(f->store, "b1"));
    r = read_all(f, "b1", 0, 10);
    assert_int_equal(r.n, 3);
    assert_int_equal(r.type, DEPOT_EVENT_BUILD_FINISHED);
    assert_non_null(strstr(r.last, "\"state\":\"failed\""));
    assert_non_null(strstr(r.last, "the daemon stopped while the build ran"));
    close_store(f);
    open_store(f); /* only once */
    assert_int_equal(read_all(f, "b1", 0, 10).n, 3);
    assert_int_equal(read_all(f, "b2", 0, 10).n, 3);
}

static void test_open__drops_a_torn_line(void **state)
{
    struct fixture *f = *state;
    char *path = log_path(f, "b1");
    struct reading r;
    int fd;

    create(f, "b1", "web");
    assign(f, "b1", "one");
    close_store(f);
    fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "{\"v\":1,\"seq\":3,\"ty", 18), 18);
    close(fd);
    open_store(f);
    r = read_all(f, "b1", 0, 10);
    assert_int_equal(r.n, 3);
    assert_int_equal(r.type, DEPOT_EVENT_BUILD_FINISHED);
    depot_free(path);
}

static void test_open__makes_a_lost_or_damaged_index_again(void **state)
{
    struct fixture *f = *state;
    char *index = depot_asprintf("%s/index.db", f->dir);
    struct store_query q = {0};

    create(f, "b1", "web");
    assign(f, "b1", "one");
    finish(f, "b1");
    for (int damaged = 0; damaged < 2; damaged++) {
        struct depot_arena arena = {0};
        struct depot_build_summary *rows;
        size_t n;
        close_store(f);
        assert_int_equal(unlink(index), 0);
        if (damaged) {
            FILE *file = fopen(index, "w");
            fputs("this is no database, however long one looks at it", file);
            fclose(file);
        }
        open_store(f);
        assert_int_equal(store_query(f->store, &q, &arena, &rows, &n, NULL), 0);
        assert_int_equal(n, 1);
        assert_string_equal(rows[0].id, "b1");
        assert_int_equal(rows[0].state, DEPOT_BUILD_SUCCEEDED);
        assert_int_equal(rows[0].seq, 4);
        assert_string_equal(rows[0].builders[0], "one");
        depot_arena_release(&arena);
    }
    depot_free(index);
}

static void test_open__refuses_a_directory_in_use(void **state)
{
    struct fixture *f = *state;
    struct store *second = NULL;
    struct depot_error err;

    assert_int_equal(store_open(f->loop, f->dir, &second, &err), DEPOT_ERR_EXISTS);
    assert_string_not_equal(err.hint, "");
    assert_null(second);
}

static void test_query__filters_newest_first_and_sees_running_builds(void **state)
{
    static const struct {
        struct store_query q;
        const char *ids;
    } rows[] = {
        {{0}, "b3 b2 b1 "},
        {{.limit = 1}, "b3 "},
        {{.project = "web"}, "b3 b1 "},
        {{.state = "active"}, "b3 b2 "},
        {{.state = "succeeded"}, "b1 "},
        {{.project = "api", .state = "active"}, "b2 "},
        {{.id = "b2"}, "b2 "},
        {{.id = "' OR 1=1 --"}, ""},
        {{.project = "none"}, ""},
        {{.begins = "b"}, "b3 b2 b1 "},
        {{.begins = "b2"}, "b2 "},
        {{.begins = "b22"}, ""},
        {{.begins = "%"}, ""},
        {{.user = "ann", .limit = 1}, "b3 "},
        {{.user = "ann", .project = "api"}, "b2 "},
        {{.user = "an"}, ""},
    };
    struct fixture *f = *state;

    create(f, "b1", "web");
    finish(f, "b1");
    create(f, "b2", "api");
    create(f, "b3", "web");
    assign(f, "b3", "one");
    step(f, "b3", 5);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_arena arena = {0};
        struct depot_build_summary *found;
        char ids[64] = "";
        size_t n;
        assert_int_equal(store_query(f->store, &rows[i].q, &arena, &found, &n, NULL), 0);
        for (size_t k = 0; k < n; k++)
            strcat(strcat(ids, found[k].id), " ");
        assert_string_equal(ids, rows[i].ids);
        if (i == 0) {
            assert_int_equal(found[0].seq, 3);
            assert_int_equal(found[0].state, DEPOT_BUILD_RUNNING);
            assert_string_equal(found[0].info.command, "depot build .");
            assert_string_equal(found[0].info.platforms[0], "linux/amd64");
        }
        depot_arena_release(&arena);
    }
}

static void fail_build(struct fixture *f, const char *id)
{
    struct depot_range where = {.start_line = 3, .end_line = 4};
    struct depot_build_error why = {.message = "process \"make\" did not complete successfully: "
                                               "exit code: 2",
        .vertex = "sha256:a",
        .file = "Dockerfile",
        .ranges = &where,
        .nranges = 1};
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_RESULT};

    ev.u.result.platform = "linux/amd64";
    ev.u.result.state = DEPOT_BUILD_FAILED;
    ev.u.result.error = &why;
    assert_int_equal(append(f, id, &ev), 0);
    ev = (struct depot_event){.type = DEPOT_EVENT_BUILD_FINISHED};
    ev.u.finished.state = DEPOT_BUILD_FAILED;
    assert_int_equal(append(f, id, &ev), 0);
}

static void assert_failed_step(struct fixture *f, const char *id, bool known)
{
    struct store_query q = {.id = id};
    struct depot_arena arena = {0};
    struct depot_build_summary *row;
    size_t n;

    assert_int_equal(store_query(f->store, &q, &arena, &row, &n, NULL), 0);
    assert_int_equal(n, 1);
    if (known) {
        assert_string_equal(row->failed_step.name, "[build 1/2] RUN make");
        assert_string_equal(row->failed_step.platform, "linux/amd64");
        assert_int_equal(row->failed_step.exit_code, 2);
        assert_string_equal(row->failed_step.file, "Dockerfile");
        assert_int_equal(row->failed_step.line, 3);
    } else {
        assert_null(row->failed_step.name);
    }
    depot_arena_release(&arena);
}

static void sql(struct fixture *f, const char *text)
{
    char *index = depot_asprintf("%s/index.db", f->dir);
    sqlite3 *db;

    assert_int_equal(sqlite3_open(index, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    depot_free(index);
}

static void test_failed_step__is_in_the_log_and_the_index(void **state)
{
    struct fixture *f = *state;
    struct reading r;

    create(f, "good", "web");
    step(f, "good", 5);
    finish(f, "good");
    create(f, "bad", "web");
    step(f, "bad", 5);
    fail_build(f, "bad");
    r = read_all(f, "bad", 0, 100);
    assert_non_null(strstr(r.last, "\"failed_step\":{\"name\":\"[build 1/2] RUN make\","));
    assert_failed_step(f, "good", false);
    assert_failed_step(f, "bad", true);
    close_store(f);
    /* The index of a version before: its builds are there, and the step of those to come. */
    sql(f, "DROP TABLE failures; PRAGMA user_version=2;");
    open_store(f);
    assert_failed_step(f, "bad", false);
    create(f, "next", "web");
    step(f, "next", 5);
    fail_build(f, "next");
    assert_failed_step(f, "next", true);
    close_store(f);
    /* Made again from the logs, it knows all of them. */
    sql(f, "DELETE FROM builds; DELETE FROM failures;");
    open_store(f);
    assert_failed_step(f, "bad", true);
}

static void test_retention__keeps_the_newest_thousand(void **state)
{
    struct fixture *f = *state;
    char *first = log_path(f, "x0"), *second = log_path(f, "x5");
    char id[16];

    create(f, "x0", "web"); /* runs on: never dropped */
    for (int i = 1; i <= 1003; i++) {
        snprintf(id, sizeof(id), "x%d", i);
        create(f, id, "web");
        finish(f, id);
        if (i % 8 == 0)
            depot_loop_turn(f->loop);
    }
    depot_loop_turn(f->loop);
    assert_true(store_build_exists(f->store, "x0"));
    assert_false(store_build_exists(f->store, "x1"));
    assert_false(store_build_exists(f->store, "x4"));
    assert_true(store_build_exists(f->store, "x5"));
    assert_int_equal(access(first, F_OK), 0);
    assert_int_equal(access(second, F_OK), 0);
    depot_free(first);
    first = log_path(f, "x4");
    assert_int_not_equal(access(first, F_OK), 0);
    depot_free(first);
    depot_free(second);
}

static void cached_step(struct fixture *f, const char *id)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    struct depot_vertex v = {.digest = "sha256:a",
        .name = "[build 2/3] RUN make",
        .cached = true,
        .started = 9 * DEPOT_SEC,
        .completed = 9 * DEPOT_SEC};

    ev.u.status.platform = "linux/amd64";
    ev.u.status.builder = "one";
    ev.u.status.status.vertexes = &v;
    ev.u.status.status.nvertexes = 1;
    assert_int_equal(append(f, id, &ev), 0);
}

static void test_estimates__of_a_build_come_from_its_project(void **state)
{
    static const int64_t times[] = {500, 100, 300, 200, 400};
    struct fixture *f = *state;
    struct depot_response a;
    struct depot_error err = {0};
    const struct depot_step_estimate *s;
    char id[8];

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(times); i++) {
        snprintf(id, sizeof(id), "e%zu", i);
        create(f, id, "web");
        assign(f, id, "one");
        step(f, id, times[i]);
        finish(f, id);
    }
    create(f, "h", "web");
    assign(f, "h", "one");
    cached_step(f, "h");
    finish(f, "h");
    create(f, "other", "api");
    close_store(f); /* the index is what is asked, not what is in memory */
    open_store(f);
    assert_int_equal(store_estimates(f->store, "h", NULL, &a, &err), 0);
    assert_string_equal(a.u.estimates.project, "web");
    assert_string_equal(a.u.estimates.build, "h");
    assert_int_equal(a.u.estimates.duration.runs, 6);
    assert_int_equal(a.u.estimates.nsteps, 1);
    s = &a.u.estimates.steps[0];
    assert_string_equal(s->platform, "linux/amd64");
    assert_string_equal(s->stage, "build");
    assert_string_equal(s->text, "RUN make");
    assert_int_equal(s->ordinal, 2); /* the newest build's */
    assert_int_equal(s->took.median_ms, 300);
    assert_int_equal(s->took.p25_ms, 200);
    assert_int_equal(s->took.p75_ms, 400);
    assert_int_equal(s->took.runs, 5);
    assert_int_equal(s->hits, 1);
    depot_response_release(&a);

    assert_int_equal(store_estimates(f->store, NULL, "unheard of", &a, &err), 0);
    assert_int_equal(a.u.estimates.nsteps, 0);
    assert_int_equal(a.u.estimates.duration.runs, 0);
    depot_response_release(&a);
    assert_int_equal(store_estimates(f->store, "../x", NULL, &a, &err), DEPOT_ERR_NOT_FOUND);
    assert_int_equal(store_estimates(f->store, "nobody", NULL, &a, &err), DEPOT_ERR_NOT_FOUND);
}

static void test_seen_ref__remembers_across_a_restart(void **state)
{
    struct fixture *f = *state;

    assert_false(store_seen_ref(f->store, "one", "r1"));
    assert_true(store_seen_ref(f->store, "one", "r1"));
    assert_false(store_seen_ref(f->store, "two", "r1"));
    close_store(f);
    open_store(f);
    assert_true(store_seen_ref(f->store, "two", "r1"));
}

static void test_without_logs__cuts_the_array_alone(void **state)
{
    static const struct {
        const char *line, *without;
    } rows[] = {
        {"{\"status\":{\"logs\":[{\"data\":\"eA==\"}]}}", "{\"status\":{}}"},
        {"{\"s\":{\"v\":[1],\"logs\":[{\"data\":\"]\"}],\"w\":[]}}",
            "{\"s\":{\"v\":[1],\"w\":[]}}"},
        {"{\"s\":{\"v\":[1],\"logs\":[[\"\\\"]\"]]}}", "{\"s\":{\"v\":[1]}}"},
        {"{\"s\":{\"logs\":[1],\"w\":2}}", "{\"s\":{\"w\":2}}"},
        {"{\"name\":\"\\\"logs\\\":[\"}", "{\"name\":\"\\\"logs\\\":[\"}"},
        {"{\"s\":{\"logs\":[1", "{\"s\":{\"logs\":[1"},
        {"{}", "{}"},
    };

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct store_line *line =
            store_line_new(DEPOT_EVENT_BUILD_STATUS, 1, rows[i].line, strlen(rows[i].line));
        for (int again = 0; again < 2; again++) {
            size_t n;
            const char *data = store_line_without_logs(line, &n);
            assert_int_equal(n, strlen(rows[i].without));
            assert_memory_equal(data, rows[i].without, n);
            assert_int_equal(data[n], '\n');
        }
        store_line_unref(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_append__gives_seq_and_reads_back_from_memory_and_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_append__refuses_what_does_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ids__cannot_leave_the_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_read__ten_thousand_events_from_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read__a_line_longer_than_the_chunk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open__finishes_what_was_running, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open__drops_a_torn_line, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_open__makes_a_lost_or_damaged_index_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open__refuses_a_directory_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_query__filters_newest_first_and_sees_running_builds, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_failed_step__is_in_the_log_and_the_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retention__keeps_the_newest_thousand, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_estimates__of_a_build_come_from_its_project, setup, teardown),
        cmocka_unit_test_setup_teardown(test_seen_ref__remembers_across_a_restart, setup, teardown),
        cmocka_unit_test(test_without_logs__cuts_the_array_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
