/*
 * The feed client against a scripted daemon, and replays from pipes and files.
 */
#include "fake_ws.h"

#include <depot/buf.h>
#include <depot/clock.h>
#include <depot/feed.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct depot_loop *loop;
    struct depot_feed *feed;
    struct depot_addr addr;
    char path[64];
    int lfd;
    pthread_t thread;
    void (*serve)(struct fixture *f);
    /* what the client saw */
    struct depot_buf seen; /* "b1:1 b1:2 ..." */
    int events, states[4], errors, created, refused, answers;
    char version[16];
    bool can_join, can_export;
    char build[32];
    struct depot_error err, create_err, refused_err;
    int stop_after_events, stop_at_state, free_after_events;
    bool stop_on_created, stop_on_refused, free_on_error;
    uint64_t started_ms;
    /* what the daemon saw */
    char got[16][512];
    int ngot;
};

static const struct depot_build_request some_request = {.info = {.project = "web"}};

static void append_seen(struct fixture *f, const struct depot_event *ev)
{
    depot_buf_addf(&f->seen, "%s%s:%d", f->seen.len > 0 ? " " : "",
        ev->build != NULL ? ev->build : "-", (int)ev->seq);
}

static void on_event(struct depot_feed *feed, const struct depot_event *ev, void *arg)
{
    struct fixture *f = arg;
    assert_ptr_equal(feed, f->feed);
    append_seen(f, ev);
    f->events++;
    if (f->events == f->free_after_events) {
        depot_feed_free(f->feed);
        f->feed = NULL;
        depot_loop_stop(f->loop);
    }
    if (f->events == f->stop_after_events)
        depot_loop_stop(f->loop);
}

static void on_state(
    struct depot_feed *feed, enum depot_feed_state s, const struct depot_error *err, void *arg)
{
    struct fixture *f = arg;
    (void)feed;
    f->states[s]++;
    if (err != NULL) {
        f->errors++;
        f->err = *err;
        if (f->free_on_error) {
            depot_feed_free(f->feed);
            f->feed = NULL;
            depot_loop_stop(f->loop);
        }
    }
    if (s == DEPOT_FEED_ENDED || (int)s == f->stop_at_state)
        depot_loop_stop(f->loop);
}

static void on_created(struct depot_feed *feed, const struct depot_created *made,
    const struct depot_error *err, void *arg)
{
    struct fixture *f = arg;
    (void)feed;
    f->created++;
    if (made != NULL && made->version != NULL)
        snprintf(f->version, sizeof(f->version), "%s", made->version);
    f->can_join = made != NULL && depot_created_can(made, DEPOT_CAN_JOIN);
    f->can_export = made != NULL && depot_created_can(made, DEPOT_CAN_EXPORT_PLATFORMS);
    if (made != NULL)
        snprintf(f->build, sizeof(f->build), "%s", made->build);
    if (err != NULL)
        f->create_err = *err;
    if (f->stop_on_created)
        depot_loop_stop(f->loop);
}

static void on_refused(
    struct depot_feed *feed, const char *build, const struct depot_error *err, void *arg)
{
    struct fixture *f = arg;
    (void)feed;
    f->refused++;
    snprintf(f->build, sizeof(f->build), "%s", build != NULL ? build : "");
    f->refused_err = *err;
    if (f->stop_on_refused)
        depot_loop_stop(f->loop);
}

static void on_answer(struct depot_feed *feed, const struct depot_query *q,
    const struct depot_response *a, const struct depot_error *err, void *arg)
{
    struct fixture *f = arg;
    (void)feed;
    depot_buf_addf(&f->seen, "%s%s:%s ", depot_query_kind_name(q->ask),
        q->project != NULL ? q->project : "",
        a == NULL                         ? err->msg
        : q->ask == DEPOT_QUERY_ESTIMATES ? a->u.estimates.project
                                          : a->u.prune.builders[0].builder);
    if (++f->answers == 3)
        depot_loop_stop(f->loop);
}

static const struct depot_feed_ops ops = {.event = on_event,
    .state = on_state,
    .created = on_created,
    .refused = on_refused,
    .answer = on_answer};

static void *server_main(void *arg)
{
    struct fixture *f = arg;
    f->serve(f);
    return NULL;
}

