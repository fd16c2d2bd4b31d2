/*
 * The fleet: which builds and builders there are, and their reducers.
 */
#include "fleet_priv.h"

#include <stdio.h>
#include <string.h>

enum { ESTIMATES_MS = 60 * 1000 }; /* between two questions for the same project */

void dp_fleet_touch(struct fleet *f)
{
    f->revision++;
    if (f->priv->ops.changed != NULL)
        f->priv->ops.changed(f, f->priv->arg);
}

static void problem(struct fleet *f, const struct depot_error *err)
{
    if (f->priv->ops.problem != NULL && err != NULL)
        f->priv->ops.problem(f, err, f->priv->arg);
}

struct fleet *dp_fleet_new(const struct fleet_ops *ops, void *arg)
{
    struct fleet *f = depot_calloc(1, sizeof(*f));
    f->priv = depot_calloc(1, sizeof(*f->priv));
    f->priv->ops = ops != NULL ? *ops : (struct fleet_ops){0};
    f->priv->arg = arg;
    f->priv->build_by_key = depot_map_new();
    f->priv->stats = depot_map_new();
    f->priv->projects = depot_map_new();
    f->spill = dp_spill_new();
    return f;
}

/* ---- logs ---- */

static void free_logs(struct logstore ***items, size_t *len, size_t *cap)
{
    for (size_t i = 0; i < *len; i++)
        dp_logstore_free((*items)[i]);
    depot_free(*items);
    *items = NULL;
    *len = *cap = 0;
}
#define FREE_LOGS(v) free_logs(&(v)->items, &(v)->len, &(v)->cap)

static struct logstore *log_at(struct fleet_build *b, const struct depot_step *s, bool next)
{
    while (next && b->next_logs_.len <= s->index)
        depot_vec_push(&b->next_logs_, NULL);
    while (!next && b->logs_.len <= s->index)
        depot_vec_push(&b->logs_, NULL);
    struct logstore **slot = next ? &b->next_logs_.items[s->index] : &b->logs_.items[s->index];
    if (*slot == NULL)
        *slot = dp_logstore_new(b->source->fleet->spill);
    return *slot;
}

static void on_log(const struct depot_build *state, const struct depot_step *s,
    const struct depot_vertex_log *log, void *arg)
{
    struct fleet_build *b = arg;
    struct logstore *store = log_at(b, s, state == b->next_);
    dp_logstore_append(store, log->data, log->len, log->stream, log->timestamp);
}

struct logstore *dp_fleet_log(const struct fleet_build *b, const struct depot_step *s)
{
    return s->known && s->index < b->logs_.len ? b->logs_.items[s->index] : NULL;
}

/* ---- builds ---- */

struct fleet_build *dp_fleet_find(const struct fleet *f, const char *key)
{
    return depot_map_get(f->priv->build_by_key, key);
}

struct fleet_build *dp_fleet_find_prefix(const struct fleet *f, const char *prefix)
{
    struct fleet_build *found = dp_fleet_find(f, prefix);
    size_t n = 0;
    for (size_t i = 0; found == NULL && i < f->builds.len; i++)
        n += depot_str_starts(f->builds.items[i]->id, prefix);
    for (size_t i = 0; found == NULL && n == 1 && i < f->builds.len; i++)
        if (depot_str_starts(f->builds.items[i]->id, prefix))
            found = f->builds.items[i];
    return found;
}

struct fleet_builder *dp_fleet_builder(const struct fleet *f, const char *label)
{
    for (size_t i = 0; i < f->builders.len; i++)
        if (depot_str_eq(f->builders.items[i]->label, label))
            return f->builders.items[i];
    return NULL;
}

const char *dp_fleet_builder_label(const struct fleet_source *s, const char *name)
{
    const struct fleet_builder *b = name != NULL ? depot_map_get(s->builders_, name) : NULL;
    return b != NULL ? b->label : name;
}

static struct depot_build *new_state(struct fleet_build *b)
{
    const struct depot_build_hooks hooks = {.on_log = on_log, .arg = b};
    return depot_build_new(&hooks);
}

static void free_build(struct fleet_build *b)
{
    if (b->tap != NULL)
        b->tap->free(b);
    if (!b->borrowed_)
        depot_build_free(b->state);
    depot_build_free(b->next_);
    FREE_LOGS(&b->logs_);
    FREE_LOGS(&b->next_logs_);
    depot_arena_release(&b->arena_);
    depot_free(b->id);
    depot_free(b->key);
    depot_free(b);
}

