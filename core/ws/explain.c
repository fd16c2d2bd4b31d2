/*
 * Why a connection did not come about, in words that say what to do.
 */
#include "ws/private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int explain_unix(const struct depot_addr *addr, struct depot_error *err)
{
    struct stat st;
    const char *where = addr->text;
    if (stat(addr->path, &st) < 0) {
        const int errnum = errno;
        depot_error_set(err, errnum == EACCES ? DEPOT_ERR_DENIED : DEPOT_ERR_UNAVAILABLE,
            "cannot connect to %s: %s", where, strerror(errnum));
        return depot_error_hint(err, "is the daemon running, and is this its socket?");
    }
    if (!S_ISSOCK(st.st_mode)) {
        depot_error_set(err, DEPOT_ERR_INVALID, "cannot connect to %s: not a socket", where);
        return depot_error_hint(err, "give the address of a depotd");
    }
    if (access(addr->path, W_OK) < 0) {
        depot_error_set(err, DEPOT_ERR_DENIED, "cannot connect to %s: %s", where, strerror(errno));
        return depot_error_hint(err, "the daemon takes its own user and root on this socket");
    }
    depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "cannot connect to %s: nobody answers", where);
    return depot_error_hint(err, "the daemon has gone and left its socket; start it again");
}

/* No HTTP status came: libwebsockets says in its own words how far it got. */
static void explain_silence(
    const struct depot_addr *addr, const char *detail, size_t n, struct depot_error *err)
{
    static const struct {
        const char *begins;
        enum depot_err code;
        const char *text, *hint;
    } rows[] = {
        {"connect SSL err", DEPOT_ERR_DENIED,
            "the TLS handshake failed: no TLS there, or its certificate is of an unknown CA, for "
            "another name, or expired",
            "give the CA that signed the daemon's certificate, and the name that is in it"},
        {"HS:", DEPOT_ERR_PROTOCOL, "what answers there is not a daemon",
            "is this the address of a depotd?"},
        {"Timed out", DEPOT_ERR_TIMEOUT, "no answer in time",
            "is the daemon overloaded, or a firewall between?"},
    };
    const char *where = addr->text;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        const size_t len = strlen(rows[i].begins);
        if (n < len || memcmp(detail, rows[i].begins, len) != 0)
            continue;
        depot_error_set(err, rows[i].code, "cannot connect to %s: %s", where, rows[i].text);
        depot_error_hint(err, "%s", rows[i].hint);
        return;
    }
    if (addr->kind == DEPOT_ADDR_UNIX) {
        explain_unix(addr, err);
        return;
    }
    depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "cannot connect to %s: nobody answers", where);
    depot_error_hint(err, "is the daemon running there, and reachable from here?");
}

void dp_ws_explain(const struct depot_addr *addr, const char *path, bool token, int status,
    const char *detail, size_t n, struct depot_error *err)
{
    static const struct {
        int status;
        enum depot_err code;
        const char *text, *hint;
    } rows[] = {
        {401, DEPOT_ERR_UNAUTHENTICATED, "no valid token", NULL},
        {403, DEPOT_ERR_DENIED, "not allowed", "this token or user may not do that"},
        {404, DEPOT_ERR_NOT_FOUND, "not found", "is this the address of a depotd?"},
        {409, DEPOT_ERR_EXISTS, "conflict", ""},
        {429, DEPOT_ERR_EXHAUSTED, "too many requests", "try again later"},
        {503, DEPOT_ERR_UNAVAILABLE, "the service is not available", "try again later"},
    };
    const char *where = addr->text;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        if (rows[i].status != status)
            continue;
        depot_error_set(
            err, rows[i].code, "%s refused %s: HTTP %d, %s", where, path, status, rows[i].text);
        if (rows[i].hint != NULL)
            depot_error_hint(err, "%s", rows[i].hint);
        else
            depot_error_hint(err, !token ? "set DEPOT_TOKEN to a token of this daemon"
                                         : "check DEPOT_TOKEN: the daemon does not know "
                                           "this token");
        return;
    }
    if (status != 0) {
        depot_error_set(err, DEPOT_ERR_PROTOCOL, "%s refused %s: HTTP %d", where, path, status);
        depot_error_hint(err, "is this the address of a depotd?");
    } else {
        explain_silence(addr, detail, n, err);
    }
}
