/*
 * A sink with its clock and its terminal: what it asks for in time is given by the loop, and it is
 * told of the terminal's size.
 */
#include "cli.h"

#include <depot/ci.h>
#include <depot/clock.h>
#include <depot/log.h>
#include <depot/render.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct cli_show {
    struct depot_render *render;
    struct depot_timer *timer;
    const struct depot_build *state;
    struct depot_render_opts opts;
    struct depot_styles styles;
    const struct cli_ci *ci;
    bool quiet, raw, live, covered;
    bool summary, ended;
    /* Of the live display only: */
    struct depot_signal *winch, *tstp;
    struct depot_loop_fd *diag_watch;
    int diag[2]; /* a pipe: diagnostics that would be written over its rows; -1: none */
    struct depot_buf diag_line;
};

const char *cli_show_auto(FILE *out)
{
    const char *term = getenv("TERM"), *accessible = getenv("ACCESSIBLE");

    if (isatty(fileno(out)) != 1 || depot_str_empty(term) || depot_str_eq(term, "dumb"))
        return "plain";
    if (!depot_str_empty(accessible) && !depot_str_eq(accessible, "0"))
        return "plain";
    return depot_ci_detect() != NULL ? "plain" : "tty";
}

bool cli_show_sums_up(const char *when, FILE *out)
{
    if (depot_str_eq(when, "always"))
        return true;
    if (depot_str_eq(when, "never"))
        return false;
    return isatty(fileno(out)) == 1 || depot_ci_detect() != NULL;
}

int cli_show_check(const char *sink, const char *flag, FILE *out, struct depot_error *err)
{
    if (!depot_str_eq(sink, "tty") || isatty(fileno(out)) == 1)
        return 0;
    depot_error_set(err, DEPOT_ERR_INVALID, "%s needs a terminal", flag);
    return depot_error_hint(err, "use --progress=plain for files and pipes");
}

