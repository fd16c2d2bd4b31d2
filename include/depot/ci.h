/*
 * The CI systems we run in: which one it is, how it is spoken to through the log, and how to keep
 * what others print from being taken for that.
 *
 * One table knows them all. A system reads commands out of a job's log: "::error::", "##vso[",
 * "section_start:". What a step of a build prints goes to the same log and must stay text.
 */
#ifndef DEPOT_CI_H
#define DEPOT_CI_H

#include <depot/base.h>
#include <depot/buf.h>

struct depot_ci; /* a row of the table; constant */

/* From the environment; NULL: none. A system that is not known but sets CI is a row of its own. */
const struct depot_ci *depot_ci_detect(void);
/* Link to the CI run, when the environment tells enough to make one; the caller frees. */
char *depot_ci_url(void);
/* Where the checkout lies, to which files of annotations are relative; NULL: not told. */
const char *depot_ci_root(const struct depot_ci *ci);

/* What a system has beside its log. */
bool depot_ci_has_annotations(const struct depot_ci *ci); /* commands with file and line */
bool depot_ci_has_groups(const struct depot_ci *ci);

/* ---- commands: whole lines, with what they carry escaped ---- */

enum depot_ci_level { DEPOT_CI_GOOD, DEPOT_CI_WARNING, DEPOT_CI_ERROR };

/* Strings may be NULL and hold anything. */
struct depot_ci_note {
    enum depot_ci_level level;
    const char *file;   /* NULL: it has no place */
    int line, end_line; /* 0: not known */
    const char *title, *text;
};
/* Nothing where there are no annotations. */
void depot_ci_put_note(
    struct depot_buf *out, const struct depot_ci *ci, const struct depot_ci_note *n);

/* The same as an object of GitLab's report of code quality, in JSON. */
void depot_ci_put_quality(struct depot_buf *out, const struct depot_ci_note *n);

/* Lines that fold. `key` tells one of a job's groups from another: letters, digits, '_';
 * `unix_time` in seconds. Nothing where there are no groups. */
void depot_ci_put_group(struct depot_buf *out, const struct depot_ci *ci, const char *title,
    const char *key, int64_t unix_time);
void depot_ci_put_group_end(
    struct depot_buf *out, const struct depot_ci *ci, const char *key, int64_t unix_time);
/* Where a system shows what follows its last group in it: the beginning of one that is open. */
void depot_ci_put_open(struct depot_buf *out, const struct depot_ci *ci, const char *title);

/*
 * Hand over a report in Markdown, where the system takes one: appended to a file, given to a
 * program (waited for, 20 seconds at most), or as a file that the command put into `out` names.
 * `context` tells one report of a job from another. 0 also where none is taken. Errors:
 * DEPOT_ERR_IO, INVALID.
 */
int depot_ci_report(const struct depot_ci *ci, const char *markdown, const char *context,
    enum depot_ci_level worst, struct depot_buf *out, struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- what others print ---- */

/*
 * Passes text on so that it holds no command of `ci`: a backslash goes before the byte that would
 * complete one, and of escape sequences only colours are left. Text may be cut anywhere between two
 * calls. Without a system, or with one that reads no commands, every byte stays as it is.
 */
struct depot_guard {
    const struct depot_ci *ci;
    bool json;           /* the text is JSON: the byte becomes \u00xx, so that it means the same */
    bool started;        /* the line has something that is to be seen */
    unsigned char state; /* of an escape sequence */
    unsigned char nseq, ntail;
    unsigned char stops[32]; /* bytes that are looked at, a bit each */
    char seq[32];            /* the sequence, while it may be a colour */
    char tail[16];           /* the last bytes that are to be seen of the line */
};
void depot_guard_init(struct depot_guard *g, const struct depot_ci *ci, bool json);
void depot_guard_feed(struct depot_guard *g, struct depot_buf *out, const void *data, size_t n);
/* The same of a whole string. */
void depot_guard_string(struct depot_buf *out, const struct depot_ci *ci, const char *s);

#endif
