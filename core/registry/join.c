/*
 * One index under many names, all or nothing. One request at a time, in phases: read what is not at
 * hand, write the index by its digest, look where the tags are, move them; and when that fails,
 * move them back. Before the tags it may be held until it is known that they are to move.
 */
#define DEPOT_LOG_MODULE "registry"
#include "registry/call.h"

#include <depot/buf.h>
#include <depot/log.h>

#include <string.h>

#include "registry/media.h"

/* Where a tag was before, and where it is now. */
struct target {
    char *name; /* as given */
    struct dp_host *host;
    char *repository, *tag;
    bool first;   /* of its repository: the index is written there for it */
    bool moved;   /* by us */
    bool fresh;   /* it was not there */
    char *before; /* its digest before; NULL: not known, or not there */
    char *old;    /* the manifest of that digest, while it is being put back */
    size_t old_len;
    char *old_type;
};

struct part {
    char *platform, *digest, *manifest;
    size_t len;
};

/* In this order; what fails goes on with UNDO_LOOK. */
enum phase_id {
    PHASE_READ,
    PHASE_INDEX,
    PHASE_LOOK,
    PHASE_MOVE,
    PHASE_DONE,
    PHASE_UNDO_LOOK,
    PHASE_UNDO_READ,
    PHASE_UNDO_MOVE,
    PHASE_UNDONE,
    PHASE_COUNT
};

struct phase {
    const char *what; /* for messages: "cannot <what>" */
    /* Begin with the i-th item; false: there is nothing to do for it. */
    bool (*begin)(struct depot_join *j, size_t i);
    /* Its answer. Not 0: the join has failed. */
    int (*answer)(struct depot_join *j, size_t i, const struct dp_call_answer *a,
        const struct depot_error *none, struct depot_error *err);
    size_t (*count)(const struct depot_join *j);
};

struct depot_join {
    struct depot_loop *loop;
    struct depot_registry *registry;
    depot_join_fn *done;
    void *arg;
    DEPOT_VEC(struct target) targets;
    DEPOT_VEC(struct part) parts;
    struct depot_kvs annotations;
    char *index;
    size_t index_len;
    const char *media_type;
    char digest[DEPOT_DIGEST_LEN + 1];
    enum phase_id phase;
    size_t at;
    struct dp_call *call;
    unsigned requests;
    bool held; /* the tags are to be left alone */
    bool failed, cancelled, undoing;
    struct depot_error error;
    struct depot_buf left; /* what could not be undone */
    struct depot_timer *timer;
};

static const struct phase phases[PHASE_COUNT];
static void step(struct depot_join *j);

/* ---- the end ---- */

static void finish(struct depot_join *j)
{
    const struct depot_join_result res = {.digest = j->digest,
        .media_type = j->media_type,
        .size = j->index_len,
        .requests = j->requests};
    if (j->failed && j->left.len > 0) {
        char *before = depot_strdup(j->error.msg);
        depot_error_set(
            &j->error, j->error.code, "%s; not as before: %s", before, depot_buf_str(&j->left));
        depot_free(before);
    }
    j->done(j, j->failed ? NULL : &res, j->failed ? &j->error : NULL, j->arg);
}

static void leave(struct depot_join *j, const struct target *t, const char *why)
{
    depot_buf_addf(&j->left, "%s%s (%s)", j->left.len > 0 ? ", " : "", t->name, why);
}

/* ---- one request ---- */

static void on_call(
    struct dp_call *c, const struct dp_call_answer *a, const struct depot_error *why, void *arg)
{
    struct depot_join *j = arg;
    struct depot_error err = {0};
    j->requests += dp_call_requests(c);
    int rc = phases[j->phase].answer(j, j->at, a, why, &err);
    j->call = NULL;
    if (rc != 0 && !j->failed) {
        j->failed = true;
        j->error = err;
        if (j->cancelled) /* then that is why it ends */
            depot_error_set(&j->error, DEPOT_ERR_CANCELLED, "cancelled");
        else if (phases[j->phase].what != NULL)
            depot_error_prefix(&j->error, "cannot %s", phases[j->phase].what);
    }
    j->at++;
    step(j);
}

