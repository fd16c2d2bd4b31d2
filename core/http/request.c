/*
 * One request: our options as libcurl's, its body callbacks, its failures in our words.
 */
#include "http/private.h"

#include <limits.h>
#include <string.h>

/* ---- callbacks of libcurl ---- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct depot_http_request *r = arg;
    const size_t n = size * count;
    if (r->over)
        return CURL_WRITEFUNC_ERROR;
    if (r->ops->body == NULL) {
        depot_buf_add(&r->collected, data, n);
        if (!r->collected.overflow)
            return n;
        r->abort = DEPOT_ERR_TOO_BIG;
        return CURL_WRITEFUNC_ERROR;
    }
    const int rc = r->ops->body(r, data, n, r->arg);
    if (rc == DEPOT_ERR_AGAIN && !r->over)
        return CURL_WRITEFUNC_PAUSE;
    if (rc == 0 && !r->over)
        return n;
    r->abort = rc;
    return CURL_WRITEFUNC_ERROR;
}

static size_t on_read(char *buf, size_t size, size_t count, void *arg)
{
    struct depot_http_request *r = arg;
    if (r->over)
        return CURL_READFUNC_ABORT;
    const ssize_t n = r->ops->read(r, buf, size * count, r->arg);
    if (r->over)
        return CURL_READFUNC_ABORT;
    if (n == DEPOT_ERR_AGAIN)
        return CURL_READFUNC_PAUSE;
    if (n >= 0)
        return (size_t)n;
    r->abort = (int)n;
    return CURL_READFUNC_ABORT;
}

const char *depot_http_header(struct depot_http_request *r, const char *name)
{
    struct curl_header *header = NULL;
    if (r->http == NULL ||
        r->http->curl.easy_header(r->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    /* Of an empty one libcurl gives the end of the line. */
    return header->value[strspn(header->value, "\r\n")] != '\0' ? header->value : "";
}

uint64_t depot_http_retry_after(struct depot_http_request *r)
{
    curl_off_t seconds = 0;
    if (r->http == NULL ||
        r->http->curl.easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK)
        return 0;
    return seconds > 0 ? (uint64_t)seconds * 1000 : 0;
}

/* ---- options ---- */

/* What goes into a line of the request must stay on that line. */
static int check_line(const char *what, const char *s, struct depot_error *err)
{
    for (; s != NULL && *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            depot_error_set(err, DEPOT_ERR_INVALID, "the %s has a control character in it", what);
            return depot_error_hint(err, "check it for a line break");
        }
    }
    return 0;
}

static void add_header(struct depot_http_request *r, const char *line)
{
    struct curl_slist *list = r->http->curl.slist_append(r->headers, line);
    if (list != NULL)
        r->headers = list;
}

static int set_headers(
    struct depot_http_request *r, const struct depot_http_opts *o, struct depot_error *err)
{
    int rc = check_line("token", o->token, err);
    if (rc == 0)
        rc = check_line("content type", o->content_type, err);
    for (size_t i = 0; rc == 0 && i < o->nheaders; i++)
        rc = check_line("header", o->headers[i], err);
    if (rc < 0)
        return rc;
    add_header(r, "Expect:"); /* waiting for 100-continue costs a round trip and brings nothing */
    if (!depot_str_empty(o->token)) {
        char *line = depot_asprintf("Authorization: Bearer %s", o->token);
        add_header(r, line);
        depot_free(line);
    }
    if (o->content_type != NULL) {
        char *line = depot_asprintf("Content-Type: %s", o->content_type);
        add_header(r, line);
        depot_free(line);
    }
    for (size_t i = 0; i < o->nheaders; i++)
        add_header(r, o->headers[i]);
    r->http->curl.easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
    return 0;
}

static void set_tls(struct depot_http_request *r, const struct depot_tls *t)
{
    const struct dp_curl *c = &r->http->curl;
    if (t->ca != NULL)
        c->easy_setopt(r->easy, CURLOPT_CAINFO, t->ca);
    if (t->cert != NULL)
        c->easy_setopt(r->easy, CURLOPT_SSLCERT, t->cert);
    if (t->key != NULL)
        c->easy_setopt(r->easy, CURLOPT_SSLKEY, t->key);
}

static char *bracketed(const char *host)
{
    return strchr(host, ':') != NULL ? depot_asprintf("[%s]", host) : depot_strdup(host);
}

/* ---- a program as the connection ---- */

