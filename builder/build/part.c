/*
 * A part's life: line, session, Solve, the last of Status. Drives one engine and tells one build.
 */
#include "part.h"

#include <depot/log.h>

#include <assert.h>
#include <string.h>

#include "part_again.h"
#include "part_bridge.h"
#include "part_export.h"
#include "part_hosts.h"
#include "part_policy.h"

#define DEPOT_LOG_MODULE "part"

enum {
    QUEUE_WAIT_S = 3600,
    SESSION_WAIT_S = 30,
    GRACE_S = 10,        /* for a client to open its session socket again */
    DRAIN_MS = 5 * 1000, /* without a status after Solve has ended */
    /* When Solve failed, or was taken back, before the engine made a job of it, Status has nothing
     * to say, ever. */
    DRAIN_UNSEEN_MS = 1000,
    CODE_CANCELLED = 1, /* google.rpc.Code */
    CODE_UNKNOWN = 2,
    CODE_DEADLINE = 4,
    CODE_UNAVAILABLE = 14,
};

static const char config_digest[] = "containerimage.config.digest";

#define TO(id) (1u << PART_##id)
static const struct {
    const char *name;
    unsigned moves;
} states[] = {
#define PART_STATE_ROW(id, text, to) [PART_##id] = {text, to},
    PART_STATES(PART_STATE_ROW)
#undef PART_STATE_ROW
};
static_assert(DEPOT_ARRAY_LEN(states) == PART_STATE_COUNT, "every state has a row");

static void set_state(struct part *p, enum part_state to) /* sole writer of p->state */
{
    assert(states[p->state].moves & (1u << to));
    depot_log_debug(
        "%s %s: %s -> %s", p->scope->id, p->platform, states[p->state].name, states[to].name);
    p->state = to;
}

bool part_over(const struct part *p)
{
    return p->state == PART_DONE;
}

/* Engines end the progress when all is exported, and go on to record the build. */
const char *part_pushed(const struct part *p)
{
    if (p->outcome.digest != NULL)
        return p->outcome.digest;
    return p->state == PART_SOLVING && p->status_eof ? part_digest_told(&p->told) : NULL;
}

/* ---- what the feed is told ---- */
static void emit(struct part *p, struct depot_event *ev)
{
    journal_append(p->scope->env->store, p->scope->id, ev);
}

static void emit_queued(struct part *p)
{
    struct depot_ev_builder b;
    engine_describe(p->engine, &b);
    char *reason = b.reason != NULL ? depot_asprintf("%s is down: %s", b.builder, b.reason)
                                    : depot_asprintf("%s is busy: %d of %d running", b.builder,
                                          b.running, b.capacity);
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_QUEUED};
    ev.u.queued = (struct depot_ev_queued){.platform = p->platform,
        .builder = b.builder,
        .reason = reason,
        .position = p->slot.position};
    emit(p, &ev);
    depot_free(reason);
}

static void emit_assigned(struct part *p)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_ASSIGNED};
    ev.u.assigned = (struct depot_ev_assigned){
        .platform = p->platform,
        .builder = engine_name(p->engine),
        .emulated = p->emulated.len > 0,
        .emulates = (const char **)p->emulated.items,
        .nemulates = p->emulated.len,
        .waited_ms = (int64_t)p->waited_ms,
        .ref = p->ref,
    };
    emit(p, &ev);
}

static void emit_result(struct part *p)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_RESULT};
    ev.u.result = (struct depot_ev_result){
        .platform = p->platform,
        .builder = engine_name(p->engine),
        .state = p->outcome.state,
        .digest = p->outcome.digest,
        .response = p->outcome.response,
        .nresponse = p->outcome.nresponse,
        .error = p->outcome.error,
    };
    emit(p, &ev);
}

/* ---- the end ---- */
/* What another build ran for this one failed under a digest of that build's. All that was told of
 * steps has been read by now. */
static void own_failed_step(struct part *p)
{
    struct depot_build_error *e = p->outcome.error;
    if (e != NULL)
        e->vertex = steps_digest(p->steps, e->vertex);
}

