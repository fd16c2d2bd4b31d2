/*
 * Frames: input is drawn at once, data at most every 100 ms, clocks when they differ. Data after a
 * silence is drawn at once too: some frames may be saved up.
 */
#include "runner.h"

#include "config.h"
#include "stats.h"
#include "tui/fleet/player.h"
#include "tui/term/term.h"
#include "tui/term/terminal.h"

#include <depot/path.h>
#include <depot/render.h>

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FRAME_MS = 100,
    SAVED_FRAMES = 3, /* that may follow each other faster, after as many were not needed */
    SAVED_MS = 5,
    STOP_MS = 100, /* within it a stop signal has stopped us, or never will */
    CONFIG_MAX = 256 * 1024
};

/* What is shown: the owner's fleet, or a recording that was opened over it. */
struct layer {
    struct screen *screen;
    struct fleet *fleet;
    struct tui *tui;
    struct player *player;
    struct layer *below; /* NULL: the owner's */
};

struct screen {
    struct depot_loop *loop;
    struct screen_ops ops;
    void *arg;
    struct depot_tui_opts opts;
    struct tui_settings settings;
    struct layer base, *top;
    struct keymaps *keys;
    struct depot_styles styles;
    char *config_text;
    char *bad_line; /* the first of them that makes no sense */
    unsigned bad_lines;
    struct term *term;
    struct depot_loop_fd *watch;
    struct depot_timer *frame, *late, *work, *back;
    struct depot_signal *winch, *cont, *tstp;
    struct sigaction stopper; /* what SIGTSTP does while we are on the screen */
    struct stats *stats;
    uint64_t drawn_ms;
    uint64_t earned_ms; /* frames since then are saved up */
    bool pending;       /* a frame is armed for data */
    bool working;       /* the view on top has long work to do */
    bool interrupted, quitting, stopping;
    bool leaving;     /* the layer on top was left */
    bool light, wide; /* what the terminal has answered so far */
    struct depot_buf title;
    int percent;
};

/* ---- frames ---- */

static depot_time now_of(struct screen *s)
{
    return s->top->player != NULL ? dp_player_now(s->top->player) : depot_time_now();
}

static void put_outside(struct screen *s)
{
    struct depot_buf title = DEPOT_BUF_INIT(512);
    int percent;
    bool failed;
    dp_tui_outside(s->top->tui, &title, &percent, &failed);
    const bool renamed = !depot_str_eq(depot_buf_str(&title), depot_buf_str(&s->title));
    if (renamed || percent != s->percent)
        dp_term_outside(s->term, renamed ? depot_buf_str(&title) : NULL, percent, failed);
    depot_buf_clear(&s->title);
    depot_buf_adds(&s->title, depot_buf_str(&title));
    s->percent = percent;
    depot_buf_release(&title);
}

static void put_mark(struct screen *s)
{
    struct depot_buf mark = DEPOT_BUF_INIT(128);
    assert(s->top != NULL); /* the lowest layer stays as long as the screen */
    if (s->top->player == NULL)
        return;
    dp_player_mark(s->top->player, dp_tui_ascii(s->top->tui), &mark);
    dp_tui_set_mark(s->top->tui, depot_buf_str(&mark));
    depot_buf_release(&mark);
}

static void arm_wake(struct screen *s)
{
    depot_time wake = dp_tui_wake(s->top->tui);
    s->pending = false;
    if (s->top->player != NULL && dp_player_paused(s->top->player))
        wake = 0;
    if (wake == 0) {
        depot_timer_stop(s->frame);
        return;
    }
    const int64_t ms = (wake - now_of(s)) / DEPOT_MSEC + 1;
    depot_timer_start(s->frame, ms < FRAME_MS ? FRAME_MS : (uint64_t)ms, 0);
}

