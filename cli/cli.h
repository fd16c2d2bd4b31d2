/*
 * What depot's commands share.
 */
#ifndef DEPOT_CLI_CLI_H
#define DEPOT_CLI_CLI_H

#include <depot/query.h>
#include <depot/app.h>
#include <depot/build.h>
#include <depot/ci.h>
#include <depot/endpoint.h>
#include <depot/loop.h>
#include <depot/render.h>
#include <depot/text.h>

#include <json-c/json.h>

#define CLI_PROGRAM "depot"
#define CLI_SUMMARY "Build container images on builder machines with a shared cache"

/* Options of every command that talks to a daemon. */
struct cli_remote {
    char *url, *token;
    bool no_start; /* this user's own daemon need not be started: one that is not running has not
                      got what is asked for */
};
#define CLI_REMOTE_OPTIONS(type)                                                                   \
    {"url", 0, DEPOT_OPT_STRING, offsetof(type, remote.url), "URL",                                \
        "Daemon to talk to, as unix://PATH or https://HOST:PORT", NULL, 0},                        \
    {                                                                                              \
        "token", 0, DEPOT_OPT_STRING, offsetof(type, remote.token), "TOKEN",                       \
            "Token for the daemon (default: DEPOT_TOKEN)", NULL, 0                                 \
    }

/* The commands, each in its own file. */
extern const struct depot_command cmd_build, cmd_list, cmd_logs, cmd_replay, cmd_cancel, cmd_cache,
    cmd_prune, cmd_why, cmd_retry;

/* request.c: one request to the daemon, waited for. The answer's text is appended to `out`, which
 * may be NULL; an error answer becomes `err`. */
int cli_request(const struct cli_remote *remote, const char *method, const char *path,
    struct depot_buf *out, struct depot_error *err) DEPOT_MUST_CHECK;
/* The same with a record for its body, however long it takes. */
int cli_post(const struct cli_remote *remote, const char *path, const struct depot_record *r,
    const void *body, struct depot_buf *out, struct depot_error *err) DEPOT_MUST_CHECK;
/* An answer by its table; of its strings what would steer a terminal is taken out. */
int cli_read(const struct depot_buf *text, const struct depot_record *r, void *rec,
    struct depot_arena *arena, struct depot_error *err) DEPOT_MUST_CHECK;
const char *cli_text(const char *s); /* "" for NULL */
/* A line on stderr, after `before`, of what a file or a daemon says. */
void cli_say(const char *before, const char *text);
/* "?key=value" or "&key=value", escaped; nothing for an empty value. */
void cli_add_query(struct depot_buf *path, const char *key, const char *value);
/* "3m ago"; "" for 0. */
void cli_age(char out[DEPOT_TEXT_MAX], depot_time when);
/* A cell of a table: at most `most` columns, cut in the middle, filled up to `width`, and a blank.
 */
enum { CLI_PROJECT_MAX = 16, CLI_WHO_MAX = 10 };
void cli_put_column(struct depot_buf *out, const char *s, int width, int most);
/* A member's string of a file of ours; "" when it is not there. */
const char *cli_json_string(struct json_object *o, const char *key);
/* A member that is an array, and its length; NULL and 0 when it is none. */
struct json_object *cli_json_list(struct json_object *o, const char *key, size_t *n);
/* For --json: strings stay what they are, and their controls are written as escapes. */
void cli_json_print(struct json_object *o);
/* The daemon's answer so, with members that we do not know. */
void cli_json_print_text(const struct depot_buf *text);

/* which.c: the build that is meant by a word of the command line: any beginning of an id that is of
 * one build alone, "^N" for the Nth before the newest of this directory's project, NULL for that
 * one. An id that the daemon does not list is passed on as it is: the daemon says so when it is
 * used. */
struct cli_build {
    char *id;
    char *user; /* who started it; "" when not known */
    bool named; /* by its id, and not by counting */
};
/* Of a command that takes one, and may go without. */
#define CLI_BUILD_ARG "[BUILD | ^N]"
#define CLI_BUILD_TEXT                                                                             \
    "BUILD is an id, or as much of its beginning as no other build has; ^N is the Nth before the " \
    "newest of this directory's project, and nothing is that newest one."