static void finish(struct part *p)
{
    set_state(p, PART_DONE);
    engine_call_free(p->engine, p->solve);
    engine_call_free(p->engine, p->status);
    p->solve = p->status = NULL;
    part_push_free(p->push);
    p->push = NULL;
    depot_timer_stop(p->timer);
    depot_timer_stop(p->grace);
    own_failed_step(p);
    emit_result(p);
    engine_leave(&p->slot);
    if (p->relay != NULL) {
        struct relay *r = p->relay;
        p->relay = NULL;
        relay_end(r, 1000, "the part is over");
    }
    p->ops->done(p, p->arg);
}

static void fail(struct part *p, int code, const char *text)
{
    part_outcome_fail(&p->outcome, DEPOT_BUILD_FAILED, code, "%s", text);
    finish(p);
}

/* Nothing of the first try stays, so that the second has an outcome of its own. */
static void forget_try(struct part *p)
{
    engine_call_free(p->engine, p->status);
    p->status = NULL;
    part_bridge_free(p->bridge);
    p->bridge = NULL;
    part_outcome_release(&p->outcome);
    p->again = p->status_seen = p->status_eof = false;
    p->told = (struct part_digest){0};
    set_state(p, PART_AGAIN);
}

static void push_again(struct part *p)
{
    part_again_tell(p);
    forget_try(p);
    p->was_again = true;
    depot_timer_start(p->timer, PART_AGAIN_MS, 0);
}

/* An engine from before gateways builds all the same, with steps that are told as they come. */
static bool is_without_gateway(const struct part *p, const struct depot_bk_result *res)
{
    return res->no_gateway && p->scope->req.call == NULL && p->foreign.len == 0;
}

/* All there is to know is known: name the cause of a broken connection, and end. */
static void drained(struct part *p)
{
    if (p->again && !p->lost) {
        push_again(p);
        return;
    }
    if (p->transport && !p->status_eof) {
        char *text = depot_asprintf("builder %s went away while building (%s)",
            engine_name(p->engine), p->outcome.error->message);
        part_outcome_fail(&p->outcome, DEPOT_BUILD_FAILED, CODE_UNAVAILABLE, "%s", text);
        depot_free(text);
    }
    finish(p);
}

static void drain(struct part *p)
{
    if (p->status == NULL) {
        drained(p);
        return;
    }
    set_state(p, PART_DRAINING);
    engine_driver(p->engine)->status_hurry(p->status);
    bool unseen = p->outcome.state != DEPOT_BUILD_SUCCEEDED && !p->status_seen;
    depot_timer_start(p->timer, unseen ? DRAIN_UNSEEN_MS : DRAIN_MS, 0);
}

/* The engine only knows that a session is missing, not why. */
static void fail_for_client(struct part *p)
{
    static const char lost[] = "the client's connection was lost";
    struct part_outcome old = p->outcome;
    p->outcome = (struct part_outcome){0};
    if (old.error->code == CODE_CANCELLED) {
        p->ops->say(lost, p->arg);
        part_outcome_set(&p->outcome, DEPOT_BUILD_CANCELLED, NULL, 0, NULL);
    } else {
        struct depot_build_error error = *old.error;
        char *text = depot_asprintf("%s (%s before)", old.error->message, lost);
        error.message = text;
        part_outcome_set(&p->outcome, DEPOT_BUILD_FAILED, NULL, 0, &error);
        depot_free(text);
    }
    part_outcome_release(&old);
}

/* ---- the push of a Docker Engine ---- */

/* What the Engine calls the image's digest is its id; now it has one in the registry, too. */
static void set_pushed(struct part *p, const char *digest)
{
    static const char key[] = "containerimage.digest";
    struct part_outcome old = p->outcome;
    struct depot_pair *pairs = depot_calloc(old.nresponse + 2, sizeof(*pairs));
    size_t n = 0;
    bool has_id = false;
    for (size_t i = 0; i < old.nresponse; i++) {
        has_id |= depot_str_eq(old.response[i].key, config_digest);
        if (!depot_str_eq(old.response[i].key, key))
            pairs[n++] = old.response[i];
    }
    if (!has_id && old.digest != NULL)
        pairs[n++] = (struct depot_pair){config_digest, old.digest};
    pairs[n++] = (struct depot_pair){key, digest};
    p->outcome = (struct part_outcome){0};
    part_outcome_set(&p->outcome, old.state, pairs, n, NULL);
    part_outcome_release(&old);
    depot_free(pairs);
}

