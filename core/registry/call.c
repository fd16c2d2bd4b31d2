/*
 * A request, from its first try to its answer: credentials when they are asked for, redirects,
 * patience with a registry that is busy.
 */
#define DEPOT_LOG_MODULE "registry"
#include "registry/call.h"

#include <depot/log.h>

#include <string.h>

#include "registry/json.h"
#include "registry/media.h"

enum {
    CALL_TRIES = 5,
    CALL_FIRST_WAIT_MS = 400,     /* doubled with each further try */
    CALL_LONGEST_WAIT_MS = 60000, /* what a registry may ask for */
    CALL_REDIRECTS = 5,
    CALL_TIMEOUT_MS = 60000,
    CALL_AUTH_TRIES = 2, /* a token may have run out just now */
    CALL_TOKEN_MAX = 64 * 1024,
    CALL_SAID_MAX = 300,
};

struct dp_call {
    struct depot_loop *loop;
    struct dp_host *host;
    const char *method, *content_type;
    const void *body;
    size_t len;
    char *scope, *path;
    dp_call_fn *done;
    void *arg;
    struct depot_addr at; /* where it is sent now: the host, or where that sent us */
    char *at_path;
    struct depot_http_request *request;
    struct depot_timer *timer;
    bool waiting; /* in host->waiting */
    unsigned tries, auths, redirects, requests;
    TAILQ_ENTRY(dp_call) entry;
};

static void send(struct dp_call *c);
static void proceed(struct dp_call *c);

unsigned dp_call_requests(const struct dp_call *c)
{
    return c->requests;
}

static void release(void *arg)
{
    struct dp_call *c = arg;
    depot_timer_free(c->timer);
    depot_addr_release(&c->at);
    depot_free(c->scope);
    depot_free(c->path);
    depot_free(c->at_path);
    depot_free(c);
}

static void finish(struct dp_call *c, const struct dp_call_answer *a, const struct depot_error *err)
{
    c->done(c, a, err, c->arg);
    release(c);
}

void dp_call_cancel(struct dp_call *c)
{
    if (c == NULL)
        return;
    if (c->waiting)
        TAILQ_REMOVE(&c->host->waiting, c, entry);
    depot_http_cancel(c->request);
    depot_timer_stop(c->timer);
    release(c);
}

void dp_call_hurry(struct dp_call *c)
{
    c->tries = CALL_TRIES;
}

/* From the host itself again. */
static void go_home(struct dp_call *c)
{
    depot_addr_release(&c->at);
    depot_addr_copy(&c->at, &c->host->addr);
    depot_free(c->at_path);
    c->at_path = depot_strdup(c->path);
}

/* ---- trying again ---- */

static void on_timer(struct depot_timer *t, void *arg)
{
    struct dp_call *c = arg;
    DEPOT_UNUSED(t);
    go_home(c);
    proceed(c);
}

/* False: it was tried often enough. */
static bool try_again(struct dp_call *c, uint64_t asked_ms)
{
    if (++c->tries >= CALL_TRIES || asked_ms > CALL_LONGEST_WAIT_MS)
        return false;
    uint64_t wait = (uint64_t)CALL_FIRST_WAIT_MS << (c->tries - 1);
    depot_timer_start(c->timer, asked_ms > wait ? asked_ms : wait, 0);
    return true;
}

static bool is_passing(int status)
{
    static const int rows[] = {408, 429, 500, 502, 503, 504};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        if (rows[i] == status)
            return true;
    return false;
}

/* No answer now, but one later. */
static bool may_pass(const struct depot_error *why)
{
    return why->code == DEPOT_ERR_UNAVAILABLE || why->code == DEPOT_ERR_TIMEOUT;
}

/* ---- who we are ---- */

static char *basic(const struct dp_host *h)
{
    char *plain = depot_asprintf("%s:%s", h->user != NULL ? h->user : "", h->secret);
    size_t n = strlen(plain);
    char *coded = depot_alloc(depot_base64_encoded_len(n) + 1);
    depot_base64_encode(coded, plain, n);
    char *line = depot_asprintf("Authorization: Basic %s", coded);
    depot_free(plain);
    depot_free(coded);
    return line;
}

/* What this request shows of us; NULL: nothing. Only ever to the registry itself. */
static char *authorization(const struct dp_call *c)
{
    const struct dp_host *h = c->host;
    if (!dp_url_same_origin(&c->at, &h->addr))
        return NULL;
    if (h->challenge.scheme == DP_AUTH_BASIC && h->secret != NULL)
        return basic(h);
    const char *token =
        h->challenge.scheme == DP_AUTH_BEARER ? depot_map_get(h->tokens, c->scope) : NULL;
    return token != NULL ? depot_asprintf("Authorization: Bearer %s", token) : NULL;
}

