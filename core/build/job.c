/*
 * Runs one build: creates it over the feed, serves its parts, reduces its events, ends it.
 */
#include "build/join.h"
#include "build/provenance.h"

#include <depot/feed.h>

#include "feed/feed.h"
#include "session/claims.h"

#include <string.h>

enum {
    JOB_GIVE_UP_MS = 30000,     /* a daemon that is away for so long is gone */
    JOB_GIVE_UP_UNIX_MS = 5000, /* one on this machine restarts faster */
    JOB_CANCEL_MS = 10000,      /* engines answer a cancel in 0.1 s */
    JOB_REOPEN_MS = 300,        /* between two tries to open a lost session again */
    JOB_REOPEN_FOR_MS = 9000,   /* the daemon waits for it a little longer */
    JOB_TELL_MS = 1000,         /* of a join: nothing is said of what is over sooner, */
    JOB_TELL_AGAIN_MS = 5000,   /* and how far it is, now and then */
    JOB_ASK_MS = 10000,         /* for the provenance of one part */
    JOB_SETTLE_MS = 30000,      /* and how long that may take after the build is over */
};

struct depot_job {
    struct depot_loop *loop;
    const struct depot_build_plan *plan;
    const struct depot_endpoint *at;
    const struct depot_job_ops *ops;
    void *arg;
    struct depot_feed *feed;
    struct depot_build *state;
    const struct depot_feed_ops *guest; /* NULL: none */
    void *guest_arg;
    DEPOT_VEC(struct dp_part *) parts;
    struct dp_claims **claims; /* of each output of the plan; NULL where there is no directory */
    struct depot_timer *timer; /* cancel's limit, then the outputs' */
    char *id;
    char *secret;                /* what its sessions show; NULL: nothing */
    struct dp_join *join;        /* what the parts made becomes one */
    struct depot_timer *telling; /* how far that is */
    bool cancelling, finished, joined, over, lost;
    uint64_t settle_until;
    bool asking;  /* for the provenance of a part, */
    size_t asked; /* and of how many it was */
    struct depot_timer *reopen;
    uint64_t reopen_until;
    bool has_lost_session;
    struct depot_error lost_session;
    bool has_error; /* an error of ours decides over what the build says */
    struct depot_error error;
};

static void end_with(struct depot_job *j, const struct depot_error *err)
{
    if (j->over)
        return;
    j->over = true;
    depot_timer_stop(j->timer);
    depot_timer_stop(j->reopen);
    depot_timer_stop(j->telling);
    j->ops->done(j, err, j->arg);
}

/* The first error of ours is the one that explains the rest. */
static void keep_error(struct depot_job *j, const struct depot_error *err)
{
    if (j->has_error)
        return;
    j->has_error = true;
    j->error = *err;
}

static bool outputs_busy(const struct depot_job *j)
{
    for (size_t i = 0; i < j->parts.len; i++)
        if (dp_part_busy(j->parts.items[i]))
            return true;
    return false;
}

static int state_error(const struct depot_job *j, struct depot_error *err)
{
    switch (j->state->state) {
    case DEPOT_BUILD_SUCCEEDED:
        return 0;
    case DEPOT_BUILD_CANCELLED:
        return depot_error_set(err, DEPOT_ERR_CANCELLED, "the build was cancelled");
    default:
        return depot_error_set(err, DEPOT_ERR_FAILED, "%s",
            j->state->message != NULL ? j->state->message : "the build failed");
    }
}

static void no_provenance(struct depot_job *j, const char *why)
{
    struct depot_error err = {0};
    depot_error_set(&err, DEPOT_ERR_UNAVAILABLE,
        "the provenance of %s is not in the metadata file: %s",
        j->state->parts.items[j->asked]->platform, why);
    j->ops->problem(j, &err, j->arg);
    j->asking = false;
    j->asked++;
}

/* One part after the other; false when there is none left. */
static bool ask_provenance(struct depot_job *j)
{
    if (!dp_wants_provenance(j->plan))
        return false;
    for (; j->asked < j->state->parts.len; j->asked++) {
        const struct depot_part *p = j->state->parts.items[j->asked];
        const struct depot_query q = {.ask = DEPOT_QUERY_PROVENANCE,
            .builder = p->builder,
            .ref = p->ref,
            .session = j->secret};
        if (p->ref == NULL || p->builder == NULL || !depot_feed_query(j->feed, &q))
            continue;
        j->asking = true;
        depot_timer_start(j->timer, JOB_ASK_MS, 0);
        return true;
    }
    return false;
}

