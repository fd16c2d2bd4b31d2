/*
 * Requests over libcurl's multi interface, driven by our loop: it tells which sockets and which
 * timer to watch, we tell what became ready. The options of a request are in request.c.
 */
#define DEPOT_LOG_MODULE "http"
#include "http/private.h"

#include <depot/log.h>

#include <string.h>

/* A socket that libcurl wants watched; libcurl keeps the pointer for us. */
struct watch {
    struct depot_http *http;
    struct depot_loop_fd *w;
    curl_socket_t fd;
};

/* ---- the end of requests ---- */

/* Take it from libcurl; not legal inside libcurl's callbacks. */
static void request_detach(struct depot_http_request *r)
{
    struct depot_http *h = r->http;
    if (h == NULL)
        return;
    h->curl.multi_remove_handle(h->multi, r->easy);
    h->curl.easy_cleanup(r->easy);
    h->curl.slist_free_all(r->headers);
    h->curl.slist_free_all(r->connect_to);
    *r->link = r->next;
    if (r->next != NULL)
        r->next->link = r->link;
    dp_command_end(&r->command);
    r->http = NULL;
    r->easy = NULL;
}

static void request_release(struct depot_http_request *r)
{
    if (r->holds > 0)
        return; /* the last deferred call does it */
    depot_free(r->where);
    depot_strv_release(&r->argv);
    depot_buf_release(&r->collected);
    depot_free(r);
}

static void request_reap(void *arg)
{
    struct depot_http_request *r = arg;
    r->holds--;
    request_detach(r);
    request_release(r);
}

void depot_http_cancel(struct depot_http_request *r)
{
    if (r == NULL || r->over)
        return;
    r->over = true;
    r->holds++;
    depot_loop_defer(r->http->loop, request_reap, r);
}

static void request_resume(void *arg)
{
    struct depot_http_request *r = arg;
    r->holds--;
    r->resuming = false;
    if (r->http == NULL)
        request_release(r);
    else if (!r->over)
        r->http->curl.easy_pause(r->easy, CURLPAUSE_CONT);
}

void depot_http_resume(struct depot_http_request *r)
{
    /* Deferred: libcurl would call us back from inside. */
    if (r->over || r->resuming)
        return;
    r->resuming = true;
    r->holds++;
    depot_loop_defer(r->http->loop, request_resume, r);
}

static void request_done(struct depot_http_request *r, CURLcode result)
{
    long status = 0;
    struct depot_error err;
    depot_error_clear(&err);
    const bool fine = result == CURLE_OK && r->abort == 0;
    if (fine)
        r->http->curl.easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    else
        dp_http_explain(r, result, &err);
    if (!r->over) {
        r->over = true;
        r->ops->done(r, (int)status, r->ops->body == NULL ? &r->collected : NULL,
            fine ? NULL : &err, r->arg);
        request_detach(r);
        request_release(r);
    }
}

/* ---- the loop's side ---- */

static void pump(struct depot_http *h, curl_socket_t fd, int what)
{
    int running = 0, left = 0;
    CURLMsg *msg = NULL;
    h->curl.multi_socket_action(h->multi, fd, what, &running);
    while (!h->dead && (msg = h->curl.multi_info_read(h->multi, &left)) != NULL) {
        struct depot_http_request *r = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        const CURLcode result = msg->data.result;
        h->curl.easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&r);
        request_done(r, result);
    }
}

