/*
 * Which daemon to talk to, as flags, environment and configuration say.
 */
#ifndef DEPOT_ENDPOINT_H
#define DEPOT_ENDPOINT_H

#include <depot/addr.h>
#include <depot/export.h>

DEPOT_API_BEGIN

struct depot_endpoint {
    struct depot_addr addr;
    struct depot_tls tls;
    char *token; /* may be NULL */
};
/*
 * Flags win over DEPOT_URL, DEPOT_TOKEN, DEPOT_CA, then over `url` and `token` in config.json of
 * the config directory; without any of them: this user's own daemon, which is started when `start`
 * is set and nobody listens (as tmux starts its server).
 */
int depot_endpoint_resolve(const char *url, const char *token, bool start,
    struct depot_endpoint *out, struct depot_error *err) DEPOT_MUST_CHECK;
void depot_endpoint_release(struct depot_endpoint *e);

DEPOT_API_END

#endif
