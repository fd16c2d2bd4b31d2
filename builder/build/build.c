/*
 * A build of ours: its parts together, and how it ends. What a part does is the part's business.
 */
#include "build.h"

#include <depot/log.h>

#include <string.h>

#include "builder/feed/hub.h"
#include "client.h"
#include "definition.h"
#include "join.h"

#define DEPOT_LOG_MODULE "build"

enum { CLIENT_BACK_MS = 2000 }; /* a connection that broke is there again, or its client is gone */

static void append_created(struct build *b)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_CREATED, .u.created = b->scope.req.info};
    ev.u.created.origin = "depot";
    journal_append(b->scope.env->store, b->scope.id, &ev);
}

static void append_definition(struct build *b)
{
    const struct depot_build_request *r = &b->scope.req;
    struct definition d = {0};
    for (size_t i = 0; i < r->attrs.len; i++)
        definition_attr(&d, b->scope.env->store, r->attrs.items[i].key, r->attrs.items[i].value);
    d.ev.has_settings = r->has_settings;
    d.ev.settings = r->settings;
    d.ev.nsettings = r->nsettings;
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_DEFINITION, .u.definition = d.ev};
    journal_append(b->scope.env->store, b->scope.id, &ev);
    definition_release(&d);
}

/* ---- a client that does not come ---- */

/* Once a part runs, or has its session, the patience is that part's. */
static bool has_begun(const struct build *b)
{
    for (size_t i = 0; i < b->nparts; i++)
        if (b->parts[i]->state > PART_WAITING)
            return true;
    return false;
}

static bool is_abandoned(const struct build *b)
{
    return b->orphan && b->scope.req.session && !b->scope.req.detach && !has_begun(b) &&
           !hub_is_followed(b->scope.env->hub, b->scope.id);
}

static void on_gone(struct depot_timer *t, void *arg)
{
    struct build *b = arg;
    DEPOT_UNUSED(t);
    if (!b->over && is_abandoned(b))
        build_cancel(b, "its client was gone before it began");
}

void build_client_gone(struct build *b)
{
    b->orphan = true;
    depot_timer_start(b->gone, CLIENT_BACK_MS, 0);
}

/* ---- life ---- */

static bool any_pushes(const struct build *b)
{
    for (size_t i = 0; i < b->nparts; i++)
        if (part_pushes(b->parts[i]))
            return true;
    return false;
}

static const struct part_ops part_ops;
static const struct join_ops join_ops;

static void make_parts(struct build *b, const struct placement *plan)
{
    b->parts = depot_calloc(plan->nparts, sizeof(struct part *));
    for (size_t i = 0; i < plan->nparts; i++)
        b->parts[b->nparts++] = part_new(&b->scope, &plan->parts[i], &part_ops, b);
}

struct build *build_new(struct build_env *env, const struct depot_build_request *req,
    struct depot_arena *arena, const struct placement *plan)
{
    struct build *b = depot_calloc(1, sizeof(*b));
    struct build_scope *scope = &b->scope;
    scope->env = env;
    scope->req = *req;
    scope->arena = *arena;
    *arena = (struct depot_arena){0};
    scope->nparts = plan->nparts;
    scope->joins =
        plan->nparts + scope->req.join_with.len > 1 && request_join_export(&scope->req) >= 0;
    journal_new_id(env->store, scope->id);
    depot_random_id(scope->secret, BUILD_SECRET_LEN);
    b->gone = depot_timer_new(env->loop, on_gone, b);
    make_parts(b, plan);
    if (scope->joins)
        b->join = join_new(scope, b->parts, b->nparts, &join_ops, b);
    if (b->join != NULL || any_pushes(b))
        scope->client = client_new(scope);
    depot_map_set(env->builds, scope->id, b);
    append_created(b);
    append_definition(b);
    return b;
}

void build_start(struct build *b)
{
    for (size_t i = 0; i < b->nparts; i++)
        part_start(b->parts[i]);
}

struct part *build_part(const struct build *b, const char *builder, const char *platform)
{
    struct part *any = NULL;
    for (size_t i = 0; i < b->nparts; i++) {
        struct part *p = b->parts[i];
        if (!depot_str_eq(engine_name(p->engine), builder))
            continue;
        any = p;
        if (platform != NULL ? depot_str_eq(p->platform, platform)
                             : part_session_wanted(p, NULL) == 0)
            return p;
    }
    return platform != NULL ? NULL : any;
}