static void paint(struct screen *s)
{
    const uint64_t begin = s->stats != NULL ? depot_mono_ns() : 0;
    const uint64_t writes = dp_term_writes(s->term);
    put_mark(s);
    const struct grid *g = dp_tui_frame(s->top->tui, now_of(s));
    put_outside(s);
    const uint64_t composed = s->stats != NULL ? depot_mono_ns() : 0;
    const size_t bytes = dp_term_flush(s->term, g, &s->styles);
    if (s->stats == NULL)
        return;
    const uint64_t end = depot_mono_ns();
    dp_stats_time(s->stats, STATS_COMPOSE, composed - begin);
    dp_stats_time(s->stats, STATS_FLUSH, end - composed);
    dp_stats_time(s->stats, STATS_FRAME, end - begin);
    dp_stats_frame(s->stats, dp_term_writes(s->term) - writes, bytes);
}

static void draw(struct screen *s)
{
    if (s->term == NULL || s->quitting)
        return;
    paint(s);
    s->drawn_ms = depot_mono_ms();
    arm_wake(s);
    /* A view may have begun something long; a millisecond lets input and data in between. */
    const struct view *top = dp_tui_top(s->top->tui);
    if (top != NULL && top->ops->work != NULL)
        depot_timer_start(s->work, 1, 0);
}

/* A slice of a view's long work; what it found is drawn at the usual rate, and at its end. */
static void on_work(struct depot_timer *t, void *arg)
{
    struct screen *s = arg;
    if (s->term == NULL || s->quitting)
        return;
    const bool before = s->working;
    s->working = dp_tui_work(s->top->tui);
    if (s->working ? depot_mono_ms() - s->drawn_ms >= FRAME_MS : before)
        draw(s);
    else if (s->working)
        depot_timer_start(t, 1, 0);
}

static void on_frame(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    draw(arg);
}

/* How long data waits for its frame; takes one of those saved up. */
static uint64_t frame_delay(struct screen *s)
{
    const uint64_t now = depot_mono_ms(), since = now - s->drawn_ms;
    const uint64_t most = (uint64_t)SAVED_FRAMES * FRAME_MS;
    if (now - s->earned_ms > most)
        s->earned_ms = now - most;
    const uint64_t space = now - s->earned_ms >= FRAME_MS ? SAVED_MS : FRAME_MS;
    s->earned_ms += FRAME_MS;
    if (s->earned_ms > now)
        s->earned_ms = now;
    return since < space ? space - since : 0;
}

static void data_changed(const struct layer *ly)
{
    struct screen *s = ly->screen;
    dp_tui_data_changed(ly->tui);
    if (s->pending || s->term == NULL || ly != s->top)
        return;
    depot_timer_start(s->frame, frame_delay(s), 0);
    s->pending = true;
}

/* ---- the fleet ---- */

static void on_changed(struct fleet *f, void *arg)
{
    const struct layer *ly = arg;
    if (f->builders.len > 0 || f->builds.len > 0)
        dp_stats_data(ly->screen->stats);
    data_changed(ly);
}

static void on_problem(struct fleet *f, const struct depot_error *err, void *arg)
{
    const struct layer *ly = arg;
    DEPOT_UNUSED(f);
    dp_tui_say(ly->tui, DEPOT_STYLE_WARN, "%s", err->msg);
    data_changed(ly);
}

static void on_answer(
    struct fleet *f, struct fleet_source *from, const struct depot_response *a, void *arg)
{
    const struct layer *ly = arg;
    DEPOT_UNUSED(f);
    dp_tui_answer(ly->tui, from, a);
}

/* Told where the user looks now. */
static void on_recorded(struct fleet *f, const struct fleet_recorded *r, void *arg)
{
    const struct layer *top = ((const struct layer *)arg)->screen->top;
    char size[DEPOT_TEXT_MAX];
    DEPOT_UNUSED(f);
    if (r->err != NULL)
        dp_tui_say(top->tui, DEPOT_STYLE_ERROR, "%s", r->err->msg);
    else
        dp_tui_say(top->tui, DEPOT_STYLE_RAN, "saved %llu events of %s, %s, to %s",
            (unsigned long long)r->events, r->build->id, depot_text_bytes(size, (int64_t)r->bytes),
            r->path);
    data_changed(top);
}

static const struct fleet_ops fleet_ops = {
    .changed = on_changed, .problem = on_problem, .answer = on_answer, .recorded = on_recorded};

static void on_move(struct player *p, void *arg)
{
    DEPOT_UNUSED(p);
    data_changed(arg);
}