static const char *member(struct json_object *o, const char *key)
{
    struct json_object *v;
    return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
                   json_object_is_type(v, json_type_string)
               ? json_object_get_string(v)
               : NULL;
}

static bool keep_token(struct dp_call *c, const struct depot_buf *body)
{
    struct json_object *o = dp_doc_object(depot_buf_str(body), body->len);
    const char *token = member(o, "token");
    if (depot_str_empty(token))
        token = member(o, "access_token");
    bool good = !depot_str_empty(token) && !depot_str_has_control(token);
    if (good) {
        depot_free(depot_map_remove(c->host->tokens, c->scope));
        depot_map_set(c->host->tokens, c->scope, depot_strdup(token));
    }
    json_object_put(o);
    return good;
}

static void on_token(struct depot_http_request *r, int status, const struct depot_buf *body,
    const struct depot_error *why, void *arg)
{
    struct dp_call *c = arg;
    struct depot_error err = {0};
    c->request = NULL;
    if (status == 200 && keep_token(c, body)) {
        send(c);
        return;
    }
    const bool passing = status != 0 ? is_passing(status) : may_pass(why);
    if (passing && try_again(c, depot_http_retry_after(r)))
        return;
    const bool denied = status == 401 || status == 403;
    if (status == 0)
        err = *why;
    else if (status == 200)
        depot_error_set(&err, DEPOT_ERR_PROTOCOL, "the token service answered without a token");
    else
        depot_error_set(&err, denied ? DEPOT_ERR_DENIED : DEPOT_ERR_FAILED,
            "the token service answered HTTP %d", status);
    depot_error_prefix(&err, "registry %s: no token for %s", c->host->name, c->scope);
    if (denied)
        depot_error_hint(
            &err, "docker login %s, with an account that may push there", c->host->name);
    finish(c, NULL, &err);
}

static void token_form(const struct dp_call *c, struct depot_buf *out, bool refresh)
{
    const struct dp_host *h = c->host;
    const struct {
        const char *key, *value;
    } rows[] = {{"grant_type", refresh ? "refresh_token" : NULL}, {"service", h->challenge.service},
        {"scope", c->scope}, {"client_id", refresh ? "depot" : NULL},
        {"account", refresh ? NULL : h->user}, {"refresh_token", refresh ? h->secret : NULL}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        if (depot_str_empty(rows[i].value))
            continue;
        depot_buf_addf(out, "%s%s=", out->len > 0 ? "&" : "", rows[i].key);
        dp_url_escape(out, rows[i].value);
    }
}

/* Credentials never go in the clear to a machine that the registry names, unless that is in the
 * clear itself. */
static int check_realm(
    const struct dp_call *c, const struct depot_addr *realm, struct depot_error *err)
{
    if (realm->tls || !c->host->addr.tls)
        return 0;
    return depot_error_set(err, DEPOT_ERR_DENIED,
        "registry %s wants its tokens fetched in the clear, from %s", c->host->name, realm->text);
}

static int request_token(
    struct dp_call *c, const struct depot_addr *realm, const char *path, struct depot_error *err)
{
    static const struct depot_http_ops ops = {.done = on_token};
    struct dp_host *h = c->host;
    const bool refresh = h->secret != NULL && depot_str_empty(h->user);
    struct depot_buf form = DEPOT_BUF_INIT(DP_URL_MAX * 4);
    token_form(c, &form, refresh);
    char *query = refresh ? depot_strdup(path)
                          : depot_asprintf("%s%c%s", path, strchr(path, '?') != NULL ? '&' : '?',
                                depot_buf_str(&form));
    char *auth = h->secret != NULL && !refresh ? basic(h) : NULL;
    struct depot_http_opts opts = {
        .addr = realm,
        .tls = dp_url_same_origin(realm, &h->addr) ? &h->tls : NULL,
        .no_verify = h->no_verify,
        .method = refresh ? "POST" : "GET",
        .path = query,
        .headers = (const char *const *)&auth,
        .nheaders = auth != NULL,
        .content_type = refresh ? "application/x-www-form-urlencoded" : NULL,
        .body = refresh ? depot_buf_str(&form) : NULL,
        .body_len = refresh ? form.len : 0,
        .max_body = CALL_TOKEN_MAX,
        .timeout_ms = CALL_TIMEOUT_MS,
    };
    int rc = depot_http_start(dp_registry_http(h->registry), &opts, &ops, c, &c->request, err);
    depot_free(auth);
    depot_free(query);
    depot_buf_release(&form);
    return rc;
}