/* The directories that builders wrote blobs to get their indexes. */
static void finish_stores(struct depot_job *j)
{
    struct depot_error err = {0};
    struct depot_kvs joined = {0};
    if (j->has_error)
        return;
    /* A build that failed has its own reason. */
    if (dp_stores_finish(j->plan, j->state, j->parts.items, j->parts.len, &joined, &err) != 0 &&
        j->state->state == DEPOT_BUILD_SUCCEEDED)
        keep_error(j, &err);
    depot_build_joined(j->state, &joined);
    depot_kvs_release(&joined);
}

static void finish(struct depot_job *j)
{
    struct depot_error err = {0};
    if (!j->has_error && j->state->state == DEPOT_BUILD_SUCCEEDED && ask_provenance(j))
        return;
    finish_stores(j);
    if (j->has_lost_session && !j->cancelling && j->state->state != DEPOT_BUILD_SUCCEEDED)
        j->ops->problem(j, &j->lost_session, j->arg);
    if (!j->has_error && state_error(j, &err) == 0)
        end_with(j, NULL);
    else if (j->has_error && !(j->cancelling && j->state->state == DEPOT_BUILD_CANCELLED))
        end_with(j, &j->error); /* a build that we had to cancel for it is cancelled, too */
    else
        end_with(j, err.code != 0 ? &err : &j->error);
}

static void on_joined(
    struct dp_join *join, const struct depot_kvs *answer, const struct depot_error *err, void *arg)
{
    struct depot_job *j = arg;
    DEPOT_UNUSED(join);
    j->joined = true;
    depot_timer_stop(j->telling);
    if (j->over)
        return;
    if (err != NULL)
        keep_error(j, err);
    else
        depot_build_joined(j->state, answer);
    finish(j);
}

static void on_telling(struct depot_timer *t, void *arg)
{
    struct depot_job *j = arg;
    char *text = dp_join_progress(j->join);
    depot_timer_start(t, JOB_TELL_AGAIN_MS, 0);
    j->ops->note(j, text, j->arg);
    depot_free(text);
}

/* All parts have succeeded and their outputs are here: do they still have to become one? */
static bool joins(struct depot_job *j)
{
    struct depot_error err = {0};
    if (j->joined || j->has_error || j->state->state != DEPOT_BUILD_SUCCEEDED ||
        !dp_join_wanted(j->plan))
        return false;
    if (j->join != NULL)
        return true;
    if (dp_join_start(
            j->loop, j->plan, j->parts.items, j->parts.len, on_joined, j, &j->join, &err) == 0) {
        depot_timer_start(j->telling, JOB_TELL_MS, 0);
        return true;
    }
    keep_error(j, &err);
    return false;
}

/* The build is over; its outputs may still be on their way to disk. */
static void settle(struct depot_job *j)
{
    if (j->over || !j->finished || j->asking)
        return;
    bool wait = j->state->state == DEPOT_BUILD_SUCCEEDED && !j->has_error && outputs_busy(j);
    const uint64_t now = depot_loop_now_ms(j->loop);
    if (wait && now < j->settle_until) {
        depot_timer_start(j->timer, j->settle_until - now, 0);
        return; /* part_written() goes on */
    }
    if (!wait && joins(j))
        return;
    if (wait) {
        struct depot_error err;
        depot_error_set(&err, DEPOT_ERR_TIMEOUT, "the outputs were not written in time");
        keep_error(j, &err);
    }
    finish(j);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct depot_job *j = arg;
    DEPOT_UNUSED(t);
    if (j->asking)
        no_provenance(j, "the daemon does not answer");
    if (j->finished) {
        settle(j);
        return;
    }
    struct depot_error err;
    depot_error_set(&err, DEPOT_ERR_CANCELLED, "the build was cancelled");
    end_with(j, &err);
}

/* ---- parts ---- */