static void ask_size(const struct cli_show *s, int *width, int *height)
{
    struct winsize size = {0};

    if (ioctl(fileno(s->opts.out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        size = (struct winsize){.ws_col = 80, .ws_row = 24};
    *width = size.ws_col;
    *height = size.ws_row;
}

static void rearm(struct cli_show *s)
{
    uint64_t deadline = depot_render_deadline(s->render);
    uint64_t now = depot_mono_ns();
    if (deadline == 0)
        depot_timer_stop(s->timer);
    else
        depot_timer_start(s->timer, deadline > now ? (deadline - now + 999999) / 1000000 : 0, 0);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct cli_show *s = arg;
    DEPOT_UNUSED(t);
    depot_render_tick(s->render, depot_mono_ns());
    rearm(s);
}

static void on_winch(struct depot_signal *sig, int signum, void *arg)
{
    struct cli_show *s = arg;
    int width, height;
    DEPOT_UNUSED(sig);
    DEPOT_UNUSED(signum);
    ask_size(s, &width, &height);
    depot_render_resize(s->render, width, height, depot_mono_ns());
    rearm(s);
}

/* ^Z: the shell's prompt comes where the rows were, and they come back below it. */
static void on_tstp(struct depot_signal *sig, int signum, void *arg)
{
    struct cli_show *s = arg;
    DEPOT_UNUSED(signum);
    if (s->covered) /* what lies over us stops the program */
        return;
    depot_render_hide(s->render, depot_mono_ns());
    raise(SIGSTOP);
    on_winch(sig, SIGWINCH, s);
}

/* ---- diagnostics, above the rows ---- */

static void read_diagnostics(struct cli_show *s)
{
    char buf[1024];
    ssize_t n;
    while ((n = read(s->diag[0], buf, sizeof(buf))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] != '\n') {
                depot_buf_addc(&s->diag_line, buf[i]);
                continue;
            }
            depot_render_note(s->render, depot_buf_str(&s->diag_line), depot_mono_ns());
            depot_buf_clear(&s->diag_line);
        }
    }
}

static void on_diagnostics(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct cli_show *s = arg;
    DEPOT_UNUSED(w);
    DEPOT_UNUSED(events);
    read_diagnostics(s);
    rearm(s);
}

static int take_diagnostics(struct depot_loop *l, struct cli_show *s, struct depot_error *err)
{
    enum { LINE_MAX_BYTES = 16384 };
    int rc = 0;
    depot_buf_init(&s->diag_line, LINE_MAX_BYTES);
    if (pipe(s->diag) != 0)
        return depot_error_errno(err, errno, "cannot make a pipe");
    for (int i = 0; i < 2; i++)
        if (fcntl(s->diag[i], F_SETFD, FD_CLOEXEC) != 0 ||
            fcntl(s->diag[i], F_SETFL, O_NONBLOCK) != 0)
            rc = depot_error_errno(err, errno, "cannot set up a pipe");
    if (rc == 0)
        rc = depot_loop_fd_new(l, s->diag[0], DEPOT_READ, on_diagnostics, s, &s->diag_watch, err);
    if (rc == 0)
        depot_log_set_fd(s->diag[1]);
    return rc;
}

static void give_diagnostics_back(struct cli_show *s)
{
    if (s->diag[0] < 0)
        return;
    depot_log_set_fd(STDERR_FILENO);
    read_diagnostics(s);
    depot_loop_fd_free(s->diag_watch);
    for (int i = 0; i < 2; i++) {
        close(s->diag[i]);
        s->diag[i] = -1;
    }
    depot_buf_release(&s->diag_line);
}

/* ---- life ---- */

static int watch_terminal(struct depot_loop *l, struct cli_show *s, struct depot_error *err)
{
    int rc = depot_signal_new(l, SIGWINCH, on_winch, s, &s->winch, err);
    if (rc == 0)
        rc = depot_signal_new(l, SIGTSTP, on_tstp, s, &s->tstp, err);
    return rc != 0 ? rc : take_diagnostics(l, s, err);
}

/* A log is read from its top: it says there what it is of. */
static void choose_frame(struct cli_show *s, const struct cli_show_opts *opts)
{
    const bool plain = depot_str_eq(opts->sink, "plain");
    s->ci = opts->ci;
    s->summary = opts->summary;
    s->opts.ci = depot_ci_detect();
    s->opts.frame =
        plain && opts->summary && (s->opts.ci != NULL || isatty(fileno(opts->out)) != 1);
    s->opts.groups = plain && opts->ci != NULL && (opts->ci->what & CLI_CI_GROUPS) != 0;
}

int cli_show_new(struct depot_loop *l, const struct depot_build *state,
    const struct cli_show_opts *opts, struct cli_show **out, struct depot_error *err)
{
    struct cli_show *s = depot_calloc(1, sizeof(*s));
    s->state = state;
    s->diag[0] = s->diag[1] = -1;
    s->opts.out = opts->out;
    s->opts.sanitize = isatty(fileno(opts->out)) == 1;
    s->opts.details = opts->details;
    s->opts.part = opts->part;
    s->opts.styles = depot_use_styles(&s->styles, opts->color, fileno(opts->out));
    s->opts.utf8 = depot_text_is_utf8();
    s->live = depot_str_eq(opts->sink, "tty");
    ask_size(s, &s->opts.width, &s->opts.height);
    choose_frame(s, opts);
    s->quiet = depot_str_eq(opts->sink, "quiet");
    s->raw = depot_str_eq(opts->sink, "rawjson");
    int rc = depot_render_new(&s->render, opts->sink, state, &s->opts, err);
    if (rc != 0) {
        depot_free(s);
        return rc;
    }
    s->timer = depot_timer_new(l, on_timer, s);
    if (s->live)
        rc = watch_terminal(l, s, err);
    if (rc != 0) {
        cli_show_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void cli_show_event(struct cli_show *s, const struct depot_event *ev)
{
    depot_render_apply(s->render, ev, depot_mono_ns());
    rearm(s);
}

void cli_show_note(struct cli_show *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = depot_vasprintf(fmt, ap);
    va_end(ap);
    depot_render_note(s->render, text, depot_mono_ns());
    depot_free(text);
    rearm(s);
}

void cli_show_cover(struct cli_show *s, bool covered)
{
    int width, height;
    s->covered = covered;
    depot_render_cover(s->render, covered);
    /* Meanwhile diagnostics wait in their pipe. */
    if (s->diag_watch != NULL)
        depot_loop_fd_set(s->diag_watch, covered ? 0 : DEPOT_READ);
    if (covered)
        return;
    ask_size(s, &width, &height);
    depot_render_resize(s->render, width, height, depot_mono_ns());
    rearm(s);
}

/* On a screen what matters most stands last: the summary of a good build, the error of a bad one.
 */
static void end_live(struct cli_show *s)
{
    give_diagnostics_back(s);
    depot_render_warnings(s->state, &s->opts);
    if (s->summary)
        depot_render_summary(s->state, &s->opts);
    depot_render_tails(s->render);
    if (s->state->state == DEPOT_BUILD_FAILED)
        depot_render_error(s->state, &s->opts);
}

static void end_log(struct cli_show *s)
{
    if (s->opts.part)
        return;
    if (!s->raw && !s->quiet)
        depot_render_warnings(s->state, &s->opts);
    if (s->state->state == DEPOT_BUILD_FAILED)
        depot_render_error(s->state, &s->opts);
    if (s->ci != NULL && !s->raw && !s->quiet)
        cli_ci_annotate(s->ci, s->state, &s->opts);
    if (s->summary && !s->raw && !s->quiet && !s->opts.frame)
        depot_render_summary(s->state, &s->opts);
}

void cli_show_end(struct cli_show *s, bool build)
{
    s->ended = build;
    s->summary = s->summary && build;
    depot_timer_stop(s->timer);
    depot_render_end(s->render, depot_mono_ns());
    if (s->live)
        end_live(s);
    else
        end_log(s);
}

void cli_show_last(struct cli_show *s)
{
    if (!s->ended)
        return;
    if (s->opts.frame)
        depot_render_frame_end(s->state, &s->opts);
    if (s->ci != NULL)
        cli_ci_report(s->ci, s->state, &s->opts);
}

void cli_show_free(struct cli_show *s)
{
    if (s == NULL)
        return;
    give_diagnostics_back(s);
    depot_signal_free(s->winch);
    depot_signal_free(s->tstp);
    depot_timer_free(s->timer);
    depot_render_free(s->render);
    depot_free(s);
}