static void fetch_token(struct dp_call *c)
{
    struct depot_error err = {0};
    struct depot_addr realm = {0};
    char *path = NULL;
    int rc = dp_url_parse(c->host->challenge.realm, &realm, &path, &err);
    if (rc == 0)
        rc = check_realm(c, &realm, &err);
    if (rc == 0)
        rc = request_token(c, &realm, path, &err);
    depot_addr_release(&realm);
    depot_free(path);
    if (rc != 0)
        finish(c, NULL, &err);
}

/* What the registry asked for is at hand, or is fetched now. */
static void authenticate(struct dp_call *c)
{
    struct dp_host *h = c->host;
    if (h->state != DP_CREDENTIALS_KNOWN) {
        c->waiting = true;
        TAILQ_INSERT_TAIL(&h->waiting, c, entry);
        dp_host_ask_credentials(h);
        return;
    }
    if (h->challenge.scheme == DP_AUTH_BEARER && depot_map_get(h->tokens, c->scope) == NULL)
        fetch_token(c);
    else
        send(c);
}

void dp_call_credentials(struct dp_call *c)
{
    c->waiting = false;
    TAILQ_REMOVE(&c->host->waiting, c, entry);
    authenticate(c);
}

/* The registry wants to know who we are. False: it does already, and refuses. */
static bool challenged(struct dp_call *c, struct depot_http_request *r)
{
    struct dp_host *h = c->host;
    struct dp_challenge ch;
    if (c->auths++ >= CALL_AUTH_TRIES || !dp_url_same_origin(&c->at, &h->addr))
        return false;
    dp_challenge_parse(depot_http_header(r, "WWW-Authenticate"), &ch);
    bool useless = ch.scheme == DP_AUTH_NONE ||
                   (ch.scheme == DP_AUTH_BASIC && h->state == DP_CREDENTIALS_KNOWN &&
                       (h->secret == NULL || c->auths > 1));
    if (useless) {
        dp_challenge_release(&ch);
        return false;
    }
    dp_challenge_release(&h->challenge);
    h->challenge = ch;
    depot_free(depot_map_remove(h->tokens, c->scope));
    authenticate(c);
    return true;
}

/* ---- answers ---- */

/* False: it cannot be followed, and is the answer. */
static bool redirected(struct dp_call *c, struct depot_http_request *r, int status)
{
    const bool reads = strcmp(c->method, "GET") == 0 || strcmp(c->method, "HEAD") == 0;
    const bool follows = status == 307 || status == 308 ||
                         (reads && (status == 301 || status == 302 || status == 303));
    const char *to = follows ? depot_http_header(r, "Location") : NULL;
    struct depot_addr addr = {0};
    char *path = NULL;
    if (to == NULL || c->redirects++ >= CALL_REDIRECTS)
        return false;
    if (*to == '/') {
        path = depot_strdup(to);
        depot_addr_copy(&addr, &c->at);
    } else if (dp_url_parse(to, &addr, &path, NULL) != 0) {
        return false;
    }
    if (c->at.tls && !addr.tls) { /* never from what is sealed to what is not */
        depot_addr_release(&addr);
        depot_free(path);
        return false;
    }
    depot_addr_release(&c->at);
    depot_free(c->at_path);
    c->at = addr;
    c->at_path = path;
    send(c);
    return true;
}

/* A registry called insecure may speak plain HTTP where TLS was tried. */
static bool fall_back(struct dp_call *c, const struct depot_error *why)
{
    struct dp_host *h = c->host;
    if (!h->may_be_plain || why->code == DEPOT_ERR_TIMEOUT)
        return false;
    h->may_be_plain = false;
    h->addr.tls = false;
    if (h->addr.port == 443)
        h->addr.port = 80;
    go_home(c);
    send(c);
    return true;
}

static void on_done(struct depot_http_request *r, int status, const struct depot_buf *body,
    const struct depot_error *why, void *arg)
{
    struct dp_call *c = arg;
    c->request = NULL;
    if (status == 0) {
        struct depot_error err = *why;
        if (fall_back(c, why) || (may_pass(why) && try_again(c, 0)))
            return;
        depot_error_prefix(&err, "registry %s", c->host->name);
        if (!may_pass(why) && err.code != DEPOT_ERR_TOO_BIG)
            depot_error_hint(&err, "tell depotd how to speak to it: --registry %s,http or ,ca=FILE",
                c->host->name);
        finish(c, NULL, &err);
        return;
    }
    c->host->may_be_plain = false;
    if (status == 401 && challenged(c, r))
        return;
    if (status / 100 == 3 && redirected(c, r, status))
        return;
    if (is_passing(status) && try_again(c, depot_http_retry_after(r)))
        return;
    const struct dp_call_answer a = {
        .status = status,
        .body = body,
        .digest = depot_http_header(r, "Docker-Content-Digest"),
        .content_type = depot_http_header(r, "Content-Type"),
    };
    finish(c, &a, NULL);
}

