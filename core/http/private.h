/*
 * What http.c and request.c share. Nobody else includes this.
 */
#ifndef DEPOT_CORE_HTTP_PRIVATE_H
#define DEPOT_CORE_HTTP_PRIVATE_H

#include "http/command.h"
#include "http/curl.h"

#include <depot/http.h>

enum {
    DP_HTTP_BODY_MAX = 16 * 1024 * 1024,
    DP_HTTP_CONNECT_MS = 10 * 1000,
};

struct depot_http {
    struct depot_loop *loop;
    struct dp_curl curl;
    CURLM *multi; /* NULL until the first request */
    struct depot_timer *timer;
    struct depot_http_request *requests;
    bool dead; /* freed by its owner; goes at the end of the turn */
};

struct depot_http_request {
    struct depot_http *http; /* NULL once detached from it */
    struct depot_http_request *next, **link;
    const struct depot_http_ops *ops;
    void *arg;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    char *where; /* "GET /path at ADDRESS", for messages */
    bool unix_socket;
    struct depot_strv argv; /* of the command that is the connection */
    struct dp_command command;
    bool over;                  /* no callback comes any more */
    bool resuming;              /* a deferred resume is on its way */
    unsigned holds;             /* deferred calls that still come */
    int abort;                  /* what a callback of the owner returned, or TOO_BIG */
    struct depot_buf collected; /* the body, when the owner has no body() */
    char detail[CURL_ERROR_SIZE];
};

int dp_http_setup(struct depot_http_request *r, const struct depot_http_opts *opts,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Why the transfer ended without an answer. */
void dp_http_explain(const struct depot_http_request *r, CURLcode result, struct depot_error *err);

#endif
