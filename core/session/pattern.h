/*
 * Lists of path patterns, as a .dockerignore means them: they apply in order, a later one overrides
 * an earlier, `!` turns one around, and a pattern that matches a directory matches all below it.
 * `*` and `?` stay within a name, `**` crosses directories, `\` takes the next character as it is.
 */
#ifndef DEPOT_CORE_SESSION_PATTERN_H
#define DEPOT_CORE_SESSION_PATTERN_H

#include <depot/base.h>

struct dp_patterns;

/* Ceilings on what an engine may ask of the matcher. */
enum { DP_PATTERNS_MAX = 16384, DP_PATTERN_LEN_MAX = 8192 };

/* Lexically clean, as Go's filepath.Clean; the caller frees. */
char *dp_path_clean(const char *path);
/* Clean, taken as absolute, without the leading slash; "." for the root itself: stays inside. */
char *dp_path_clean_rooted(const char *path);

/* Blank patterns are left out. */
int dp_patterns_new(const struct depot_strv *list, struct dp_patterns **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void dp_patterns_free(struct dp_patterns *ps);
size_t dp_patterns_len(const struct dp_patterns *ps);

/*
 * Whether `path` matches. `parent` says, one byte a pattern, which of them its directory matched
 * (NULL: it lies in the root), and `own` is filled with the same for `path`.
 */
bool dp_patterns_match(
    struct dp_patterns *ps, const char *path, size_t n, const uint8_t *parent, uint8_t *own);

/*
 * Whether anything below the directory `path`, which itself did not come out as wanted, still
 * could: for includes (`turned` false) by a plain pattern, for excludes (`turned` true) by a `!`
 * pattern.
 */
bool dp_patterns_may_match_below(
    const struct dp_patterns *ps, const char *path, size_t n, bool turned);

/* Does the one pattern match the whole of `s`? For names in a directory. */
bool dp_pattern_match_one(const char *pattern, const char *s);
bool dp_pattern_has_wildcards(const char *s);

#endif
