/*
 * The filter of rows: words with blanks between, all of which must be found, without regard to
 * case. A word is a regular expression; "!" before it: it must not be found; "state:" before it:
 * in that field alone. Within "quotes", and behind a backslash, a blank is a character.
 *
 *     web !test state:fail|canc project:"two words"
 *
 * Expressions are compiled once. A row is filtered by telling what it holds:
 *
 *     dp_filter_row(f);
 *     dp_filter_say(f, FIELD_STATE, "RUN");
 *     if (dp_filter_passes(f)) ...
 */
#ifndef DEPOT_TUI_FILTER_H
#define DEPOT_TUI_FILTER_H

#include <depot/buf.h>

#include <regex.h>

struct fleet_build;

enum { FILTER_MAX = 1024 }; /* bytes */

/* How a view's note on its filter begins; fields follow. */
#define FILTER_NOTE "all words, not !word; "

/* FIELD_ANY: a word that names none. */
enum filter_field {
    FIELD_ANY,
    FIELD_STATE,
    FIELD_BUILD,
    FIELD_PROJECT,
    FIELD_TARGET,
    FIELD_USER,
    FIELD_HOST,
    FIELD_SOURCE,
    FIELD_BRANCH,
    FIELD_COMMIT,
    FIELD_REMOTE,
    FIELD_ORIGIN,
    FIELD_DAEMON,
    FIELD_RESULT,
    FIELD_TAG,
    FIELD_PLATFORM,
    FIELD_BUILDER,
    FIELD_ENGINE,
    FIELD_VERSION,
    FIELD_TYPE,
    FIELD_STAGE,
    FIELD_WHAT,
};

struct filter_word {
    bool negated;
    enum filter_field field;
    regex_t re;
};
struct filter_fact {
    enum filter_field field;
    const char *value;
};

/* Zeroed: all passes. */
struct filter {
    bool on;
    char *text; /* as typed */
    DEPOT_VEC(struct filter_word) words;
    DEPOT_VEC(struct filter_fact) facts; /* of the row at hand */
    struct depot_buf joined_;
};

/* DEPOT_ERR_INVALID: it stays as it was. */
int dp_filter_set(struct filter *f, const char *text, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_filter_release(struct filter *f);

/* Begin a row. */
void dp_filter_row(struct filter *f);
/* The value is borrowed until the row is asked for; NULL and "" say nothing. A field may have
 * several. */
void dp_filter_say(struct filter *f, enum filter_field field, const char *value);
bool dp_filter_passes(struct filter *f);

bool dp_filter_passes_build(struct filter *f, const struct fleet_build *b);

/* The next word at *text, which is moved on; what it looks for into `pattern`, not compiled. False:
 * there is none. */
bool dp_filter_next(const char **text, struct filter_word *out, struct depot_buf *pattern);

#endif