static bool request(struct depot_join *j, const struct target *t, const char *method,
    const char *reference, const char *type, const void *body, size_t n)
{
    const struct dp_call_opts opts = {.host = t->host,
        .method = method,
        .repository = t->repository,
        .reference = reference,
        .content_type = type,
        .body = body,
        .len = n};
    j->call = dp_call_start(j->loop, &opts, on_call, j);
    return true;
}

/* An answer that is no yes, as an error. */
static int refusal(struct depot_join *j, const struct dp_call_answer *a,
    const struct depot_error *none, struct depot_error *err)
{
    if (a != NULL)
        return dp_call_error(j->call, a, err);
    *err = *none;
    return err->code;
}

static bool is_yes(const struct dp_call_answer *a)
{
    return a != NULL && a->status / 100 == 2;
}

/* ---- reading what is not at hand ---- */

static size_t count_parts(const struct depot_join *j)
{
    return j->parts.len;
}

static bool fetch(struct depot_join *j, size_t i)
{
    return j->parts.items[i].manifest == NULL &&
           request(j, &j->targets.items[0], "GET", j->parts.items[i].digest, NULL, NULL, 0);
}

static int fetched(struct depot_join *j, size_t i, const struct dp_call_answer *a,
    const struct depot_error *none, struct depot_error *err)
{
    struct part *p = &j->parts.items[i];
    if (!is_yes(a))
        return refusal(j, a, none, err);
    p->len = a->body->len;
    p->manifest = depot_alloc(p->len + 1);
    memcpy(p->manifest, depot_buf_str(a->body), p->len + 1);
    return 0;
}

/* ---- the index, by its digest ---- */

static int make_index(struct depot_join *j, struct depot_error *err)
{
    DEPOT_VEC(struct depot_join_part) parts = {0};
    for (size_t i = 0; i < j->parts.len; i++) {
        const struct part *p = &j->parts.items[i];
        const struct depot_join_part part = {
            .platform = p->platform, .digest = p->digest, .manifest = p->manifest, .len = p->len};
        depot_vec_push(&parts, part);
    }
    int rc =
        depot_index_join(parts.items, parts.len, &j->annotations, &j->index, &j->media_type, err);
    depot_vec_free(&parts);
    if (rc != 0)
        return rc;
    j->index_len = strlen(j->index);
    depot_digest_of(j->index, j->index_len, j->digest);
    return 0;
}

static size_t count_targets(const struct depot_join *j)
{
    return j->targets.len;
}

static bool put_index(struct depot_join *j, size_t i)
{
    struct target *t = &j->targets.items[i];
    return t->first && request(j, t, "PUT", j->digest, j->media_type, j->index, j->index_len);
}

static int accepted(struct depot_join *j, size_t i, const struct dp_call_answer *a,
    const struct depot_error *none, struct depot_error *err)
{
    if (!is_yes(a))
        return refusal(j, a, none, err);
    if (!depot_str_empty(a->digest) && !depot_str_eq(a->digest, j->digest))
        return depot_error_set(err, DEPOT_ERR_PROTOCOL,
            "registry %s kept other bytes than were sent: %.80s instead of %s",
            j->targets.items[i].host->name, a->digest, j->digest);
    return 0;
}

/* ---- the tags ---- */

/* The last one to be moved needs no way back: nothing comes after it that could fail. */
static bool look(struct depot_join *j, size_t i)
{
    struct target *t = &j->targets.items[i];
    return i + 1 < j->targets.len && request(j, t, "HEAD", t->tag, NULL, NULL, 0);
}

static int looked(struct depot_join *j, size_t i, const struct dp_call_answer *a,
    const struct depot_error *none, struct depot_error *err)
{
    struct target *t = &j->targets.items[i];
    if (a != NULL && a->status == 404)
        t->fresh = true;
    else if (!is_yes(a))
        return refusal(j, a, none, err);
    else if (depot_digest_valid(a->digest))
        t->before = depot_strdup(a->digest);
    return 0;
}