static void setup(struct fixture *f)
{
    struct depot_error err;
    depot_buf_init(&f->seen, DEPOT_BUF_NO_LIMIT);
    if (f->stop_at_state == 0)
        f->stop_at_state = -1;
    assert_int_equal(depot_loop_new(&f->loop, &err), 0);
}

static void setup_net(struct fixture *f, uint64_t give_up_ms)
{
    struct depot_error err;
    char text[128];
    setup(f);
    f->lfd = fake_listen(f->path, sizeof(f->path));
    assert_true(f->lfd >= 0);
    snprintf(text, sizeof(text), "unix://%s", f->path);
    assert_int_equal(depot_addr_parse(text, 0, &f->addr, &err), 0);
    if (f->serve != NULL)
        assert_int_equal(pthread_create(&f->thread, NULL, server_main, f), 0);
    const struct depot_feed_opts opts = {.addr = &f->addr, .give_up_ms = give_up_ms};
    assert_int_equal(depot_feed_open(f->loop, &opts, &ops, f, &f->feed, &err), 0);
    f->started_ms = depot_mono_ms();
}

static void teardown(struct fixture *f)
{
    depot_feed_free(f->feed);
    depot_loop_free(f->loop);
    if (f->path[0] != '\0') {
        if (f->serve != NULL)
            pthread_join(f->thread, NULL);
        close(f->lfd);
        unlink(f->path);
        depot_addr_release(&f->addr);
    }
    depot_buf_release(&f->seen);
}

/* ---- the daemon's side ---- */

static int daemon_accept(struct fixture *f)
{
    char head[4096];
    const int fd = fake_accept(f->lfd, head, sizeof(head));
    if (fd >= 0)
        fake_upgrade(fd, head, "depot.feed.v1");
    return fd;
}

static bool daemon_expect(struct fixture *f, int fd)
{
    size_t n = 0;
    char *to = f->got[f->ngot];
    if (f->ngot >= 15 || fake_recv(fd, to, sizeof(f->got[0]) - 1, &n) != FAKE_TEXT)
        return false;
    to[n] = '\0';
    f->ngot++;
    return true;
}

static void daemon_event(int fd, const char *build, int seq)
{
    char text[256];
    snprintf(text, sizeof(text),
        "{\"v\":1,\"seq\":%d,\"time\":\"2026-05-04T10:11:12Z\",\"build\":\"%s\","
        "\"type\":\"build.queued\",\"platform\":\"linux/amd64\",\"reason\":\"r\",\"position\":1}",
        seq, build);
    fake_text(fd, text);
}

static void daemon_finished(int fd, const char *build, int seq)
{
    char text[256];
    snprintf(text, sizeof(text),
        "{\"v\":1,\"seq\":%d,\"time\":\"2026-05-04T10:11:12Z\",\"build\":\"%s\","
        "\"type\":\"build.finished\",\"state\":\"succeeded\",\"duration_ms\":1}",
        seq, build);
    fake_text(fd, text);
}

static void wait_eof(int fd)
{
    char buf[4096];
    while (read(fd, buf, sizeof(buf)) > 0)
        continue;
    close(fd);
}

/* Breaks twice; sends what the client has already seen, too. */
static void serve_resume(struct fixture *f)
{
    int fd = daemon_accept(f);
    daemon_expect(f, fd);
    daemon_event(fd, "b1", 4);
    daemon_event(fd, "b1", 5);
    close(fd);
    fd = daemon_accept(f);
    daemon_expect(f, fd);
    daemon_event(fd, "b1", 5);
    daemon_event(fd, "b1", 6);
    fake_text(fd, "{\"v\":1,\"seq\":7,\"build\":\"b1\",\"type\":\"build.some_day\"}");
    fake_text(fd, "not json");
    close(fd);
    fd = daemon_accept(f);
    daemon_expect(f, fd);
    daemon_finished(fd, "b1", 8);
    wait_eof(fd);
}

