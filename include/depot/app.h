/*
 * What the programs share around their work: option tables and the help printed from them, exit
 * codes, the project, versions.
 */
#ifndef DEPOT_APP_H
#define DEPOT_APP_H

#include <depot/base.h>
#include <depot/style.h>

#include <stdio.h>

/* ---- exit codes, the same in every mode of output ---- */
enum depot_exit {
    DEPOT_EXIT_OK = 0,
    DEPOT_EXIT_FAILED = 1,
    DEPOT_EXIT_USAGE = 2,
    DEPOT_EXIT_INTERNAL = 100,  /* the engine said INTERNAL, as buildx */
    DEPOT_EXIT_EXHAUSTED = 102, /* the engine said RESOURCE_EXHAUSTED, as buildx */
    DEPOT_EXIT_INTERRUPTED = 130,
};
int depot_exit_from_err(int err); /* a depot_err, or 0 */

/* Print "NAME: message" and the hint on stderr, without what would steer a terminal. */
void depot_error_print(const char *name, const struct depot_error *err);

/* Call first: gives /dev/null to each of descriptors 0 to 2 that is closed, lest a socket gets its
 * number and takes what is printed. */
void depot_stdio_open(void);
/* All that was printed on stdout is out, or an error. */
int depot_stdout_flush(struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- options ---- */
enum depot_opt_type {
    DEPOT_OPT_BOOL,    /* bool; --x, --x=false */
    DEPOT_OPT_STRING,  /* char *, owned */
    DEPOT_OPT_LIST,    /* struct depot_strv: each use adds one */
    DEPOT_OPT_CSV,     /* struct depot_strv: each use adds its comma-separated fields */
    DEPOT_OPT_INT,     /* int64_t, not negative */
    DEPOT_OPT_IGNORED, /* accepted for docker's sake, with a warning; no target */
};
enum {
    DEPOT_OPT_HIDDEN = 1,      /* not in help, man page or completions */
    DEPOT_OPT_NO_ARG = 2,      /* DEPOT_OPT_IGNORED that takes no value */
    DEPOT_OPT_SILENT = 8,      /* DEPOT_OPT_IGNORED without a word */
    DEPOT_OPT_NOT_IN_FILE = 4, /* where a program reads its options from a file too */
};
struct depot_opt {
    const char *name; /* long name without dashes */
    char letter;      /* 0: none */
    enum depot_opt_type type;
    size_t offset;       /* of the target in the command's argument struct */
    const char *value;   /* placeholder in help */
    const char *help;    /* one sentence, no full stop; as in "Set the target build stage" */
    const char *choices; /* words separated by '|', for help, checks and completions; or NULL */
    unsigned flags;
};

struct depot_command {
    const char *name;
    const char *alias; /* or NULL */
    bool standalone;   /* a program of its own, not a command of one */
    const char *args;  /* "PATH | URL | -"; "" when there are none */
    int min_args, max_args;
    const char *summary; /* one line */
    const char *text;    /* paragraphs for the man page; may be NULL */
    const struct depot_opt *opts;
    size_t nopts;
    size_t args_size; /* of the struct that `opts` point into */
    /* Returns an exit code. `target` holds the parsed options, released by the caller. */
    int (*run)(const struct depot_command *cmd, void *target, const struct depot_strv *args);
};

/*
 * Parse argv (without the command's name) into `target` and the rest into `args`. Values already in
 * `target` are defaults. DEPOT_ERR_INVALID with a message that names the flag, and a hint with the
 * nearest one that exists; DEPOT_ERR_EOF when help was asked for (-h, --help).
 */
int depot_opts_parse(const struct depot_command *cmd, int argc, char **argv, void *target,
    struct depot_strv *args, struct depot_error *err) DEPOT_MUST_CHECK;
void depot_opts_release(const struct depot_command *cmd, void *target);

/* Help of one command, or of a program with all its commands. */
void depot_help_command(FILE *out, const char *program, const struct depot_command *cmd);
void depot_help_program(FILE *out, const char *program, const char *summary,
    const struct depot_command *cmds, size_t n);
/* The same tables as man pages (roff) and as shell completions ("bash", "zsh", "fish"). */
void depot_man_command(FILE *out, const char *program, const struct depot_command *cmd);
void depot_man_program(FILE *out, const char *program, const char *summary, const char *text,
    const struct depot_command *cmds, size_t n);
int depot_completion(FILE *out, const char *shell, const char *program,
    const struct depot_command *cmds, size_t n, struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- where we are ---- */
/* Colour on a stream: --color, NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, CLICOLOR, TERM, isatty. */
/* NULL: none. Else `own`, made ready: the 16 colours that follow a terminal's theme, and what
 * BUILDKIT_COLORS and DEPOT_TUI_COLORS say. */
const struct depot_styles *depot_use_styles(struct depot_styles *own, const char *flag, int fd);

/* Project: flag, DEPOT_PROJECT_ID, depot.json upwards from `dir`; else the base name of the git
 * checkout or of `dir`. The caller frees. DEPOT_ERR_INVALID: one that was given is no name. */
int depot_project(
    const char *flag, const char *dir, char **out, struct depot_error *err) DEPOT_MUST_CHECK;

/* Who starts builds here: USER, else this process's name. NULL: it has none. */
const char *depot_user(void);

/* A URL as it may be shown: without the user name and password in it. The caller frees. */
char *depot_url_shown(const char *url);

/* What git says of a directory, read from its files; members may be NULL. */
struct depot_source {
    char *remote, *commit, *branch;
    char *root; /* of the checkout; NULL: there is none */
    bool dirty; /* only looked at with DEPOT_GIT_DIRTY or BUILDX_GIT_CHECK_DIRTY: it runs git */
};
void depot_source_read(struct depot_source *s, const char *dir);
void depot_source_release(struct depot_source *s);

/* ---- versions ---- */
/* A line for a client whose daemon (its version; NULL: so old that it does not tell) lacks what is
 * needed (`lack` says what comes of it; NULL: nothing), or is of another major version. NULL when
 * none is worth it. The caller frees. */
char *depot_version_note(const char *daemon, const char *lack);

#endif
