/*
 * depot replay FILE: a recording, or another tool's rawjson, printed as the build was.
 */
#include "cli.h"

#include <depot/feed.h>
#include <depot/text.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct replay_args {
    char *progress, *speed, *summary;
    struct depot_strv ci;
};

#define OPT(field) offsetof(struct replay_args, field)

static const struct depot_opt replay_opts[] = {
    CLI_CI_OPTION(OPT(ci)),
    {"progress", 0, DEPOT_OPT_STRING, OPT(progress), "MODE", "How to print it",
        "tty|plain|rawjson|quiet", 0},
    {"speed", 0, DEPOT_OPT_STRING, OPT(speed), "N",
        "Times the recorded pace; 0 is as fast as it can be read (default: 0)", NULL, 0},
    {"summary", 0, DEPOT_OPT_STRING, OPT(summary), "WHEN",
        "Print what was built at the end; auto: on a terminal, and in CI", "auto|always|never", 0},
};

struct replay {
    struct depot_loop *loop;
    struct depot_feed *feed;
    struct depot_build *state;
    struct cli_show *show;
    struct cli_ci ci;
    int bad_lines;
    struct depot_buf text; /* what another tool said beside its events */
};

/* More than any tool prints around a build; what is beyond is dropped. */
enum { REPLAY_TEXT_MAX = 1024 * 1024 };

static void on_event(struct depot_feed *f, const struct depot_event *ev, void *arg)
{
    struct replay *p = arg;
    DEPOT_UNUSED(f);
    depot_build_apply(p->state, ev);
    cli_show_event(p->show, ev);
}

static void on_text(struct depot_feed *f, const char *line, size_t n, void *arg)
{
    struct replay *p = arg;
    struct depot_clean clean = {0};
    DEPOT_UNUSED(f);
    depot_clean_feed(&clean, &p->text, line, n);
    depot_buf_addc(&p->text, '\n');
}

/* What another tool said is no command of the CI system's either. */
static void print_text(const struct replay *p)
{
    struct depot_buf safe = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_guard_string(&safe, p->ci.system, depot_buf_str(&p->text));
    fputs(depot_buf_str(&safe), stderr);
    depot_buf_release(&safe);
}

static void on_state(
    struct depot_feed *f, enum depot_feed_state s, const struct depot_error *err, void *arg)
{
    struct replay *p = arg;
    DEPOT_UNUSED(f);
    if (err != NULL) {
        p->bad_lines++;
        depot_error_print(CLI_PROGRAM, err);
    }
    if (s != DEPOT_FEED_ENDED)
        return;
    depot_build_derive(p->state);
    cli_show_end(p->show, true);
    print_text(p);
    cli_show_last(p->show);
    depot_loop_stop(p->loop);
}

static const struct depot_feed_ops feed_ops = {
    .event = on_event, .state = on_state, .text = on_text};

static int open_input(const char *name, int *fd, struct depot_error *err)
{
    if (depot_str_eq(name, "-")) {
        *fd = STDIN_FILENO;
        return 0;
    }
    *fd = open(name, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ? 0 : depot_error_errno(err, errno, "cannot read %s", name);
}

static int parse_speed(const char *s, double *out, struct depot_error *err)
{
    char *end = NULL;
    *out = 0;
    if (depot_str_empty(s))
        return 0;
    *out = strtod(s, &end);
    if (*end != '\0' || !(*out >= 0 && *out <= 1e6))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "invalid value \"%s\" for --speed: expected a number", s);
    return 0;
}

static int play(
    struct replay *p, const struct replay_args *a, int fd, double speed, struct depot_error *err)
{
    struct cli_show_opts opts = {.sink = a->progress != NULL ? a->progress : "plain",
        .out = stderr,
        .ci = &p->ci,
        .summary = cli_show_sums_up(a->summary, stderr)};
    int rc = cli_show_check(opts.sink, "--progress=tty", opts.out, err);
    if (rc == 0)
        rc = depot_loop_new(&p->loop, err);
    if (rc != 0)
        return rc;
    p->state = depot_build_new(NULL);
    rc = cli_show_new(p->loop, p->state, &opts, &p->show, err);
    if (rc == 0)
        rc = depot_feed_open_fd(p->loop, fd, speed, &feed_ops, p, &p->feed, err);
    if (rc == 0)
        depot_loop_run(p->loop);
    return rc;
}

static int run_replay(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    const struct replay_args *a = target;
    struct depot_error err = {0};
    struct replay p = {0};
    double speed = 0;
    int fd = -1;
    depot_buf_init(&p.text, REPLAY_TEXT_MAX);
    DEPOT_UNUSED(cmd);
    int rc = cli_ci_init(&p.ci, &a->ci, 0, &err);
    if (rc == 0)
        rc = parse_speed(a->speed, &speed, &err);
    if (rc == 0)
        rc = open_input(args->items[0], &fd, &err);
    if (rc == 0)
        rc = play(&p, a, fd, speed, &err);
    if (rc != 0)
        depot_error_print(CLI_PROGRAM, &err);
    depot_feed_free(p.feed);
    cli_show_free(p.show);
    cli_ci_release(&p.ci);
    depot_build_free(p.state);
    depot_loop_free(p.loop);
    depot_buf_release(&p.text);
    if (fd > STDERR_FILENO)
        close(fd);
    if (rc != 0)
        return rc == DEPOT_ERR_INVALID ? DEPOT_EXIT_USAGE : DEPOT_EXIT_FAILED;
    return p.bad_lines > 0 ? DEPOT_EXIT_FAILED : DEPOT_EXIT_OK;
}

const struct depot_command cmd_replay = {
    .name = "replay",
    .args = "FILE | -",
    .min_args = 1,
    .max_args = 1,
    .summary = "Print a recorded build, or the rawjson progress of another tool",
    .opts = replay_opts,
    .nopts = DEPOT_ARRAY_LEN(replay_opts),
    .args_size = sizeof(struct replay_args),
    .run = run_replay,
};