static void drop_state(struct fleet_build *b)
{
    if (b->state == NULL)
        return;
    const struct depot_build_summary sum = b->sum;
    dp_fleet_set_summary(b, &sum); /* its strings may be the state's */
    if (!b->borrowed_)
        depot_build_free(b->state);
    b->state = NULL;
    FREE_LOGS(&b->logs_);
    b->full = false;
    b->generation++;
    b->source->fleet->generation++;
}

/* The oldest finished build that nobody looks at makes room. */
static void make_room(struct fleet *f)
{
    if (f->builds.len < FLEET_BUILDS_MAX)
        return;
    for (size_t i = 0; i < f->builds.len; i++) {
        struct fleet_build *b = f->builds.items[i];
        if (b->watchers > 0 || !depot_build_state_over(b->sum.state))
            continue;
        depot_vec_remove(&f->builds, i);
        depot_map_remove(f->priv->build_by_key, b->key);
        depot_map_remove(b->source->builds_, b->id);
        drop_state(b);
        depot_vec_push(&f->priv->gone, b); /* a view may still point at it */
        return;
    }
}

/* Two daemons may know of the same id, if only because they are one daemon at two addresses. */
static char *make_key(const struct fleet_source *s, const char *id)
{
    return dp_fleet_find(s->fleet, id) == NULL ? depot_strdup(id)
                                               : depot_asprintf("%s#%zu", id, s->number);
}

static struct fleet_build *make_build(struct fleet_source *s, const char *id)
{
    struct fleet *f = s->fleet;
    struct fleet_build *b = depot_map_get(s->builds_, id);
    if (b != NULL)
        return b;
    make_room(f);
    b = depot_calloc(1, sizeof(*b));
    b->source = s;
    b->id = depot_strdup(id);
    b->key = make_key(s, id);
    b->order = f->priv->order++;
    b->sum.id = b->id;
    depot_map_set(f->priv->build_by_key, b->key, b);
    depot_map_set(s->builds_, id, b);
    depot_vec_push(&f->builds, b);
    return b;
}

/* Keep the newest FLEET_STATES_MAX states of finished builds. */
static void drop_states(struct fleet *f)
{
    size_t kept = 0;
    for (size_t i = f->builds.len; i-- > 0;) {
        struct fleet_build *b = f->builds.items[i];
        if (b->state == NULL || b->watchers > 0 || !b->source->drops_ ||
            !depot_build_state_over(b->state->state))
            continue;
        if (++kept > FLEET_STATES_MAX)
            drop_state(b);
    }
}

/* The state with logs has caught up with what was shown. */
static void swap_states(struct fleet_build *b)
{
    if (b->state != NULL && b->next_->seq < b->state->seq)
        return;
    drop_state(b);
    b->state = b->next_;
    b->next_ = NULL;
    b->logs_.items = b->next_logs_.items;
    b->logs_.len = b->next_logs_.len;
    b->logs_.cap = b->next_logs_.cap;
    memset(&b->next_logs_, 0, sizeof(b->next_logs_));
    b->full = true;
    b->derived_ = 0;
    b->generation++;
    b->source->fleet->generation++;
}

/* What its project's builds take, for the time that is left: asked when a build of it begins. */
static void ask_estimates(struct fleet_source *s, const char *project)
{
    const struct depot_query q = {.ask = DEPOT_QUERY_ESTIMATES, .project = project};
    const uint64_t now = depot_mono_ms();
    if (!s->asks_ || depot_str_empty(project))
        return;
    if (s->asked_ == NULL)
        s->asked_ = depot_map_new();
    const uint64_t asked = (uint64_t)(uintptr_t)depot_map_get(s->asked_, project);
    if ((asked == 0 || now - asked >= ESTIMATES_MS) && depot_feed_query(s->feed, &q))
        depot_map_set(s->asked_, project, (void *)(uintptr_t)now);
}

const char *dp_fleet_event_build(const struct fleet_source *s, const struct depot_event *ev)
{
    return ev->build != NULL ? ev->build : s->name[0] != '\0' ? s->name : "build";
}