/* The only argument; NULL: there is none. */
const char *cli_arg(const struct depot_strv *args);
int cli_which(const struct cli_remote *remote, const char *word, struct cli_build *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* The same among builds at hand, newest first, as a daemon lists them. */
int cli_which_of(const struct depot_builds *list, const char *word, struct cli_build *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void cli_build_release(struct cli_build *b);
/* The exit code of a command that ended so, before it had to do with a build. */
int cli_exit(int rc);

/* ci.c: what a CI system gets beside the log. */
enum { CLI_CI_ANNOTATIONS = 1, CLI_CI_GROUPS = 2, CLI_CI_REPORT = 4 };
struct cli_ci {
    const struct depot_ci *system; /* NULL: we run in none */
    unsigned what;                 /* of CLI_CI_*; 0 in none */
    char *dockerfile;              /* where annotations point; NULL: as the engine calls it */
};
#define CLI_CI_OPTION(offset)                                                                      \
    {                                                                                              \
        "ci", 0, DEPOT_OPT_CSV, offset, "WHAT",                                                    \
            "Give a CI system annotations, groups, report, all or none (default: "                 \
            "DEPOT_CI_OUTPUT)",                                                                    \
            NULL, 0                                                                                \
    }
/* The flag, else DEPOT_CI_OUTPUT where something is given by itself, else `otherwise`. */
int cli_ci_init(struct cli_ci *c, const struct depot_strv *flag, unsigned otherwise,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Where the Dockerfile of a build is: `file` (may be NULL), or that of a directory. */
void cli_ci_place(struct cli_ci *c, const char *context, const char *file);
void cli_ci_annotate(
    const struct cli_ci *c, const struct depot_build *b, const struct depot_render_opts *opts);
/* An error of our own, which no engine has told. */
void cli_ci_error(const struct cli_ci *c, const struct depot_error *err);
void cli_ci_report(
    const struct cli_ci *c, const struct depot_build *b, const struct depot_render_opts *opts);
void cli_ci_release(struct cli_ci *c);

/* show.c: events of one build to a headless sink, as `depot build --plain` and `depot logs` do. */
struct cli_show;
struct cli_show_opts {
    const char *sink; /* tty, plain, rawjson, quiet */
    FILE *out;
    const char *color;       /* --color */
    bool details;            /* of warnings */
    const struct cli_ci *ci; /* borrowed; NULL: it gets nothing beside the log */
    bool part;               /* not the whole log: no account of the build at its end */
    bool summary;            /* asked for, or by itself: cli_show_sums_up() */
};
/* pick.c: of a build's events only what belongs to some steps, and to some lines of their logs. */
struct cli_pick;
struct cli_pick_opts {
    const char *step; /* what a step's title holds; NULL: anything */
    const char *grep; /* what a line holds, as a terminal would show it; NULL: anything */
    int64_t tail;     /* the last so many lines of each step that pass; 0: all */
    bool failed;      /* the steps that failed */
};
/* NULL when all of it is asked for. Strings are borrowed. */
struct cli_pick *cli_pick_new(const struct cli_pick_opts *opts);
/* Only the end tells which those are: the whole build is told, rewound, and told again. */
bool cli_pick_needs_end(const struct cli_pick *p);
void cli_pick_rewind(struct cli_pick *p, const struct depot_build *b);
/* After depot_build_apply() of `ev`: what is left of it, borrowed until the next. False: nothing.
 */
bool cli_pick_event(struct cli_pick *p, const struct depot_build *b, const struct depot_event *ev,
    struct depot_event *out);
/* Whether any event had something left. */
bool cli_pick_any(const struct cli_pick *p);
void cli_pick_free(struct cli_pick *p);

/* Whether --summary=WHEN wants one on `out`; by itself on a terminal, and for a CI system. */
bool cli_show_sums_up(const char *when, FILE *out);
/* The sink of --progress=auto on `out`: tty where a person looks at a terminal, else plain. */
const char *cli_show_auto(FILE *out);
/* DEPOT_ERR_INVALID when `out` is not what the sink needs; `flag` is what asked for it. */
int cli_show_check(
    const char *sink, const char *flag, FILE *out, struct depot_error *err) DEPOT_MUST_CHECK;
int cli_show_new(struct depot_loop *l, const struct depot_build *state,
    const struct cli_show_opts *opts, struct cli_show **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void cli_show_event(struct cli_show *s, const struct depot_event *ev);
/* A line of the client's own between those of the build. */
void cli_show_note(struct cli_show *s, const char *fmt, ...) DEPOT_PRINTF(2, 3);
/* The dashboard lies over the terminal: draw nothing until it is gone. */
void cli_show_cover(struct cli_show *s, bool covered);
/* What is printed when the build is over: warnings, the error with its excerpt, annotations; on a
 * screen the summary. `build`: there was one. */
void cli_show_end(struct cli_show *s, bool build);
/* The last of all, where a log ends with a summary, and the report. */
void cli_show_last(struct cli_show *s);
void cli_show_free(struct cli_show *s);

/* retry.c: what `depot retry BUILD` needs of a build that failed in part: its command line with the
 * platforms that are missing, and what was made of the others. Kept for this user alone, since
 * command lines hold what is nobody else's business. */
bool cli_retry_worth(const struct depot_build *state, const struct depot_build_args *args);
int cli_retry_save(const struct depot_build *state, const struct depot_command *cmd,
    const void *target, const struct depot_build_args *built,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* The directory that it was given in, and its arguments; the caller's to free and release. */
int cli_retry_load(const char *word, char **dir, struct depot_strv *args,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* main.c: run a command by its arguments, as the shell would. Returns the exit code. */
int cli_run(const struct depot_command *cmd, int argc, char **argv);

/* record.c: --record FILE, whole or not at all. */
struct cli_record;
int cli_record_open(
    const char *path, struct cli_record **out, struct depot_error *err) DEPOT_MUST_CHECK;
void cli_record_event(struct cli_record *r, const struct depot_event *ev);
/* Also what went wrong before. Frees `r`, which may be NULL. */
int cli_record_close(struct cli_record *r, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
