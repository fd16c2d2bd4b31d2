/*
 * A CI system, as its documentation has it.
 */
#ifndef DEPOT_CORE_CI_CI_PRIV_H
#define DEPOT_CORE_CI_CI_PRIV_H

#include <depot/ci.h>

/* What begins a command in a log. In `text` a blank stands for any blank, 0 for any digit. */
struct dp_ci_mark {
    const char *text;
    bool at_start; /* only as the first that is to be seen of a line */
};
enum { DP_CI_MARKS_MAX = 5 };

/* How text inside of a command is written. */
struct dp_ci_escape {
    char c;
    bool in_data; /* else in properties alone */
    const char *as;
};

/* How the system is spoken to; members may be NULL. */
struct dp_ci_speech {
    const struct dp_ci_escape *escapes; /* up to c == 0 */
    void (*note)(struct depot_buf *out, const struct depot_ci *ci, const struct depot_ci_note *n);
    void (*group)(struct depot_buf *out, const struct depot_ci *ci, const char *title,
        const char *key, int64_t unix_time);
    void (*group_end)(
        struct depot_buf *out, const struct depot_ci *ci, const char *key, int64_t unix_time);
    void (*open)(struct depot_buf *out, const struct depot_ci *ci, const char *title);
    int (*report)(const char *markdown, const char *context, const char *style,
        struct depot_buf *out, struct depot_error *err);
};

struct depot_ci {
    const char *name;     /* as its makers write it */
    const char *variable; /* is set, and not to false or 0, where it runs us; or NAME=VALUE */
    const char *url;      /* variable with the link to the run; NULL: none */
    const char *root;     /* variable with the directory of the checkout; NULL: none */
    const struct dp_ci_speech *speech; /* NULL: its log holds text alone */
    struct dp_ci_mark marks[DP_CI_MARKS_MAX];
};

extern const struct dp_ci_speech dp_ci_github, dp_ci_gitlab, dp_ci_buildkite, dp_ci_azure;

#endif