struct fleet_build *dp_fleet_own(struct fleet_source *s)
{
    const char *id = s->job != NULL ? depot_job_id(s->job) : NULL;
    if (id == NULL)
        return NULL;
    struct fleet_build *b = make_build(s, id);
    if (b->state == NULL) {
        b->state = depot_job_state(s->job);
        b->borrowed_ = b->full = true;
        b->generation++;
    }
    return b;
}

static void reduce(struct fleet_build *b, const struct depot_event *ev)
{
    const struct fleet_source *s = b->source;
    const struct depot_build *known = b->next_ != NULL ? b->next_ : b->state;
    if (b->borrowed_)
        return; /* its job has */
    if (s->drops_ && known != NULL && ev->seq != 0 && ev->seq <= known->seq)
        return; /* asked for again, for a recording */
    if (b->next_ != NULL) {
        depot_build_apply(b->next_, ev);
        swap_states(b);
        return;
    }
    if (b->state == NULL) {
        b->state = new_state(b);
        b->full = !s->drops_;
        b->generation++;
    }
    depot_build_apply(b->state, ev);
}

static void apply_build(struct fleet_source *s, const struct depot_event *ev)
{
    struct fleet_build *b = dp_fleet_own(s);
    if (b == NULL || !depot_str_eq(b->id, ev->build))
        b = make_build(s, dp_fleet_event_build(s, ev));
    if (b->tap != NULL)
        b->tap->event(b, ev);
    reduce(b, ev);
    b->revision++;
    if (ev->type == DEPOT_EVENT_BUILD_CREATED)
        ask_estimates(s, ev->u.created.project);
    if (ev->type != DEPOT_EVENT_BUILD_FINISHED)
        return;
    if (b->tap != NULL)
        b->tap->end(b);
    drop_states(s->fleet);
}

/* Newest first. */
static void remember_builds(
    struct fleet_source *s, const struct depot_build_summary *builds, size_t n)
{
    while (n-- > 0) {
        if (depot_str_empty(builds[n].id))
            continue;
        struct fleet_build *b = make_build(s, builds[n].id);
        if (b->state == NULL)
            dp_fleet_set_summary(b, &builds[n]);
        b->revision++;
    }
}

/* What ended while the connection was lost is not among what a daemon sends of its fleet: the rest
 * of it is asked for. What is watched goes on by itself. */
static void catch_up(struct fleet_source *s, const struct depot_ev_snapshot *snap)
{
    struct depot_map *active = depot_map_new();
    for (size_t i = 0; i < snap->nbuilds; i++)
        if (!depot_str_empty(snap->builds[i].id) && !depot_build_state_over(snap->builds[i].state))
            depot_map_set(active, snap->builds[i].id, s);
    for (size_t i = 0; i < s->fleet->builds.len; i++) {
        const struct fleet_build *b = s->fleet->builds.items[i];
        if (b->source == s && b->watchers == 0 && b->state != NULL &&
            !depot_build_state_over(b->state->state) && depot_map_get(active, b->id) == NULL)
            depot_feed_subscribe_build(s->feed, b->id, b->state->seq);
    }
    depot_map_free(active);
}

static void apply_snapshot(struct fleet_source *s, const struct depot_event *ev)
{
    const struct depot_ev_snapshot *snap = &ev->u.snapshot;
    for (size_t i = 0; i < s->fleet->builders.len; i++)
        if (s->fleet->builders.items[i]->source == s)
            s->fleet->builders.items[i]->up = false;
    for (size_t i = 0; i < snap->nbuilders; i++)
        dp_fleet_upsert_builder(s, &snap->builders[i], snap->builders[i].up, ev->time, false);
    remember_builds(s, snap->builds, snap->nbuilds);
    if (s->drops_)
        catch_up(s, snap);
}

/* The newest event of all is the nearest to now by its clock: a stream of any age ends now. */
static void update_skew(struct fleet_source *s, depot_time t)
{
    const int64_t skew = t - depot_time_now();
    if (t == 0 || (s->skew_known_ && skew <= s->skew))
        return;
    s->skew = skew > -DEPOT_SEC / 4 && skew < DEPOT_SEC / 4 ? 0 : skew;
    s->skew_known_ = true;
}

/* Logs are all there, or it is said that they are not: once, and the daemon still has them. */
static void warn_spilled(struct fleet *f)
{
    struct depot_error err = {0};
    if (f->priv->told_lost || dp_spill_lost(f->spill) == 0)
        return;
    f->priv->told_lost = true;
    depot_error_set(&err, DEPOT_ERR_TOO_BIG,
        "no room for logs, parts are shown empty: make room in /var/tmp, or set TMPDIR");
    problem(f, &err);
}