static void test_feed__resumes_without_loss_or_double(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_resume, .stop_after_events = 4};
    setup_net(&f, 0);
    depot_feed_subscribe_build(f.feed, "b1", 3);
    depot_loop_run(f.loop);
    assert_string_equal(depot_buf_str(&f.seen), "b1:4 b1:5 b1:6 b1:8");
    assert_true(f.states[DEPOT_FEED_LIVE] >= 3);
    assert_int_equal(f.states[DEPOT_FEED_STALE], 2);
    teardown(&f);
    assert_string_equal(f.got[0], "{\"op\":\"subscribe\",\"build\":\"b1\",\"after\":3}");
    assert_string_equal(f.got[1], "{\"op\":\"subscribe\",\"build\":\"b1\",\"after\":5}");
    assert_string_equal(f.got[2], "{\"op\":\"subscribe\",\"build\":\"b1\",\"after\":7}");
}

static void serve_create(struct fixture *f)
{
    int fd = daemon_accept(f);
    daemon_expect(f, fd);
    fake_text(fd,
        "{\"op\":\"created\",\"build\":\"b9\",\"version\":\"0.9.1\",\"can\":[\"tomorrow\","
        "\"export_platforms\"]}");
    daemon_event(fd, "b9", 1);
    daemon_event(fd, "b9", 2);
    close(fd);
    fd = daemon_accept(f);
    daemon_expect(f, fd);
    daemon_event(fd, "b9", 3);
    wait_eof(fd);
}

static void test_feed__follows_what_it_created(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_create, .stop_after_events = 3};
    setup_net(&f, 0);
    depot_feed_create(f.feed, &some_request);
    depot_loop_run(f.loop);
    assert_int_equal(f.created, 1);
    assert_string_equal(f.version, "0.9.1");
    assert_false(f.can_join);
    assert_true(f.can_export);
    assert_string_equal(f.build, "b9");
    assert_string_equal(depot_buf_str(&f.seen), "b9:1 b9:2 b9:3");
    teardown(&f);
    assert_true(depot_str_starts(
        f.got[0], "{\"op\":\"create\",\"request\":{\"project\":\"web\",\"tags\":[]"));
    assert_string_equal(f.got[1], "{\"op\":\"subscribe\",\"build\":\"b9\",\"after\":2}");
}

static void serve_lost_create(struct fixture *f)
{
    int fd = daemon_accept(f);
    daemon_expect(f, fd);
    close(fd);
    fd = daemon_accept(f);
    daemon_expect(f, fd); /* the fleet, and nothing after it */
    wait_eof(fd);
}

static void test_feed__never_creates_twice(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_lost_create, .stop_on_created = true};
    setup_net(&f, 0);
    depot_feed_create(f.feed, &some_request);
    depot_loop_run(f.loop);
    assert_int_equal(f.created, 1);
    assert_int_equal(f.create_err.code, DEPOT_ERR_UNAVAILABLE);
    assert_non_null(strstr(f.create_err.msg, "may be running"));
    depot_feed_subscribe_fleet(f.feed, false);
    f.stop_at_state = DEPOT_FEED_LIVE;
    depot_loop_run(f.loop);
    const uint64_t until = depot_mono_ms() + 50;
    while (depot_mono_ms() < until)
        depot_loop_turn(f.loop);
    teardown(&f);
    assert_int_equal(f.ngot, 2);
    assert_string_equal(f.got[1], "{\"op\":\"subscribe\",\"scope\":\"fleet\",\"logs\":false}");
}

static void serve_errors(struct fixture *f)
{
    const int fd = daemon_accept(f);
    daemon_expect(f, fd);
    daemon_expect(f, fd);
    fake_text(fd, "{\"op\":\"error\",\"build\":\"b\\\"x\",\"error\":{\"code\":\"not_found\","
                  "\"message\":\"no such build\",\"hint\":\"list\"}}");
    fake_text(
        fd, "{\"op\":\"error\",\"error\":{\"code\":\"invalid\",\"message\":\"no platform\"}}");
    wait_eof(fd);
}

static void test_feed__tells_refusals_apart(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_errors, .stop_on_created = true};
    setup_net(&f, 0);
    depot_feed_cancel(f.feed, "b\"x");
    depot_feed_create(f.feed, &some_request);
    depot_loop_run(f.loop);
    assert_int_equal(f.refused, 1);
    assert_string_equal(f.build, "b\"x");
    assert_int_equal(f.refused_err.code, DEPOT_ERR_NOT_FOUND);
    assert_string_equal(f.refused_err.hint, "list");
    assert_int_equal(f.created, 1);
    assert_int_equal(f.create_err.code, DEPOT_ERR_INVALID);
    teardown(&f);
    assert_string_equal(f.got[0], "{\"op\":\"cancel\",\"build\":\"b\\\"x\"}");
}

