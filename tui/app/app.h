/*
 * The dashboard's core: the stack, frames, prompts, input; between views, data and the terminal.
 *
 * Everything here works without a terminal: a test makes a tui with a size, feeds events and keys,
 * and reads the grid. The terminal (tui/term) is a guest.
 */
#ifndef DEPOT_TUI_APP_H
#define DEPOT_TUI_APP_H

#include <depot/tui.h>

#include "view.h"

struct tui_ops {
    void (*quit)(struct tui *t, void *arg); /* the last view was left, or Q */
    /* The last view was left; false or NULL: quit. */
    bool (*back)(struct tui *t, void *arg);
    /* ":replay" with its file; NULL: it cannot. */
    void (*open_replay)(struct tui *t, const char *path, void *arg);
    void (*copy)(struct tui *t, const void *data, size_t n, void *arg);
    void (*suspend)(struct tui *t, void *arg);
    void (*redraw)(struct tui *t, void *arg); /* the whole screen, from nothing */
    void (*mouse)(struct tui *t, bool on, void *arg);
    void (*run)(
        struct tui *t, const char *command, dp_tui_feed_fn *feed, void *feed_arg, void *arg);
    /* Replay actions (ACTION_PLAY ... ACTION_EVENT_ON), ":seek" with its text; false: no replay. */
    bool (*replay)(struct tui *t, enum action a, const char *text, void *arg);
    /* ^C: one's own build is being cancelled. False or NULL: leave. */
    bool (*interrupt)(struct tui *t, void *arg);
};

struct tui *dp_tui_new(struct fleet *f, struct keymaps *keys, const struct depot_styles *styles,
    const struct tui_ops *ops, void *arg); /* all borrowed; ops members may be NULL */
void dp_tui_free(struct tui *t);

void dp_tui_resize(struct tui *t, int h, int w);
void dp_tui_set_ascii(struct tui *t, bool ascii);
/* The terminal draws characters of ambiguous width over two columns: none of them is used. */
void dp_tui_set_wide(struct tui *t, bool wide);
void dp_tui_set_mouse(struct tui *t, bool on); /* what is so, for the key that turns it */
void dp_tui_set_hide_keys(struct tui *t, bool hide);
void dp_tui_key(struct tui *t, const struct key *k);
void dp_tui_command(struct tui *t, const char *line); /* as typed after ':' */
/* Whether a line names a command. DEPOT_ERR_UNSUPPORTED: none is called so. */
int dp_tui_check_command(const char *line, struct depot_error *err) DEPOT_MUST_CHECK;
/* As dp_tui_command() once there is data, unless a key is pressed before. What it says stays until
 * a key. */
void dp_tui_open(struct tui *t, const char *line);
/* Right end of the title row: replay position and speed. NULL: nothing. */
void dp_tui_set_mark(struct tui *t, const char *text);

/* Compose a frame at `now`. The grid stays the tui's. */
const struct grid *dp_tui_frame(struct tui *t, depot_time now);
/* When the next frame would differ though nothing comes in; 0: never. */
depot_time dp_tui_wake(const struct tui *t);
void dp_tui_data_changed(struct tui *t);
/* A slice of the top view's long work; true: there is more. */
bool dp_tui_work(struct tui *t);
/* An answer of a daemon, for the views. */
void dp_tui_answer(struct tui *t, struct fleet_source *s, const struct depot_answer *a);
struct view *dp_tui_top(const struct tui *t);
/* What the terminal's title and its progress mark should say: 0 to 100, -1 none; `failed`. */
void dp_tui_outside(const struct tui *t, struct depot_buf *title, int *percent, bool *failed);

/* ---- the terminal: curses.c ---- */

struct term;
struct term_opts {
    int in_fd; /* where keys come from; the terminal, also when stdin is a feed */
    FILE *out;
    bool mouse, title, progress, ascii;
    int color; /* as tui_settings.color */
};
/* DEPOT_ERR_UNSUPPORTED: no terminal, or one that cannot move its cursor. */
int dp_term_open(
    const struct term_opts *opts, struct term **out, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_term_close(struct term *t); /* gives the terminal back as it was */
enum depot_palette dp_term_palette(const struct term *t);
bool dp_term_ascii(const struct term *t); /* no UTF-8, or asked for */
/* What it answers, which comes some time after the first frame. */
bool dp_term_wide(const struct term *t);  /* see dp_tui_set_wide() */
bool dp_term_light(const struct term *t); /* its background is light */
void dp_term_size(const struct term *t, int *h, int *w);
/* Bring the screen to what the grid says: one write, none when nothing differs. Returns bytes. */
size_t dp_term_flush(struct term *t, const struct grid *g, const struct depot_styles *styles);
uint64_t dp_term_writes(const struct term *t); /* how many writes frames took */
void dp_term_redraw(struct term *t);           /* the next flush paints everything */
void dp_term_leave(struct term *t);            /* to the shell for a while */
void dp_term_enter(struct term *t);
void dp_term_mouse(struct term *t, bool on);
bool dp_term_has_mouse(const struct term *t);
/* False: it has no clipboard. */
bool dp_term_copy(struct term *t, const void *data, size_t n);
void dp_term_outside(struct term *t, const char *title, int percent, bool failed);
/* Where keys come from, to be watched; non-blocking. */
int dp_term_fd(const struct term *t);
/* Next key that is ready; false: none. *wait_ms in: -1 after having waited; out: an ESC may be the
 * start of a sequence, ask again after so long; 0: no need. */
bool dp_term_key(struct term *t, struct key *out, int *wait_ms);
/* It was hung up: no key will come. */
bool dp_term_gone(const struct term *t);

/* ---- replay of a file: player.c ---- */

struct player;
int dp_player_new(struct depot_loop *l, struct fleet_source *to, const char *path, double speed,
    struct player **out, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_player_free(struct player *p);
bool dp_player_action(struct player *p, enum action a);
/* "1:20", "+5s", "-5s", "50%", "e120" (the 120th event), "failed" (the first failure). */
int dp_player_seek(struct player *p, const char *text, struct depot_error *err) DEPOT_MUST_CHECK;
depot_time dp_player_now(struct player *p);
bool dp_player_paused(const struct player *p);
/* "▮▮ 0:31/1:42 ×2" */
void dp_player_mark(const struct player *p, bool ascii, struct depot_buf *out);
void dp_player_on_move(struct player *p, void (*fn)(struct player *p, void *arg), void *arg);

#endif