/* ---- layers ---- */

static void open_layer(struct layer *ly, struct screen *s, const struct tui_ops *ops)
{
    ly->screen = s;
    ly->fleet = dp_fleet_new(&fleet_ops, ly);
    ly->tui = dp_tui_new(ly->fleet, s->ops.views, s->keys, &s->styles, ops, ly);
}

static void close_layer(struct layer *ly)
{
    dp_tui_free(ly->tui);
    dp_player_free(ly->player);
    dp_fleet_free(ly->fleet);
}

static void play(struct layer *ly, struct player *p)
{
    ly->player = p;
    dp_player_on_move(p, on_move, ly);
}

/* What the terminal is, and what a key made of it over another layer. */
static void dress(const struct screen *s, struct tui *t)
{
    if (s->wide)
        dp_tui_set_wide(t, true);
    else
        dp_tui_set_ascii(t, dp_term_ascii(s->term));
    dp_tui_set_mouse(t, dp_term_has_mouse(s->term));
}

/* Back to what was there before; its data came in meanwhile. */
static void pop_layer(struct screen *s)
{
    struct layer *ly = s->top;
    s->leaving = false;
    s->top = ly->below;
    close_layer(ly);
    depot_free(ly);
    dress(s, s->top->tui);
    dp_tui_data_changed(s->top->tui);
}

/* ---- how it looks ---- */

static void on_bad_colour(const char *name, const struct depot_error *err, void *arg)
{
    const struct screen *s = arg;
    dp_tui_say(s->top->tui, DEPOT_STYLE_WARN, "%s: %s", name, err->msg);
}

/* Palette first, then the environment's colours, then the file's. */
static void set_styles(struct screen *s)
{
    struct keymaps *scratch = dp_keymaps_new();
    depot_styles_init(&s->styles, dp_term_palette(s->term));
    if (s->light)
        depot_styles_darken(&s->styles);
    depot_styles_read_env(&s->styles, on_bad_colour, s);
    if (s->config_text != NULL)
        dp_config_read(s->config_text, scratch, &s->styles, &s->settings, NULL, NULL);
    dp_keymaps_free(scratch);
}

/* The terminal tells of itself when it likes, after the first frame. */
static bool heed_answers(struct screen *s)
{
    const bool light = dp_term_light(s->term), wide = dp_term_wide(s->term);
    if (light == s->light && wide == s->wide)
        return false;
    s->light = light;
    s->wide = wide;
    for (const struct layer *ly = s->top; ly != NULL; ly = ly->below)
        dress(s, ly->tui);
    set_styles(s);
    dp_term_redraw(s->term);
    return true;
}

/* ---- input ---- */

static void on_keys(struct screen *s, int wait)
{
    const uint64_t begin = s->stats != NULL ? depot_mono_ns() : 0;
    struct key k;
    bool any = false;
    while (!s->quitting && dp_term_key(s->term, &k, &wait)) {
        dp_tui_key(s->top->tui, &k);
        if (s->leaving && !s->quitting)
            pop_layer(s);
        any = true;
    }
    any = heed_answers(s) || any;
    s->quitting = s->quitting || dp_term_gone(s->term);
    if (s->quitting) {
        s->ops.quit(s, s->interrupted, s->arg);
        return;
    }
    depot_timer_stop(s->late);
    if (wait > 0)
        depot_timer_start(s->late, (uint64_t)wait, 0);
    if (!any)
        return;
    draw(s);
    if (s->stats != NULL)
        dp_stats_time(s->stats, STATS_KEY, depot_mono_ns() - begin);
}

static void on_late(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    on_keys(arg, -1);
}

static void on_input(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct screen *s = arg;
    DEPOT_UNUSED(w);
    DEPOT_UNUSED(events);
    on_keys(s, 0);
}

static void on_winch(struct depot_signal *sig, int signum, void *arg)
{
    struct screen *s = arg;
    int h, w;
    DEPOT_UNUSED(sig);
    DEPOT_UNUSED(signum);
    dp_term_size(s->term, &h, &w);
    for (struct layer *ly = s->top; ly != NULL; ly = ly->below)
        dp_tui_resize(ly->tui, h, w);
    draw(s);
}

