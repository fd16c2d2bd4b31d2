/*
 * The upgrade handshake: one request out, one answer's header in, and not a byte more.
 * Not an HTTP client: it knows the status line and the length of an error's body.
 */
#include "net/upgrade.h"

#include <depot/buf.h>

#include <strings.h>

/* What an answer's header may take, and how much of a refusal is worth quoting. */
enum { HEADER_MAX = 8 * 1024, BODY_MAX = 1024 };

enum state { UPGRADE_SEND, UPGRADE_HEADER, UPGRADE_BODY, UPGRADE_DONE };

struct dp_upgrade {
    struct depot_loop *loop;
    struct dp_stream *stream;
    char *path;
    dp_upgrade_fn *done;
    void *arg;
    enum state state;
    struct depot_buf out, header, body;
    int status;
    size_t body_len;
    bool freed;
    struct depot_error error;
};

static void finish(struct dp_upgrade *u, bool ok)
{
    u->state = UPGRADE_DONE;
    dp_stream_want(u->stream, 0);
    dp_stream_listen(u->stream, NULL, NULL);
    u->done(u, ok ? NULL : &u->error, u->arg);
}

static void stream_failed(struct dp_upgrade *u, int rc)
{
    if (rc == 0 || rc == DEPOT_ERR_UNAVAILABLE)
        depot_error_set(&u->error, DEPOT_ERR_UNAVAILABLE, "it closed the connection");
    else
        depot_error_set(&u->error, (enum depot_err)rc, "%s", depot_err_text(rc));
    depot_error_hint(&u->error, "is it a Docker Engine?");
    finish(u, false);
}

static const struct {
    int status;
    enum depot_err code;
    const char *hint;
} refusals[] = {
    {400, DEPOT_ERR_INVALID, "is it a Docker Engine, and does it expect TLS?"},
    {401, DEPOT_ERR_UNAUTHENTICATED, "it demands a login that a client certificate may give"},
    {403, DEPOT_ERR_DENIED, "an authorization plugin of the engine forbids it"},
    {404, DEPOT_ERR_UNSUPPORTED, "BuildKit inside the Docker Engine needs version 18.09 or newer"},
    {405, DEPOT_ERR_UNSUPPORTED, "BuildKit inside the Docker Engine needs version 18.09 or newer"},
};

static void refused(struct dp_upgrade *u)
{
    enum depot_err code = u->status >= 500 ? DEPOT_ERR_UNAVAILABLE : DEPOT_ERR_PROTOCOL;
    const char *hint = "is it a Docker Engine?";
    char *p = u->body.data;

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(refusals); i++) {
        if (refusals[i].status == u->status) {
            code = refusals[i].code;
            hint = refusals[i].hint;
        }
    }
    /* The body is the peer's: it must not steer the terminal that shows it. */
    for (size_t i = 0; i < u->body.len; i++) {
        if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
            p[i] = ' ';
    }
    while (u->body.len > 0 && p[u->body.len - 1] == ' ')
        depot_buf_truncate(&u->body, u->body.len - 1);
    depot_error_set(&u->error, code, "POST %s was answered %d%s%s", u->path, u->status,
        u->body.len > 0 ? ": " : "", depot_buf_str(&u->body));
    depot_error_hint(&u->error, "%s", hint);
    finish(u, false);
}

static void not_http(struct dp_upgrade *u, const char *what)
{
    depot_error_set(&u->error, DEPOT_ERR_PROTOCOL, "%s", what);
    depot_error_hint(&u->error, "is it a Docker Engine, and does it expect TLS?");
    finish(u, false);
}

/* "HTTP/1.1 101 ..." gives 101; 0 when it is no status line. */
static int parse_status(const char *line)
{
    int status = 0;

    if (!depot_str_starts(line, "HTTP/1.") || line[7] == '\0' || line[8] != ' ')
        return 0;
    for (int i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return 0;
        status = status * 10 + (line[i] - '0');
    }
    return status;
}

static size_t parse_length(const char *header)
{
    static const char name[] = "\r\ncontent-length:";
    size_t len = 0;

    for (const char *p = header; *p != '\0'; p++) {
        if (strncasecmp(p, name, sizeof(name) - 1) != 0)
            continue;
        p += sizeof(name) - 1;
        p += strspn(p, " \t");
        for (; *p >= '0' && *p <= '9' && len < BODY_MAX; p++)
            len = len * 10 + (size_t)(*p - '0');
        break;
    }
    return len < BODY_MAX ? len : BODY_MAX;
}