static bool move(struct depot_join *j, size_t i)
{
    struct target *t = &j->targets.items[i];
    if (depot_str_eq(t->before, j->digest))
        return false; /* it is there already */
    return request(j, t, "PUT", t->tag, j->media_type, j->index, j->index_len);
}

static int moved(struct depot_join *j, size_t i, const struct dp_call_answer *a,
    const struct depot_error *none, struct depot_error *err)
{
    struct target *t = &j->targets.items[i];
    t->moved = is_yes(a);
    if (t->moved)
        return 0;
    /* The answer may be what was lost, not the request. */
    if (a == NULL || a->status >= 500)
        t->moved = true;
    return refusal(j, a, none, err);
}

/* ---- the way back, newest first ---- */

static struct target *backwards(struct depot_join *j, size_t i)
{
    return &j->targets.items[j->targets.len - 1 - i];
}

/* Is it still where we put it? */
static bool look_again(struct depot_join *j, size_t i)
{
    struct target *t = backwards(j, i);
    return t->moved && request(j, t, "HEAD", t->tag, NULL, NULL, 0);
}

static int looked_again(struct depot_join *j, size_t i, const struct dp_call_answer *a,
    const struct depot_error *none, struct depot_error *err)
{
    struct target *t = backwards(j, i);
    DEPOT_UNUSED(none);
    DEPOT_UNUSED(err);
    if (is_yes(a) && depot_str_eq(a->digest, j->digest))
        return 0;
    t->moved = false;
    if (a == NULL || (!is_yes(a) && a->status != 404))
        leave(j, t, "it may have moved: the registry does not tell");
    else if (is_yes(a) && t->before != NULL && !depot_str_eq(a->digest, t->before))
        leave(j, t, "somebody else has moved it meanwhile");
    return 0;
}

static bool read_old(struct depot_join *j, size_t i)
{
    struct target *t = backwards(j, i);
    if (!t->moved)
        return false;
    if (t->before != NULL)
        return request(j, t, "GET", t->before, NULL, NULL, 0);
    if (!t->fresh) {
        leave(j, t, "where it was before is not known");
        t->moved = false;
    }
    return false;
}

static int have_old(struct depot_join *j, size_t i, const struct dp_call_answer *a,
    const struct depot_error *none, struct depot_error *err)
{
    struct target *t = backwards(j, i);
    DEPOT_UNUSED(none);
    DEPOT_UNUSED(err);
    if (!is_yes(a) || depot_str_empty(a->content_type)) {
        leave(j, t, "what it was before cannot be read any more");
        t->moved = false;
        return 0;
    }
    t->old_len = a->body->len;
    t->old = depot_alloc(t->old_len + 1);
    memcpy(t->old, depot_buf_str(a->body), t->old_len + 1);
    t->old_type = depot_strdup(a->content_type);
    return 0;
}

static bool move_back(struct depot_join *j, size_t i)
{
    struct target *t = backwards(j, i);
    if (!t->moved)
        return false;
    if (t->fresh)
        return request(j, t, "DELETE", t->tag, NULL, NULL, 0);
    return request(j, t, "PUT", t->tag, t->old_type, t->old, t->old_len);
}

static int moved_back(struct depot_join *j, size_t i, const struct dp_call_answer *a,
    const struct depot_error *none, struct depot_error *err)
{
    struct target *t = backwards(j, i);
    DEPOT_UNUSED(none);
    DEPOT_UNUSED(err);
    if (!is_yes(a))
        leave(j, t,
            t->fresh ? "it is new, and its registry does not delete it"
                     : "it could not be put back");
    return 0;
}

/* ---- phases ---- */

