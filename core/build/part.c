/*
 * Glues a part's session socket (ws) to the session that serves it, with back-pressure both ways.
 */
#include "build/part.h"

#include <depot/file_writer.h>
#include <depot/path.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "docker/docker.h"

enum {
    PART_SEND_HIGH = 1024 * 1024,     /* hold the session back above this much unsent */
    PART_RECV_HIGH = 4 * 1024 * 1024, /* stop reading the socket above this much unread */
    PART_RECV_LOW = 1024 * 1024,
};

struct load_sink {
    struct dp_part *part;
    size_t index;
    struct dp_docker_load *load;
};

struct dp_part {
    const struct depot_build_plan *plan;
    const struct dp_part_ops *ops;
    void *arg;
    struct depot_loop *loop;
    char *builder, *platform; /* platform: all of them, with commas */
    struct depot_strv platforms;
    struct dp_claims *const *claims;
    struct dp_ws *ws;
    struct dp_pipe *pipe; /* NULL once the session closed it */
    struct dp_session *session;
    struct dp_session_config cfg;
    DEPOT_VEC(struct dp_session_output) outputs;
    DEPOT_VEC(ssize_t) places; /* of the plan's outputs among them; -1: not this part's */
    DEPOT_VEC(struct load_sink *) loads;
    struct depot_strv dirs; /* of outputs, where they are not those of the plan */
    bool is_lone;           /* it makes the one platform that an output takes */
    DEPOT_VEC(struct dp_session_store) stores; /* the plan's, and what this builder wrote */
    bool paused, opened, closed, failed;
};

static void report(struct dp_part *p, const struct depot_error *err)
{
    if (p->failed)
        return;
    p->failed = true;
    p->ops->problem(p, err, p->arg);
}

/* ---- pipe: between the session's HTTP/2 and the socket ---- */

static ssize_t pipe_write(void *arg, const struct iovec *iov, int n)
{
    struct dp_part *p = arg;
    ssize_t total = 0;
    if (p->closed)
        return DEPOT_ERR_EOF;
    if (dp_ws_queued(p->ws) > PART_SEND_HIGH)
        return DEPOT_ERR_AGAIN;
    for (int i = 0; i < n; i++) {
        dp_ws_send(p->ws, iov[i].iov_base, iov[i].iov_len);
        total += (ssize_t)iov[i].iov_len;
    }
    return total;
}

static void pipe_drained(void *arg, size_t queued)
{
    struct dp_part *p = arg;
    if (p->paused && queued < PART_RECV_LOW && !p->closed) {
        p->paused = false;
        dp_ws_pause(p->ws, false);
    }
}

static void pipe_closed(void *arg)
{
    struct dp_part *p = arg;
    p->pipe = NULL;
}

static const struct dp_pipe_ops pipe_ops = {
    .write = pipe_write, .drained = pipe_drained, .closed = pipe_closed};

/* ---- socket ---- */

static void ws_open(struct dp_ws *ws, void *arg)
{
    struct dp_part *p = arg;
    DEPOT_UNUSED(ws);
    p->opened = true;
    if (p->pipe != NULL)
        dp_pipe_writable(p->pipe);
}

static void ws_message(struct dp_ws *ws, const void *data, size_t n, void *arg)
{
    struct dp_part *p = arg;
    if (p->pipe == NULL)
        return;
    const size_t queued = dp_pipe_queued(p->pipe);
    if (!p->paused && queued > 0 && queued + n > PART_RECV_HIGH) {
        p->paused = true;
        dp_ws_pause(ws, true);
    }
    dp_pipe_push(p->pipe, data, n); /* the last: the session may end in there, and this part */
}

static void ws_writable(struct dp_ws *ws, void *arg)
{
    struct dp_part *p = arg;
    DEPOT_UNUSED(ws);
    if (p->pipe != NULL)
        dp_pipe_writable(p->pipe);
}

