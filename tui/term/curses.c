/*
 * The terminal. The only file that sees curses.
 *
 * ncurses composes into a scratch file, not into the terminal: whatever it writes for a frame, in
 * however many pieces, goes out as one write, between the marks of synchronised output when the
 * terminal knows them. Terminal modes and input are ours (input.h); ncurses knows the screen alone.
 */
#include "term.h"
#include "input.h"
#include "terminal.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum { ESC_WAIT_MS = 25, COPY_MAX = 1024 * 1024, RESTORE_MAX = 512, PAIRS_KEPT = 256 };

#define MOUSE_ON   "\033[?1000h\033[?1006h"
#define MOUSE_OFF  "\033[?1006l\033[?1000l"
#define PASTE_ON   "\033[?2004h"
#define PASTE_OFF  "\033[?2004l"
#define SYNC_BEGIN "\033[?2026h"
#define SYNC_END   "\033[?2026l"
/* Does it know synchronised output; the colour behind the text; how many columns two characters of
 * ambiguous width take, where they are drawn over; and last DA1, which all answer. */
#define ASK_MODES    "\033[?2026$p"
#define ASK_COLOUR   "\033]11;?\033\\"
#define ASK_WIDTH    "\033[H\xe2\x94\x80\xe2\x80\xa6\033[6n\033[H"
#define ASK_COLUMN   3 /* where that leaves the cursor when each took one */
#define ASK_LAST     "\033[c"
#define PROGRESS_OFF "\033]9;4;0\033\\"
#define TITLE_PUSH   "\033[22;2t"
#define TITLE_POP    "\033[23;2t"

struct term {
    struct term_opts opts;
    int in, out;   /* the terminal's descriptors */
    bool own_in;   /* `in` is to be closed */
    FILE *scratch; /* what ncurses writes to */
    SCREEN *screen;
    struct termios cooked;
    struct input input;
    struct depot_buf frame; /* of one write */
    struct grid shown;      /* what the terminal shows */
    enum depot_palette palette;
    bool ascii, mouse, away, gone, title_set, progress_set;
    bool plain;         /* shows what it does not understand */
    bool by_index;      /* any colour, though ncurses knows 256: see dp_terminal_exact() */
    int32_t exact[256]; /* what is shown for an index, DEPOT_RGB | 0xrrggbb; 0: the index */
    struct pair {
        int32_t fg, bg;
        int number;
    } pairs[PAIRS_KEPT];
    size_t npairs;
    uint64_t writes; /* calls, of frames */
};

/* What a signal handler needs to give the terminal back; a process has one terminal. */
static struct {
    volatile sig_atomic_t armed, titled, progressing;
    int fd;
    struct termios cooked;
    char text[RESTORE_MAX];
    size_t len;
} rescue;

/* ---- plain output ---- */

/* The terminal may be slow, never lossy: waits until all is taken. How many calls it took. */
static unsigned put_bytes(int fd, const char *data, size_t n)
{
    unsigned calls = 0;
    for (; n > 0; calls++) {
        const ssize_t done = write(fd, data, n);
        if (done > 0) {
            data += done;
            n -= (size_t)done;
        } else if (done < 0 && errno == EAGAIN) {
            fd_set set;
            FD_ZERO(&set);
            FD_SET(fd, &set);
            (void)select(fd + 1, NULL, &set, NULL, NULL);
        } else if (done < 0 && errno != EINTR) {
            break;
        }
    }
    return calls;
}

static void put_text(const struct term *t, const char *s)
{
    (void)put_bytes(t->out, s, strlen(s));
}

/* ---- rescue ---- */

static void on_end(int signum)
{
    if (rescue.armed) {
        rescue.armed = 0;
        if (rescue.progressing)
            (void)put_bytes(rescue.fd, PROGRESS_OFF, sizeof(PROGRESS_OFF) - 1);
        (void)put_bytes(rescue.fd, rescue.text, rescue.len);
        if (rescue.titled)
            (void)put_bytes(rescue.fd, TITLE_POP, sizeof(TITLE_POP) - 1);
        (void)tcsetattr(rescue.fd, TCSANOW, &rescue.cooked);
    }
    (void)signal(signum, SIG_DFL);
    (void)raise(signum);
}

/* Those that end a process, unless somebody takes them: crashes, and what others send. */
static const int ending_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP,
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2, SIGXCPU,
    SIGXFSZ};
enum { CRASHES = 5 }; /* the first of them: a sanitizer has handlers of its own, which wait */

static bool is_taken(int signum, void (*by)(int))
{
    struct sigaction now;
    return sigaction(signum, NULL, &now) != 0 || now.sa_handler != by;
}