/* ---- stopped, and back ---- */

/* The whole job, as the terminal does it. Where nobody could continue it, the signal is ignored;
 * then the timer brings the screen back instead of SIGCONT. */
static void suspend(struct screen *s)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigemptyset(&sa.sa_mask);
    dp_term_leave(s->term);
    if (!s->stopping)
        (void)sigaction(SIGTSTP, &sa, &s->stopper);
    s->stopping = true;
    depot_timer_start(s->back, STOP_MS, 0);
    (void)kill(0, SIGTSTP);
}

static void come_back(struct screen *s)
{
    depot_timer_stop(s->back);
    if (s->stopping)
        (void)sigaction(SIGTSTP, &s->stopper, NULL);
    s->stopping = false;
    dp_term_enter(s->term);
    dp_term_redraw(s->term);
    on_winch(NULL, 0, s);
}

static void on_back(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    come_back(arg);
}

/* Also after somebody else's SIGSTOP. */
static void on_cont(struct depot_signal *sig, int signum, void *arg)
{
    DEPOT_UNUSED(sig);
    DEPOT_UNUSED(signum);
    come_back(arg);
}

static void on_tstp(struct depot_signal *sig, int signum, void *arg)
{
    DEPOT_UNUSED(sig);
    DEPOT_UNUSED(signum);
    suspend(arg);
}

/* ---- what the core asks ---- */

static struct screen *screen_of(void *arg)
{
    return ((struct layer *)arg)->screen;
}

static void tui_quit(struct tui *t, void *arg)
{
    struct screen *s = screen_of(arg);
    DEPOT_UNUSED(t);
    s->quitting = true;
}

/* The last view of a recording that was opened over the fleet. */
static bool tui_back(struct tui *t, void *arg)
{
    const struct layer *ly = arg;
    DEPOT_UNUSED(t);
    ly->screen->leaving = ly->below != NULL;
    return ly->screen->leaving;
}

static void tui_copy(struct tui *t, const void *data, size_t n, void *arg)
{
    const struct screen *s = screen_of(arg);
    if (s->term != NULL && !dp_term_copy(s->term, data, n))
        dp_tui_say(t, DEPOT_STYLE_WARN, "this terminal has no clipboard");
}

static void tui_suspend(struct tui *t, void *arg)
{
    DEPOT_UNUSED(t);
    suspend(screen_of(arg));
}

static void tui_redraw(struct tui *t, void *arg)
{
    const struct screen *s = screen_of(arg);
    DEPOT_UNUSED(t);
    dp_term_redraw(s->term);
}

static void tui_mouse(struct tui *t, bool on, void *arg)
{
    const struct screen *s = screen_of(arg);
    DEPOT_UNUSED(t);
    dp_term_mouse(s->term, on);
}

/* Pagers and editors take the screen themselves, and give it back when they were read. */
static bool is_pager(const char *command)
{
    static const char *const names[] = {
        "less", "more", "most", "bat", "view", "vi", "vim", "nvim", "nano", "emacs", "lnav", "fzf"};
    size_t n = strcspn(command, " \t");
    const char *name = command;
    for (size_t i = 0; i < n; i++)
        name = command[i] == '/' ? command + i + 1 : name;
    n -= (size_t)(name - command);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++)
        if (strlen(names[i]) == n && strncmp(names[i], name, n) == 0)
            return true;
    return false;
}

/* What it printed would be gone with the next frame. */
static void await_enter(void)
{
    FILE *tty = fopen("/dev/tty", "r+e");
    int c;
    if (tty == NULL)
        return;
    fputs("\n-- Enter goes back to the dashboard --", tty);
    fflush(tty);
    do
        c = fgetc(tty);
    while (c != EOF && c != '\n');
    fclose(tty);
}