void dp_fleet_apply(struct fleet_source *s, const struct depot_event *ev)
{
    if (s->feed != NULL)
        update_skew(s, depot_event_time(ev));
    switch (ev->type) {
    case DEPOT_EVENT_FLEET_SNAPSHOT:
        apply_snapshot(s, ev);
        break;
    case DEPOT_EVENT_BUILDER_UP:
    case DEPOT_EVENT_BUILDER_DOWN:
    case DEPOT_EVENT_BUILDER_METRICS:
        dp_fleet_upsert_builder(s, &ev->u.builder, ev->type != DEPOT_EVENT_BUILDER_DOWN, ev->time,
            ev->type == DEPOT_EVENT_BUILDER_METRICS);
        break;
    case DEPOT_EVENT_UNKNOWN:
    case DEPOT_EVENT_COUNT:
        return;
    default:
        apply_build(s, ev);
        break;
    }
    warn_spilled(s->fleet);
    dp_fleet_touch(s->fleet);
}

depot_time dp_fleet_build_now(const struct fleet_build *b, depot_time now)
{
    return now + b->source->skew;
}

static void derive(struct fleet_build *b)
{
    if (b->state == NULL || b->derived_ == b->state->revision)
        return;
    depot_build_derive(b->state);
    b->derived_ = b->state->revision;
    dp_fleet_sync_summary(b);
}

void dp_fleet_derive(struct fleet *f)
{
    for (size_t i = 0; i < f->builds.len; i++)
        derive(f->builds.items[i]);
}

void dp_fleet_derive_watched(struct fleet *f)
{
    const size_t turn = f->priv->turn++;
    for (size_t i = 0; i < f->builds.len; i++) {
        struct fleet_build *b = f->builds.items[i];
        if (b->watchers > 0 || (i + turn) % DERIVE_TURNS == 0 ||
            (b->state != NULL && depot_build_state_over(b->state->state)))
            derive(b);
    }
}

/* ---- sources ---- */

/* How long its steps take, once it is looked at. */
static void ask_for(struct fleet_build *b)
{
    const struct depot_query q = {.ask = DEPOT_QUERY_ESTIMATES, .build = b->id};
    if (b->source->asks_ && !b->asked_)
        b->asked_ = depot_feed_query(b->source->feed, &q);
}

static void set_state(
    struct fleet_source *s, enum depot_feed_state state, const struct depot_error *err)
{
    if (s->state != state)
        s->state_since_ms = depot_mono_ms();
    s->state = state;
    for (size_t i = 0; state == DEPOT_FEED_ENDED && i < s->fleet->builds.len; i++)
        if (s->fleet->builds.items[i]->source == s)
            s->fleet->builds.items[i]->derived_ = 0; /* its end tells how it ended */
    s->why = err != NULL && state != DEPOT_FEED_LIVE ? *err : (struct depot_error){0};
    if (err != NULL && !s->owned_ && s->url != NULL && strstr(s->why.msg, s->url) == NULL)
        depot_error_prefix(&s->why, "%s", s->url);
    if (err != NULL && (state == DEPOT_FEED_LIVE || s->owned_))
        problem(s->fleet, err);
    else if (err != NULL && state == DEPOT_FEED_ENDED)
        problem(s->fleet, &s->why); /* it is not tried again */
    dp_fleet_touch(s->fleet);
}

void dp_fleet_source_state(
    struct fleet_source *s, enum depot_feed_state state, const struct depot_error *err)
{
    set_state(s, state, err);
}

static void feed_event(struct depot_feed *feed, const struct depot_event *ev, void *arg)
{
    DEPOT_UNUSED(feed);
    dp_fleet_apply(arg, ev);
}

static void feed_state(
    struct depot_feed *feed, enum depot_feed_state state, const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(feed);
    set_state(arg, state, err);
}

static void feed_refused(
    struct depot_feed *feed, const char *build, const struct depot_error *err, void *arg)
{
    const struct fleet_source *s = arg;
    struct fleet_build *b = build != NULL ? depot_map_get(s->builds_, build) : NULL;
    DEPOT_UNUSED(feed);
    if (b != NULL && b->tap != NULL && err->code == DEPOT_ERR_NOT_FOUND)
        b->tap->refused(b, err);
    else
        problem(s->fleet, err);
}

