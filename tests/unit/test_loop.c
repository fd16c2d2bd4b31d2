/*
 * Tests of the event loop: order, freeing in callbacks, and the end of a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/base.h>
#include <depot/clock.h>
#include <depot/loop.h>
#include <depot/os.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
    struct depot_loop *l;
    struct depot_loop_fd *fd, *other;
    struct depot_timer *timer;
    struct depot_signal *sig;
    int calls, others;
    unsigned events;
    char trace[64];
    pthread_t thread;
};

static int set_up(void **state)
{
    struct fixture *f = depot_calloc(1, sizeof(*f));

    *state = f;
    return depot_loop_new(&f->l, NULL);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    depot_loop_free(f->l);
    depot_free(f);
    return 0;
}

static void note(struct fixture *f, char c)
{
    size_t len = strlen(f->trace);

    if (len + 1 < sizeof(f->trace))
        f->trace[len] = c;
}

static void make_pair(int fds[2])
{
    assert_int_equal(depot_os_socketpair(fds, true), 0);
}

static void test_run__ends_when_nothing_is_left(void **state)
{
    struct fixture *f = *state;

    depot_loop_run(f->l);
    depot_loop_turn(f->l);
    depot_loop_free(NULL);
    depot_timer_free(NULL);
    depot_loop_fd_free(NULL);
    depot_signal_free(NULL);
}

static void on_fd_free_self(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    f->events |= events;
    depot_loop_fd_free(w);
    depot_loop_fd_free(w == f->fd ? f->other : f->fd);
}

static void test_fd__freeing_itself_and_another_ready_one(void **state)
{
    struct fixture *f = *state;
    int fds[2];

    make_pair(fds);
    assert_int_equal(
        depot_loop_fd_new(f->l, fds[0], DEPOT_WRITE, on_fd_free_self, f, &f->fd, NULL), 0);
    assert_int_equal(
        depot_loop_fd_new(f->l, fds[1], DEPOT_WRITE, on_fd_free_self, f, &f->other, NULL), 0);
    depot_loop_run(f->l);
    assert_int_equal(f->calls, 1);
    assert_int_equal(f->events, DEPOT_WRITE);
    close(fds[0]);
    close(fds[1]);
}

static void on_fd_read(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct fixture *f = arg;
    char buf[8];

    DEPOT_UNUSED(w);
    f->calls++;
    f->events = events;
    if (events & DEPOT_READ)
        (void)!read(f->others, buf, sizeof(buf));
}

static void test_fd__changing_what_is_wanted(void **state)
{
    struct fixture *f = *state;
    int fds[2];

    make_pair(fds);
    f->others = fds[0];
    assert_int_equal(depot_loop_fd_new(f->l, fds[0], 0, on_fd_read, f, &f->fd, NULL), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    depot_loop_turn(f->l);
    assert_int_equal(f->calls, 0);
    depot_loop_fd_set(f->fd, DEPOT_READ);
    depot_loop_turn(f->l);
    assert_int_equal(f->events, DEPOT_READ);
    depot_loop_turn(f->l);
    assert_int_equal(f->calls, 1);
    depot_loop_fd_set(f->fd, DEPOT_READ | DEPOT_WRITE);
    depot_loop_turn(f->l);
    assert_int_equal(f->events, DEPOT_WRITE);
    depot_loop_fd_set(f->fd, 0);
    depot_loop_turn(f->l);
    assert_int_equal(f->calls, 2);
    depot_loop_fd_set(f->fd, DEPOT_READ);
    close(fds[1]);
    depot_loop_turn(f->l);
    assert_true(f->events & DEPOT_READ);
    depot_loop_fd_free(f->fd);
    depot_loop_fd_free(f->fd);
    close(fds[0]);
}

static void on_fd_count(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct fixture *f = arg;

    f->events = events;
    if (++f->calls == 3)
        depot_loop_fd_free(w);
}

static void test_fd__an_error_is_both_and_stays(void **state)
{
    struct fixture *f = *state;
    int fds[2];

    /* The write end of a pipe without a reader is in error, for good. */
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(depot_loop_fd_new(f->l, fds[1], DEPOT_READ, on_fd_count, f, &f->fd, NULL), 0);
    depot_loop_run(f->l);
    assert_int_equal(f->calls, 3);
    assert_int_equal(f->events, DEPOT_READ | DEPOT_WRITE);
    close(fds[1]);
}

#ifdef __linux__ /* kqueue takes them */
static void test_fd__regular_files_are_refused(void **state)
{
    struct fixture *f = *state;
    struct depot_error err = {0};
    int fd = open("/proc/self/exe", O_RDONLY);

    assert_int_equal(
        depot_loop_fd_new(f->l, fd, DEPOT_READ, on_fd_count, f, &f->fd, &err), DEPOT_ERR_DENIED);
    assert_non_null(strstr(err.msg, "cannot watch descriptor"));
    close(fd);
}
#endif

static void on_timer_free(struct depot_timer *t, void *arg)
{
    struct fixture *f = arg;

    note(f, 't');
    depot_timer_free(t);
    depot_timer_start(t, 0, 0);
}

static void test_timer__fires_once_and_may_free_itself(void **state)
{
    struct fixture *f = *state;
    uint64_t start;

    /* Long after the loop last looked at the clock, a timer still waits its full time. */
    usleep(30000);
    start = depot_mono_ms();
    f->timer = depot_timer_new(f->l, on_timer_free, f);
    depot_timer_start(f->timer, 20, 0);
    depot_loop_run(f->l);
    assert_string_equal(f->trace, "t");
    assert_true(depot_mono_ms() - start >= 19);
}