static int start(struct dp_call *c, struct depot_error *err)
{
    static const struct depot_http_ops ops = {.done = on_done};
    char *accept = depot_asprintf("Accept: %s, %s, %s, %s", dp_media_oci_index,
        dp_media_docker_list, dp_media_oci_manifest, dp_media_docker_manifest);
    char *auth = authorization(c);
    const char *const headers[] = {accept, auth};
    struct depot_http_opts opts = {
        .addr = &c->at,
        .tls = dp_url_same_origin(&c->at, &c->host->addr) ? &c->host->tls : NULL,
        .no_verify = c->host->no_verify,
        .method = c->method,
        .path = c->at_path,
        .headers = headers,
        .nheaders = auth != NULL ? 2 : 1,
        .content_type = c->content_type,
        .body = c->body,
        .body_len = c->len,
        .max_body = DEPOT_MANIFEST_MAX,
        .timeout_ms = CALL_TIMEOUT_MS,
    };
    c->requests++;
    depot_log_debug("%s %s at %s", c->method, c->at_path, c->at.text);
    int rc =
        depot_http_start(dp_registry_http(c->host->registry), &opts, &ops, c, &c->request, err);
    depot_free(accept);
    depot_free(auth);
    return rc;
}

static void send(struct dp_call *c)
{
    struct depot_error err = {0};
    if (start(c, &err) != 0)
        finish(c, NULL, &err);
}

/* What is known of the registry already needs no refusal first. */
static void proceed(struct dp_call *c)
{
    if (c->host->challenge.scheme != DP_AUTH_NONE)
        authenticate(c);
    else
        send(c);
}

struct dp_call *dp_call_start(
    struct depot_loop *l, const struct dp_call_opts *o, dp_call_fn *done, void *arg)
{
    struct dp_call *c = depot_calloc(1, sizeof(*c));
    const bool removes = strcmp(o->method, "DELETE") == 0;
    c->loop = l;
    c->host = o->host;
    c->method = o->method;
    c->content_type = o->content_type;
    c->body = o->body;
    c->len = o->len;
    c->done = done;
    c->arg = arg;
    c->path = depot_asprintf("/v2/%s/manifests/%s", o->repository, o->reference);
    c->scope = depot_asprintf("repository:%s:%spull,push", o->repository, removes ? "delete," : "");
    c->timer = depot_timer_new(l, on_timer, c);
    depot_timer_start(c->timer, 0, 0); /* outside of this call */
    return c;
}

/* ---- refusals ---- */

/* {"errors":[{"code":...,"message":...}]} */
static void add_said(struct depot_error *err, const struct depot_buf *body)
{
    struct json_object *o = body != NULL ? dp_doc_object(depot_buf_str(body), body->len) : NULL;
    struct json_object *list = NULL, *first = NULL;
    if (o != NULL && json_object_object_get_ex(o, "errors", &list) &&
        json_object_is_type(list, json_type_array))
        first = json_object_array_get_idx(list, 0);
    const char *code = member(first, "code"), *text = member(first, "message");
    char *old = depot_strdup(err->msg);
    if (code != NULL || text != NULL)
        depot_error_set(err, err->code, "%s (%.*s%s%.*s)", old, CALL_SAID_MAX,
            code != NULL ? code : "", code != NULL && text != NULL ? ": " : "", CALL_SAID_MAX,
            text != NULL ? text : "");
    depot_free(old);
    json_object_put(o);
}

int dp_call_error(const struct dp_call *c, const struct dp_call_answer *a, struct depot_error *err)
{
    static const struct {
        int status;
        enum depot_err code;
        const char *hint;
    } rows[] = {
        {401, DEPOT_ERR_UNAUTHENTICATED, "docker login *"},
        {403, DEPOT_ERR_DENIED, "the account that is logged in at * may not push there"},
        {404, DEPOT_ERR_NOT_FOUND, "create the repository at * first, or check its name"},
        {405, DEPOT_ERR_UNSUPPORTED, "* does not allow it"},
        {429, DEPOT_ERR_EXHAUSTED, "* limits its requests: wait, and build again"},
    };
    const char *hint = NULL;
    enum depot_err code = DEPOT_ERR_FAILED;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        if (rows[i].status == a->status) {
            code = rows[i].code;
            hint = rows[i].hint;
        }
    depot_error_set(err, code, "registry %s answered HTTP %d to %s %s", c->host->name, a->status,
        c->method, c->path);
    add_said(err, a->body);
    const char *at = hint != NULL ? strchr(hint, '*') : NULL; /* stands for the registry */
    if (at != NULL)
        depot_error_hint(err, "%.*s%s%s", (int)(at - hint), hint, c->host->name, at + 1);
    return err->code;
}