static void tui_run(
    struct tui *t, const char *command, dp_tui_feed_fn *feed, void *feed_arg, void *arg)
{
    const struct screen *s = screen_of(arg);
    dp_term_leave(s->term);
    fflush(NULL);
    FILE *to = popen(command, "w");
    int status = -1;
    if (to != NULL) {
        feed(fileno(to), feed_arg);
        status = pclose(to);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) != 127 && !is_pager(command))
        await_enter();
    dp_term_enter(s->term);
    if (to == NULL || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
        dp_tui_say(t, DEPOT_STYLE_ERROR, "cannot run %s", command);
    else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        dp_tui_say(t, DEPOT_STYLE_WARN, "the command ended with status %d", WEXITSTATUS(status));
}

static bool tui_replay(struct tui *t, enum action a, const char *text, void *arg)
{
    const struct layer *ly = arg;
    struct depot_error err = {0};
    if (ly->player == NULL)
        return false;
    if (text == NULL)
        return dp_player_action(ly->player, a);
    if (dp_player_seek(ly->player, text, &err) != 0)
        dp_tui_say(t, DEPOT_STYLE_ERROR, "%s", err.msg);
    return true;
}

static bool tui_interrupt(struct tui *t, void *arg)
{
    struct screen *s = screen_of(arg);
    DEPOT_UNUSED(t);
    if (s->ops.interrupt != NULL && s->ops.interrupt(s, s->arg))
        return true;
    s->interrupted = true;
    return false;
}

static void tui_open_replay(struct tui *t, const char *path, void *arg);

static const struct tui_ops tui_ops = {.quit = tui_quit,
    .back = tui_back,
    .open_replay = tui_open_replay,
    .copy = tui_copy,
    .suspend = tui_suspend,
    .redraw = tui_redraw,
    .mouse = tui_mouse,
    .run = tui_run,
    .replay = tui_replay,
    .interrupt = tui_interrupt};

/* Over what is shown, which goes on below. */
static void tui_open_replay(struct tui *t, const char *path, void *arg)
{
    struct screen *s = screen_of(arg);
    struct layer *ly = depot_calloc(1, sizeof(*ly));
    struct depot_error err = {0};
    struct player *p;
    int h, w;
    open_layer(ly, s, &tui_ops);
    if (dp_player_new(s->loop, dp_fleet_source(ly->fleet, ""), path, 1, &p, &err) != 0) {
        close_layer(ly);
        depot_free(ly);
        dp_tui_say(t, DEPOT_STYLE_ERROR, "%s", err.msg);
        return;
    }
    play(ly, p);
    ly->below = s->top;
    s->top = ly;
    dp_term_size(s->term, &h, &w);
    dp_tui_resize(ly->tui, h, w);
    dress(s, ly->tui);
    dp_tui_set_hide_keys(ly->tui, s->settings.hide_keys);
    dp_screen_first_views(ly->tui, true);
}

/* ---- settings ---- */

static void bad_config(const struct depot_error *err, void *arg)
{
    struct screen *s = arg;
    if (s->bad_lines++ == 0)
        s->bad_line = depot_strdup(err->msg);
    dp_tui_say(s->top->tui, DEPOT_STYLE_WARN, "config: %s%s", s->bad_line,
        s->bad_lines > 1 ? "; and more lines after it" : "");
}

/* None at the usual place is no error; nor may it keep somebody's build from being shown. */
static char *read_config(const struct depot_tui_opts *opts, struct depot_error *err)
{
    char *dir = opts->config == NULL ? depot_path_config_dir() : NULL;
    char *path =
        opts->config != NULL ? depot_strdup(opts->config) : depot_path_join(dir, "dashboard.conf");
    FILE *f = fopen(path, "re");
    char *text = NULL;
    if (f != NULL) {
        text = depot_calloc(1, CONFIG_MAX);
        (void)!fread(text, 1, CONFIG_MAX - 1, f);
        fclose(f);
    } else if (opts->config != NULL) {
        (void)!depot_error_errno(err, errno, "cannot read %s", path);
    }
    depot_free(path);
    depot_free(dir);
    return text;
}

static int color_of(const struct screen *s)
{
    static const char *const names[] = {"auto", "never", "16", "256", "true"};
    for (size_t i = 1; i < DEPOT_ARRAY_LEN(names); i++)
        if (depot_str_eq(s->opts.color, names[i]))
            return (int)i;
    return s->settings.color;
}

/* ---- life ---- */

