/*
 * Error codes and the detail that travels with them.
 *
 * A function that can fail returns 0 or a negative `enum depot_err`. Outcomes that a caller expects
 * (AGAIN, EOF, CANCELLED) are codes alone; for the others the function fills the caller's
 * `struct depot_error`, once, where the cause is known, and callers on the way up add a prefix.
 */
#ifndef DEPOT_ERROR_H
#define DEPOT_ERROR_H

#include <depot/export.h>

#include <stdarg.h>

DEPOT_API_BEGIN

#define DEPOT_MUST_CHECK        __attribute__((warn_unused_result))
#define DEPOT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* X(id, value, wire name, text); the wire name is what the HTTP API and the feed carry, both ways.
 */
#define DEPOT_ERRORS(X)                                                                            \
    X(AGAIN, -1, "again", "try again")                                                             \
    X(EOF, -2, "eof", "end of stream")                                                             \
    X(CANCELLED, -3, "cancelled", "cancelled")                                                     \
    X(INVALID, -4, "invalid", "invalid input")                                                     \
    X(NOT_FOUND, -5, "not_found", "not found")                                                     \
    X(EXISTS, -6, "exists", "already exists")                                                      \
    X(DENIED, -7, "denied", "permission denied")                                                   \
    X(UNAUTHENTICATED, -8, "unauthenticated", "not authenticated")                                 \
    X(UNAVAILABLE, -9, "unavailable", "not available")                                             \
    X(TIMEOUT, -10, "timeout", "timed out")                                                        \
    X(TOO_BIG, -11, "too_big", "too big")                                                          \
    X(PROTOCOL, -12, "protocol", "protocol error")                                                 \
    X(UNSUPPORTED, -13, "unsupported", "not supported")                                            \
    X(IO, -14, "io", "input/output error")                                                         \
    X(FAILED, -15, "failed", "build failed")                                                       \
    X(INTERNAL, -16, "internal", "internal error")                                                 \
    X(EXHAUSTED, -17, "exhausted", "resource exhausted")

enum depot_err {
    DEPOT_OK = 0,
#define DEPOT_ERR_ENUM(id, value, name, text) DEPOT_ERR_##id = (value),
    DEPOT_ERRORS(DEPOT_ERR_ENUM)
#undef DEPOT_ERR_ENUM
};

enum { DEPOT_ERROR_MSG_MAX = 2048, DEPOT_ERROR_HINT_MAX = 512 };

struct depot_error {
    enum depot_err code;
    char msg[DEPOT_ERROR_MSG_MAX];   /* what and where */
    char hint[DEPOT_ERROR_HINT_MAX]; /* what to do; may be empty */
};

/* Wire name and English text of a code; never NULL. */
const char *depot_err_name(int code);
const char *depot_err_text(int code);
/* The code with this wire name, or DEPOT_ERR_INTERNAL. */
enum depot_err depot_err_from_name(const char *name);
/* The code nearest to an errno value. */
enum depot_err depot_err_from_errno(int err);

/* Fill `err` (may be NULL) and return `code`, so that a caller can write `return
 * depot_error_set()`. */
int depot_error_set(struct depot_error *err, enum depot_err code, const char *fmt, ...)
    DEPOT_PRINTF(3, 4);
/* As depot_error_set, the message ended by ": " and strerror(errnum). */
int depot_error_errno(struct depot_error *err, int errnum, const char *fmt, ...) DEPOT_PRINTF(3, 4);
/* Put "prefix: " before the message; returns err's code. */
int depot_error_prefix(struct depot_error *err, const char *fmt, ...) DEPOT_PRINTF(2, 3);
/* Set what the user can do about it; returns err's code (INTERNAL when err is NULL: whoever cares
 * for the code passes one). */
int depot_error_hint(struct depot_error *err, const char *fmt, ...) DEPOT_PRINTF(2, 3);
void depot_error_clear(struct depot_error *err);

DEPOT_API_END

#endif