static void build_free(void *arg)
{
    struct build *b = arg;
    for (size_t i = 0; i < b->nparts; i++)
        part_free(b->parts[i]);
    join_free(b->join);
    client_free(b->scope.client);
    depot_free(b->parts);
    depot_timer_free(b->gone);
    depot_arena_release(&b->scope.arena);
    depot_free(b->message);
    depot_free(b);
}

static enum depot_build_state parts_state(const struct build *b)
{
    enum depot_build_state state = DEPOT_BUILD_SUCCEEDED;
    for (size_t i = 0; i < b->nparts; i++) {
        if (b->parts[i]->outcome.state == DEPOT_BUILD_FAILED)
            return DEPOT_BUILD_FAILED;
        if (b->parts[i]->outcome.state != DEPOT_BUILD_SUCCEEDED)
            state = DEPOT_BUILD_CANCELLED;
    }
    return state;
}

static enum depot_build_state end_state(const struct build *b)
{
    enum depot_build_state state = parts_state(b);
    return b->join != NULL && state == DEPOT_BUILD_SUCCEEDED ? join_state(b->join) : state;
}

static void end(struct build *b)
{
    struct build_env *env = b->scope.env;
    b->over = true;
    client_end(b->scope.client);
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_FINISHED};
    ev.u.finished.state = end_state(b);
    if (ev.u.finished.state != DEPOT_BUILD_SUCCEEDED)
        ev.u.finished.message = b->message;
    else if (b->join != NULL)
        ev.u.finished.joined = *join_result(b->join);
    journal_append(env->store, b->scope.id, &ev);
    depot_log_info("build %s %s%s%s", b->scope.id, depot_build_state_name(ev.u.finished.state),
        b->message != NULL ? ": " : "", b->message != NULL ? b->message : "");
    depot_map_remove(env->builds, b->scope.id);
    /* Not before the callbacks that led here have returned through the parts. */
    depot_loop_defer(env->loop, build_free, b);
}

/* Why the build fails, in one line. */
static void keep_reason(struct build *b, const struct part *p)
{
    if (p->outcome.state != DEPOT_BUILD_FAILED || b->message != NULL || p->outcome.error == NULL)
        return;
    const char *text = p->outcome.error->message;
    int n = (int)strcspn(text, "\r\n");
    b->message = b->nparts > 1 ? depot_asprintf("%s: %.*s", p->platform, n, text)
                               : depot_asprintf("%.*s", n, text);
}

static void say(const char *why, void *arg)
{
    struct build *b = arg;
    if (b->message == NULL)
        b->message = depot_strdup(why);
}

static void add(const char *what, void *arg)
{
    struct build *b = arg;
    char *text = depot_asprintf("%s; %s", b->message, what);
    depot_free(b->message);
    b->message = text;
}

static void on_part_done(struct part *p, void *arg)
{
    struct build *b = arg;
    keep_reason(b, p);
    /* What one part could not make, the others make in vain, unless what they made is wanted. */
    if (p->outcome.state != DEPOT_BUILD_SUCCEEDED && !b->scope.req.keep_going)
        for (size_t i = 0; i < b->nparts; i++)
            if (b->parts[i] != p)
                part_cancel(b->parts[i]);
    for (size_t i = 0; i < b->nparts; i++)
        if (!part_over(b->parts[i]))
            return;
    if (b->over)
        return;
    if (b->join != NULL && parts_state(b) == DEPOT_BUILD_SUCCEEDED)
        join_begin(b->join);
    else
        end(b);
}

static void on_part_pushed(void *arg)
{
    struct build *b = arg;
    if (b->join != NULL)
        join_prepare(b->join);
}

static void on_joined(struct join *j, void *arg)
{
    struct build *b = arg;
    DEPOT_UNUSED(j);
    if (!b->over)
        end(b);
}

static void on_client_lost(const char *why, void *arg)
{
    build_cancel(arg, why);
}

static bool on_abandoned(void *arg)
{
    return is_abandoned(arg);
}

static const struct part_ops part_ops = {
    .done = on_part_done,
    .pushed = on_part_pushed,
    .say = say,
    .client_lost = on_client_lost,
    .abandoned = on_abandoned,
};

static const struct join_ops join_ops = {.over = on_joined, .say = say, .add = add};

void build_cancel(struct build *b, const char *why)
{
    say(why, b);
    for (size_t i = 0; i < b->nparts; i++)
        part_cancel(b->parts[i]);
    if (b->join != NULL)
        join_cancel(b->join);
}

void build_abort(struct build *b)
{
    say("the daemon was stopped", b);
    for (size_t i = 0; i < b->nparts; i++)
        part_abort(b->parts[i]);
    if (b->join != NULL)
        join_abort(b->join);
    if (!b->over)
        end(b);
}