static void serve_answers(struct fixture *f)
{
    static const char *const texts[] = {
        "{\"op\":\"prune\",\"builders\":[{\"builder\":\"one\",\"freed\":5,\"records\":1}]}",
        /* Parentheses: one string of several pieces. */
        ("{\"op\":\"error\",\"of\":\"cache\",\"error\":{\"code\":\"not_found\",\"message\":"
         "\"gone\","
         "\"hint\":\"\"}}"),
        "{\"op\":\"cache\",\"builders\":3}",
    };
    const int fd = daemon_accept(f);
    daemon_expect(f, fd); /* the create, which stays unanswered */
    for (int i = 0; i < 3; i++)
        daemon_expect(f, fd);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(texts); i++)
        fake_text(fd, texts[i]);
    wait_eof(fd);
}

static void test_feed__gives_answers_and_what_is_wrong_with_them(void **state)
{
    (void)state;
    const struct depot_query q = {.ask = DEPOT_QUERY_PRUNE, .builder = "one"};
    const struct depot_query cache = {.ask = DEPOT_QUERY_CACHE};
    struct fixture f = {.serve = serve_answers, .stop_at_state = DEPOT_FEED_LIVE};
    setup_net(&f, 0);
    assert_false(depot_feed_query(f.feed, &q)); /* not connected yet */
    depot_feed_create(f.feed, &some_request);
    depot_loop_run(f.loop);
    assert_true(depot_feed_query(f.feed, &q));
    assert_true(depot_feed_query(f.feed, &cache));
    assert_true(depot_feed_query(f.feed, &cache));
    depot_loop_run(f.loop);
    assert_memory_equal(f.seen.data, "prune:one cache:gone cache:", 27);
    assert_non_null(strstr(depot_buf_str(&f.seen), "bad answer"));
    assert_int_equal(f.created, 0); /* its error is not this one */
    teardown(&f);
}

/* ---- the second version ---- */

static int daemon_accept_v2(struct fixture *f)
{
    char head[4096];
    const int fd = fake_accept(f->lfd, head, sizeof(head));
    if (fd >= 0 && fake_find(head, "depot.feed.v2, depot.feed.v1") != NULL)
        fake_upgrade(fd, head, "depot.feed.v2");
    return fd;
}

/* Answers from the last question to the first, and what nobody asked. */
static void serve_by_id(struct fixture *f)
{
    static const char *const texts[] = {
        "{\"id\":99,\"result\":{}}",
        "{\"id\":4,\"error\":{\"code\":\"timeout\",\"message\":\"too slow\",\"hint\":\"wait\"}}",
        "{\"v\":1,\"seq\":1,\"build\":\"b1\",\"type\":\"build.queued\",\"reason\":\"\\\"id\\\"\"}",
        "{\"id\":3,\"result\":{\"project\":\"two\",\"steps\":[]}}",
        "{\"result\":{\"project\":\"one\"},\"id\":2}",
        "{\"id\":2,\"result\":{\"project\":\"again\"}}",
        "{\"id\":1,\"result\":{\"id\":\"b9\",\"state\":\"created\",\"session\":\"s\"}}",
    };
    const int fd = daemon_accept_v2(f);
    for (int i = 0; i < 4; i++)
        daemon_expect(f, fd);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(texts); i++)
        fake_text(fd, texts[i]);
    wait_eof(fd);
}