static int set_command(
    struct depot_http_request *r, const struct depot_http_opts *o, struct depot_error *err)
{
    const struct dp_curl *c = &r->http->curl;
    for (size_t i = 0; i < o->command->len; i++)
        depot_strv_push(&r->argv, o->command->items[i]);
    int rc = dp_command_listen(&r->command, r->http->loop, &r->argv, err);
    if (rc != 0)
        return rc;
    char *url = depot_asprintf("http://localhost%s", o->path);
    c->easy_setopt(r->easy, CURLOPT_URL, url);
    c->easy_setopt(r->easy, CURLOPT_NOPROXY, "*");
    c->easy_setopt(r->easy, CURLOPT_FORBID_REUSE, 1L); /* the program ends with the request */
    c->easy_setopt(r->easy, CURLOPT_UNIX_SOCKET_PATH, r->command.path);
    depot_free(url);
    return 0;
}

static void set_address(struct depot_http_request *r, const struct depot_http_opts *o)
{
    const struct dp_curl *c = &r->http->curl;
    const struct depot_addr *a = o->addr;
    char *url = NULL;
    if (a->kind == DEPOT_ADDR_UNIX) {
        r->unix_socket = true;
        url = depot_asprintf("http://localhost%s", o->path);
        c->easy_setopt(r->easy, CURLOPT_UNIX_SOCKET_PATH, a->path);
        c->easy_setopt(r->easy, CURLOPT_NOPROXY, "*");
    } else {
        const bool use_tls = a->tls || (o->tls != NULL && o->tls->enabled);
        const char *name = o->tls != NULL ? o->tls->server_name : NULL;
        char *host = bracketed(a->host);
        url = depot_asprintf("%s://%s:%d%s", use_tls ? "https" : "http",
            use_tls && name != NULL ? name : host, a->port, o->path);
        if (use_tls && name != NULL) {
            /* The certificate is for `name`, the connection goes to the address. */
            char *to = depot_asprintf("%s:%d:%s:%d", name, a->port, host, a->port);
            r->connect_to = c->slist_append(NULL, to);
            c->easy_setopt(r->easy, CURLOPT_CONNECT_TO, r->connect_to);
            depot_free(to);
        }
        if (use_tls && o->tls != NULL)
            set_tls(r, o->tls);
        if (use_tls && o->no_verify) {
            c->easy_setopt(r->easy, CURLOPT_SSL_VERIFYPEER, 0L);
            c->easy_setopt(r->easy, CURLOPT_SSL_VERIFYHOST, 0L);
        }
        depot_free(host);
    }
    c->easy_setopt(r->easy, CURLOPT_URL, url);
    depot_free(url);
}

static void set_method(
    struct depot_http_request *r, const char *method, const struct depot_http_opts *o)
{
    const struct dp_curl *c = &r->http->curl;
    if (r->ops->read != NULL) {
        c->easy_setopt(r->easy, CURLOPT_UPLOAD, 1L);
        c->easy_setopt(r->easy, CURLOPT_READFUNCTION, on_read);
        c->easy_setopt(r->easy, CURLOPT_READDATA, r);
    } else if (o->body != NULL || strcmp(method, "POST") == 0) {
        c->easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->body_len);
        c->easy_setopt(r->easy, CURLOPT_COPYPOSTFIELDS, o->body != NULL ? o->body : "");
    } else if (strcmp(method, "HEAD") == 0) {
        c->easy_setopt(r->easy, CURLOPT_NOBODY, 1L);
    }
    c->easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, method);
}

int dp_http_setup(
    struct depot_http_request *r, const struct depot_http_opts *o, struct depot_error *err)
{
    const struct dp_curl *c = &r->http->curl;
    const char *method = o->method != NULL ? o->method : "GET";
    int rc = check_line("path", o->path, err);
    if (rc < 0)
        return rc;
    depot_buf_init(&r->collected, o->max_body != 0 ? o->max_body : DP_HTTP_BODY_MAX);
    r->where = depot_asprintf("%s %s at %s", method, o->path, o->addr->text);
    r->easy = c->easy_init();
    if (r->easy == NULL)
        return depot_error_set(err, DEPOT_ERR_INTERNAL, "libcurl gives no request");
    rc = set_headers(r, o, err);
    if (rc < 0)
        return rc;
    if (o->command == NULL || o->command->len == 0)
        set_address(r, o);
    else if ((rc = set_command(r, o, err)) != 0)
        return rc;
    set_method(r, method, o);
    c->easy_setopt(r->easy, CURLOPT_PRIVATE, r);
    c->easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->detail);
    c->easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body);
    c->easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
    c->easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
    c->easy_setopt(r->easy, CURLOPT_NOPROGRESS, 1L);
    c->easy_setopt(r->easy, CURLOPT_PATH_AS_IS, 1L);
    c->easy_setopt(r->easy, CURLOPT_USERAGENT, "depot/" DEPOT_VERSION);
    c->easy_setopt(r->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    c->easy_setopt(r->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)DP_HTTP_CONNECT_MS);
    if (o->timeout_ms > 0)
        c->easy_setopt(
            r->easy, CURLOPT_TIMEOUT_MS, o->timeout_ms > LONG_MAX ? LONG_MAX : (long)o->timeout_ms);
    return 0;
}

