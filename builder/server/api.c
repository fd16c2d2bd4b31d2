/*
 * The HTTP API: one handler a route. docs/api.md describes each.
 */
#include "server_priv.h"

#include <string.h>

static void get_healthz(struct conn *c, const struct route_args *args)
{
    DEPOT_UNUSED(args);
    server_reply(c, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

static void reply_record(struct conn *c, int status, const struct depot_record *r, const void *rec)
{
    struct depot_buf body = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    depot_record_encode(&body, r, rec);
    server_reply_json(c, status, &body);
}

static void get_version(struct conn *c, const struct route_args *args)
{
    static const struct depot_version version = {.version = DEPOT_VERSION, .api = 1};

    DEPOT_UNUSED(args);
    reply_record(c, 200, &depot_record_version, &version);
}

static void get_builders(struct conn *c, const struct route_args *args)
{
    struct depot_builders list = {.version = DEPOT_VERSION};

    DEPOT_UNUSED(args);
    list.builders =
        (struct depot_ev_builder *)c->server->api->builders(c->server->service, &list.nbuilders);
    reply_record(c, 200, &depot_record_builders, &list);
}

/* Answer with the builds of a query: all as a list, or the only one. */
static void reply_builds(struct conn *c, const struct store_query *q)
{
    struct depot_arena arena = {0};
    struct depot_builds list = {0};
    struct depot_error err;
    int r = store_query(c->server->store, q, &arena, &list.builds, &list.nbuilds, &err);

    if (q->id == NULL)
        c->server->api->builds_wanted(c->server->service);
    if (r == 0 && q->id != NULL && list.nbuilds == 0)
        r = depot_error_set(&err, DEPOT_ERR_NOT_FOUND, "there is no build %.64s", q->id);
    if (r != 0)
        server_reply_error(c, &err);
    else if (q->id != NULL)
        reply_record(c, 200, &depot_record_summary, &list.builds[0]);
    else
        reply_record(c, 200, &depot_record_builds, &list);
    depot_arena_release(&arena);
}

static bool query_number(struct conn *c, const char *name, int64_t max, int64_t *out)
{
    char text[24];
    struct depot_error err;

    if (!server_query(c, name, text, sizeof(text)) || depot_str_to_int64(text, 0, max, out) == 0)
        return true;
    depot_error_set(&err, DEPOT_ERR_INVALID, "`%s` is not a number", name);
    server_reply_error(c, &err);
    return false;
}

static void get_builds(struct conn *c, const struct route_args *args)
{
    char project[256], state[24], begins[64], user[256];
    struct store_query q = {0};
    struct depot_error err;
    int64_t limit = 0;

    DEPOT_UNUSED(args);
    if (!query_number(c, "limit", 10000, &limit))
        return;
    q.limit = (size_t)limit;
    q.project = server_query(c, "project", project, sizeof(project)) ? project : NULL;
    q.state = server_query(c, "state", state, sizeof(state)) ? state : NULL;
    q.begins = server_query(c, "begins", begins, sizeof(begins)) ? begins : NULL;
    q.user = server_query(c, "user", user, sizeof(user)) ? user : NULL;
    if (q.state != NULL && strcmp(q.state, "active") != 0 &&
        depot_build_state_from_name(q.state) < 0) {
        depot_error_set(&err, DEPOT_ERR_INVALID, "there is no state \"%s\"", q.state);
        depot_error_hint(&err, "active, created, queued, running, succeeded, failed, cancelled");
        server_reply_error(c, &err);
        return;
    }
    reply_builds(c, &q);
}

static void get_build(struct conn *c, const struct route_args *args)
{
    struct store_query q = {.id = args->values[0], .limit = 1};

    reply_builds(c, &q);
}

void server_tell_created(struct depot_created *to, const struct service_created *made)
{
    *to = (struct depot_created){
        .build = made->id,
        .state = depot_build_state_name(DEPOT_BUILD_CREATED),
        .session = made->secret,
        .join = made->join,
        .version = DEPOT_VERSION,
    };
    to->can = (const char **)depot_abilities(&to->ncan);
}

static int create(struct conn *c, struct service_created *made, struct depot_error *err)
{
    struct depot_build_request req;
    struct depot_arena arena = {0};
    int r = depot_record_decode(
        &depot_record_build_request, depot_buf_str(&c->in), c->in.len, &req, &arena, err);

    if (r == 0)
        r = c->server->api->create(c->server->service, &req, server_user(c), made, err);
    depot_arena_release(&arena);
    return r;
}

static void post_builds(struct conn *c, const struct route_args *args)
{
    struct service_created made;
    struct depot_created told;
    struct depot_error err;

    DEPOT_UNUSED(args);
    depot_error_clear(&err);
    if (create(c, &made, &err) != 0) {
        server_reply_error(c, &err);
        return;
    }
    server_tell_created(&told, &made);
    reply_record(c, 201, depot_record_of_response(DEPOT_QUERY_CREATE), &told);
}

static void post_cancel(struct conn *c, const struct route_args *args)
{
    struct depot_buf body = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_error err;

    depot_error_clear(&err);
    if (c->server->api->cancel(c->server->service, args->values[0], &err) != 0) {
        server_reply_error(c, &err);
        return;
    }
    depot_buf_adds(&body, "{}");
    server_reply_json(c, 202, &body);
}

static void get_events(struct conn *c, const struct route_args *args)
{
    struct depot_error err;
    int64_t after = 0, follow = 1;

    if (!query_number(c, "after", INT64_MAX, &after) || !query_number(c, "follow", 1, &follow))
        return;
    depot_error_clear(&err);
    server_stream(c, follow != 0);
    if (hub_subscribe_build(c->sub, args->values[0], (uint64_t)after, &err) == 0)
        return;
    c->streaming = false;
    server_reply_error(c, &err);
}

static void answer_to(struct conn *c, const struct depot_query *q)
{
    struct depot_error err;

    depot_error_clear(&err);
    if (server_ask(c, q, &err) != 0)
        server_reply_error(c, &err);
}

static void get_estimates(struct conn *c, const struct route_args *args)
{
    struct depot_query q = {.ask = DEPOT_QUERY_ESTIMATES, .build = args->values[0]};

    answer_to(c, &q);
}

static void get_cache(struct conn *c, const struct route_args *args)
{
    char builder[256];
    struct depot_query q = {.ask = DEPOT_QUERY_CACHE};

    DEPOT_UNUSED(args);
    q.builder = server_query(c, "builder", builder, sizeof(builder)) ? builder : NULL;
    answer_to(c, &q);
}

static void post_prune(struct conn *c, const struct route_args *args)
{
    struct depot_query q;
    struct depot_arena arena = {0};
    struct depot_error err;
    const char *body = c->in.len > 0 ? depot_buf_str(&c->in) : "{}";

    DEPOT_UNUSED(args);
    depot_error_clear(&err);
    if (server_op_parse_body(DEPOT_QUERY_PRUNE, body, strlen(body), &q, &arena, &err) == 0)
        answer_to(c, &q);
    else
        server_reply_error(c, &err);
    depot_arena_release(&arena);
}

const struct route server_routes[] = {
    {.method = ROUTE_POST, .pattern = "/v1/builds", .body = true, .fn = post_builds},
    {.method = ROUTE_GET, .pattern = "/v1/builds", .fn = get_builds},
    {.method = ROUTE_GET, .pattern = "/v1/builds/{id}", .fn = get_build},
    {.method = ROUTE_POST, .pattern = "/v1/builds/{id}/cancel", .fn = post_cancel},
    {.method = ROUTE_GET, .pattern = "/v1/builds/{id}/events", .fn = get_events},
    {.method = ROUTE_GET, .pattern = "/v1/builds/{id}/estimates", .fn = get_estimates},
    {.method = ROUTE_GET, .pattern = "/v1/builders", .fn = get_builders},
    {.method = ROUTE_GET, .pattern = "/v1/cache", .fn = get_cache},
    {.method = ROUTE_POST, .pattern = "/v1/cache/prune", .body = true, .fn = post_prune},
    {.method = ROUTE_GET, .pattern = "/healthz", .open = true, .fn = get_healthz},
    {.method = ROUTE_GET, .pattern = "/v1/version", .fn = get_version},
    {.method = ROUTE_GET, .pattern = "/v1/feed", .kind = ROUTE_FEED},
    {.method = ROUTE_GET, .pattern = "/v1/builds/{id}/session/{builder}", .kind = ROUTE_SESSION},
};
const size_t server_nroutes = DEPOT_ARRAY_LEN(server_routes);