/* What leaves the alternate screen; "": there is none. */
static const char *leave_sequence(void)
{
    const char *s = tigetstr("rmcup");
    return s != NULL && s != (char *)-1 ? s : "";
}

static void arm_rescue(const struct term *t)
{
    struct sigaction sa = {.sa_handler = on_end};
    sa.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&sa.sa_mask);
    rescue.len = (size_t)snprintf(rescue.text, sizeof(rescue.text),
        SYNC_END MOUSE_OFF PASTE_OFF "\033[0m\033[?25h%s\r\n", leave_sequence());
    if (rescue.len >= sizeof(rescue.text))
        rescue.len = sizeof(rescue.text) - 1;
    rescue.fd = t->out;
    rescue.cooked = t->cooked;
    rescue.armed = 1;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(ending_signals); i++)
        if (i < CRASHES || !is_taken(ending_signals[i], SIG_DFL))
            (void)sigaction(ending_signals[i], &sa, NULL);
}

static void disarm_rescue(void)
{
    rescue.armed = 0;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(ending_signals); i++)
        if (!is_taken(ending_signals[i], on_end))
            (void)signal(ending_signals[i], SIG_DFL);
}

/* ---- modes ---- */

/* Keys one by one, also ^C, ^Z and ^\: they are actions. Output is left as it is. */
static void raw_mode(const struct term *t)
{
    struct termios raw = t->cooked;
    raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON | ISTRIP | BRKINT);
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    (void)tcsetattr(t->in, TCSADRAIN, &raw);
}

static void take_scratch(struct term *t)
{
    const int fd = fileno(t->scratch);
    const off_t end = lseek(fd, 0, SEEK_CUR);
    if (end <= 0)
        return;
    char *to = depot_buf_reserve(&t->frame, (size_t)end);
    const ssize_t n = pread(fd, to, (size_t)end, 0);
    t->frame.len += n > 0 ? (size_t)n : 0;
    (void)lseek(fd, 0, SEEK_SET);
    if (t->by_index)
        dp_terminal_exact(&t->frame, t->frame.len - (n > 0 ? (size_t)n : 0), t->exact);
}

static size_t send_frame(struct term *t)
{
    const size_t n = t->frame.len;
    if (n > 0)
        t->writes += put_bytes(t->out, t->frame.data, n);
    depot_buf_clear(&t->frame);
    return n;
}

static void switch_on(struct term *t)
{
    arm_rescue(t);
    raw_mode(t);
    put_text(t, PASTE_ON);
    if (t->mouse)
        put_text(t, MOUSE_ON);
}

/* Into the frame: the terminal must read it before it echoes keys again. */
static void put_off(struct term *t)
{
    depot_buf_adds(&t->frame, MOUSE_OFF PASTE_OFF);
    if (t->progress_set)
        depot_buf_adds(&t->frame, PROGRESS_OFF);
    if (t->title_set)
        depot_buf_adds(&t->frame, TITLE_POP);
    t->progress_set = t->title_set = false;
}

static void switch_off(struct term *t)
{
    rescue.titled = rescue.progressing = 0;
    disarm_rescue();
    (void)tcsetattr(t->in, TCSADRAIN, &t->cooked);
}

/* ---- colours ---- */

static enum depot_palette choose_palette(struct term *t, int wish)
{
    static const enum depot_palette wishes[] = {DEPOT_PALETTE_MONO, DEPOT_PALETTE_MONO,
        DEPOT_PALETTE_16, DEPOT_PALETTE_256, DEPOT_PALETTE_TRUE};
    enum depot_palette best = DEPOT_PALETTE_MONO;
    const char *no = getenv("NO_COLOR");
    if (wish == 0 && !depot_str_empty(no))
        return DEPOT_PALETTE_MONO;
    if (!has_colors())
        return DEPOT_PALETTE_MONO;
    if (COLORS >= 1 << 24)
        best = DEPOT_PALETTE_TRUE;
    else if (COLORS >= 256)
        best = DEPOT_PALETTE_256;
    else if (COLORS >= 8)
        best = DEPOT_PALETTE_16;
    t->by_index = best == DEPOT_PALETTE_256 &&
                  (wish == 4 || (wish == 0 && dp_terminal_has_true_colour(getenv("TERM"))));
    if (t->by_index)
        best = DEPOT_PALETTE_TRUE;
    return wish > 0 && wishes[wish] < best ? wishes[wish] : best;
}

