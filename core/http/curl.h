/*
 * libcurl, opened when first needed: the functions we use, as pointers of the types in its header.
 */
#ifndef DEPOT_CORE_HTTP_CURL_H
#define DEPOT_CORE_HTTP_CURL_H

#include <depot/error.h>

/* The header's type checks are macros over the functions' names, which would not find a pointer. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* X(name without "curl_") */
#define DP_CURL_FUNCTIONS(X)                                                                       \
    X(global_init)                                                                                 \
    X(global_cleanup)                                                                              \
    X(easy_init)                                                                                   \
    X(easy_cleanup)                                                                                \
    X(easy_setopt)                                                                                 \
    X(easy_getinfo)                                                                                \
    X(easy_pause)                                                                                  \
    X(easy_header)                                                                                 \
    X(easy_strerror)                                                                               \
    X(slist_append)                                                                                \
    X(slist_free_all)                                                                              \
    X(multi_init)                                                                                  \
    X(multi_cleanup)                                                                               \
    X(multi_setopt)                                                                                \
    X(multi_add_handle)                                                                            \
    X(multi_remove_handle)                                                                         \
    X(multi_socket_action)                                                                         \
    X(multi_info_read)                                                                             \
    X(multi_assign)

struct dp_curl {
    void *lib;
/* A member's name takes no parentheses. NOLINTNEXTLINE(bugprone-macro-parentheses) */
#define DP_CURL_MEMBER(name) __typeof__(curl_##name) *name;
    DP_CURL_FUNCTIONS(DP_CURL_MEMBER)
#undef DP_CURL_MEMBER
};

/* Open the library and find its functions; a second call does nothing. */
int dp_curl_open(struct dp_curl *c, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_curl_close(struct dp_curl *c);

#endif