static void part_problem(struct dp_part *p, const struct depot_error *err, void *arg)
{
    struct depot_job *j = arg;
    DEPOT_UNUSED(p);
    keep_error(j, err);
    j->ops->problem(j, err, j->arg);
    if (!j->finished && j->id != NULL)
        depot_feed_cancel(j->feed, j->id);
}

static void part_written(struct dp_part *p, void *arg)
{
    DEPOT_UNUSED(p);
    settle(arg);
}

static void part_closed(struct dp_part *p, const struct depot_error *err, void *arg);

static const struct dp_part_ops part_ops = {
    .problem = part_problem, .written = part_written, .closed = part_closed};

static int new_part(struct depot_job *j, const char *builder, const struct depot_strv *platforms,
    struct dp_part **out, struct depot_error *err)
{
    struct dp_part_opts opts = {
        .loop = j->loop,
        .ws = dp_feed_ws(j->feed),
        .plan = j->plan,
        .at = j->at,
        .build = j->id,
        .builder = builder,
        .platforms = platforms,
        .claims = j->claims,
        .secret = j->secret,
    };
    return dp_part_new(&opts, &part_ops, j, out, err);
}

static void keep_lost_session(
    struct depot_job *j, const char *builder, const struct depot_error *err)
{
    if (j->has_lost_session)
        return;
    j->has_lost_session = true;
    j->lost_session = *err;
    depot_error_prefix(&j->lost_session, "session with builder %s", builder);
}

/* The builder asks the new session for whatever it still wants; what it was getting is lost. */
static void on_reopen(struct depot_timer *t, void *arg)
{
    struct depot_job *j = arg;
    DEPOT_UNUSED(t);
    j->has_lost_session = false; /* until the new one is lost, too */
    for (size_t i = 0; i < j->parts.len && !j->finished && !j->over; i++) {
        struct dp_part *fresh = NULL, *lost = j->parts.items[i];
        struct depot_error err = {0};
        if (!dp_part_is_closed(lost))
            continue;
        if (new_part(j, dp_part_builder(lost), dp_part_platforms(lost), &fresh, &err) != 0) {
            keep_lost_session(j, dp_part_builder(lost), &err);
            continue;
        }
        j->parts.items[i] = fresh;
        dp_part_free(lost);
    }
}

static void reopen_later(struct depot_job *j, const struct dp_part *lost)
{
    uint64_t now = depot_loop_now_ms(j->loop);
    if (j->finished || j->over || j->cancelling || j->has_error)
        return;
    if (dp_part_was_open(lost))
        j->reopen_until = now + JOB_REOPEN_FOR_MS;
    if (now < j->reopen_until)
        depot_timer_start(j->reopen, JOB_REOPEN_MS, 0);
}

/* A socket that breaks while its part is ending means nothing; what it cost shows when the build
 * is over, so it is told only then. A session that the builder ended, though, is the builder's to
 * explain: the build's own error does. */
static void part_closed(struct dp_part *p, const struct depot_error *err, void *arg)
{
    struct depot_job *j = arg;
    if (err != NULL && err->code != DEPOT_ERR_INTERNAL) {
        keep_lost_session(j, dp_part_builder(p), err);
        reopen_later(j, p);
    }
    settle(j);
}

static bool has_part(const struct depot_job *j, const char *builder, const char *platform)
{
    for (size_t i = 0; i < j->parts.len; i++)
        if (depot_str_eq(dp_part_builder(j->parts.items[i]), builder) &&
            depot_str_eq(dp_part_platform(j->parts.items[i]), platform))
            return true;
    return false;
}

/* `platforms` NULL: it makes none of the build. */
static void open_part(struct depot_job *j, const char *builder, const char *platforms)
{
    struct depot_error err = {0};
    struct dp_part *part = NULL;
    struct depot_strv list = {0};
    if (depot_str_empty(builder) || has_part(j, builder, platforms))
        return;
    if (platforms != NULL)
        depot_strv_split(&list, platforms, ',');
    const int rc = new_part(j, builder, &list, &part, &err);
    depot_strv_release(&list);
    if (rc != 0) {
        keep_error(j, &err);
        j->ops->problem(j, &err, j->arg);
        depot_feed_cancel(j->feed, j->id);
        return;
    }
    depot_vec_push(&j->parts, part);
}