static const struct phase phases[PHASE_COUNT] = {
    [PHASE_READ] = {"read what a builder pushed", fetch, fetched, count_parts},
    [PHASE_INDEX] = {"push the index", put_index, accepted, count_targets},
    [PHASE_LOOK] = {"look at the tags", look, looked, count_targets},
    [PHASE_MOVE] = {"move the tags", move, moved, count_targets},
    [PHASE_UNDO_LOOK] = {NULL, look_again, looked_again, count_targets},
    [PHASE_UNDO_READ] = {NULL, read_old, have_old, count_targets},
    [PHASE_UNDO_MOVE] = {NULL, move_back, moved_back, count_targets},
};

static bool any_moved(const struct depot_join *j)
{
    for (size_t i = 0; i < j->targets.len; i++)
        if (j->targets.items[i].moved)
            return true;
    return false;
}

/* A tag whose answer was lost may be where it should be: then nothing has failed. */
static bool last_is_ours(const struct depot_join *j)
{
    return j->phase == PHASE_UNDO_LOOK && !j->cancelled && j->targets.len > 0 && j->left.len == 0 &&
           j->targets.items[j->targets.len - 1].moved;
}

static void give_up(struct depot_join *j)
{
    j->undoing = true;
    if (!any_moved(j)) {
        finish(j);
        return;
    }
    j->phase = PHASE_UNDO_LOOK;
    j->at = 0;
    step(j);
}

static void next_phase(struct depot_join *j)
{
    if (last_is_ours(j)) {
        j->failed = false;
        finish(j);
        return;
    }
    if (j->phase == PHASE_READ && make_index(j, &j->error) != 0) {
        j->failed = true;
        finish(j);
        return;
    }
    j->phase++;
    j->at = 0;
    if (phases[j->phase].begin != NULL)
        step(j);
    else
        finish(j);
}

/* All tags are where they should be: a cancel comes too late. */
static bool is_complete(const struct depot_join *j)
{
    return !j->failed && j->phase == PHASE_MOVE && j->at == j->targets.len;
}

/* Begin with the next item that has something to do, or the next phase. */
static void step(struct depot_join *j)
{
    if ((j->failed || j->cancelled) && !j->undoing && !is_complete(j)) {
        if (!j->failed)
            depot_error_set(&j->error, DEPOT_ERR_CANCELLED, "cancelled");
        j->failed = true;
        give_up(j);
        return;
    }
    if (j->held && j->phase == PHASE_LOOK)
        return;
    for (; j->at < phases[j->phase].count(j); j->at++)
        if (phases[j->phase].begin(j, j->at))
            return;
    next_phase(j);
}

/* ---- life ---- */

/* "host/path:tag" */
static int add_target(
    struct depot_join *j, const char *name, bool insecure, struct depot_error *err)
{
    const char *slash = strchr(name, '/'), *colon = strrchr(name, ':');
    for (size_t i = 0; i < j->targets.len; i++)
        if (depot_str_eq(j->targets.items[i].name, name))
            return 0; /* once is enough, and is put back as it was */
    if (slash == NULL || colon == NULL || colon < slash || colon[1] == '\0' || colon == slash + 1 ||
        depot_str_has_control(name) || strpbrk(name, " ?#%@") != NULL)
        return depot_error_set(err, DEPOT_ERR_INVALID, "\"%.200s\" names no tag", name);
    char *host = depot_strndup(name, (size_t)(slash - name));
    struct target t = {.name = depot_strdup(name),
        .host = dp_registry_host(j->registry, host, insecure, err),
        .repository = depot_strndup(slash + 1, (size_t)(colon - slash - 1)),
        .tag = depot_strdup(colon + 1),
        .first = true};
    depot_free(host);
    for (size_t i = 0; i < j->targets.len; i++)
        if (j->targets.items[i].host == t.host &&
            depot_str_eq(j->targets.items[i].repository, t.repository))
            t.first = false;
    depot_vec_push(&j->targets, t);
    return t.host != NULL ? 0 : DEPOT_ERR_INVALID;
}