static void on_ready(struct depot_loop_fd *w, unsigned events, void *arg)
{
    DEPOT_UNUSED(w);
    struct watch *s = arg;
    const int what =
        (events & DEPOT_READ ? CURL_CSELECT_IN : 0) | (events & DEPOT_WRITE ? CURL_CSELECT_OUT : 0);
    if (!s->http->dead)
        pump(s->http, s->fd, what);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    struct depot_http *h = arg;
    if (!h->dead)
        pump(h, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
    DEPOT_UNUSED(multi);
    struct depot_http *h = arg;
    if (ms < 0)
        depot_timer_stop(h->timer);
    else
        depot_timer_start(h->timer, (uint64_t)ms, 0);
    return 0;
}

static void watch_free(void *arg)
{
    depot_free(arg);
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sockarg)
{
    DEPOT_UNUSED(easy);
    struct depot_http *h = arg;
    struct watch *s = sockarg;
    if (what == CURL_POLL_REMOVE) {
        if (s != NULL) {
            depot_loop_fd_free(s->w);
            h->curl.multi_assign(h->multi, fd, NULL);
            depot_loop_defer(h->loop, watch_free, s); /* we may be inside its on_ready() */
        }
        return 0;
    }
    const unsigned events =
        (what & CURL_POLL_IN ? DEPOT_READ : 0U) | (what & CURL_POLL_OUT ? DEPOT_WRITE : 0U);
    if (s != NULL) {
        depot_loop_fd_set(s->w, events);
        return 0;
    }
    s = depot_calloc(1, sizeof(*s));
    s->http = h;
    s->fd = fd;
    struct depot_error err;
    depot_error_clear(&err);
    if (depot_loop_fd_new(h->loop, fd, events, on_ready, s, &s->w, &err) < 0) {
        depot_log_warn("cannot watch a connection: %s", err.msg);
        depot_free(s);
        return -1;
    }
    h->curl.multi_assign(h->multi, fd, s);
    return 0;
}

/* ---- the client ---- */

struct depot_http *depot_http_new(struct depot_loop *l)
{
    struct depot_http *h = depot_calloc(1, sizeof(*h));
    h->loop = l;
    return h;
}

static int http_prepare(struct depot_http *h, struct depot_error *err)
{
    const int rc = dp_curl_open(&h->curl, err);
    if (rc < 0 || h->multi != NULL)
        return rc;
    h->multi = h->curl.multi_init();
    if (h->multi == NULL)
        return depot_error_set(err, DEPOT_ERR_INTERNAL, "libcurl does not start");
    h->timer = depot_timer_new(h->loop, on_timer, h);
    h->curl.multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    h->curl.multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    h->curl.multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    h->curl.multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    return 0;
}

static void http_release(void *arg)
{
    struct depot_http *h = arg;
    while (h->requests != NULL) {
        struct depot_http_request *r = h->requests;
        request_detach(r);
        request_release(r);
    }
    if (h->multi != NULL)
        h->curl.multi_cleanup(h->multi); /* calls set_socket() for what is still open */
    depot_timer_free(h->timer);
    dp_curl_close(&h->curl);
    depot_free(h);
}

void depot_http_free(struct depot_http *h)
{
    if (h == NULL || h->dead)
        return;
    h->dead = true;
    for (struct depot_http_request *r = h->requests; r != NULL; r = r->next)
        r->over = true;
    depot_loop_defer(h->loop, http_release, h);
}

int depot_http_start(struct depot_http *h, const struct depot_http_opts *opts,
    const struct depot_http_ops *ops, void *arg, struct depot_http_request **out,
    struct depot_error *err)
{
    int rc = http_prepare(h, err);
    if (rc < 0)
        return rc;
    struct depot_http_request *r = depot_calloc(1, sizeof(*r));
    r->http = h;
    r->ops = ops;
    r->arg = arg;
    rc = dp_http_setup(r, opts, err);
    if (rc == 0 && h->curl.multi_add_handle(h->multi, r->easy) != CURLM_OK)
        rc = depot_error_set(err, DEPOT_ERR_INTERNAL, "libcurl takes no more requests");
    if (rc < 0) {
        h->curl.easy_cleanup(r->easy);
        h->curl.slist_free_all(r->headers);
        h->curl.slist_free_all(r->connect_to);
        dp_command_end(&r->command);
        request_release(r);
        return rc;
    }
    r->next = h->requests;
    r->link = &h->requests;
    if (r->next != NULL)
        r->next->link = &r->next;
    h->requests = r;
    *out = r;
    return 0;
}