int dp_screen_new(struct depot_loop *l, const struct depot_tui_opts *opts,
    const struct screen_ops *ops, void *arg, struct screen **out, struct depot_error *err)
{
    struct screen *s = depot_calloc(1, sizeof(*s));
    s->loop = l;
    s->ops = *ops;
    s->arg = arg;
    s->opts = *opts;
    s->percent = -1;
    depot_buf_init(&s->title, 512);
    s->keys = dp_keymaps_new();
    s->top = &s->base;
    open_layer(&s->base, s, &tui_ops);
    s->frame = depot_timer_new(l, on_frame, s);
    s->late = depot_timer_new(l, on_late, s);
    s->work = depot_timer_new(l, on_work, s);
    s->back = depot_timer_new(l, on_back, s);
    s->stats = dp_stats_new();
    depot_styles_init(&s->styles, DEPOT_PALETTE_MONO);
    s->config_text = read_config(opts, err);
    if (s->config_text != NULL) /* once more when the palette is known */
        dp_config_read(s->config_text, s->keys, &s->styles, &s->settings, bad_config, s);
    *out = s;
    return opts->config != NULL && s->config_text == NULL ? err->code : 0;
}

void dp_screen_first_views(struct tui *t, bool recording)
{
    const struct fleet *f = dp_tui_fleet(t);
    dp_tui_push(t, VIEW_FLEET, NULL);
    if (recording && f->builds.len == 1)
        dp_tui_push(t, VIEW_BUILD, f->builds.items[0]->key);
}

void dp_screen_play(struct screen *s, struct player *p)
{
    play(&s->base, p);
}

void dp_screen_touch(struct screen *s)
{
    data_changed(&s->base);
}

struct fleet *dp_screen_fleet(struct screen *s)
{
    return s->base.fleet;
}

struct tui *dp_screen_tui(struct screen *s)
{
    return s->base.tui;
}

int dp_screen_start(struct screen *s, struct depot_error *err)
{
    const struct term_opts opts = {.in_fd = STDIN_FILENO,
        .out = stdout,
        .mouse =
            !s->opts.no_mouse && !s->settings.no_mouse && !dp_terminal_holds_escape(getenv("TERM")),
        .title = !s->settings.no_title,
        .progress = s->settings.progress ||
                    (!s->settings.no_progress && dp_terminal_shows_progress(getenv("TERM"))),
        .ascii = s->opts.ascii || s->settings.ascii,
        .color = color_of(s)};
    int h, w;
    int rc = dp_term_open(&opts, &s->term, err);
    if (rc != 0)
        return rc;
    s->light = dp_term_light(s->term);
    set_styles(s);
    dress(s, s->top->tui);
    dp_term_size(s->term, &h, &w);
    dp_tui_resize(s->top->tui, h, w);
    dp_tui_set_hide_keys(s->top->tui, s->settings.hide_keys);
    rc = depot_loop_fd_new(s->loop, dp_term_fd(s->term), DEPOT_READ, on_input, s, &s->watch, err);
    if (rc == 0)
        rc = depot_signal_new(s->loop, SIGWINCH, on_winch, s, &s->winch, err);
    if (rc == 0)
        rc = depot_signal_new(s->loop, SIGCONT, on_cont, s, &s->cont, err);
    if (rc == 0)
        rc = depot_signal_new(s->loop, SIGTSTP, on_tstp, s, &s->tstp, err);
    if (rc == 0)
        draw(s);
    return rc;
}

void dp_screen_free(struct screen *s)
{
    if (s == NULL)
        return;
    depot_signal_free(s->winch);
    depot_signal_free(s->cont);
    depot_signal_free(s->tstp);
    depot_loop_fd_free(s->watch);
    depot_timer_free(s->frame);
    depot_timer_free(s->late);
    depot_timer_free(s->work);
    depot_timer_free(s->back);
    dp_stats_write(s->stats);
    dp_stats_free(s->stats);
    while (s->top != &s->base)
        pop_layer(s);
    close_layer(&s->base);
    dp_keymaps_free(s->keys);
    dp_term_close(s->term);
    depot_buf_release(&s->title);
    depot_free(s->config_text);
    depot_free(s->bad_line);
    depot_free(s);
}
