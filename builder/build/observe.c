/*
 * Builds of other clients on an engine: followed from its history, replayed from its status, told
 * as ours are. Only watches; engines without history have none.
 */
#include "observe.h"

#include <depot/buf.h>
#include <depot/log.h>

#include <string.h>

#include "definition.h"
#include "journal.h"
#include "part_outcome.h"

#define DEPOT_LOG_MODULE "observe"

enum {
    WATCHED_MAX = 256,  /* builds at once; more are not looked at */
    WAIT_MS = 5 * 1000, /* for the record after the status, or the other way round */
    REOPEN_MS = 1000,
    RECENT_S = 60, /* a record that completed longer ago is no news */
    PAST_MAX = 64, /* builds that were over before, and may be asked for */
    COMMAND_MAX = 1024,
    CODE_CANCELLED = 1,
    CODE_UNKNOWN = 2,
};

struct watched {
    struct observer *observer;
    char id[BUILD_ID_LEN + 1];
    char *ref, *platform;
    struct depot_bk_call *status; /* NULL: read to its end */
    struct depot_timer *timer;
    bool complete; /* the record said how it ended */
    struct part_outcome outcome;
    TAILQ_ENTRY(watched) entry;
};
TAILQ_HEAD(watched_list, watched);

struct observer {
    struct depot_loop *loop;
    struct store *store;
    struct engine *engine;
    struct depot_bk_call *history;
    struct depot_timer *reopen;
    depot_time since; /* when we began to listen */
    /* Builds that were over by then are told when somebody wants to know what was built: an engine
     * says of each once more that it is complete, seconds after its end, and to read all its
     * progress would cost every daemon that starts for a build of its own. */
    bool wanted;
    struct depot_strv past;       /* their refs */
    struct depot_bk_call *lookup; /* of the first of them */
    struct watched_list builds;
    size_t nbuilds;
};

static const char *attr(const struct depot_bk_record *rec, const char *key)
{
    for (size_t i = 0; i < rec->nattrs; i++)
        if (depot_str_eq(rec->attrs[i].key, key))
            return rec->attrs[i].value;
    return NULL;
}

/* ---- the end of one ---- */
static void append(struct watched *w, struct depot_event *ev)
{
    journal_append(w->observer->store, w->id, ev);
}

static void append_end(struct watched *w)
{
    const struct part_outcome *o = &w->outcome;
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_RESULT};
    ev.u.result = (struct depot_ev_result){
        .platform = w->platform,
        .builder = engine_name(w->observer->engine),
        .state = o->state,
        .digest = o->digest,
        .response = o->response,
        .nresponse = o->nresponse,
        .error = o->error,
    };
    append(w, &ev);
    char *message = NULL;
    if (o->error != NULL && o->state != DEPOT_BUILD_SUCCEEDED)
        message = depot_strndup(o->error->message, strcspn(o->error->message, "\r\n"));
    struct depot_event fin = {.type = DEPOT_EVENT_BUILD_FINISHED};
    fin.u.finished.state = o->state;
    fin.u.finished.message = message;
    append(w, &fin);
    depot_free(message);
}

static void watched_end(struct watched *w)
{
    struct observer *o = w->observer;
    engine_call_free(w->observer->engine, w->status);
    depot_timer_free(w->timer);
    if (!w->complete)
        part_outcome_fail(&w->outcome, DEPOT_BUILD_FAILED, CODE_UNKNOWN,
            engine_is_up(o->engine) ? "builder %s did not say how the build ended"
                                    : "builder %s went away while building",
            engine_name(o->engine));
    append_end(w);
    TAILQ_REMOVE(&o->builds, w, entry);
    o->nbuilds--;
    engine_observed(o->engine, -1);
    part_outcome_release(&w->outcome);
    depot_free(w->ref);
    depot_free(w->platform);
    depot_free(w);
}

/* Both ends have to be seen: the record (how) and the status (all steps). */
static void check_end(struct watched *w)
{
    if (w->complete && w->status == NULL)
        watched_end(w);
    else if (w->complete || w->status == NULL)
        depot_timer_start(w->timer, WAIT_MS, 0);
}

static void on_patience(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    watched_end(arg);
}