static void on_pushed(struct part *p, const char *digest, const struct depot_error *err)
{
    if (err != NULL)
        part_outcome_fail(&p->outcome, DEPOT_BUILD_FAILED, CODE_UNKNOWN, "%s", err->msg);
    else if (digest != NULL)
        set_pushed(p, digest);
    part_push_free(p->push);
    p->push = NULL;
    drain(p);
}

/* ---- solve and status ---- */
/* In the containerd store of a Docker Engine an image is known by its manifest's digest, not by its
 * configuration's: nobody is to take that for its id. */
static void succeeded(struct part *p, const struct depot_bk_result *res)
{
    const bool by_manifest =
        engine_is_docker(p->engine) && !(engine_caps(p->engine) & DEPOT_BK_CAP_MOBY);
    struct depot_pair *pairs = depot_calloc(res->nresponse + 1, sizeof(*pairs));
    size_t n = 0;
    for (size_t i = 0; i < res->nresponse; i++)
        if (!by_manifest || !depot_str_eq(res->response[i].key, config_digest))
            pairs[n++] = res->response[i];
    part_outcome_set(&p->outcome, DEPOT_BUILD_SUCCEEDED, pairs, n, NULL);
    depot_free(pairs);
}

static void on_solved(struct depot_bk_call *c, const struct depot_bk_result *res, void *arg)
{
    struct part *p = arg;
    DEPOT_UNUSED(c);
    engine_call_free(p->engine, p->solve);
    p->solve = NULL;
    if (is_without_gateway(p, res)) {
        forget_try(p);
        depot_timer_start(p->timer, 0, 0);
        return;
    }
    if (res->error == NULL) {
        succeeded(p, res);
    } else {
        part_outcome_set(&p->outcome, DEPOT_BUILD_FAILED, NULL, 0, res->error);
        p->transport = res->error->code == CODE_UNAVAILABLE && res->error->vertex == NULL;
    }
    if (p->transport)
        engine_suspect(p->engine);
    else if (p->outcome.error != NULL && p->lost)
        fail_for_client(p);
    else
        p->again = !p->was_again && part_again_worth(p);
    if (p->outcome.state == DEPOT_BUILD_SUCCEEDED && part_pushes(p)) {
        set_state(p, PART_PUSHING);
        p->push = part_push_new(p, on_pushed);
    } else {
        drain(p);
    }
}

/* "[stage 1/2] RUN x" as engines name it where the build has several platforms. */
static void name_platform(const struct part *p, struct depot_event *ev)
{
    struct depot_status *st = &ev->u.status.status;
    if (st->nvertexes == 0)
        return;
    struct depot_vertex *named =
        depot_arena_alloc(&ev->arena, st->nvertexes * sizeof(*st->vertexes));
    memcpy(named, st->vertexes, st->nvertexes * sizeof(*named));
    for (size_t i = 0; i < st->nvertexes; i++) {
        if (named[i].name == NULL || named[i].name[0] != '[')
            continue;
        char *name = depot_asprintf("[%s %s", p->platform, named[i].name + 1);
        named[i].name = depot_arena_strdup(&ev->arena, name);
        depot_free(name);
    }
    st->vertexes = named;
}

static void tell_status(struct part *p, struct depot_event *ev)
{
    if (part_is_lone_image(p))
        name_platform(p, ev);
    emit(p, ev);
    depot_arena_release(&ev->arena);
}

void part_tell(struct part *p, const struct depot_status *st)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    ev.u.status = (struct depot_ev_status){
        .platform = p->platform, .builder = engine_name(p->engine), .status = *st};
    tell_status(p, &ev);
}

static void on_status(struct depot_bk_call *c, const struct depot_status *st, void *arg)
{
    struct part *p = arg;
    DEPOT_UNUSED(c);
    p->status_seen = true;
    part_digest_note(&p->told, st);
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    ev.u.status = (struct depot_ev_status){
        .platform = p->platform, .builder = engine_name(p->engine), .status = *st};
    steps_translate(p->steps, &ev.u.status.status, &ev.arena);
    tell_status(p, &ev);
    if (p->state == PART_DRAINING)
        depot_timer_start(p->timer, DRAIN_MS, 0);
}