static int add_part(
    struct depot_join *j, const struct depot_join_part *from, struct depot_error *err)
{
    struct part p = {.platform = depot_strdup(from->platform),
        .digest = depot_strdup(from->digest),
        .len = from->len};
    if (from->manifest != NULL) {
        p.manifest = depot_alloc(from->len + 1);
        memcpy(p.manifest, from->manifest, from->len);
        p.manifest[from->len] = '\0';
    }
    depot_vec_push(&j->parts, p);
    if (depot_digest_valid(from->digest))
        return 0;
    return depot_error_set(
        err, DEPOT_ERR_PROTOCOL, "the builder of %s told no digest of its image", from->platform);
}

static void on_begin(struct depot_timer *t, void *arg)
{
    struct depot_join *j = arg;
    DEPOT_UNUSED(t);
    step(j);
}

int depot_join_start(struct depot_loop *l, struct depot_registry *r,
    const struct depot_join_opts *o, depot_join_fn *done, void *arg, struct depot_join **out,
    struct depot_error *err)
{
    struct depot_join *j = depot_calloc(1, sizeof(*j));
    int rc = 0;
    j->loop = l;
    j->registry = r;
    j->done = done;
    j->arg = arg;
    j->held = o->held;
    depot_buf_init(&j->left, DEPOT_ERROR_MSG_MAX / 2);
    if (o->nnames == 0 || o->nnames > DEPOT_JOIN_NAMES_MAX || o->nparts == 0)
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "there is nothing to join");
    for (size_t i = 0; rc == 0 && i < o->nnames; i++)
        rc = add_target(j, o->names[i], o->insecure, err);
    for (size_t i = 0; rc == 0 && i < o->nparts; i++)
        rc = add_part(j, &o->parts[i], err);
    if (rc != 0) {
        depot_join_free(j);
        return rc;
    }
    if (o->annotations != NULL)
        depot_kvs_copy(&j->annotations, o->annotations);
    j->timer = depot_timer_new(l, on_begin, j);
    depot_timer_start(j->timer, 0, 0); /* outside of this call */
    *out = j;
    return 0;
}

void depot_join_go(struct depot_join *j)
{
    j->held = false;
    if (j->phase == PHASE_LOOK)
        depot_timer_start(j->timer, 0, 0);
}

void depot_join_cancel(struct depot_join *j)
{
    j->cancelled = true;
    /* What is under way changes nothing yet, or is waited for. */
    if (j->call == NULL || j->undoing)
        return;
    if (j->phase == PHASE_MOVE) {
        dp_call_hurry(j->call);
        return;
    }
    dp_call_cancel(j->call);
    j->call = NULL;
    depot_timer_start(j->timer, 0, 0);
}

char *depot_join_moved(const struct depot_join *j)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (size_t i = 0; i < j->targets.len; i++) {
        const struct target *t = &j->targets.items[i];
        if (t->moved || (j->phase == PHASE_MOVE && i == j->at && j->call != NULL))
            depot_buf_addf(&b, "%s%s", b.len > 0 ? ", " : "", t->name);
    }
    char *text = depot_strdup(depot_buf_str(&b));
    depot_buf_release(&b);
    return text;
}

void depot_join_free(struct depot_join *j)
{
    if (j == NULL)
        return;
    dp_call_cancel(j->call);
    for (size_t i = 0; i < j->targets.len; i++) {
        struct target *t = &j->targets.items[i];
        depot_free(t->name);
        depot_free(t->repository);
        depot_free(t->tag);
        depot_free(t->before);
        depot_free(t->old);
        depot_free(t->old_type);
    }
    for (size_t i = 0; i < j->parts.len; i++) {
        depot_free(j->parts.items[i].platform);
        depot_free(j->parts.items[i].digest);
        depot_free(j->parts.items[i].manifest);
    }
    depot_vec_free(&j->targets);
    depot_vec_free(&j->parts);
    depot_kvs_release(&j->annotations);
    depot_buf_release(&j->left);
    depot_timer_free(j->timer);
    depot_free(j->index);
    depot_free(j);
}