/* What the daemon asks of us itself: the credentials to join what the builders pushed. */
static const char daemon_session[] = "@depotd";

/* ---- feed ---- */

static void on_event(struct depot_feed *f, const struct depot_event *ev, void *arg)
{
    struct depot_job *j = arg;
    const bool is_ours = depot_str_eq(ev->build, j->id);
    if (!is_ours && j->guest != NULL)
        j->guest->event(f, ev, j->guest_arg);
    if (j->over || !is_ours)
        return;
    depot_build_apply(j->state, ev);
    if (ev->type == DEPOT_EVENT_BUILD_ASSIGNED)
        open_part(j, ev->u.assigned.builder, ev->u.assigned.platform);
    j->ops->event(j, ev, j->arg);
    if (ev->type == DEPOT_EVENT_BUILD_FINISHED && !j->finished) {
        j->finished = true;
        j->settle_until = depot_loop_now_ms(j->loop) + JOB_SETTLE_MS;
        settle(j);
    }
}

static void on_feed_state(
    struct depot_feed *f, enum depot_feed_state s, const struct depot_error *err, void *arg)
{
    struct depot_job *j = arg;
    if (j->guest != NULL)
        j->guest->state(f, s, err, j->guest_arg);
    if (j->over || j->join != NULL)
        return; /* what is left to do is done here */
    if (s == DEPOT_FEED_CONNECTING && err != NULL) {
        /* Never connected: nothing is lost by saying so at once. */
        end_with(j, err);
    } else if (s == DEPOT_FEED_ENDED) {
        struct depot_error e = {0};
        if (err != NULL)
            e = *err;
        else
            depot_error_set(&e, DEPOT_ERR_UNAVAILABLE, "the connection to the daemon was lost");
        if (j->id != NULL)
            depot_error_hint(&e,
                "the build was %s; \"depot logs %s\" shows it once the daemon is back", j->id,
                j->id);
        keep_error(j, &e);
        end_with(j, &j->error);
    } else if (s == DEPOT_FEED_STALE && err != NULL && !j->lost) {
        j->lost = true;
        j->ops->link(j, err, j->arg);
    } else if (s == DEPOT_FEED_LIVE && j->lost) {
        j->lost = false;
        j->ops->link(j, NULL, j->arg);
    }
}

/* What comes of it where the daemon does not know what this plan needs; NULL: it knows. */
static const char *lack_of(const struct depot_build_plan *plan, const struct depot_created *made)
{
    if (plan->join && !depot_created_can(made, DEPOT_CAN_JOIN))
        return "one builder makes all platforms";
    for (size_t i = 0; i < plan->outputs.len; i++)
        if (plan->outputs.items[i].platform != NULL &&
            !depot_created_can(made, DEPOT_CAN_EXPORT_PLATFORMS))
            return "it cannot load one platform of several";
    return NULL;
}

static void note_version(struct depot_job *j, const struct depot_created *made)
{
    char *text = depot_version_note(made->version, lack_of(j->plan, made));
    if (text != NULL)
        j->ops->note(j, text, j->arg);
    depot_free(text);
}

static void on_created(struct depot_feed *f, const struct depot_created *made,
    const struct depot_error *err, void *arg)
{
    struct depot_job *j = arg;
    if (made == NULL) {
        end_with(j, err);
        return;
    }
    j->id = depot_strdup(made->build);
    j->secret = depot_strdup(made->session);
    note_version(j, made);
    if (j->cancelling)
        depot_feed_cancel(f, j->id);
    else if (made->join)
        open_part(j, daemon_session, NULL);
}

static void on_refused(
    struct depot_feed *f, const char *build, const struct depot_error *err, void *arg)
{
    struct depot_job *j = arg;
    if (build != NULL && !depot_str_eq(build, j->id)) {
        if (j->guest != NULL)
            j->guest->refused(f, build, err, j->guest_arg);
        return;
    }
    if (j->cancelling)
        return;
    keep_error(j, err);
    end_with(j, &j->error);
}

