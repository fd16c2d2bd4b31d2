/*
 * A dashboard on a terminal and on a loop: when frames are drawn, where keys come from. Shared by
 * its two owners, the fleet (top.c) and one's own build (build.c).
 */
#ifndef DEPOT_TUI_SCREEN_H
#define DEPOT_TUI_SCREEN_H

#include "app.h"

struct player;
struct screen;

struct screen_ops {
    const struct view_ops *const *views;                         /* by their numbers */
    void (*quit)(struct screen *s, bool interrupted, void *arg); /* the screen is still on */
    bool (*interrupt)(struct screen *s, void *arg);              /* as tui_ops.interrupt */
};

/* Makes fleet and tui, reads the config file. No terminal yet. */
int dp_screen_new(struct depot_loop *l, const struct depot_tui_opts *opts,
    const struct screen_ops *ops, void *arg, struct screen **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void dp_screen_free(struct screen *s); /* leaves the terminal first */
struct fleet *dp_screen_fleet(struct screen *s);
struct tui *dp_screen_tui(struct screen *s);
/* The fleet; a recording of one build begins with that. */
void dp_screen_first_views(struct tui *t, bool recording);
/* Draw soon: its owner has changed what is shown. */
void dp_screen_touch(struct screen *s);
/* Its clock and keys drive the screen from now on; taken. */
void dp_screen_play(struct screen *s, struct player *p);
/* Take the terminal and draw. */
int dp_screen_start(struct screen *s, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
