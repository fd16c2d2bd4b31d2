/*
 * The small languages inside docker build's flags: text to values. Pure, so each of them can be
 * fuzzed: no file, variable or clock is looked at. What plan_*.c do with the values is theirs.
 *
 * Every parser refuses with DEPOT_ERR_INVALID and dp_spec_refuse(): the message names the flag, the
 * word and what is wrong with it, the hint the form that is right. Outputs are owned by the caller,
 * and may hold what was read before an error.
 */
#ifndef DEPOT_CORE_BUILD_SPEC_H
#define DEPOT_CORE_BUILD_SPEC_H

#include <depot/buf.h>

#include "build/output.h"

/* ---- what all of them share ---- */

/* `flag` is one of the table in spec.c ("--secret"), which has its form. */
int dp_spec_refuse(struct depot_error *err, const char *flag, const char *word, const char *fmt,
    ...) DEPOT_PRINTF(4, 5);
/* The words that Docker's programs take for true and false: 1, 0; -1 for any other. */
int dp_spec_bool(const char *word);

/* A name becomes an attribute's, with a prefix; daemons take 4096 bytes of both. */
enum { DP_SPEC_NAME_MAX = 3 * 1024 };
/* Is a name of `n` bytes one that can be sent? */
int dp_spec_name(
    const char *flag, const char *word, size_t n, struct depot_error *err) DEPOT_MUST_CHECK;

/* csv.c: one record into its fields. */
int dp_csv_split(const char *flag, const char *s, struct depot_strv *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* "type=local,dest=out" by key, which is of either case; the last of equal ones counts. */
int dp_csv_fields(const char *flag, const char *s, struct depot_kvs *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* The way back. The caller frees. */
char *dp_csv_join(const struct depot_kvs *fields);

/* ---- one a flag ---- */

/* "K=V" or "K" alone, for which *value is NULL. It points into `s`; the caller frees *key. */
int dp_spec_pair(const char *flag, const char *s, char **key, const char **value,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* "64m", "1.5 GiB" to bytes. */
int dp_spec_bytes(
    const char *flag, const char *s, int64_t *out, struct depot_error *err) DEPOT_MUST_CHECK;
/* "nofile=1024" to "nofile=1024:1024". The caller frees. */
int dp_spec_ulimit(const char *s, char **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* "db:10.0.0.5", "db=[::1]" as "db=::1". The caller frees. */
int dp_spec_add_host(const char *s, char **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* The names of entitlements are added to `out`; buildx.local.delete is told by *delete_local. */
int dp_spec_allow(const char *s, struct depot_strv *out, bool *delete_local,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* "manifest[linux/arm64],index:k=v" to the exporter's attributes
 * "annotation-manifest[linux/arm64].k" and "annotation-index.k". */
int dp_spec_annotation(
    const char *s, struct depot_kvs *attrs, struct depot_error *err) DEPOT_MUST_CHECK;

struct dp_spec_attest {
    char *type;
    bool disabled;
    struct depot_kvs attrs; /* without these two */
};
int dp_spec_attest(
    const char *s, struct dp_spec_attest *out, struct depot_error *err) DEPOT_MUST_CHECK;
/* The value of --sbom and --provenance: a word for true or false, or attributes. */
int dp_spec_attest_short(const char *flag, const char *type, const char *s,
    struct dp_spec_attest *out, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_spec_attest_release(struct dp_spec_attest *a);

struct dp_spec_secret {
    char *id;         /* never empty */
    char *file, *env; /* NULL: not given, or empty */
};
int dp_spec_secret(
    const char *s, struct dp_spec_secret *out, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_spec_secret_release(struct dp_spec_secret *s);

struct dp_spec_ssh {
    char *id;                /* never empty */
    struct depot_strv paths; /* empty: the agent of the environment */
};
int dp_spec_ssh(const char *s, struct dp_spec_ssh *out, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_spec_ssh_release(struct dp_spec_ssh *s);

/* "-o DIR" and "-o -" are short for local and tar. Fills type, dest (NULL: none) and attrs. */
int dp_spec_output(
    const char *s, struct depot_output *out, struct depot_error *err) DEPOT_MUST_CHECK;
/* One of --cache-from, --cache-to: one entry, or several references parted by commas. Fills type
 * and attrs of each. */
struct dp_spec_caches {
    struct depot_output *items;
    size_t len, cap;
};
int dp_spec_cache(const char *flag, const char *s, struct dp_spec_caches *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void dp_spec_output_release(struct depot_output *o);
void dp_spec_caches_release(struct dp_spec_caches *c);

/* image_name.c: "docker.io/library/app:latest" from "app" of --tag. The caller frees. */
int dp_image_name(const char *name, char **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* The other way: "app" from "docker.io/library/app:latest". The caller frees. */
int dp_image_short_name(
    const char *flag, const char *name, char **out, struct depot_error *err) DEPOT_MUST_CHECK;

/* "NAME=VALUE" of --build-context, the name as an image's short name. The caller frees *name;
 * *value points into `s`. */
int dp_spec_context(
    const char *s, char **name, const char **value, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