static void header_done(struct dp_upgrade *u)
{
    u->status = parse_status(depot_buf_str(&u->header));
    if (u->status == 0) {
        not_http(u, "it does not answer in HTTP");
        return;
    }
    if (u->status == 101) {
        finish(u, true);
        return;
    }
    u->body_len = parse_length(depot_buf_str(&u->header));
    if (u->body_len == 0)
        refused(u);
    else
        u->state = UPGRADE_BODY;
}

/*
 * Byte by byte: what follows the header belongs to the stream's next owner, and a stream cannot be
 * given bytes back. A hundred small reads, once in a connection, cost less than a layer over every
 * later read would.
 */
static void read_header(struct dp_upgrade *u)
{
    while (u->state == UPGRADE_HEADER) {
        char c;
        ssize_t got = dp_stream_read(u->stream, &c, 1);

        if (got == DEPOT_ERR_AGAIN)
            return;
        if (got <= 0) {
            stream_failed(u, (int)got);
            return;
        }
        if (c == '\0') {
            not_http(u, "it does not answer in HTTP");
            return;
        }
        depot_buf_addc(&u->header, c);
        if (u->header.overflow) {
            not_http(u, "its answer has a header over 8 KiB");
            return;
        }
        /* Whatever is not HTTP is known by its first bytes; it may never send an empty line. */
        if (u->header.len == 5 && memcmp(u->header.data, "HTTP/", 5) != 0) {
            not_http(u, "it does not answer in HTTP");
            return;
        }
        if (c == '\n' && depot_str_ends(depot_buf_str(&u->header), "\r\n\r\n"))
            header_done(u);
    }
}

static void read_body(struct dp_upgrade *u)
{
    while (u->state == UPGRADE_BODY) {
        char *p = depot_buf_reserve(&u->body, u->body_len - u->body.len);
        ssize_t got = dp_stream_read(u->stream, p, u->body_len - u->body.len);

        if (got == DEPOT_ERR_AGAIN)
            return;
        if (got > 0) {
            u->body.len += (size_t)got;
            u->body.data[u->body.len] = '\0';
        }
        /* A body cut short still says why, as far as it goes. */
        if (got <= 0 || u->body.len == u->body_len)
            refused(u);
    }
}

static void send_request(struct dp_upgrade *u)
{
    while (u->out.len > 0) {
        struct iovec iov = {.iov_base = u->out.data, .iov_len = u->out.len};
        ssize_t put = dp_stream_writev(u->stream, &iov, 1);

        if (put == DEPOT_ERR_AGAIN)
            return;
        if (put < 0) {
            stream_failed(u, (int)put);
            return;
        }
        depot_buf_consume(&u->out, (size_t)put);
    }
    u->state = UPGRADE_HEADER;
    dp_stream_want(u->stream, DEPOT_READ);
}

static void on_ready(struct dp_stream *s, unsigned events, void *arg)
{
    struct dp_upgrade *u = arg;

    DEPOT_UNUSED(s);
    DEPOT_UNUSED(events);
    if (u->state == UPGRADE_SEND)
        send_request(u);
    /* Reading may find nothing yet, or lead on to the body at once. */
    if (u->state == UPGRADE_HEADER)
        read_header(u);
    if (u->state == UPGRADE_BODY)
        read_body(u);
}

struct dp_upgrade *dp_upgrade_new(
    struct depot_loop *l, struct dp_stream *s, const char *path, dp_upgrade_fn *done, void *arg)
{
    struct dp_upgrade *u = depot_calloc(1, sizeof(*u));

    u->loop = l;
    u->stream = s;
    u->path = depot_strdup(path);
    u->done = done;
    u->arg = arg;
    depot_buf_init(&u->out, DEPOT_BUF_NO_LIMIT);
    depot_buf_init(&u->header, HEADER_MAX);
    depot_buf_init(&u->body, BODY_MAX);
    depot_buf_addf(&u->out,
        "POST %s HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", path);
    dp_stream_listen(s, on_ready, u);
    dp_stream_want(s, DEPOT_WRITE);
    return u;
}

static void release(void *arg)
{
    struct dp_upgrade *u = arg;

    depot_buf_release(&u->out);
    depot_buf_release(&u->header);
    depot_buf_release(&u->body);
    depot_free(u->path);
    depot_free(u);
}

void dp_upgrade_free(struct dp_upgrade *u)
{
    if (u == NULL || u->freed)
        return;
    u->freed = true;
    u->state = UPGRADE_DONE;
    depot_loop_defer(u->loop, release, u);
}