/* The number that ncurses has for a colour. */
static int colour_of(struct term *t, int32_t colour)
{
    if (t->by_index && colour >= DEPOT_RGB) {
        const int32_t index = depot_colour_nearest256(colour & 0xffffff);
        t->exact[index] = colour;
        return index;
    }
    /* Where a number is a colour itself, all but the first eight indices would be shades of blue.
     */
    if (!t->by_index && t->palette == DEPOT_PALETTE_TRUE && colour >= 8 && colour < 256)
        return depot_colour_of(colour);
    return colour >= DEPOT_RGB ? colour & 0xffffff : colour;
}

static int pair_of(struct term *t, int32_t fg, int32_t bg)
{
    if (t->palette == DEPOT_PALETTE_MONO || (fg < 0 && bg < 0))
        return 0;
    for (size_t i = 0; i < t->npairs; i++)
        if (t->pairs[i].fg == fg && t->pairs[i].bg == bg)
            return t->pairs[i].number;
    const int number = alloc_pair(colour_of(t, fg), colour_of(t, bg));
    if (number < 0)
        return 0;
    if (t->npairs == PAIRS_KEPT)
        t->npairs = 0;
    t->pairs[t->npairs++] = (struct pair){fg, bg, number};
    return number;
}

static attr_t attrs_of(uint32_t attrs)
{
    static const struct {
        uint32_t ours;
        attr_t theirs;
    } map[] = {{DEPOT_ATTR_BOLD, A_BOLD}, {DEPOT_ATTR_DIM, A_DIM}, {DEPOT_ATTR_REVERSE, A_REVERSE},
        {DEPOT_ATTR_UNDERLINE, A_UNDERLINE}, {DEPOT_ATTR_ITALIC, A_ITALIC}};
    attr_t out = 0;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(map); i++)
        if (attrs & map[i].ours)
            out |= map[i].theirs;
    return out;
}

/* ---- opening ---- */

static int open_input(struct term *t, struct depot_error *err)
{
    /* An open file of its own: watching it makes it non-blocking, and output shares the other. */
    t->in = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    t->own_in = t->in >= 0;
    if (t->in < 0)
        t->in = t->opts.in_fd;
    if (tcgetattr(t->in, &t->cooked) != 0 || isatty(t->out) != 1)
        return depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "this is not a terminal");
    return 0;
}

/* ncurses would take signals that are the loop's, or that nobody asked it to catch. */
static SCREEN *new_screen(FILE *scratch)
{
    static const int taken[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
    struct sigaction before[DEPOT_ARRAY_LEN(taken)];
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(taken); i++)
        (void)sigaction(taken[i], NULL, &before[i]);
    SCREEN *s = newterm(NULL, scratch, scratch);
    if (s == NULL && dp_terminal_is_modern(getenv("TERM")))
        s = newterm("xterm-256color", scratch, scratch);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(taken); i++)
        (void)sigaction(taken[i], &before[i], NULL);
    return s;
}

static int open_screen(struct term *t, struct depot_error *err)
{
    const char *name = getenv("TERM");
    int h, w;
    t->scratch = tmpfile();
    if (t->scratch == NULL)
        return depot_error_errno(err, errno, "cannot make a temporary file");
    t->screen = depot_str_empty(name) || depot_str_eq(name, "dumb") ? NULL : new_screen(t->scratch);
    if (t->screen == NULL)
        return depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
            "TERM is \"%s\", which is not known as a terminal with a screen",
            name != NULL ? name : "");
    typeahead(-1);
    nonl();
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
    }
    dp_term_size(t, &h, &w);
    resizeterm(h > 0 ? h : 1, w > 0 ? w : 1);
    /* Until the first endwin() ncurses flushes after every cursor movement. */
    def_prog_mode();
    endwin();
    refresh();
    return 0;
}

/* Once, on the screen that is ours by then: it goes out with the first frame. */
static void ask(struct term *t)
{
    if (t->plain || depot_str_eq(getenv("DEPOT_TUI_SYNC"), "0"))
        return;
    take_scratch(t);
    depot_buf_adds(&t->frame, ASK_MODES);
    /* GNU screen keeps the question as the colour, and asks again whenever it shows a window. */
    if (!depot_str_starts(getenv("TERM"), "screen"))
        depot_buf_adds(&t->frame, ASK_COLOUR);
    if (!t->ascii)
        depot_buf_adds(&t->frame, ASK_WIDTH);
    depot_buf_adds(&t->frame, ASK_LAST);
    t->input.asked = true;
}