static void ws_closed(struct dp_ws *ws, int status, const struct depot_error *err, void *arg)
{
    struct dp_part *p = arg;
    DEPOT_UNUSED(ws);
    DEPOT_UNUSED(status);
    p->closed = true;
    if (p->pipe != NULL)
        dp_pipe_push_eof(p->pipe, 0);
    p->ops->closed(p, err, p->arg);
}

static const struct dp_ws_ops ws_ops = {
    .open = ws_open, .message = ws_message, .writable = ws_writable, .closed = ws_closed};

/* ---- session ---- */

static void session_context(
    struct dp_session *s, const char *mount, const struct dp_session_context *ctx, void *arg)
{
    struct dp_part *p = arg;
    DEPOT_UNUSED(s);
    /* The engine first looks for a .dockerignore, and mostly finds none. */
    if (!depot_str_eq(mount, "context") || ctx->files == 0 || p->closed)
        return;
    struct depot_ev_context c = {
        .files = ctx->files,
        .bytes = ctx->bytes,
        .sent_files = ctx->sent_files,
        .sent_bytes = ctx->sent_bytes,
        .changed = (const char **)ctx->changed.items,
        .nchanged = ctx->changed.len,
        .changed_more = ctx->changed_more,
    };
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_record_encode(
        &text, &depot_record_session_text, &(struct depot_session_text){.context = &c});
    dp_ws_send_text(p->ws, text.data, text.len);
    depot_buf_release(&text);
}

static void session_problem(struct dp_session *s, const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(s);
    report(arg, err);
}

static void session_written(struct dp_session *s, void *arg)
{
    struct dp_part *p = arg;
    DEPOT_UNUSED(s);
    p->ops->written(p, p->arg);
}

static void session_closed(struct dp_session *s, const struct depot_error *err, void *arg)
{
    struct dp_part *p = arg;
    DEPOT_UNUSED(s);
    DEPOT_UNUSED(err);
    if (!p->closed)
        dp_ws_finish(p->ws);
}

static const struct dp_session_ops session_ops = {.context = session_context,
    .problem = session_problem,
    .written = session_written,
    .closed = session_closed};

/* ---- outputs ---- */

static void load_drained(struct dp_docker_load *d, void *arg)
{
    struct load_sink *sink = arg;
    DEPOT_UNUSED(d);
    dp_session_output_drained(sink->part->session, sink->index);
}

static void load_done(struct dp_docker_load *d, const struct depot_error *err, void *arg)
{
    struct load_sink *sink = arg;
    DEPOT_UNUSED(d);
    if (err != NULL)
        report(sink->part, err);
    sink->part->ops->written(sink->part, sink->part->arg);
}

static ssize_t load_write(void *arg, const void *data, size_t n, struct depot_error *err)
{
    struct load_sink *sink = arg;
    return dp_docker_load_write(sink->load, data, n, err);
}

static void add_load(
    struct dp_part *p, const struct depot_docker_host *host, struct dp_session_output *out)
{
    static const struct dp_docker_load_ops ops = {.drained = load_drained, .done = load_done};
    struct load_sink *sink = depot_calloc(1, sizeof(*sink));
    sink->part = p;
    sink->index = p->outputs.len;
    depot_vec_push(&p->loads, sink);
    out->kind = DP_OUTPUT_SINK;
    out->sink = load_write;
    out->sink_arg = sink;
    sink->load = dp_docker_load_new(p->loop, host, &ops, sink);
}

bool dp_output_is_split(const struct depot_output *out)
{
    bool split = true;
    return depot_str_to_bool(depot_kvs_get(&out->attrs, "platform-split"), &split) != 0 || split;
}

/* A part of one platform that is loaded alone is told of no others, and so does not put its files
 * into a directory named after its platform: we do. */
static char *dir_of(struct dp_part *p, const struct depot_output *from)
{
    if (!p->is_lone || !dp_output_is_split(from))
        return from->dest;
    char *name = depot_strdup(p->platform);
    for (char *c = name; *c != '\0'; c++)
        if (*c == '/')
            *c = '_';
    depot_strv_push_take(&p->dirs, depot_path_join(from->dest, name));
    depot_free(name);
    return p->dirs.items[p->dirs.len - 1];
}

