/*
 * Views: what fills the screen. A stack of them; the top one is drawn and gets the keys.
 *
 * A view is a const table of functions and a struct that begins with `struct view`. It reads the
 * fleet, draws to a canvas, and acts on actions; it sees no terminal, no key, no loop. Pattern:
 *
 *     struct steps_view { struct view base; size_t selected; ... };
 *     const struct view_ops view_steps = {
 *         .id = VIEW_STEPS, .size = sizeof(struct steps_view), .open = steps_open,
 *         .refresh = steps_refresh, .draw = steps_draw, .action = steps_action};
 *
 * and a row of keymap/views.h: VIEW(STEPS, steps, ...).
 *
 * The core draws the title row above and the key row below; `draw` gets what is between. A frame is
 * refresh() on the top view when the data changed, then draw(); nothing is drawn outside a frame.
 */
#ifndef DEPOT_TUI_VIEW_H
#define DEPOT_TUI_VIEW_H

#include "tui/term/canvas.h"
#include "tui/fleet/fleet.h"
#include "tui/keymap/keymap.h"
#include "tui/widget/complete.h"
#include <depot/text.h>

struct tui;
struct view;

/* Smaller than this, the core says so instead of drawing. */
enum { VIEW_MIN_W = 40, VIEW_MIN_H = 8 };

/* What an action did. */
enum view_result {
    VIEW_IGNORED = 0, /* the core may act on it */
    VIEW_HANDLED = 1, /* drawn anew when anything changed */
};

/* All but id and draw may be unset. */
struct view_ops {
    enum view_id id; /* its row: name, command, keys, what help says of it */
    size_t size;     /* of the whole struct; zeroed before open */
    /* `arg` is the key of a build, or of a step of one: it may have to be waited for. */
    bool of_build;
    /* It draws none but builds that it watches (dp_fleet_watch): others may be derived later. */
    bool watched_only;
    /* What its arg may be, of which `c` has the beginning; NULL: nobody knows. */
    void (*offer)(const struct tui *t, struct completion *c);
    /* `arg` is the view's own: a build's key, a step's (step_key.h); NULL: none was given. A
     * failure is shown and the view is not pushed. */
    int (*open)(struct view *v, const char *arg, struct depot_error *err);
    void (*close)(struct view *v);                /* release what the struct owns; not the struct */
    void (*resize)(struct view *v, int h, int w); /* of the canvas draw gets; before refresh */
    void (*refresh)(struct view *v);              /* the data may have changed; also after open */
    void (*draw)(struct view *v, const struct canvas *c);
    enum view_result (*action)(struct view *v, enum action a, intptr_t arg);
    /* Breadcrumb: a short text, and what stands right in the title row. */
    void (*title)(struct view *v, struct depot_buf *left, struct depot_buf *right);
    /* Actions worth a place in the key row, best first, ended by ACTION_NONE; static. */
    const enum action *hints;
    /* What rows can be sorted by, by the numbers of ACTION_SORT_BY, as the columns are called;
     * NULL-terminated. */
    const char *const *orders;
    /* The build that is shown or selected; NULL: none. */
    struct fleet_build *(*build)(const struct view *v);
    /* Of rows that are no builds: "no builder is selected"; NULL: one is. */
    const char *(*no_row)(const struct view *v);
    /* A filter or a search was typed: "" clears it. Called before the frame that shows what was
     * typed (`done` false) and at Enter. DEPOT_ERR_INVALID: shown beside the prompt. */
    int (*filter)(struct view *v, const char *text, bool done, struct depot_error *err);
    int (*search)(struct view *v, const char *text, bool done, struct depot_error *err);
    /* A moment (tui time) at which drawing would differ though no data came: running clocks. 0:
     * none. */
    depot_time (*wake)(struct view *v);
    /* Long work, a slice of at most 8 ms per call: a search through a huge log. True: there is
     * more. Called between frames while no input waits; a frame follows at the usual rate. */
    bool (*work)(struct view *v);
    /* An answer to what the view asked (dp_fleet_ask); every view of the stack hears it. */
    void (*answer)(struct view *v, struct fleet_source *s, const struct depot_response *a);
    /* Lines for the help view beside keys and signs, NULL-terminated {sign or term, text}. */
    const struct view_note *notes;
};
struct view_note {
    const char *term, *text;
};

struct view {
    const struct view_ops *ops;
    struct tui *tui;
    int h, w;
    char *arg; /* as open got it */
};

/* ---- what a view asks of the core ---- */

struct fleet *dp_tui_fleet(const struct tui *t);
const struct view_ops *dp_tui_view(const struct tui *t, enum view_id id);
struct view *dp_tui_top(const struct tui *t); /* NULL: none is open */
const struct keymaps *dp_tui_keymaps(const struct tui *t);
/* The moment of this frame: the daemon's clock, or the replay's. */
depot_time dp_tui_now(const struct tui *t);
bool dp_tui_ascii(const struct tui *t);

/* As if a key had asked for it. */
void dp_tui_action(struct tui *t, enum action a, intptr_t arg);
/* Open a view on top. `arg` is copied. */
void dp_tui_push(struct tui *t, enum view_id id, const char *arg);
/* On a step; `s` NULL: on the build. */
void dp_tui_push_step(
    struct tui *t, enum view_id id, const struct fleet_build *b, const struct depot_step *s);
/* Instead of the top one: the sibling of a build or step. */
void dp_tui_replace(struct tui *t, enum view_id id, const char *arg);

/* Cancel, record or link the top view's build; false: `a` is none of these. The core does it where
 * the view ignores them. */
bool dp_tui_act(struct tui *t, enum action a);
/* A line at the bottom, until the next key or 5 s. */
void dp_tui_say(struct tui *t, uint32_t style, const char *fmt, ...) DEPOT_PRINTF(3, 4);
/* Ask y/N at the bottom; `yes` is called with `arg`, which is copied. The view may be gone then. */
typedef void dp_tui_yes_fn(struct tui *t, const char *arg);
void dp_tui_confirm(struct tui *t, dp_tui_yes_fn *yes, const char *arg, const char *fmt, ...)
    DEPOT_PRINTF(4, 5);
/* Ask for a line of text at the bottom: a file name, a command. `arg` as above. */
typedef void dp_tui_text_fn(struct tui *t, const char *text, const char *arg);
void dp_tui_ask(
    struct tui *t, dp_tui_text_fn *fn, const char *arg, const char *prompt, const char *initial);
/* Into the terminal's clipboard (OSC 52), at most 1 MiB. */
void dp_tui_copy(struct tui *t, const void *data, size_t n);
/* Leave the screen, run `sh -c command` with `feed` writing its standard input, come back. */
typedef void dp_tui_feed_fn(int fd, void *arg);
void dp_tui_run(struct tui *t, const char *command, dp_tui_feed_fn *feed, void *arg);

#endif