/* ---- its status ---- */
static void on_status(struct depot_bk_call *c, const struct depot_status *st, void *arg)
{
    struct watched *w = arg;
    DEPOT_UNUSED(c);
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    ev.u.status = (struct depot_ev_status){
        .platform = w->platform, .builder = engine_name(w->observer->engine), .status = *st};
    append(w, &ev);
    if (w->complete)
        depot_timer_start(w->timer, WAIT_MS, 0);
}

static void on_status_done(struct depot_bk_call *c, const struct depot_error *err, void *arg)
{
    struct watched *w = arg;
    DEPOT_UNUSED(c);
    if (err != NULL)
        depot_log_debug("%s: status of %s: %s", w->id, w->ref, err->msg);
    engine_call_free(w->observer->engine, w->status);
    w->status = NULL;
    check_end(w);
}

static const struct depot_bk_status_ops status_ops = {
    .status = on_status,
    .done = on_status_done,
};

/* ---- the beginning of one ---- */
static void platforms_of(
    const struct observer *o, const struct depot_bk_record *rec, struct depot_strv *out)
{
    const char *given = attr(rec, "platform");
    struct depot_strv names = {0};
    if (given != NULL)
        depot_strv_split(&names, given, ',');
    for (size_t i = 0; i < names.len && i < PLACEMENT_PLATFORMS_MAX; i++) {
        char name[DEPOT_PLATFORM_MAX];
        if (depot_platform_parse(names.items[i], name, NULL) == 0 && !depot_strv_has(out, name))
            depot_strv_push(out, name);
    }
    depot_strv_release(&names);
    if (out->len == 0)
        depot_strv_push(out, engine_native(o->engine) != NULL ? engine_native(o->engine) : "");
}

/* What the other client was told to do cannot be known; this says as much as the engine knows. */
static void describe_command(const struct depot_bk_record *rec, struct depot_buf *b)
{
    static const struct {
        const char *key, *option;
    } rows[] = {{"filename", "-f"}, {"target", "--target"}, {"platform", "--platform"}};
    depot_buf_adds(b, "build");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        const char *v = attr(rec, rows[i].key);
        if (!depot_str_empty(v) && !depot_str_eq(v, "Dockerfile"))
            depot_buf_addf(b, " %s %.200s", rows[i].option, v);
    }
    const char *context = attr(rec, "context");
    if (!depot_str_empty(context))
        depot_buf_addf(b, " %.200s", context);
}

static void append_created(
    struct watched *w, const struct depot_bk_record *rec, const struct depot_strv *platforms)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_CREATED, .time = rec->created};
    struct depot_ev_created *c = &ev.u.created;
    struct depot_buf command = DEPOT_BUF_INIT(COMMAND_MAX);
    describe_command(rec, &command);
    const char *commit = attr(rec, "vcs:revision");
    char *clean = NULL;
    if (commit != NULL && depot_str_ends(commit, "-dirty")) {
        clean = depot_strndup(commit, strlen(commit) - strlen("-dirty"));
        c->dirty = true;
    }
    c->command = depot_buf_str(&command);
    c->target = attr(rec, "target");
    c->platforms = (const char **)platforms->items;
    c->nplatforms = platforms->len;
    c->remote = attr(rec, "vcs:source");
    c->commit = clean != NULL ? clean : commit;
    c->origin = "observed";
    append(w, &ev);
    depot_free(clean);
    depot_buf_release(&command);
}

static void append_definition(struct watched *w, const struct depot_bk_record *rec)
{
    struct definition d = {0};
    for (size_t i = 0; i < rec->nattrs; i++)
        definition_attr(&d, w->observer->store, rec->attrs[i].key, rec->attrs[i].value);
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_DEFINITION, .u.definition = d.ev};
    append(w, &ev);
    definition_release(&d);
}

/* What the builder does not list, it cannot emulate either: nothing of it is run. */
static bool is_emulated(const struct placement_engine *e, const char *platform)
{
    return placement_lists(e, platform) &&
           (e->emulated || !depot_platform_runs_on(platform, e->platforms[0]));
}

static void append_assigned(struct watched *w, const struct depot_strv *platforms)
{
    struct engine *e = w->observer->engine;
    struct placement_engine view;
    engine_placement_view(e, &view);
    struct depot_strv emulated = {0};
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_ASSIGNED};
    for (size_t i = 0; i < platforms->len; i++)
        if (is_emulated(&view, platforms->items[i]))
            depot_strv_push(&emulated, platforms->items[i]);
    ev.u.assigned = (struct depot_ev_assigned){.platform = w->platform,
        .builder = engine_name(e),
        .emulated = emulated.len > 0 || (view.emulated && platforms->len == 0),
        .emulates = (const char **)emulated.items,
        .nemulates = emulated.len,
        .ref = w->ref};
    append(w, &ev);
    depot_strv_release(&emulated);
}