/* A part that makes all platforms needs no others; only of the format of type docker, which engines
 * make of one platform, there is always something left to do. */
static bool waits(const struct dp_part *p, const struct depot_output *out)
{
    if (p->platforms.len == 0)
        return false; /* the session of the daemon itself */
    return out->archive == DEPOT_ARCHIVE_DOCKER ||
           (out->archive != DEPOT_ARCHIVE_NONE && p->platforms.len < p->plan->platforms.len);
}

static int add_spool(struct dp_part *p, struct depot_error *err)
{
    struct dp_session_output out = {.kind = DP_OUTPUT_SPOOL, .fd = depot_file_scratch()};
    if (out.fd < 0) {
        depot_error_errno(err, errno, "cannot create a temporary file");
        return depot_error_hint(err, "set TMPDIR to a directory that can be written");
    }
    depot_vec_push(&p->outputs, out);
    return 0;
}

static void add_output(struct dp_part *p, const struct depot_output *from, struct dp_claims *claims)
{
    struct dp_session_output out = {.path = from->dest, .fd = -1, .keep = from->keep};
    switch (from->kind) {
    case DEPOT_OUTPUT_NONE:
    case DEPOT_OUTPUT_STORE:
        out.kind = DP_OUTPUT_NONE;
        break;
    case DEPOT_OUTPUT_DIR:
        out.kind = DP_OUTPUT_DIR;
        out.path = dir_of(p, from);
        out.claims = claims;
        break;
    case DEPOT_OUTPUT_FILE:
        out.kind = DP_OUTPUT_FILE;
        break;
    case DEPOT_OUTPUT_STDOUT:
        out.kind = DP_OUTPUT_FD;
        out.fd = 1;
        break;
    case DEPOT_OUTPUT_DOCKER:
        add_load(p, from->docker, &out);
        break;
    }
    depot_vec_push(&p->outputs, out);
}

/* As the daemon numbers this part's exports: without those of other platforms. */
static int fill_outputs(struct dp_part *p, struct depot_error *err)
{
    const struct depot_build_plan *plan = p->plan;
    int rc = 0;
    for (size_t i = 0; i < plan->outputs.len; i++)
        p->is_lone |= depot_str_eq(plan->outputs.items[i].platform, p->platform) &&
                      plan->outputs.items[i].archive == DEPOT_ARCHIVE_NONE;
    for (size_t i = 0; rc == 0 && i < plan->outputs.len; i++) {
        const struct depot_output *from = &plan->outputs.items[i];
        const bool is_ours = from->platform == NULL || depot_str_eq(from->platform, p->platform);
        const ssize_t at = is_ours ? (ssize_t)p->outputs.len : -1;
        depot_vec_push(&p->places, at);
        if (is_ours && waits(p, from))
            rc = add_spool(p, err);
        else if (is_ours)
            add_output(p, from, p->claims != NULL ? p->claims[i] : NULL);
    }
    return rc;
}

static int fill_config(struct dp_part *p, struct depot_error *err)
{
    const struct depot_build_plan *plan = p->plan;
    const int rc = fill_outputs(p, err);
    for (size_t i = 0; i < plan->stores.len; i++)
        depot_vec_push(&p->stores, plan->stores.items[i]);
    p->cfg = (struct dp_session_config){
        .dirs = plan->dirs.items,
        .ndirs = plan->dirs.len,
        .dockerfile_data = plan->stdin_data,
        .dockerfile_len = plan->stdin_len,
        .upload_id = plan->upload_id,
        .upload_fd = plan->upload_fd,
        .upload_at = plan->upload_at,
        .secrets = plan->secrets.items,
        .nsecrets = plan->secrets.len,
        .platforms = &p->platforms,
        .outputs = p->outputs.items,
        .noutputs = p->outputs.len,
        .ssh = plan->ssh.len > 0 ? &plan->ssh : NULL,
        .stores = p->stores.items,
        .nstores = p->stores.len,
        .docker_config = plan->args->docker_config,
    };
    return rc;
}