static void on_status_done(struct depot_bk_call *c, const struct depot_error *err, void *arg)
{
    struct part *p = arg;
    DEPOT_UNUSED(c);
    if (err != NULL)
        depot_log_debug("%s %s: status: %s", p->scope->id, p->platform, err->msg);
    engine_call_free(p->engine, p->status);
    p->status = NULL;
    p->status_eof = err == NULL;
    if (p->state == PART_DRAINING)
        drained(p);
    else if (p->status_eof)
        p->ops->pushed(p->arg);
}

static const struct depot_bk_status_ops status_ops = {
    .status = on_status,
    .done = on_status_done,
};

/* Provenance that nobody asked for is only for engines that can keep it beside the image. */
static void drop_inline_provenance(const struct part *p, struct depot_kvs *attrs)
{
    static const char key[] = "attest:provenance";
    const char *value = depot_kvs_get(attrs, key);
    const unsigned caps = engine_caps(p->engine);
    const bool can = (caps & DEPOT_BK_CAP_ATTESTATIONS) != 0 && (caps & DEPOT_BK_CAP_MOBY) == 0;
    if (!can && value != NULL && strstr(value, "inline-only=true") != NULL)
        depot_kvs_unset(attrs, key);
}

static void solve_attrs(const struct part *p, struct depot_kvs *attrs)
{
    const struct depot_build_request *req = &p->scope->req;
    depot_kvs_copy(attrs, &req->attrs);
    depot_kvs_set(attrs, "platform", p->platform);
    /* Step names then carry their platform, on every builder alike. */
    if (req->info.nplatforms + req->join_with.len > 1 && !part_is_lone_image(p))
        depot_kvs_set(attrs, "multi-platform", "true");
    if (req->info.target != NULL && *req->info.target != '\0' &&
        depot_kvs_get(attrs, "target") == NULL)
        depot_kvs_set(attrs, "target", req->info.target);
    drop_inline_provenance(p, attrs);
}

/* Rules about sources, for an engine that holds to them. The caller frees *out. */
static int source_policy(const struct part *p, void **out, size_t *len, struct depot_error *err)
{
    const char *text = p->scope->req.source_policy;
    *out = NULL;
    *len = 0;
    if (text == NULL)
        return 0;
    if ((engine_caps(p->engine) & DEPOT_BK_CAP_SOURCE_POLICY) == 0)
        return depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
            "builder %s cannot enforce a source policy", engine_name(p->engine));
    *out = depot_alloc(strlen(text) / 4 * 3 + 3);
    if (depot_base64_decode(*out, len, text, strlen(text)) == 0)
        return 0;
    depot_free(*out);
    *out = NULL;
    return depot_error_set(err, DEPOT_ERR_INVALID, "the source policy is not base64");
}

static int solve_start(struct part *p, struct depot_error *err)
{
    const struct depot_build_request *req = &p->scope->req;
    struct depot_kvs attrs = {0};
    struct part_exports exports = {0};
    void *policy = NULL;
    size_t policy_len = 0;
    int rc = source_policy(p, &policy, &policy_len, err);
    if (rc == 0)
        rc = part_exports_fill(&exports, p, err);
    if (rc != 0) {
        depot_free(policy);
        part_exports_release(&exports);
        return rc;
    }
    solve_attrs(p, &attrs);
    rc = part_hosts_fill(&attrs, engine_host_gateway(p->engine), engine_name(p->engine), err);
    const struct depot_bk_solve solve = {
        .ref = p->ref,
        .session = req->session ? p->session : NULL,
        .frontend = req->frontend != NULL ? req->frontend : "",
        .attrs = &attrs,
        .exports = exports.items,
        .nexports = exports.len,
        .cache_exports = req->cache_exports,
        .ncache_exports = req->ncache_exports,
        .entitlements = &req->entitlements,
        .source_policy = policy,
        .source_policy_len = policy_len,
    };
    if (rc == 0)
        rc = part_bridge_solve(p, &solve, on_solved, err);
    depot_kvs_release(&attrs);
    part_exports_release(&exports);
    depot_free(policy);
    return rc;
}

static void cannot_start(struct part *p, const struct depot_error *err)
{
    p->solve = NULL;
    part_outcome_fail(&p->outcome, DEPOT_BUILD_FAILED, CODE_UNAVAILABLE, "%s", err->msg);
    depot_timer_start(p->timer, 0, 0); /* not from inside the call that began it */
}