static void feed_answer(struct depot_feed *feed, const struct depot_query *q,
    const struct depot_response *a, const struct depot_error *err, void *arg)
{
    struct fleet_source *s = arg;
    struct fleet_private *p = s->fleet->priv;
    DEPOT_UNUSED(feed);
    if (a == NULL) {
        if (q->ask != DEPOT_QUERY_ESTIMATES) /* an older daemon has none: no harm */
            problem(s->fleet, err);
        return;
    }
    if (q->ask == DEPOT_QUERY_ESTIMATES)
        dp_fleet_learn(s->fleet, &a->u.estimates);
    else if (q->ask == DEPOT_QUERY_BUILDS)
        remember_builds(s, a->u.builds.builds, a->u.builds.nbuilds);
    if (p->ops.answer != NULL)
        p->ops.answer(s->fleet, s, a, p->arg);
    dp_fleet_touch(s->fleet);
}

static const struct depot_feed_ops feed_ops = {
    .event = feed_event, .state = feed_state, .refused = feed_refused, .answer = feed_answer};

struct fleet_source *dp_fleet_source(struct fleet *f, const char *name)
{
    struct fleet_source *s = depot_calloc(1, sizeof(*s));
    s->name = depot_strdup(name != NULL ? name : "");
    s->fleet = f;
    s->number = f->sources.len + 1;
    s->builds_ = depot_map_new();
    s->builders_ = depot_map_new();
    s->owned_ = true;
    s->state = DEPOT_FEED_LIVE;
    s->state_since_ms = depot_mono_ms();
    depot_vec_push(&f->sources, s);
    return s;
}

/* What was wanted before it was there. */
static void guest_state(
    struct depot_feed *feed, enum depot_feed_state state, const struct depot_error *err, void *arg)
{
    struct fleet_source *s = arg;
    DEPOT_UNUSED(feed);
    DEPOT_UNUSED(err);
    for (size_t i = 0; state == DEPOT_FEED_LIVE && i < s->fleet->builds.len; i++) {
        struct fleet_build *b = s->fleet->builds.items[i];
        if (b->source == s && b->watchers > 0)
            ask_for(b);
    }
    dp_fleet_touch(s->fleet);
}

static void job_log(const struct depot_build *state, const struct depot_step *s,
    const struct depot_vertex_log *log, void *arg)
{
    struct fleet_build *b = dp_fleet_own(arg);
    if (b != NULL)
        on_log(state, s, log, b);
}

void dp_fleet_share(struct fleet_source *s, struct depot_job *job)
{
    static const struct depot_feed_ops ops = {
        .event = feed_event, .state = guest_state, .refused = feed_refused, .answer = feed_answer};
    const struct depot_job_guest guest = {
        .ops = &ops, .hooks = {.on_log = job_log, .arg = s}, .arg = s};
    s->job = job;
    s->feed = depot_job_admit(job, &guest);
    s->asks_ = true;
}

int dp_fleet_connect(struct fleet *f, struct depot_loop *l, const char *name,
    const struct depot_feed_opts *opts, struct depot_error *err)
{
    struct fleet_source *s = dp_fleet_source(f, name);
    s->state = DEPOT_FEED_CONNECTING;
    s->url = depot_strdup(opts->addr->text);
    s->drops_ = s->asks_ = true;
    s->owned_ = false;
    const int rc = depot_feed_open(l, opts, &feed_ops, s, &s->feed, err);
    if (rc == 0)
        depot_feed_subscribe_fleet(s->feed, false);
    return rc;
}

int dp_fleet_read(
    struct fleet *f, struct depot_loop *l, int fd, const char *name, struct depot_error *err)
{
    struct fleet_source *s = dp_fleet_source(f, name);
    s->owned_ = false;
    return depot_feed_open_fd(l, fd, 0, &feed_ops, s, &s->feed, err);
}

bool dp_fleet_is_stream(const struct fleet_source *s)
{
    return s->feed != NULL && s->url == NULL && !s->asks_ && !s->owned_;
}

void dp_fleet_restart(struct fleet_source *s)
{
    for (size_t i = 0; i < s->fleet->builds.len; i++) {
        struct fleet_build *b = s->fleet->builds.items[i];
        if (b->source != s)
            continue;
        drop_state(b);
        const struct depot_build_summary nothing = {.id = b->id};
        dp_fleet_set_summary(b, &nothing);
        b->revision++;
    }
    for (size_t i = 0; i < s->fleet->builders.len; i++)
        if (s->fleet->builders.items[i]->source == s)
            s->fleet->builders.items[i]->up = false;
    dp_fleet_touch(s->fleet);
}