static int open_socket(struct dp_part *p, const struct dp_part_opts *o, struct depot_error *err)
{
    const bool named = p->platform[0] != '\0';
    char *path = depot_asprintf("/v1/builds/%s/session/%s%s%s", o->build, o->builder,
        named ? "?platform=" : "", p->platform);
    char *secret = o->secret != NULL ? depot_asprintf("Depot-Session: %s", o->secret) : NULL;
    struct dp_ws_opts opts = {
        .addr = &o->at->addr,
        .tls = &o->at->tls,
        .path = path,
        .protocol = "depot.session.v1",
        .token = o->at->token,
        .header = secret,
        .binary = true,
        .stream = true,
    };
    int rc = dp_ws_open(o->ws, &opts, &ws_ops, p, &p->ws, err);
    depot_free(path);
    depot_free(secret);
    return rc;
}

int dp_part_new(const struct dp_part_opts *o, const struct dp_part_ops *ops, void *arg,
    struct dp_part **out, struct depot_error *err)
{
    struct dp_part *p = depot_calloc(1, sizeof(*p));
    p->plan = o->plan;
    p->loop = o->loop;
    p->ops = ops;
    p->arg = arg;
    p->builder = depot_strdup(o->builder);
    depot_strv_copy(&p->platforms, o->platforms);
    p->platform = depot_strv_join(o->platforms, ",");
    p->claims = o->claims;
    int rc = fill_config(p, err);
    if (rc == 0)
        rc = open_socket(p, o, err);
    if (rc == 0) {
        p->pipe = dp_pipe_new(o->loop, &pipe_ops, p);
        rc = dp_session_new_take(
            o->loop, dp_pipe_stream(p->pipe), &p->cfg, &session_ops, p, &p->session, err);
    }
    if (rc != 0) {
        dp_part_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

const char *dp_part_builder(const struct dp_part *p)
{
    return p->builder;
}

const char *dp_part_platform(const struct dp_part *p)
{
    return p->platform;
}

const struct depot_strv *dp_part_platforms(const struct dp_part *p)
{
    return &p->platforms;
}

int dp_part_spool(const struct dp_part *p, size_t output)
{
    if (output >= p->places.len || p->places.items[output] < 0)
        return -1;
    const struct dp_session_output *out = &p->outputs.items[p->places.items[output]];
    return out->kind == DP_OUTPUT_SPOOL ? out->fd : -1;
}

bool dp_part_was_open(const struct dp_part *p)
{
    return p->opened;
}

bool dp_part_is_closed(const struct dp_part *p)
{
    return p->closed;
}

bool dp_part_busy(const struct dp_part *p)
{
    if (p->session != NULL && dp_session_busy(p->session) > 0)
        return true;
    for (size_t i = 0; i < p->loads.len; i++)
        if (dp_docker_load_busy(p->loads.items[i]->load))
            return true;
    return false;
}

const char *dp_part_last_blob(const struct dp_part *p, const char *store)
{
    for (size_t i = 0; i < p->stores.len; i++)
        if (depot_str_eq(p->stores.items[i].id, store))
            return p->stores.items[i].last;
    return "";
}

void dp_part_free(struct dp_part *p)
{
    if (p == NULL)
        return;
    p->closed = true;
    dp_session_free(p->session);
    if (p->pipe != NULL)
        dp_pipe_detach(p->pipe);
    dp_ws_free(p->ws);
    for (size_t i = 0; i < p->loads.len; i++) {
        dp_docker_load_free(p->loads.items[i]->load);
        depot_free(p->loads.items[i]);
    }
    depot_vec_free(&p->loads);
    for (size_t i = 0; i < p->outputs.len; i++)
        if (p->outputs.items[i].kind == DP_OUTPUT_SPOOL)
            close(p->outputs.items[i].fd);
    depot_vec_free(&p->outputs);
    depot_vec_free(&p->places);
    depot_strv_release(&p->dirs);
    depot_vec_free(&p->stores);
    depot_strv_release(&p->platforms);
    depot_free(p->builder);
    depot_free(p->platform);
    depot_free(p);
}