static void begin(struct part *p)
{
    struct depot_error err = {0};
    /* The engine's history will show this build too: it is not a stranger's. */
    store_seen_ref(p->scope->env->store, engine_name(p->engine), p->ref);
    records_add(&p->scope->env->records, p->ref, p->scope->secret);
    if (solve_start(p, &err) != 0) {
        cannot_start(p, &err);
        return;
    }
    /* Exactly once, right after Solve: engines before 0.11 give a second reader nothing. */
    if (engine_driver(p->engine)->status(
            engine_bk(p->engine), p->ref, &status_ops, p, &p->status, &err) != 0) {
        depot_log_warn("%s %s: no status: %s", p->scope->id, p->platform, err.msg);
        p->status = NULL;
    }
}

static void on_policy(struct depot_bk_call *c, const struct depot_bk_result *res, void *arg)
{
    struct part *p = arg;
    if (res->error != NULL) {
        on_solved(c, res, p);
        return;
    }
    engine_call_free(p->engine, p->solve);
    p->solve = NULL;
    begin(p);
}

static int ask_for_policy(struct part *p, struct depot_error *err)
{
    struct depot_kvs attrs = {0};
    void *rules = NULL;
    size_t n = 0;
    int rc = source_policy(p, &rules, &n, err);
    solve_attrs(p, &attrs);
    const struct depot_bk_solve req = {
        .attrs = &attrs, .source_policy = rules, .source_policy_len = n};
    if (rc == 0)
        rc = part_policy_ask(p, &req, on_policy, err);
    depot_kvs_release(&attrs);
    depot_free(rules);
    return rc;
}

static void solve(struct part *p)
{
    struct depot_error err = {0};
    depot_timer_stop(p->timer);
    set_state(p, PART_SOLVING);
    if (p->scope->req.policy_file == NULL)
        begin(p);
    else if (ask_for_policy(p, &err) != 0)
        cannot_start(p, &err);
}

/* An engine knows the second try by a reference of its own, which clients are told. */
static void solve_again(struct part *p)
{
    depot_random_id(p->ref, PART_ID_LEN);
    emit_assigned(p);
    set_state(p, PART_SOLVING);
    begin(p);
}

/* ---- line and session ---- */
static void assigned(struct part *p)
{
    p->waited_ms = depot_mono_ms() - p->entered_ms;
    emit_assigned(p);
    if (!p->scope->req.session) {
        solve(p);
        return;
    }
    set_state(p, PART_WAITING);
    depot_timer_start(p->timer, p->ops->abandoned(p->arg) ? 0 : (uint64_t)SESSION_WAIT_S * 1000, 0);
}

static void on_ready(struct engine_slot *s)
{
    struct part *p = DEPOT_CONTAINER_OF(s, struct part, slot);
    depot_timer_stop(p->timer);
    assigned(p);
}

static void on_moved(struct engine_slot *s)
{
    emit_queued(DEPOT_CONTAINER_OF(s, struct part, slot));
}

void part_start(struct part *p)
{
    if (p->state != PART_NEW)
        return; /* cancelled before it began */
    p->entered_ms = depot_mono_ms();
    if (engine_enter(p->engine, &p->slot)) {
        assigned(p);
        return;
    }
    set_state(p, PART_QUEUED);
    depot_timer_start(p->timer, QUEUE_WAIT_S * 1000, 0);
    emit_queued(p);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct part *p = arg;
    char *text = NULL;
    DEPOT_UNUSED(t);
    switch (p->state) {
    case PART_QUEUED:
        text = depot_asprintf("waited %d minutes for builder %s and gave up", QUEUE_WAIT_S / 60,
            engine_name(p->engine));
        fail(p, CODE_DEADLINE, text);
        break;
    case PART_WAITING:
        if (p->ops->abandoned(p->arg)) {
            p->ops->client_lost("its client was gone before it began", p->arg);
            break;
        }
        text = depot_asprintf("the client did not open its session with builder %s within %d s",
            engine_name(p->engine), SESSION_WAIT_S);
        fail(p, CODE_DEADLINE, text);
        break;
    case PART_SOLVING: /* it could not be started */
        finish(p);
        break;
    case PART_DRAINING:
        drained(p);
        break;
    case PART_AGAIN:
        solve_again(p);
        break;
    default:
        break;
    }
    depot_free(text);
}