/* ---- asking for more ---- */

void dp_fleet_watch(struct fleet *f, struct fleet_build *b)
{
    struct fleet_source *s = b->source;
    DEPOT_UNUSED(f);
    ask_for(b);
    if (b->watchers++ > 0 || b->full || b->next_ != NULL || !s->asks_)
        return;
    b->fetched_ = true;
    b->next_ = new_state(b);
    depot_feed_subscribe_build(s->feed, b->id, 0);
}

void dp_fleet_unwatch(struct fleet *f, struct fleet_build *b)
{
    DEPOT_UNUSED(f);
    if (b->watchers == 0 || --b->watchers > 0 || !b->fetched_)
        return;
    if (b->state != NULL && depot_build_state_over(b->state->state))
        return; /* nothing more comes; it goes when others need the room */
    depot_feed_unsubscribe_build(b->source->feed, b->id);
    depot_build_free(b->next_);
    b->next_ = NULL;
    FREE_LOGS(&b->next_logs_);
    b->full = false; /* from here on log bytes are missing */
}

const char *dp_fleet_cannot_cancel(const struct fleet_build *b)
{
    const struct fleet_source *s = b->source;
    if (depot_build_state_over(b->sum.state))
        return "this build is over";
    if (!s->drops_ && s->cancel == NULL)
        return s->owned_ ? "a recording cannot be cancelled"
                         : "what standard input tells of cannot be cancelled";
    if (depot_str_eq(b->sum.info.origin, "observed"))
        return "only the client that started this build can cancel it";
    return NULL;
}

int dp_fleet_cancel(struct fleet_build *b, struct depot_error *err)
{
    struct fleet_source *s = b->source;
    const char *why = dp_fleet_cannot_cancel(b);
    if (why != NULL)
        return depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "%s", why);
    if (s->cancel == NULL || !s->cancel(s, b, s->cancel_arg))
        depot_feed_cancel(s->feed, b->id);
    return 0;
}

bool dp_fleet_ask(struct fleet *f, const struct fleet_build *b, const struct depot_query *q)
{
    bool any = false;
    for (size_t i = 0; i < f->sources.len; i++) {
        struct fleet_source *s = f->sources.items[i];
        if (s->asks_ && (b == NULL || b->source == s))
            any |= depot_feed_query(s->feed, q);
    }
    return any;
}

bool dp_fleet_can_ask(const struct fleet_source *s)
{
    return s->asks_;
}

const char *dp_fleet_missing(const struct fleet_build *b)
{
    return dp_fleet_can_ask(b->source) ? "fetching the build"
                                       : "the steps of this build are not here";
}

/* ---- end ---- */

void dp_fleet_free(struct fleet *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->builds.len; i++)
        free_build(f->builds.items[i]);
    for (size_t i = 0; i < f->builders.len; i++) {
        depot_arena_release(&f->builders.items[i]->arena_);
        depot_free(f->builders.items[i]->name);
        depot_free(f->builders.items[i]->label);
        depot_free(f->builders.items[i]);
    }
    for (size_t i = 0; i < f->sources.len; i++) {
        if (f->sources.items[i]->job != NULL)
            (void)depot_job_admit(f->sources.items[i]->job, NULL);
        else
            depot_feed_free(f->sources.items[i]->feed);
        depot_map_free(f->sources.items[i]->builds_);
        depot_map_free(f->sources.items[i]->builders_);
        depot_map_free(f->sources.items[i]->asked_);
        depot_free(f->sources.items[i]->name);
        depot_free(f->sources.items[i]->url);
        depot_free(f->sources.items[i]);
    }
    for (size_t i = 0; i < f->priv->gone.len; i++)
        free_build(f->priv->gone.items[i]);
    depot_vec_free(&f->priv->gone);
    depot_vec_free(&f->builds);
    depot_vec_free(&f->builders);
    depot_vec_free(&f->sources);
    depot_map_free(f->priv->build_by_key);
    dp_fleet_free_stats(f->priv);
    dp_spill_free(f->spill);
    depot_free(f->priv);
    depot_free(f);
}