static struct watched *watch(struct observer *o, const struct depot_bk_record *rec)
{
    struct depot_strv platforms = {0};
    struct depot_error err = {0};
    struct watched *w = depot_calloc(1, sizeof(*w));
    platforms_of(o, rec, &platforms);
    w->observer = o;
    w->ref = depot_strdup(rec->ref);
    w->platform = depot_strv_join(&platforms, ",");
    w->timer = depot_timer_new(o->loop, on_patience, w);
    journal_new_id(o->store, w->id);
    TAILQ_INSERT_TAIL(&o->builds, w, entry);
    o->nbuilds++;
    engine_observed(o->engine, 1);
    append_created(w, rec, &platforms);
    append_definition(w, rec);
    append_assigned(w, &platforms);
    depot_strv_release(&platforms);
    if (engine_driver(o->engine)->status(
            engine_bk(o->engine), w->ref, &status_ops, w, &w->status, &err) != 0) {
        depot_log_warn("%s: status of %s: %s", w->id, w->ref, err.msg);
        w->status = NULL;
        check_end(w);
    }
    return w;
}

static void complete(struct watched *w, const struct depot_bk_record *rec)
{
    if (w->complete)
        return; /* the same again, now with its trace */
    enum depot_build_state state = DEPOT_BUILD_SUCCEEDED;
    if (rec->error != NULL)
        state = rec->error->code == CODE_CANCELLED ? DEPOT_BUILD_CANCELLED : DEPOT_BUILD_FAILED;
    part_outcome_set(&w->outcome, state, rec->response, rec->nresponse, rec->error);
    if (rec->digest != NULL)
        w->outcome.digest = depot_arena_strdup(&w->outcome.arena, rec->digest);
    w->complete = true;
    if (w->status != NULL)
        engine_driver(w->observer->engine)->status_hurry(w->status);
    check_end(w);
}

/* ---- history ---- */
static bool is_news(const struct depot_bk_record *rec)
{
    if (rec->kind == DEPOT_BK_STARTED)
        return true;
    return rec->kind == DEPOT_BK_COMPLETE &&
           rec->completed > depot_time_now() - RECENT_S * DEPOT_SEC;
}

static bool is_past(const struct observer *o, const struct depot_bk_record *rec)
{
    if (o->wanted)
        return false;
    return depot_strv_has(&o->past, rec->ref) ||
           (rec->kind == DEPOT_BK_COMPLETE && rec->created < o->since);
}

static struct watched *find(const struct observer *o, const char *ref)
{
    struct watched *w;
    TAILQ_FOREACH (w, &o->builds, entry)
        if (depot_str_eq(w->ref, ref))
            return w;
    return NULL;
}

/* NULL: it is ours, or was shown already, or there are too many. */
static struct watched *watch_new(struct observer *o, const struct depot_bk_record *rec)
{
    if (o->nbuilds >= WATCHED_MAX || store_seen_ref(o->store, engine_name(o->engine), rec->ref))
        return NULL;
    return watch(o, rec);
}

static void add_past(struct observer *o, const char *ref)
{
    if (o->past.len < PAST_MAX && !depot_strv_has(&o->past, ref))
        depot_strv_push(&o->past, ref);
}

/* The same record comes several times and close ones in any order (a known trait of engines). */
static void on_record(struct depot_bk_call *c, const struct depot_bk_record *rec, void *arg)
{
    struct observer *o = arg;
    DEPOT_UNUSED(c);
    if (depot_str_empty(rec->ref))
        return;
    struct watched *w = find(o, rec->ref);
    if (w == NULL && is_news(rec)) {
        if (is_past(o, rec))
            add_past(o, rec->ref);
        else
            w = watch_new(o, rec);
    }
    if (w != NULL && rec->kind == DEPOT_BK_COMPLETE)
        complete(w, rec);
}