static void test_feed__answers_find_their_questions_by_id(void **state)
{
    (void)state;
    struct fixture f = {
        .serve = serve_by_id, .stop_at_state = DEPOT_FEED_LIVE, .stop_on_created = true};
    setup_net(&f, 0);
    depot_feed_create(f.feed, &some_request);
    depot_loop_run(f.loop);
    const char *const projects[] = {"one", "two", "three"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(projects); i++)
        assert_true(depot_feed_query(
            f.feed, &(struct depot_query){.ask = DEPOT_QUERY_ESTIMATES, .project = projects[i]}));
    f.answers = -1; /* the create is the last */
    depot_loop_run(f.loop);
    assert_string_equal(
        depot_buf_str(&f.seen), "estimatesthree:too slow  b1:1estimatestwo:two estimatesone:one ");
    assert_int_equal(f.created, 1);
    assert_string_equal(f.build, "b9");
    teardown(&f);
    assert_true(depot_str_starts(f.got[0], "{\"id\":1,\"op\":\"create\",\"request\":{"));
    assert_string_equal(f.got[3], "{\"id\":4,\"op\":\"estimates\",\"project\":\"three\"}");
}

static void serve_refusals(struct fixture *f)
{
    const int fd = daemon_accept_v2(f);
    for (int i = 0; i < 3; i++)
        daemon_expect(f, fd);
    fake_text(fd, "{\"id\":2,\"result\":{}}");
    fake_text(fd, "{\"id\":3,\"error\":{\"code\":\"exhausted\",\"message\":\"many\"}}");
    fake_text(fd, "{\"id\":1,\"error\":7}");
    wait_eof(fd);
}

/* A refusal names nothing: its id tells what was refused. */
static void test_feed__refusals_find_their_requests_by_id(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_refusals, .stop_at_state = DEPOT_FEED_LIVE};
    setup_net(&f, 0);
    depot_loop_run(f.loop);
    f.stop_on_created = true;
    depot_feed_create(f.feed, &some_request);
    depot_feed_subscribe_build(f.feed, "b1", 0);
    depot_feed_cancel(f.feed, "b2");
    depot_loop_run(f.loop);
    assert_int_equal(f.refused, 1);
    assert_string_equal(f.build, "b2");
    assert_int_equal(f.refused_err.code, DEPOT_ERR_EXHAUSTED);
    assert_int_equal(f.created, 1);
    assert_int_equal(f.create_err.code, DEPOT_ERR_INTERNAL);
    teardown(&f);
}

/* A fleet position is ahead when the build is asked for from its beginning. */
static void serve_moved(struct fixture *f)
{
    const int fd = daemon_accept(f);
    daemon_expect(f, fd);
    daemon_event(fd, "b1", 1);
    daemon_event(fd, "b1", 2);
    daemon_expect(f, fd);
    daemon_event(fd, "b1", 3); /* was on its way */
    daemon_event(fd, "b1", 1);
    daemon_event(fd, "b1", 2);
    daemon_event(fd, "b1", 3);
    daemon_event(fd, "b1", 4);
    wait_eof(fd);
}

static void test_feed__moves_back_without_a_hole(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_moved, .stop_after_events = 2};
    setup_net(&f, 0);
    depot_feed_subscribe_fleet(f.feed, true);
    depot_loop_run(f.loop);
    depot_feed_subscribe_build(f.feed, "b1", 0);
    f.stop_after_events = 6;
    depot_loop_run(f.loop);
    assert_string_equal(depot_buf_str(&f.seen), "b1:1 b1:2 b1:1 b1:2 b1:3 b1:4");
    teardown(&f);
}

static void test_feed__gives_up_in_time(void **state)
{
    (void)state;
    struct fixture f = {0};
    setup_net(&f, 400);
    close(f.lfd);
    unlink(f.path);
    depot_feed_create(f.feed, &some_request);
    depot_loop_run(f.loop);
    const uint64_t took = depot_mono_ms() - f.started_ms;
    assert_true(took >= 380 && took < 3000);
    assert_int_equal(f.states[DEPOT_FEED_ENDED], 1);
    assert_true(f.states[DEPOT_FEED_CONNECTING] >= 1);
    assert_int_equal(f.states[DEPOT_FEED_STALE], 0);
    assert_int_equal(f.err.code, DEPOT_ERR_UNAVAILABLE);
    assert_int_equal(f.created, 1);
    teardown(&f);
}

static void serve_no_token(struct fixture *f)
{
    char head[4096];
    const int fd = fake_accept(f->lfd, head, sizeof(head));
    fake_puts(fd, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    wait_eof(fd);
}

static void test_feed__does_not_try_a_bad_token_again(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_no_token};
    setup_net(&f, 0);
    depot_loop_run(f.loop);
    assert_int_equal(f.states[DEPOT_FEED_ENDED], 1);
    assert_int_equal(f.err.code, DEPOT_ERR_UNAUTHENTICATED);
    teardown(&f);
}