static void on_grace(struct depot_timer *t, void *arg)
{
    struct part *p = arg;
    DEPOT_UNUSED(t);
    p->ops->client_lost("the client's connection was lost", p->arg);
}

int part_session_wanted(const struct part *p, struct depot_error *err)
{
    const char *name = engine_name(p->engine);
    if (!p->scope->req.session)
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "build %s was created without a session", p->scope->id);
    if (p->relay != NULL)
        return depot_error_set(
            err, DEPOT_ERR_EXISTS, "build %s has its session with builder %s", p->scope->id, name);
    if (p->state == PART_WAITING || p->state == PART_SOLVING || p->state == PART_AGAIN)
        return 0;
    return depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "build %s is %s on builder %s", p->scope->id,
        p->state < PART_WAITING ? "still in line" : "over", name);
}

static void on_client_gone(void *arg)
{
    struct part *p = arg;
    p->relay = NULL;
    p->lost = true;
    if ((p->state == PART_SOLVING || p->state == PART_AGAIN) && !p->scope->req.detach)
        depot_timer_start(p->grace, GRACE_S * 1000, 0);
}

static void on_context(struct depot_event *ev, void *arg)
{
    struct part *p = arg;
    ev->u.context.platform = p->platform;
    emit(p, ev);
}

static const struct relay_owner relay_owner = {.gone = on_client_gone, .context = on_context};

int part_open_session(struct part *p, const struct relay_ops *ops, void *arg, struct relay **out,
    struct depot_error *err)
{
    const struct depot_build_request *req = &p->scope->req;
    const struct relay_session session = {.id = p->session,
        .shared_key = req->shared_key != NULL ? req->shared_key : "",
        .methods = &req->methods};
    int rc = part_session_wanted(p, err);
    if (rc == 0)
        rc = relay_to_engine(
            &p->scope->env->relays, p->engine, &session, &relay_owner, p, ops, arg, out, err);
    if (rc != 0)
        return rc;
    p->relay = *out;
    p->lost = false;
    depot_timer_stop(p->grace);
    if (p->state == PART_WAITING)
        solve(p);
    return 0;
}

/* ---- cancelling ---- */
void part_cancel(struct part *p)
{
    if ((p->state == PART_DRAINING && !p->again) || p->state == PART_DONE)
        return; /* it has an outcome */
    p->again = false;
    part_outcome_set(&p->outcome, DEPOT_BUILD_CANCELLED, NULL, 0, NULL);
    if (p->state == PART_DRAINING)
        return;
    if (p->state != PART_SOLVING && p->state != PART_PUSHING) {
        finish(p);
        return;
    }
    engine_call_free(p->engine, p->solve); /* this is what tells the engine */
    p->solve = NULL;
    part_push_free(p->push);
    p->push = NULL;
    drain(p);
}

void part_abort(struct part *p)
{
    part_cancel(p);
    if (!part_over(p))
        finish(p);
}

struct part *part_new(const struct build_scope *scope, const struct placement_part *plan,
    const struct part_ops *ops, void *arg)
{
    struct depot_loop *l = scope->env->loop;
    struct part *p = depot_calloc(1, sizeof(*p));
    p->scope = scope;
    p->ops = ops;
    p->arg = arg;
    p->engine = scope->env->engines[plan->engine];
    p->platform = depot_strv_join(&plan->platforms, ",");
    for (size_t i = 0; i < plan->emulated.len; i++)
        depot_strv_push(&p->emulated, plan->emulated.items[i]);
    depot_strv_copy(&p->foreign, &plan->foreign);
    p->exports = plan->group;
    p->slot.ready = on_ready;
    p->slot.moved = on_moved;
    p->timer = depot_timer_new(l, on_timer, p);
    p->grace = depot_timer_new(l, on_grace, p);
    depot_random_id(p->ref, PART_ID_LEN);
    depot_random_id(p->session, PART_ID_LEN);
    return p;
}

void part_free(struct part *p)
{
    if (p == NULL)
        return;
    assert(part_over(p) && p->slot.engine == NULL);
    depot_timer_free(p->timer);
    depot_timer_free(p->grace);
    part_outcome_release(&p->outcome);
    part_bridge_free(p->bridge);
    steps_free(p->steps);
    part_policy_free(p);
    depot_strv_release(&p->emulated);
    depot_strv_release(&p->foreign);
    depot_free(p->platform);
    depot_free(p);
}
