/*
 * Error codes and details. Filling one allocates nothing, so it works wherever things go wrong.
 */
#include <depot/base.h>

#include <errno.h>
#include <stdio.h>

static const struct {
    int code;
    const char *name, *text;
} errors[] = {
#define ROW(id, value, wire, english) {.code = (value), .name = (wire), .text = (english)},
    DEPOT_ERRORS(ROW)
#undef ROW
};

static const struct {
    int from;
    enum depot_err to;
} errno_map[] = {
    {EAGAIN, DEPOT_ERR_AGAIN},
    {EINTR, DEPOT_ERR_AGAIN},
    {ECANCELED, DEPOT_ERR_CANCELLED},
    {EINVAL, DEPOT_ERR_INVALID},
    {ENAMETOOLONG, DEPOT_ERR_INVALID},
    {EISDIR, DEPOT_ERR_INVALID},
    {ENOENT, DEPOT_ERR_NOT_FOUND},
    {ENOTDIR, DEPOT_ERR_NOT_FOUND},
    {ENXIO, DEPOT_ERR_NOT_FOUND},
    {EEXIST, DEPOT_ERR_EXISTS},
    {EADDRINUSE, DEPOT_ERR_EXISTS},
    {EACCES, DEPOT_ERR_DENIED},
    {EPERM, DEPOT_ERR_DENIED},
    {EROFS, DEPOT_ERR_DENIED},
    {ECONNREFUSED, DEPOT_ERR_UNAVAILABLE},
    {ECONNRESET, DEPOT_ERR_UNAVAILABLE},
    {ECONNABORTED, DEPOT_ERR_UNAVAILABLE},
    {EPIPE, DEPOT_ERR_UNAVAILABLE},
    {ENETUNREACH, DEPOT_ERR_UNAVAILABLE},
    {EHOSTUNREACH, DEPOT_ERR_UNAVAILABLE},
    {ENETDOWN, DEPOT_ERR_UNAVAILABLE},
    {EADDRNOTAVAIL, DEPOT_ERR_UNAVAILABLE},
    {ETIMEDOUT, DEPOT_ERR_TIMEOUT},
    {EFBIG, DEPOT_ERR_TOO_BIG},
    {EMSGSIZE, DEPOT_ERR_TOO_BIG},
    {EPROTO, DEPOT_ERR_PROTOCOL},
    {ENOSYS, DEPOT_ERR_UNSUPPORTED},
    {EOPNOTSUPP, DEPOT_ERR_UNSUPPORTED},
    {EMFILE, DEPOT_ERR_EXHAUSTED},
    {ENFILE, DEPOT_ERR_EXHAUSTED},
    {ENOMEM, DEPOT_ERR_EXHAUSTED},
    {ENOBUFS, DEPOT_ERR_EXHAUSTED},
    {ENOSPC, DEPOT_ERR_EXHAUSTED},
    {EDQUOT, DEPOT_ERR_EXHAUSTED},
};

const char *depot_err_name(int code)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(errors); i++) {
        if (errors[i].code == code)
            return errors[i].name;
    }
    return code == DEPOT_OK ? "ok" : "internal";
}

const char *depot_err_text(int code)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(errors); i++) {
        if (errors[i].code == code)
            return errors[i].text;
    }
    return code == DEPOT_OK ? "no error" : "internal error";
}

enum depot_err depot_err_from_name(const char *name)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(errors); i++) {
        if (depot_str_eq(errors[i].name, name))
            return (enum depot_err)errors[i].code;
    }
    return DEPOT_ERR_INTERNAL;
}

enum depot_err depot_err_from_errno(int err)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(errno_map); i++) {
        if (errno_map[i].from == err)
            return errno_map[i].to;
    }
    return DEPOT_ERR_IO;
}

static void fill(struct depot_error *err, enum depot_err code, const char *fmt, va_list ap)
{
    char msg[DEPOT_ERROR_MSG_MAX];

    /* Through a copy, because callers may format the old message into the new one. */
    vsnprintf(msg, sizeof(msg), fmt, ap);
    err->code = code;
    memcpy(err->msg, msg, strlen(msg) + 1);
    err->hint[0] = '\0';
}

/* A message too long is cut: the cause stands at its front, or in the prefix. */
static void append(char *msg, const char *a, const char *b)
{
    size_t len = strlen(msg);

    for (; *a != '\0' && len < DEPOT_ERROR_MSG_MAX - 1; a++)
        msg[len++] = *a;
    for (; *b != '\0' && len < DEPOT_ERROR_MSG_MAX - 1; b++)
        msg[len++] = *b;
    msg[len] = '\0';
}

int depot_error_set(struct depot_error *err, enum depot_err code, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL)
        return code;
    va_start(ap, fmt);
    fill(err, code, fmt, ap);
    va_end(ap);
    return code;
}

int depot_error_errno(struct depot_error *err, int errnum, const char *fmt, ...)
{
    enum depot_err code = depot_err_from_errno(errnum);
    va_list ap;

    if (err == NULL)
        return code;
    va_start(ap, fmt);
    fill(err, code, fmt, ap);
    va_end(ap);
    append(err->msg, ": ", strerror(errnum));
    return code;
}

int depot_error_prefix(struct depot_error *err, const char *fmt, ...)
{
    char msg[DEPOT_ERROR_MSG_MAX];
    va_list ap;

    if (err == NULL)
        return DEPOT_ERR_INTERNAL;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    append(msg, ": ", err->msg);
    memcpy(err->msg, msg, strlen(msg) + 1);
    return err->code;
}

int depot_error_hint(struct depot_error *err, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL)
        return DEPOT_ERR_INTERNAL;
    va_start(ap, fmt);
    vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
    va_end(ap);
    return err->code;
}

void depot_error_clear(struct depot_error *err)
{
    if (err == NULL)
        return;
    err->code = DEPOT_OK;
    err->msg[0] = '\0';
    err->hint[0] = '\0';
}
