/*
 * See explain.h.
 */
#include "ws/explain.h"

#include <depot/base.h>

#include <stdio.h>

void dp_ws_explain_connect(const struct depot_addr *addr, struct depot_error *err)
{
    if (addr->kind == DEPOT_ADDR_UNIX && err->code == DEPOT_ERR_DENIED)
        depot_error_hint(err, "the daemon takes its own user and root on this socket");
}

void dp_ws_explain_silence(const struct depot_addr *addr, int rc, struct depot_error *err)
{
    static const struct {
        int rc;
        enum depot_err code;
        const char *text, *hint;
    } rows[] = {
        {DEPOT_ERR_TIMEOUT, DEPOT_ERR_TIMEOUT, "no answer in time",
            "is the daemon overloaded, or a firewall between?"},
        {DEPOT_ERR_UNAUTHENTICATED, DEPOT_ERR_UNAUTHENTICATED,
            "it demands a client certificate that it trusts", "give a certificate and its key"},
        {0, DEPOT_ERR_UNAVAILABLE, "it hung up without an answer",
            "is this the address of a depotd, and does it expect TLS?"},
    };
    size_t i = 0;
    while (i < DEPOT_ARRAY_LEN(rows) - 1 && rows[i].rc != rc)
        i++;
    depot_error_set(err, rows[i].code, "cannot connect to %s: %s", addr->text, rows[i].text);
    depot_error_hint(err, "%s", rows[i].hint);
}

void dp_ws_explain_refusal(const struct depot_addr *addr, const char *path, bool token, int status,
    struct depot_error *err)
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
        {502, DEPOT_ERR_UNAVAILABLE, "the proxy does not reach the service", "try again later"},
        {503, DEPOT_ERR_UNAVAILABLE, "the service is not available", "try again later"},
        {504, DEPOT_ERR_UNAVAILABLE, "the proxy waits in vain for the service", "try again later"},
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
            depot_addr_hint_token(err, token);
        return;
    }
    if (status != 0)
        depot_error_set(err, DEPOT_ERR_PROTOCOL, "%s refused %s: HTTP %d", where, path, status);
    else
        depot_error_set(err, DEPOT_ERR_PROTOCOL,
            "cannot connect to %s: what answers there is not a daemon", where);
    depot_error_hint(err, "is this the address of a depotd?");
}

/* What a peer says must not steer the terminal that shows it: no control characters, also not those
 * that UTF-8 has two bytes for. */
static void plain_text(char *out, size_t size, const uint8_t *p, size_t n)
{
    const size_t len = n < size - 1 ? n : size - 1;
    uint8_t before = 0;
    for (size_t i = 0; i < len; i++) {
        const bool control = p[i] < 0x20 || p[i] == 0x7f;
        const bool second = before == 0xc2 && p[i] >= 0x80 && p[i] < 0xa0;
        out[i] = control || second ? '?' : (char)p[i];
        if (second)
            out[i - 1] = '?';
        before = p[i];
    }
    out[len] = '\0';
}

void dp_ws_explain_close(
    const struct depot_addr *addr, const uint8_t *p, size_t n, struct depot_error *err)
{
    static const struct {
        int code;
        enum depot_err err;
        const char *text;
    } rows[] = {
        {1001, DEPOT_ERR_UNAVAILABLE, "is going away"},
        {1002, DEPOT_ERR_PROTOCOL, "saw a protocol error"},
        {1003, DEPOT_ERR_UNSUPPORTED, "cannot take this kind of message"},
        {1007, DEPOT_ERR_INVALID, "could not read a message"},
        {1008, DEPOT_ERR_DENIED, "refused to go on"},
        {1009, DEPOT_ERR_TOO_BIG, "found a message too big"},
        {1011, DEPOT_ERR_INTERNAL, "had an internal error"},
    };
    const int code = n >= 2 ? p[0] << 8 | p[1] : 1005;
    const char *text = "closed the connection";
    enum depot_err kind = DEPOT_ERR_UNAVAILABLE;
    char reason[128] = "";
    depot_error_clear(err);
    if (code == 1000)
        return;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        if (rows[i].code == code) {
            text = rows[i].text;
            kind = rows[i].err;
        }
    }
    if (n > 2)
        plain_text(reason, sizeof(reason), p + 2, n - 2);
    depot_error_set(err, kind, "%s %s (%d)%s%s", addr->text, text, code, n > 2 ? ": " : "", reason);
}