static void on_history_done(struct depot_bk_call *c, const struct depot_error *err, void *arg)
{
    struct observer *o = arg;
    DEPOT_UNUSED(c);
    engine_call_free(o->engine, o->history);
    o->history = NULL;
    if (err != NULL && err->code == DEPOT_ERR_UNSUPPORTED)
        return;
    depot_log_debug(
        "history of %s ended: %s", engine_name(o->engine), err != NULL ? err->msg : "no error");
    engine_suspect(o->engine);
    depot_timer_start(o->reopen, REOPEN_MS, 0);
}

static const struct depot_bk_history_ops history_ops = {
    .record = on_record,
    .done = on_history_done,
};

void observer_engine_up(struct observer *o)
{
    struct depot_error err = {0};
    if (o->history != NULL || !(engine_caps(o->engine) & DEPOT_BK_CAP_HISTORY))
        return;
    if (o->since == 0)
        o->since = depot_time_now();
    if (engine_driver(o->engine)->history(
            engine_bk(o->engine), NULL, true, false, &history_ops, o, &o->history, &err) != 0) {
        o->history = NULL;
        depot_log_warn("history of %s: %s", engine_name(o->engine), err.msg);
    }
}

static void on_reopen(struct depot_timer *t, void *arg)
{
    struct observer *o = arg;
    DEPOT_UNUSED(t);
    if (engine_is_up(o->engine))
        observer_engine_up(o);
}

/* ---- what was over before ---- */
static void look_up(struct observer *o);

static void on_past_record(struct depot_bk_call *c, const struct depot_bk_record *rec, void *arg)
{
    struct observer *o = arg;
    DEPOT_UNUSED(c);
    if (rec->kind != DEPOT_BK_COMPLETE || !depot_str_eq(rec->ref, o->past.items[0]))
        return;
    struct watched *w = find(o, rec->ref);
    if (w == NULL)
        w = watch_new(o, rec);
    if (w != NULL)
        complete(w, rec);
}

static void looked_up(struct observer *o)
{
    depot_free(o->past.items[0]);
    depot_vec_remove(&o->past, 0);
    look_up(o);
}

static void on_past_done(struct depot_bk_call *c, const struct depot_error *err, void *arg)
{
    struct observer *o = arg;
    DEPOT_UNUSED(c);
    if (err != NULL)
        depot_log_debug("record of %s: %s", o->past.items[0], err->msg);
    engine_call_free(o->engine, o->lookup);
    o->lookup = NULL;
    looked_up(o);
}

/* The next of them, one at a time. */
static void look_up(struct observer *o)
{
    static const struct depot_bk_history_ops ops = {.record = on_past_record, .done = on_past_done};
    struct depot_error err = {0};
    if (o->lookup != NULL || o->past.len == 0)
        return;
    if (engine_driver(o->engine)->history(
            engine_bk(o->engine), o->past.items[0], false, true, &ops, o, &o->lookup, &err) == 0)
        return;
    o->lookup = NULL;
    depot_log_warn("record of %s: %s", o->past.items[0], err.msg);
    looked_up(o);
}

void observer_wanted(struct observer *o)
{
    o->wanted = true;
    look_up(o);
}

size_t observer_watching(const struct observer *o)
{
    return o->nbuilds;
}

bool observer_has(const struct observer *o, const char *build)
{
    struct watched *w;
    TAILQ_FOREACH (w, &o->builds, entry)
        if (depot_str_eq(w->id, build))
            return true;
    return false;
}

struct observer *observer_new(struct depot_loop *l, struct store *store, struct engine *e)
{
    struct observer *o = depot_calloc(1, sizeof(*o));
    o->loop = l;
    o->store = store;
    o->engine = e;
    o->reopen = depot_timer_new(l, on_reopen, o);
    TAILQ_INIT(&o->builds);
    return o;
}

void observer_free(struct observer *o)
{
    if (o == NULL)
        return;
    for (struct watched *w; (w = TAILQ_FIRST(&o->builds)) != NULL;) {
        if (!w->complete) {
            part_outcome_fail(&w->outcome, DEPOT_BUILD_FAILED, CODE_UNKNOWN,
                "the daemon stopped while it watched the build");
            w->complete = true;
        }
        watched_end(w);
    }
    engine_call_free(o->engine, o->history);
    engine_call_free(o->engine, o->lookup);
    depot_strv_release(&o->past);
    depot_timer_free(o->reopen);
    depot_free(o);
}
