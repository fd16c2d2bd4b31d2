/*
 * Docker's context store: named Engines below the directory of its client's configuration. Decoders
 * of its files, without I/O.
 */
#ifndef DEPOT_CORE_DOCKER_CONTEXT_H
#define DEPOT_CORE_DOCKER_CONTEXT_H

#include <depot/base.h>

enum { DP_CONTEXT_FILE_MAX = 1024 * 1024, DP_CONTEXT_NAME_MAX = 255 };

/* Docker's own rule: a letter or digit, then those and _ . + - ; at least two. */
bool dp_context_name_valid(const char *name);
/* "contexts/KIND/DIGEST" of a valid name, where KIND is "meta" or "tls". The caller frees. */
char *dp_context_dir(const char *kind, const char *name);

/* The context that config.json chose; NULL: none. The caller frees *out. */
int dp_context_current(
    const char *json, size_t n, char **out, struct depot_error *err) DEPOT_MUST_CHECK;

struct dp_context {
    char *host; /* of its Docker Engine */
    bool skip_verify;
};
/* A context's meta.json. */
int dp_context_parse(
    const char *json, size_t n, struct dp_context *out, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_context_release(struct dp_context *c);

#endif