int dp_term_open(const struct term_opts *opts, struct term **out, struct depot_error *err)
{
    struct term *t = depot_calloc(1, sizeof(*t));
    t->opts = *opts;
    t->out = fileno(opts->out);
    t->mouse = opts->mouse;
    t->plain = dp_terminal_is_plain(getenv("TERM"));
    t->ascii = opts->ascii || dp_terminal_has_few_signs(getenv("TERM")) ||
               !depot_str_eq(nl_langinfo(CODESET), "UTF-8") || wcwidth(0x2713) != 1 ||
               wcwidth(0x2500) != 1;
    dp_input_init(&t->input);
    dp_grid_init(&t->shown);
    depot_buf_init(&t->frame, DEPOT_BUF_NO_LIMIT);
    int rc = open_input(t, err);
    if (rc == 0)
        rc = open_screen(t, err);
    if (rc != 0) {
        t->away = true;
        dp_term_close(t);
        return rc;
    }
    t->palette = choose_palette(t, opts->color);
    switch_on(t);
    ask(t);
    *out = t;
    return 0;
}

/* Its answer must not become the shell's input. */
static void swallow_answer(struct term *t)
{
    for (int i = 0; t->input.asked && !t->input.answered && !t->gone && i < 10; i++) {
        struct timeval tv = {.tv_usec = 10000};
        struct key k;
        int wait;
        fd_set set;
        FD_ZERO(&set);
        FD_SET(t->in, &set);
        if (select(t->in + 1, &set, NULL, NULL, &tv) <= 0)
            continue;
        while (dp_term_key(t, &k, &wait))
            ;
    }
}

void dp_term_close(struct term *t)
{
    if (t == NULL)
        return;
    if (!t->away) {
        swallow_answer(t);
        dp_term_leave(t);
    }
    if (t->screen != NULL)
        delscreen(t->screen);
    if (t->scratch != NULL)
        fclose(t->scratch);
    if (t->own_in)
        close(t->in);
    dp_grid_release(&t->shown);
    dp_input_release(&t->input);
    depot_buf_release(&t->frame);
    depot_free(t);
}

enum depot_palette dp_term_palette(const struct term *t)
{
    return t->palette;
}

bool dp_term_ascii(const struct term *t)
{
    return t->ascii;
}

bool dp_term_has_mouse(const struct term *t)
{
    return t->mouse;
}

bool dp_term_wide(const struct term *t)
{
    return t->input.column > ASK_COLUMN && !t->ascii;
}

bool dp_term_light(const struct term *t)
{
    return t->input.background >= 0 ? t->input.background > 50
                                    : dp_terminal_is_light(getenv("COLORFGBG"));
}

bool dp_term_gone(const struct term *t)
{
    return t->gone;
}

uint64_t dp_term_writes(const struct term *t)
{
    return t->writes;
}

int dp_term_fd(const struct term *t)
{
    return t->in;
}

void dp_term_size(const struct term *t, int *h, int *w)
{
    struct winsize ws = {0};
    if (ioctl(t->out, TIOCGWINSZ, &ws) != 0) {
        ws.ws_row = 24;
        ws.ws_col = 80;
    }
    *h = ws.ws_row < GRID_MAX_H ? ws.ws_row : GRID_MAX_H;
    *w = ws.ws_col < GRID_MAX_W ? ws.ws_col : GRID_MAX_W;
}

/* ---- drawing ---- */

static void put_cell(
    struct term *t, int y, int x, const struct depot_cell *c, const struct depot_styles *styles)
{
    const struct depot_look l = depot_styles_look(styles, c->style);
    const int pair = pair_of(t, l.fg, l.bg);
    wchar_t text[2 + DEPOT_CELL_MARKS] = {(wchar_t)c->ch};
    cchar_t cc;
    for (int i = 0; i < DEPOT_CELL_MARKS; i++)
        text[i + 1] = (wchar_t)c->marks[i];
    if (setcchar(&cc, text, attrs_of(l.attrs), 0, &pair) == OK)
        (void)mvadd_wch(y, x, &cc);
}

static bool has_wide(const struct depot_cell *row, int w)
{
    for (int x = 0; x < w; x++)
        if (row[x].width != 1)
            return true;
    return false;
}

static bool put_row(
    struct term *t, const struct grid *g, int y, bool all, const struct depot_styles *styles)
{
    const struct depot_cell *row = dp_grid_cell(g, y, 0);
    struct depot_cell *shown = &t->shown.cells[(size_t)y * (size_t)g->w];
    const size_t bytes = (size_t)g->w * sizeof(*row);
    if (!all && memcmp(row, shown, bytes) == 0)
        return false;
    all = all || has_wide(row, g->w) || has_wide(shown, g->w);
    for (int x = 0; x < g->w; x++)
        if (row[x].width > 0 && (all || memcmp(&row[x], &shown[x], sizeof(*row)) != 0))
            put_cell(t, y, x, &row[x], styles);
    memcpy(shown, row, bytes);
    return true;
}

