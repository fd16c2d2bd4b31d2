/*
 * Auth/Credentials: what Docker's configuration knows of a registry. What cannot be found out is
 * answered with nothing, which means an anonymous pull: most builds need no more.
 */
#include <depot/log.h>
#include <depot/path.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/docker_config.h"
#include "session/internal.h"
#include "grpc/pb.h"

#define DEPOT_LOG_MODULE "session"

enum { HOST_MAX = 512 };

/* The lookup may outlive the call: each knows of the other until one of them goes. */
struct lookup {
    struct auth *owner;
    struct dp_docker_auth docker;
    struct dp_credentials found;
    struct depot_error err;
    int rc;
};

struct auth {
    struct dp_scall base;
    struct depot_buf request;
    struct lookup *lookup;
    bool answered;
};

static void answer(struct auth *a, const struct dp_credentials *c)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const char *user = c->username != NULL ? c->username : "";
    const char *secret = c->secret != NULL ? c->secret : "";
    size_t user_len = strlen(user), secret_len = strlen(secret);
    uint8_t *p = (uint8_t *)depot_buf_reserve(
                &b, user_len + secret_len + 2 * (size_t)(1 + DP_PB_VARINT_MAX)),
            *start = p;
    p = dp_pb_put_bytes(p, 1, user, user_len);
    p = dp_pb_put_bytes(p, 2, secret, secret_len);
    dp_session_reply(a->base.call, start, (size_t)(p - start));
    depot_buf_release(&b);
}

static void lookup_free(struct lookup *l)
{
    dp_docker_auth_release(&l->docker);
    dp_credentials_release(&l->found);
    depot_free(l);
}

static void on_work(void *arg)
{
    struct lookup *l = arg;
    l->rc = dp_docker_helper_run(l->docker.helper, l->docker.server, &l->found, &l->err);
}

static void on_worked(void *arg)
{
    struct lookup *l = arg;
    if (l->rc < 0 && l->rc != DEPOT_ERR_NOT_FOUND)
        depot_log_warn("%s; going on without credentials for %s", l->err.msg, l->docker.server);
    if (l->owner != NULL) {
        l->owner->lookup = NULL;
        answer(l->owner, l->rc == 0 ? &l->found : &l->docker.own);
    }
    lookup_free(l);
}

/* What DOCKER_AUTH_CONFIG has of a host, in the form of config.json: it comes before the file. */
static bool read_variable(const char *host, struct dp_docker_auth *out)
{
    const char *json = getenv("DOCKER_AUTH_CONFIG");
    struct depot_error err = {0};
    if (json == NULL || *json == '\0')
        return false;
    if (dp_docker_config_find(json, strlen(json), host, out, &err) < 0)
        depot_log_warn("DOCKER_AUTH_CONFIG: %s", err.msg);
    if (out->own.secret == NULL) {
        dp_docker_auth_release(out);
        return false;
    }
    depot_free(out->helper);
    out->helper = NULL;
    return true;
}

/* Read the configuration; a fault in it is worth a word, not the build. */
static void read_config(
    const struct dp_session_config *cfg, const char *host, struct dp_docker_auth *out)
{
    struct depot_error err;
    char *path = dp_docker_config_path(cfg->docker_config), *json = NULL;
    size_t n = 0;
    depot_error_clear(&err);
    if (access(path, F_OK) == 0 && depot_file_read(path, DP_DOCKER_CONFIG_MAX, &json, &n, &err) < 0)
        depot_log_warn("%s", err.msg);
    if (dp_docker_config_find(json != NULL ? json : "", n, host, out, &err) < 0)
        depot_log_warn("%s: %s", path, err.msg);
    depot_free(json);
    depot_free(path);
}

static void on_half_closed(struct dp_grpc_call *call, void *arg)
{
    struct auth *a = arg;
    if (a->answered)
        return;
    a->answered = true;
    char *host = dp_pb_string(depot_buf_str(&a->request), a->request.len, 1, HOST_MAX);
    if (host == NULL) {
        dp_grpc_respond(call, DP_GRPC_INVALID_ARGUMENT, "a registry's host is needed");
        return;
    }
    struct lookup *l = depot_calloc(1, sizeof(*l));
    if (!read_variable(host, &l->docker))
        read_config(a->base.s->cfg, host, &l->docker);
    depot_free(host);
    if (l->docker.helper != NULL && depot_loop_work(a->base.s->loop, on_work, on_worked, l) == 0) {
        l->owner = a;
        a->lookup = l;
        return;
    }
    answer(a, &l->docker.own);
    lookup_free(l);
}

static void on_message(struct dp_grpc_call *call, const uint8_t *data, size_t n, void *arg)
{
    struct auth *a = arg;
    DEPOT_UNUSED(call);
    depot_buf_clear(&a->request);
    depot_buf_add(&a->request, data, n);
}

static void on_done(struct dp_grpc_call *call, const struct dp_grpc_status *st, void *arg)
{
    struct auth *a = arg;
    DEPOT_UNUSED(call);
    DEPOT_UNUSED(st);
    dp_scall_end(&a->base);
}

static void auth_free(struct dp_scall *c)
{
    struct auth *a = DEPOT_CONTAINER_OF(c, struct auth, base);
    if (a->lookup != NULL)
        a->lookup->owner = NULL;
    depot_buf_release(&a->request);
    depot_free(a);
}

static const struct dp_scall_ops scall_ops = {.free = auth_free};
static const struct dp_grpc_call_ops call_ops = {
    .message = on_message,
    .half_closed = on_half_closed,
    .done = on_done,
};

void dp_session_open_credentials(struct dp_grpc_call *call, void *arg)
{
    struct auth *a = depot_calloc(1, sizeof(*a));
    depot_buf_init(&a->request, HOST_MAX * 2);
    dp_scall_init(&a->base, &scall_ops, arg, call);
    dp_grpc_accept(call, &call_ops, a);
}
