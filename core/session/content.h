/*
 * The content service's messages, and the stores that it serves: directories with blobs as an OCI
 * layout has them, blobs/ALGORITHM/DIGITS. All that an engine says is held against what we know.
 */
#ifndef DEPOT_CORE_SESSION_CONTENT_H
#define DEPOT_CORE_SESSION_CONTENT_H

#include <depot/buf.h>
#include <depot/digest.h>

#include <sys/stat.h>

#include "session/session.h"

enum { DP_DIGEST_SIZE = DEPOT_DIGEST_LEN + 1 };

/* ---- messages ---- */

enum dp_content_action { DP_CONTENT_STAT, DP_CONTENT_WRITE, DP_CONTENT_COMMIT };

enum { DP_CONTENT_REF_MAX = 1024 };

/* Of Info, Read, Status, Abort and Write; each sets what its message has. */
struct dp_content_request {
    enum dp_content_action action;
    char name[DP_CONTENT_REF_MAX]; /* Write, Status, Abort: the ref; else the digest */
    char expected[DP_DIGEST_SIZE];
    int64_t total, offset, size;
    const uint8_t *data; /* borrowed from the message */
    size_t data_len;
};
enum dp_content_kind { DP_CONTENT_NAMED, DP_CONTENT_READ_RANGE, DP_CONTENT_WRITE_STEP };
/* A digest that is none, a number below 0, a name that is too long: DEPOT_ERR_INVALID. */
int dp_content_decode(enum dp_content_kind kind, const void *msg, size_t n,
    struct dp_content_request *out, struct depot_error *err) DEPOT_MUST_CHECK;

struct dp_content_status {
    const char *ref; /* StatusResponse */
    enum dp_content_action action;
    const char *digest; /* may be NULL, as in most answers */
    const char *expected;
    int64_t offset, total;
    int64_t started, updated; /* seconds */
};
/* Each appends one message. */
void dp_content_add_info(struct depot_buf *out, const char *digest, const struct stat *st);
void dp_content_add_written(struct depot_buf *out, const struct dp_content_status *st);
void dp_content_add_status(struct depot_buf *out, const struct dp_content_status *st);
/* What stands before `n` bytes of a ReadResponse; bytes used. */
enum { DP_CONTENT_HEAD_MAX = 24 };
size_t dp_content_read_head(uint8_t out[DP_CONTENT_HEAD_MAX], int64_t offset, size_t n);

/* ---- blobs on disk ---- */

/* DEPOT_ERR_NOT_FOUND when there is no regular file of that digest. `fd` may be NULL. */
int dp_blob_open(const char *dir, const char *digest, int *fd, struct stat *st,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* It is wanted now: the time of its file says so. */
void dp_blob_touch(const char *dir, const char *digest);

/* A blob that is being written: it lies beside the others under a name that is no digest, and gets
 * its own when all of it is there and is what its digest says. */
struct dp_ingest;
int dp_ingest_new(
    const char *dir, struct dp_ingest **out, struct depot_error *err) DEPOT_MUST_CHECK;
int dp_ingest_add(
    struct dp_ingest *in, const void *data, size_t n, struct depot_error *err) DEPOT_MUST_CHECK;
int dp_ingest_restart(struct dp_ingest *in, struct depot_error *err) DEPOT_MUST_CHECK;
int64_t dp_ingest_size(const struct dp_ingest *in);
/* `total` 0, `expected` "": whatever came. DEPOT_ERR_INVALID when it is not what was expected. */
int dp_ingest_check(struct dp_ingest *in, int64_t total, const char *expected,
    char digest[DP_DIGEST_SIZE], struct depot_error *err) DEPOT_MUST_CHECK;
/* To disk, and to its name; after dp_ingest_check(). May take long: on a pool's thread. */
int dp_ingest_commit(struct dp_ingest *in, struct depot_error *err) DEPOT_MUST_CHECK;
/* What was not committed is gone. */
void dp_ingest_free(struct dp_ingest *in);
/* Removes what a crash left a day ago or more. */
void dp_ingest_sweep(const char *dir);

#endif
