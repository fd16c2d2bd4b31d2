/*
 * The dashboard: full screen, for a fleet, for one's own build, for a recording.
 */
#ifndef DEPOT_TUI_H
#define DEPOT_TUI_H

#include <depot/app.h>
#include <depot/build.h>
#include <depot/endpoint.h>
#include <depot/event.h>
#include <depot/loop.h>

#include <stdio.h>

struct depot_tui_opts {
    const struct depot_strv *urls; /* daemons; none: as depot_endpoint_resolve() finds it */
    const char *token;
    const char *replay; /* a recording; no daemon then */
    double speed;       /* of the replay; 0: at its end at once, 1: as recorded */
    bool from_stdin;    /* a feed on standard input; keys come from /dev/tty */
    bool no_mouse, ascii;
    const char *color;  /* auto, never, 16, 256, true; NULL: auto */
    const char *config; /* file of keys and colours; NULL: dashboard.conf of the config directory */
    const char *open;   /* a command line to begin with: "build b7k2"; may be NULL */
};

/* depot-top and depot top: until the user leaves. Returns an exit code, after telling on stderr. */
int depot_tui_top(const char *program, const struct depot_tui_opts *opts);
/* The built-in keys and the commands: sections of a man page, or a row each (keymap, keys, action,
 * help; "command", name, arguments, help; tabs). */
void depot_tui_print_keys(FILE *out, bool man);

/*
 * depot build --tui: the screen of one build whose owner runs the loop and gives the events.
 */
struct depot_tui;
struct depot_tui_build_ops {
    /* q: the user left the screen, which is already gone; the build goes on. */
    void (*left)(struct depot_tui *t, void *arg);
    void (*cancel)(struct depot_tui *t, void *arg); /* after the user said yes, or ^C */
};
/* It shows the job's own state, and asks over the job's own connection what that does not tell: how
 * long steps take, the builds before. The job must not have got an event yet, and outlives it.
 * DEPOT_ERR_UNSUPPORTED: no terminal. */
int depot_tui_build_open(struct depot_loop *l, const struct depot_tui_opts *opts,
    struct depot_job *job, const struct depot_tui_build_ops *ops, void *arg, struct depot_tui **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Each event of the build, in order, after the job has reduced it. Borrowed. */
void depot_tui_build_event(struct depot_tui *t, const struct depot_event *ev);
/* The feed was lost, or is back (`err` NULL). */
void depot_tui_build_link(struct depot_tui *t, const struct depot_error *err);
void depot_tui_build_say(struct depot_tui *t, const char *text);
/* Leave the screen (nothing when it is left) and free. */
void depot_tui_build_close(struct depot_tui *t);

#endif
