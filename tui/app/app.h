/*
 * The dashboard's core: the stack, frames, prompts, input; between views, data and the terminal.
 *
 * Everything here works without a terminal: a test makes a tui with a size, feeds events and keys,
 * and reads the grid. The terminal (term/term.h) is a guest.
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

/* `views`: by their numbers. All borrowed; ops members may be NULL. */
struct tui *dp_tui_new(struct fleet *f, const struct view_ops *const *views, struct keymaps *keys,
    const struct depot_styles *styles, const struct tui_ops *ops, void *arg);
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
void dp_tui_answer(struct tui *t, struct fleet_source *s, const struct depot_response *a);
/* What the terminal's title and its progress mark should say: 0 to 100, -1 none; `failed`. */
void dp_tui_outside(const struct tui *t, struct depot_buf *title, int *percent, bool *failed);

#endif
