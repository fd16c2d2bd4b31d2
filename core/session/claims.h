/*
 * Which platform writes what below a directory that several write into: no two may write one file.
 * Paths are remembered by their hashes.
 */
#ifndef DEPOT_CORE_SESSION_CLAIMS_H
#define DEPOT_CORE_SESSION_CLAIMS_H

#include <depot/base.h>

struct dp_claims;
/* `split`: each platform of `all` was asked to write into a folder of its name ("linux_arm64"). */
struct dp_claims *dp_claims_new(const struct depot_strv *all, bool split);
void dp_claims_free(struct dp_claims *c);
/* `own` (the platforms of one builder) write `path`. DEPOT_ERR_EXISTS: another has it, unless both
 * have it as a directory. The same builder may write it again. */
int dp_claims_take(struct dp_claims *c, const struct depot_strv *own, const char *path, size_t n,
    bool is_dir, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
