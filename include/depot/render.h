/*
 * Headless sinks: what a build prints when there is no screen.
 *
 * A sink reads the reduced build (state.h) and the event that has just been applied to it, and
 * writes to a FILE of its owner. It reads no clock: `now` is the caller's, in nanoseconds of a
 * monotonic clock, so that a replay prints the same bytes every time.
 */
#ifndef DEPOT_RENDER_H
#define DEPOT_RENDER_H

#include <depot/ci.h>
#include <depot/state.h>
#include <depot/style.h>
#include <depot/why.h>

#include <stdio.h>

struct depot_render;

struct depot_render_opts {
    FILE *out;        /* borrowed; flushed after each call that printed */
    bool sanitize;    /* drop escape sequences and control characters: set it for a terminal */
    const char *desc; /* "#0 DESC" before the first step; NULL: none */
    bool truncate;    /* cut step names at 72 bytes */
    bool details;     /* all that is known of each warning */
    /* Of the terminal behind `out`, which no sink asks itself. */
    int width, height; /* 0: not known */
    bool utf8;         /* of the locale */
    /* How `out` shows meanings; borrowed. NULL: no colour; the live display has attributes. */
    const struct depot_styles *styles;
    /* Of the CI system that reads `out`: nothing is printed that it would take for a command,
     * beside those that are its own. NULL: none, every byte stays as it is. */
    const struct depot_ci *ci;
    bool part;   /* plain: no last lines of failed steps at the end */
    bool frame;  /* plain: a #0 line first, which names the build and its builders */
    bool groups; /* plain: each step's lines stand together, and fold where `ci` folds them */
};

/* Sinks by name, NULL-terminated: tty, plain, rawjson, quiet. */
extern const char *const depot_render_names[];

/* `build` is borrowed until the free. Errors: DEPOT_ERR_NOT_FOUND (no such sink). */
int depot_render_new(struct depot_render **out, const char *name, const struct depot_build *build,
    const struct depot_render_opts *opts, struct depot_error *err) DEPOT_MUST_CHECK;
/* After depot_build_apply() of the same event. */
void depot_render_apply(struct depot_render *r, const struct depot_event *ev, uint64_t now);
/* When depot_render_tick() wants to be called; 0: not needed. */
uint64_t depot_render_deadline(const struct depot_render *r);
void depot_render_tick(struct depot_render *r, uint64_t now);
/* Print what is left: open lines, the last lines of failed steps. */
void depot_render_end(struct depot_render *r, uint64_t now);
void depot_render_free(struct depot_render *r);

/*
 * The tty sink keeps a few rows at the bottom of the terminal up to date and changes nothing else
 * of it: no mode is set, so nothing has to be restored. While it shows, others write there by
 * these.
 */
/* The terminal has a new size. */
void depot_render_resize(struct depot_render *r, int width, int height, uint64_t now);
/* A line of the client's own, above the rows; every sink prints it. */
void depot_render_note(struct depot_render *r, const char *text, uint64_t now);
/* Take the rows away, as before the program is stopped; the next tick brings them back. */
void depot_render_hide(struct depot_render *r, uint64_t now);
/* Another screen lies over the terminal: nothing is drawn until it is gone. */
void depot_render_cover(struct depot_render *r, bool covered);
/* The last lines of each failed step, as far as the sink did not print them as they came. */
void depot_render_tails(struct depot_render *r);

/*
 * After the build, as buildx prints them.
 */
/* " N warnings found (use ... to expand):" and one line each; nothing when there are none. */
void depot_render_warnings(const struct depot_build *b, const struct depot_render_opts *opts);
/* The Dockerfile excerpt of each failed part and "ERROR: failed to build: failed to solve: ...". */
void depot_render_error(const struct depot_build *b, const struct depot_render_opts *opts);
/* What was built: digest and time per platform, hit and ran counts. Derive the build first. */
void depot_render_summary(const struct depot_build *b, const struct depot_render_opts *opts);
/* The same as #0 lines, for logs: what the first of them began. */
void depot_render_frame_end(const struct depot_build *b, const struct depot_render_opts *opts);

/* Errors and warnings as annotations of opts->ci; nothing where it has none. `dockerfile`: its path
 * for those that name a place in it; NULL: as the engine calls it. */
void depot_render_notes(
    const struct depot_build *b, const struct depot_render_opts *opts, const char *dockerfile);
/* The same as GitLab's report of code quality, in JSON. */
void depot_render_quality(const struct depot_build *b, const struct depot_render_opts *opts,
    const char *dockerfile, struct depot_buf *out);
/* A build as a page of Markdown: platforms, what missed, slowest steps, why it failed. */
void depot_render_report(
    const struct depot_build *b, const struct depot_render_opts *opts, struct depot_buf *out);

/* What is known of the builds before one. */
enum depot_past {
    DEPOT_PAST_UNKNOWN,
    DEPOT_PAST_FIRST,      /* there is none of its project */
    DEPOT_PAST_FIRST_SUCH, /* none of its project with its target and platforms */
};
/* What missed the cache and why, most time first; `before` as depot_why_init() got it; `past` tells
 * why there is none. */
void depot_render_why(const struct depot_why *w, const struct depot_build *b,
    const struct depot_build *before, enum depot_past past, const struct depot_render_opts *opts);

#endif