static void serve_events(struct fixture *f)
{
    const int fd = daemon_accept(f);
    daemon_expect(f, fd);
    daemon_event(fd, "b1", 1);
    daemon_event(fd, "b1", 2);
    wait_eof(fd);
}

static void serve_ssh(struct fixture *f)
{
    char head[4096];
    const int fd = fake_accept(f->lfd, head, sizeof(head));
    fake_puts(fd, "SSH-2.0-OpenSSH_9.2\r\n");
    wait_eof(fd);
}

static void test_feed__does_not_try_what_is_no_daemon_again(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_ssh};
    setup_net(&f, 0);
    depot_loop_run(f.loop);
    assert_int_equal(f.states[DEPOT_FEED_ENDED], 1);
    assert_int_equal(f.err.code, DEPOT_ERR_PROTOCOL);
    assert_non_null(strstr(f.err.msg, "not a daemon"));
    teardown(&f);
}

/* One that was a daemon, and for a while is something else. */
static void serve_then_ssh(struct fixture *f)
{
    int fd = daemon_accept(f);
    daemon_expect(f, fd);
    daemon_event(fd, "b1", 1);
    close(fd);
    serve_ssh(f);
    serve_events(f);
}

static void test_feed__tries_what_was_a_daemon_again(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_then_ssh, .free_after_events = 2};
    setup_net(&f, 0);
    depot_feed_subscribe_build(f.feed, "b1", 0);
    depot_loop_run(f.loop);
    assert_int_equal(f.events, 2);
    assert_int_equal(f.states[DEPOT_FEED_ENDED], 0);
    teardown(&f);
}

static void test_feed__may_be_freed_in_its_callbacks(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_events, .free_after_events = 1};
    setup_net(&f, 0);
    depot_feed_subscribe_build(f.feed, "b1", 0);
    depot_loop_run(f.loop);
    assert_int_equal(f.events, 1);
    teardown(&f);
    struct fixture g = {.serve = serve_no_token, .free_on_error = true};
    setup_net(&g, 0);
    depot_loop_run(g.loop);
    assert_null(g.feed);
    teardown(&g);
}

/* ---- replays ---- */

#define LINE(seq, time)                                                                            \
    "{\"v\":1,\"seq\":" #seq ",\"time\":\"2026-05-04T10:11:" time                                  \
    "Z\",\"build\":\"b1\",\"type\":\"build.queued\",\"platform\":\"p\"}\n"

static const char recording[] = LINE(1, "12") LINE(2, "12.05") "{oops\n" LINE(3, "12.2");

