/*
 * One small file from the web, waited for: a Dockerfile that --file names by its URL.
 */
#ifndef DEPOT_CORE_BUILD_FETCH_H
#define DEPOT_CORE_BUILD_FETCH_H

#include <depot/base.h>

/* What http:// or https:// `url` has, redirects followed, no longer than `max`. The caller frees
 * *out, which ends in a NUL. */
int dp_fetch(
    const char *url, size_t max, char **out, size_t *len, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