static void on_timer_repeat(struct depot_timer *t, void *arg)
{
    struct fixture *f = arg;

    if (++f->calls == 3)
        depot_timer_stop(t);
}

static void test_timer__repeats_until_stopped(void **state)
{
    struct fixture *f = *state;

    f->timer = depot_timer_new(f->l, on_timer_repeat, f);
    depot_timer_start(f->timer, 1, 1);
    depot_loop_run(f->l);
    assert_int_equal(f->calls, 3);
    depot_timer_start(f->timer, UINT64_MAX, 0);
    depot_timer_start(f->timer, 0, 0);
    depot_loop_run(f->l);
    assert_int_equal(f->calls, 4);
    depot_timer_free(f->timer);
}

static void note_second(void *arg)
{
    note(arg, '3');
}

static void note_first(void *arg)
{
    struct fixture *f = arg;

    note(f, '1');
    depot_loop_defer(f->l, note_second, f);
}

static void note_other(void *arg)
{
    note(arg, '2');
}

static void test_defer__runs_without_any_other_event(void **state)
{
    struct fixture *f = *state;

    depot_loop_defer(f->l, note_first, f);
    depot_loop_defer(f->l, note_other, f);
    assert_string_equal(f->trace, "");
    depot_loop_turn(f->l);
    /* What a deferred call defers waits for the next turn, so that it cannot hog this one. */
    assert_string_equal(f->trace, "12");
    depot_loop_run(f->l);
    assert_string_equal(f->trace, "123");
}

static void on_timer_defer(struct depot_timer *t, void *arg)
{
    struct fixture *f = arg;

    depot_loop_defer(f->l, note_other, f);
    note(f, 't');
    depot_timer_free(t);
}

static void test_defer__comes_after_the_callback_and_before_waiting(void **state)
{
    struct fixture *f = *state;
    struct depot_timer *far = depot_timer_new(f->l, on_timer_free, f);

    depot_timer_start(far, 60000, 0);
    f->timer = depot_timer_new(f->l, on_timer_defer, f);
    depot_timer_start(f->timer, 0, 0);
    for (int i = 0; i < 3; i++)
        depot_loop_turn(f->l);
    assert_string_equal(f->trace, "t2");
    depot_timer_free(far);
}

static void test_defer__is_not_lost_when_the_loop_is_freed(void **state)
{
    struct fixture *f = *state;

    depot_loop_defer(f->l, note_first, f);
    depot_loop_free(f->l);
    f->l = NULL;
    assert_string_equal(f->trace, "13");
}

static void on_signal(struct depot_signal *s, int signum, void *arg)
{
    struct fixture *f = arg;

    f->calls = signum;
    depot_signal_free(s);
}

static void test_signal__arrives(void **state)
{
    struct fixture *f = *state;
    struct depot_error err = {0};

    assert_int_equal(depot_signal_new(f->l, SIGUSR1, on_signal, f, &f->sig, NULL), 0);
    kill(getpid(), SIGUSR1);
    depot_loop_run(f->l);
    assert_int_equal(f->calls, SIGUSR1);
    assert_int_equal(
        depot_signal_new(f->l, SIGKILL, on_signal, f, &f->sig, &err), DEPOT_ERR_INVALID);
}

static void do_work(void *arg)
{
    struct fixture *f = arg;

    f->thread = pthread_self();
    note(f, 'w');
}

static void work_done(void *arg)
{
    struct fixture *f = arg;

    note(f, 'd');
    /* Also while the loop is being freed. */
    depot_loop_defer(f->l, note_other, f);
}

static void test_work__runs_elsewhere_and_comes_back(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(depot_loop_work(f->l, do_work, work_done, f), 0);
    depot_loop_run(f->l);
    assert_string_equal(f->trace, "wd2");
    assert_false(pthread_equal(f->thread, pthread_self()));
}

static void test_work__comes_back_before_the_loop_is_gone(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(depot_loop_work(f->l, do_work, work_done, f), 0);
    depot_loop_free(f->l);
    f->l = NULL;
    assert_string_equal(f->trace, "wd2");
}

static void on_timer_stop(struct depot_timer *t, void *arg)
{
    struct fixture *f = arg;

    note(f, 's');
    depot_timer_start(t, 1, 0);
    depot_loop_stop(f->l);
}

static void test_stop__ends_a_run_that_goes_on_later(void **state)
{
    struct fixture *f = *state;

    f->timer = depot_timer_new(f->l, on_timer_stop, f);
    depot_timer_start(f->timer, 1, 0);
    depot_loop_run(f->l);
    depot_loop_run(f->l);
    assert_string_equal(f->trace, "ss");
    assert_true(depot_loop_now_ms(f->l) > 0);
    assert_non_null(depot_loop_native(f->l));
    depot_timer_free(f->timer);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_run__ends_when_nothing_is_left),
        TEST(test_fd__freeing_itself_and_another_ready_one),
        TEST(test_fd__changing_what_is_wanted),
        TEST(test_fd__an_error_is_both_and_stays),
#ifdef __linux__
        TEST(test_fd__regular_files_are_refused),
#endif
        TEST(test_timer__fires_once_and_may_free_itself),
        TEST(test_timer__repeats_until_stopped),
        TEST(test_defer__runs_without_any_other_event),
        TEST(test_defer__comes_after_the_callback_and_before_waiting),
        TEST(test_defer__is_not_lost_when_the_loop_is_freed),
        TEST(test_signal__arrives),
        TEST(test_work__runs_elsewhere_and_comes_back),
        TEST(test_work__comes_back_before_the_loop_is_gone),
        TEST(test_stop__ends_a_run_that_goes_on_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