size_t dp_term_flush(struct term *t, const struct grid *g, const struct depot_styles *styles)
{
    bool all = false, any = false;
    if (t->away || g->h <= 0 || g->w <= 0)
        return 0;
    if (t->shown.h != g->h || t->shown.w != g->w) {
        dp_grid_resize(&t->shown, g->h, g->w);
        resizeterm(g->h, g->w);
        clearok(stdscr, TRUE);
        all = true;
    }
    for (int y = 0; y < g->h; y++)
        any |= put_row(t, g, y, all, styles);
    if (!any)
        return send_frame(t);
    if (t->input.synchronised)
        depot_buf_adds(&t->frame, SYNC_BEGIN);
    wnoutrefresh(stdscr);
    doupdate();
    take_scratch(t);
    if (t->input.synchronised)
        depot_buf_adds(&t->frame, SYNC_END);
    return send_frame(t);
}

void dp_term_redraw(struct term *t)
{
    dp_grid_resize(&t->shown, 0, 0);
}

/* Nothing of it when no frame was drawn since the last time: then the screen is the shell's. */
static void leave_screen(struct term *t)
{
    if (isendwin())
        return;
    /* Where there is no other screen, or GNU screen keeps none, the dashboard would stay. */
    depot_buf_adds(&t->frame, "\033[0m\033[H\033[J");
    endwin();
    take_scratch(t);
    if (leave_sequence()[0] == '\0')
        depot_buf_adds(&t->frame, "\033[H");
}

void dp_term_leave(struct term *t)
{
    if (t->away)
        return;
    put_off(t);
    leave_screen(t);
    send_frame(t);
    switch_off(t);
    t->away = true;
}

void dp_term_enter(struct term *t)
{
    /* Also when it was not left: a shell may have had the terminal meanwhile. */
    t->away = false;
    switch_on(t);
    dp_term_redraw(t);
}

/* ---- the rest ---- */

void dp_term_mouse(struct term *t, bool on)
{
    t->mouse = on;
    if (!t->away)
        put_text(t, on ? MOUSE_ON : MOUSE_OFF);
}

/* Goes out with the next frame. tmux takes it when set-clipboard is on. */
bool dp_term_copy(struct term *t, const void *data, size_t n)
{
    if (t->plain)
        return false;
    n = n < COPY_MAX ? n : COPY_MAX;
    char *text = depot_alloc(depot_base64_encoded_len(n) + 1);
    depot_base64_encode(text, data, n);
    depot_buf_adds(&t->frame, "\033]52;c;");
    depot_buf_adds(&t->frame, text);
    depot_buf_adds(&t->frame, "\033\\");
    depot_free(text);
    return true;
}

/* `title` is sanitised by the caller. */
void dp_term_outside(struct term *t, const char *title, int percent, bool failed)
{
    if (t->opts.title && !t->plain && title != NULL) {
        if (!t->title_set)
            depot_buf_adds(&t->frame, TITLE_PUSH);
        depot_buf_addf(&t->frame, "\033]2;%s\033\\", title);
        t->title_set = true;
        rescue.titled = 1;
    }
    if (!t->opts.progress)
        return;
    if (percent >= 0)
        depot_buf_addf(&t->frame, "\033]9;4;%d;%d\033\\", failed ? 2 : 1, percent);
    else if (t->progress_set)
        depot_buf_adds(&t->frame, PROGRESS_OFF);
    t->progress_set = percent >= 0;
    rescue.progressing = t->progress_set;
}

bool dp_term_key(struct term *t, struct key *out, int *wait_ms)
{
    bool late = *wait_ms < 0; /* the caller waited */
    *wait_ms = 0;
    for (;;) {
        char bytes[1024];
        if (dp_input_next(&t->input, late, out))
            return true;
        const ssize_t n = read(t->in, bytes,
            sizeof(bytes) < INPUT_MAX - t->input.len ? sizeof(bytes) : INPUT_MAX - t->input.len);
        if (n <= 0) {
            t->gone = n == 0 || (errno != EAGAIN && errno != EINTR);
            *wait_ms = dp_input_pending(&t->input) ? ESC_WAIT_MS : 0;
            return false;
        }
        dp_input_feed(&t->input, bytes, (size_t)n);
        late = false;
    }
}
