/*
 * Build secrets, from a file or the environment, read when they are asked for.
 */
#include <depot/log.h>
#include <depot/os.h>
#include <depot/path.h>

#include <stdlib.h>
#include <string.h>

#include "session/internal.h"
#include "grpc/pb.h"

#define DEPOT_LOG_MODULE "session"

enum { SECRET_ID_MAX = 1024 };

static const struct dp_session_secret *find(const struct dp_session_config *cfg, const char *id)
{
    for (size_t i = 0; id != NULL && i < cfg->nsecrets; i++) {
        if (strcmp(cfg->secrets[i].id, id) == 0)
            return &cfg->secrets[i];
    }
    return NULL;
}

static int load_file(
    const struct dp_session_secret *secret, char **out, size_t *len, struct depot_error *err)
{
    int rc = depot_file_read(secret->file, DP_SESSION_SECRET_MAX, out, len, err);
    if (rc < 0) {
        depot_error_prefix(err, "secret \"%s\"", secret->id);
        depot_error_hint(err, "check the src= of --secret id=%s; a secret may have %d KiB",
            secret->id, DP_SESSION_SECRET_MAX / 1024);
    }
    return rc;
}

static int load_env(
    const struct dp_session_secret *secret, char **out, size_t *len, struct depot_error *err)
{
    const char *value = secret->env != NULL ? getenv(secret->env) : NULL;
    if (value == NULL) {
        /* An empty secret, as with docker build: pipelines rely on optional ones. */
        depot_log_warn("secret \"%s\" is empty: %s is not in the environment", secret->id,
            secret->env != NULL ? secret->env : "its variable");
        value = "";
    }
    *len = strlen(value);
    if (*len > DP_SESSION_SECRET_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "secret \"%s\" is larger than %d KiB",
            secret->id, DP_SESSION_SECRET_MAX / 1024);
    *out = depot_strdup(value);
    return 0;
}

static int load(
    const struct dp_session_secret *secret, char **out, size_t *len, struct depot_error *err)
{
    if (secret->env != NULL)
        return load_env(secret, out, len, err);
    if (secret->data == NULL)
        return secret->file != NULL ? load_file(secret, out, len, err)
                                    : load_env(secret, out, len, err);
    *len = secret->len;
    *out = depot_memdup(secret->data, secret->len);
    return 0;
}

static void wipe(char *data, size_t len)
{
    if (data != NULL)
        depot_os_wipe(data, len);
    depot_free(data);
}

void dp_session_secret_release(struct dp_session_secret *s)
{
    wipe(s->data, s->len);
    depot_free(s->id);
    depot_free(s->file);
    depot_free(s->env);
    *s = (struct dp_session_secret){0};
}

static void get_secret(
    struct dp_session *s, struct dp_grpc_call *call, const uint8_t *msg, size_t n)
{
    char *id = dp_pb_string(msg, n, 1, SECRET_ID_MAX);
    const struct dp_session_secret *secret = find(s->cfg, id);
    struct depot_error err;
    char *data = NULL;
    size_t len = 0;
    if (secret == NULL) {
        /* Whether that is an error is for the Dockerfile to say (required=true). */
        char *text = depot_asprintf("secret %s not found", id != NULL ? id : "");
        dp_grpc_respond(call, DP_GRPC_NOT_FOUND, text);
        depot_free(text);
    } else if (load(secret, &data, &len, &err) < 0) {
        /* Never NOT_FOUND: the step would go on without it. */
        dp_grpc_respond(call, DP_GRPC_UNKNOWN, err.msg);
        dp_session_problem(s, &err);
    } else {
        dp_session_send_bytes(call, data, len);
        dp_grpc_respond(call, DP_GRPC_OK, "");
    }
    wipe(data, len);
    depot_free(id);
}

void dp_session_open_secret(struct dp_grpc_call *call, void *arg)
{
    dp_session_unary(arg, call, get_secret);
}