/* ---- failures ---- */

static const char *os_error_of(const struct depot_http_request *r)
{
    long number = 0;
    r->http->curl.easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &number);
    return number > 0 ? strerror((int)number) : "nobody listens there";
}

/* What the program says of it is more than that a connection broke. */
static bool explain_command(const struct depot_http_request *r, struct depot_error *err)
{
    char said[DEPOT_ERROR_MSG_MAX / 2];
    if (r->command.error.code != DEPOT_OK) {
        *err = r->command.error;
        return true;
    }
    dp_command_said(&r->command, said, sizeof(said));
    if (said[0] == '\0')
        return false;
    depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "%s: %s", r->argv.items[0], said);
    return true;
}

void dp_http_explain(const struct depot_http_request *r, CURLcode result, struct depot_error *err)
{
    static const struct {
        CURLcode curl;
        enum depot_err code;
        const char *hint;
    } rows[] = {
        {CURLE_COULDNT_CONNECT, DEPOT_ERR_UNAVAILABLE, "is it running there, and reachable?"},
        {CURLE_COULDNT_RESOLVE_HOST, DEPOT_ERR_UNAVAILABLE, "check the host name"},
        {CURLE_OPERATION_TIMEDOUT, DEPOT_ERR_TIMEOUT, "is it overloaded, or a firewall between?"},
        {CURLE_GOT_NOTHING, DEPOT_ERR_UNAVAILABLE, "it closed the connection without an answer"},
        {CURLE_RECV_ERROR, DEPOT_ERR_UNAVAILABLE, "the connection broke; try again"},
        {CURLE_SEND_ERROR, DEPOT_ERR_UNAVAILABLE, "the connection broke; try again"},
        {CURLE_PARTIAL_FILE, DEPOT_ERR_UNAVAILABLE, "the connection broke; try again"},
        {CURLE_PEER_FAILED_VERIFICATION, DEPOT_ERR_DENIED, "give the CA that signed it"},
        {CURLE_SSL_CONNECT_ERROR, DEPOT_ERR_PROTOCOL, "does that port speak TLS?"},
        {CURLE_SSL_CACERT_BADFILE, DEPOT_ERR_INVALID, "check the CA file"},
        {CURLE_SSL_CERTPROBLEM, DEPOT_ERR_INVALID, "check the certificate and key files"},
        {CURLE_WEIRD_SERVER_REPLY, DEPOT_ERR_PROTOCOL, "does that port speak HTTP?"},
        {CURLE_UNSUPPORTED_PROTOCOL, DEPOT_ERR_PROTOCOL, "does that port speak HTTP?"},
    };
    if (r->abort == DEPOT_ERR_TOO_BIG) {
        depot_error_set(err, DEPOT_ERR_TOO_BIG, "%s: the answer is larger than %zu bytes", r->where,
            r->collected.max);
        return;
    }
    if (r->argv.len > 0 && explain_command(r, err))
        return;
    if (r->abort != 0) {
        depot_error_set(
            err, (enum depot_err)r->abort, "%s: %s", r->where, depot_err_text(r->abort));
        return;
    }
    enum depot_err code = DEPOT_ERR_IO;
    const char *hint = "";
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        if (rows[i].curl == result) {
            code = rows[i].code;
            hint = rows[i].hint;
        }
    }
    if (r->unix_socket && result == CURLE_COULDNT_CONNECT)
        hint = "is the daemon running, and is this its socket?";
    const char *detail = r->detail;
    if (r->unix_socket && result == CURLE_COULDNT_CONNECT) /* libcurl speaks of a port then */
        detail = os_error_of(r);
    if (detail[0] == '\0')
        detail = r->http->curl.easy_strerror(result);
    depot_error_set(err, code, "%s: %s", r->where, detail);
    depot_error_hint(err, "%s", hint);
}