static int file_with(const char *text, size_t n)
{
    char path[] = "/tmp/depot-test-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, text, n), (ssize_t)n);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void open_fd(struct fixture *f, int fd, double speed)
{
    struct depot_error err;
    setup(f);
    f->started_ms = depot_mono_ms();
    assert_int_equal(depot_feed_open_fd(f->loop, fd, speed, &ops, f, &f->feed, &err), 0);
    assert_int_equal(f->events, 0);
}

static void test_feed__replays_a_file_and_names_bad_lines(void **state)
{
    (void)state;
    struct fixture f = {0};
    const int fd = file_with(recording, sizeof(recording) - 1);
    open_fd(&f, fd, 0);
    depot_loop_run(f.loop);
    assert_string_equal(depot_buf_str(&f.seen), "b1:1 b1:2 b1:3");
    assert_int_equal(f.errors, 1);
    assert_non_null(strstr(f.err.msg, "3"));
    assert_int_equal(f.states[DEPOT_FEED_ENDED], 1);
    teardown(&f);
    close(fd);
}

static void test_feed__replays_at_the_speed_of_the_recording(void **state)
{
    static const struct {
        double speed;
        uint64_t min, max;
    } rows[] = {{0, 0, 100}, {1, 190, 2000}, {4, 45, 1000}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f = {0};
        const int fd = file_with(recording, sizeof(recording) - 1);
        open_fd(&f, fd, rows[i].speed);
        depot_loop_run(f.loop);
        const uint64_t took = depot_mono_ms() - f.started_ms;
        assert_int_equal(f.events, 3);
        assert_true(took >= rows[i].min && took <= rows[i].max);
        teardown(&f);
        close(fd);
    }
}

static void test_feed__follows_a_pipe_as_it_is_written(void **state)
{
    (void)state;
    struct fixture f = {.stop_after_events = 1};
    int p[2];
    assert_int_equal(pipe(p), 0);
    open_fd(&f, p[0], 0);
    assert_int_equal(write(p[1], recording, 100), 100);
    depot_loop_run(f.loop);
    assert_int_equal(f.events, 1);
    assert_true(write(p[1], recording + 100, sizeof(recording) - 1 - 100) > 0);
    close(p[1]);
    f.stop_after_events = 0;
    depot_loop_run(f.loop);
    assert_int_equal(f.events, 3);
    assert_int_equal(f.states[DEPOT_FEED_ENDED], 1);
    assert_false(fcntl(p[0], F_GETFL) & O_NONBLOCK);
    teardown(&f);
    close(p[0]);
}

static void test_feed__replays_a_long_file_in_slices(void **state)
{
    (void)state;
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (int i = 1; i <= 5000; i++)
        depot_buf_addf(&b, "{\"v\":1,\"seq\":%d,\"build\":\"b1\",\"type\":\"build.queued\"}\n", i);
    struct fixture f = {0};
    const int fd = file_with(b.data, b.len);
    open_fd(&f, fd, 0);
    depot_loop_run(f.loop);
    assert_int_equal(f.events, 5000);
    teardown(&f);
    struct fixture g = {.free_after_events = 2000};
    lseek(fd, 0, SEEK_SET);
    open_fd(&g, fd, 0);
    depot_loop_run(g.loop);
    assert_int_equal(g.events, 2000);
    teardown(&g);
    close(fd);
    depot_buf_release(&b);
}

static void test_feed__reads_another_tools_rawjson(void **state)
{
    static const char raw[] = "{\"vertexes\":[{\"digest\":\"sha256:1\",\"name\":\"a\",\"started\":"
                              "\"2026-05-04T10:11:12Z\"}]}\n"
                              "{\"logs\":[{\"vertex\":\"sha256:1\",\"stream\":1,\"data\":\"aGkK\","
                              "\"timestamp\":\"2026-05-04T10:11:12.1Z\"}]}";
    (void)state;
    struct fixture f = {0};
    const int fd = file_with(raw, sizeof(raw) - 1);
    open_fd(&f, fd, 1);
    depot_loop_run(f.loop);
    assert_string_equal(depot_buf_str(&f.seen), "-:0 -:0");
    assert_true(depot_mono_ms() - f.started_ms >= 90);
    teardown(&f);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feed__resumes_without_loss_or_double),
        cmocka_unit_test(test_feed__follows_what_it_created),
        cmocka_unit_test(test_feed__never_creates_twice),
        cmocka_unit_test(test_feed__tells_refusals_apart),
        cmocka_unit_test(test_feed__gives_answers_and_what_is_wrong_with_them),
        cmocka_unit_test(test_feed__answers_find_their_questions_by_id),
        cmocka_unit_test(test_feed__refusals_find_their_requests_by_id),
        cmocka_unit_test(test_feed__moves_back_without_a_hole),
        cmocka_unit_test(test_feed__gives_up_in_time),
        cmocka_unit_test(test_feed__does_not_try_a_bad_token_again),
        cmocka_unit_test(test_feed__does_not_try_what_is_no_daemon_again),
        cmocka_unit_test(test_feed__tries_what_was_a_daemon_again),
        cmocka_unit_test(test_feed__may_be_freed_in_its_callbacks),
        cmocka_unit_test(test_feed__replays_a_file_and_names_bad_lines),
        cmocka_unit_test(test_feed__replays_at_the_speed_of_the_recording),
        cmocka_unit_test(test_feed__follows_a_pipe_as_it_is_written),
        cmocka_unit_test(test_feed__replays_a_long_file_in_slices),
        cmocka_unit_test(test_feed__reads_another_tools_rawjson),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