static void on_answer(struct depot_feed *f, const struct depot_query *q,
    const struct depot_response *a, const struct depot_error *err, void *arg)
{
    struct depot_job *j = arg;
    if (q->ask != DEPOT_QUERY_PROVENANCE && j->guest != NULL)
        j->guest->answer(f, q, a, err, j->guest_arg);
    if (j->over || !j->asking || q->ask != DEPOT_QUERY_PROVENANCE)
        return;
    const char *why = a == NULL ? err->msg : a->u.provenance.error;
    if (why != NULL) {
        no_provenance(j, why);
    } else {
        dp_keep_provenance(j->state->parts.items[j->asked++], a);
        j->asking = false;
    }
    settle(j);
}

static const struct depot_feed_ops feed_ops = {.event = on_event,
    .state = on_feed_state,
    .created = on_created,
    .refused = on_refused,
    .answer = on_answer};

/* ---- life ---- */

/* Directories that several platforms write into. */
static void make_claims(struct depot_job *j)
{
    const struct depot_build_plan *p = j->plan;
    j->claims = depot_calloc(p->outputs.len + 1, sizeof(struct dp_claims *));
    for (size_t i = 0; i < p->outputs.len; i++)
        if (p->outputs.items[i].kind == DEPOT_OUTPUT_DIR && p->platforms.len > 1)
            j->claims[i] = dp_claims_new(&p->platforms, dp_output_is_split(&p->outputs.items[i]));
}

static void create(struct depot_job *j)
{
    struct depot_arena arena = {0};
    struct depot_build_request r;
    dp_build_request(j->plan, &r, &arena);
    depot_feed_create(j->feed, &r);
    depot_arena_release(&arena);
}

int depot_job_start(struct depot_loop *l, const struct depot_build_plan *plan,
    const struct depot_endpoint *at, const struct depot_job_ops *ops, void *arg,
    struct depot_job **out, struct depot_error *err)
{
    struct depot_job *j = depot_calloc(1, sizeof(*j));
    struct depot_feed_opts opts = {.addr = &at->addr,
        .tls = &at->tls,
        .token = at->token,
        .give_up_ms = at->addr.kind == DEPOT_ADDR_UNIX ? JOB_GIVE_UP_UNIX_MS : JOB_GIVE_UP_MS};
    j->loop = l;
    j->plan = plan;
    j->at = at;
    j->ops = ops;
    j->arg = arg;
    j->state = depot_build_new(NULL);
    j->timer = depot_timer_new(l, on_timer, j);
    j->reopen = depot_timer_new(l, on_reopen, j);
    j->telling = depot_timer_new(l, on_telling, j);
    make_claims(j);
    int rc = depot_feed_open(l, &opts, &feed_ops, j, &j->feed, err);
    if (rc != 0) {
        depot_job_free(j);
        return rc;
    }
    create(j);
    *out = j;
    return 0;
}

struct depot_build *depot_job_state(const struct depot_job *j)
{
    return j->state;
}

struct depot_feed *depot_job_admit(struct depot_job *j, const struct depot_job_guest *guest)
{
    j->guest = guest != NULL ? guest->ops : NULL;
    j->guest_arg = guest != NULL ? guest->arg : NULL;
    depot_build_set_hooks(j->state, guest != NULL ? &guest->hooks : NULL);
    return j->feed;
}

const char *depot_job_id(const struct depot_job *j)
{
    return j->id;
}

void depot_job_cancel(struct depot_job *j)
{
    if (j->over || j->cancelling)
        return;
    j->cancelling = true;
    if (j->join != NULL)
        dp_join_cancel(j->join);
    else if (j->id != NULL)
        depot_feed_cancel(j->feed, j->id);
    depot_timer_start(j->timer, JOB_CANCEL_MS, 0);
}

void depot_job_free(struct depot_job *j)
{
    if (j == NULL)
        return;
    j->over = true;
    dp_join_free(j->join);
    for (size_t i = 0; i < j->parts.len; i++)
        dp_part_free(j->parts.items[i]);
    depot_vec_free(&j->parts);
    for (size_t i = 0; i < j->plan->outputs.len; i++)
        dp_claims_free(j->claims[i]);
    depot_free(j->claims);
    depot_feed_free(j->feed);
    depot_timer_free(j->timer);
    depot_timer_free(j->reopen);
    depot_timer_free(j->telling);
    depot_build_free(j->state);
    depot_free(j->id);
    depot_free(j->secret);
    depot_free(j);
}
