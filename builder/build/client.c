/*
 * Questions to a build's client: kept until its session is there, and answered with nothing when it
 * does not come.
 */
#include "client.h"

#include <depot/log.h>
#include <depot/session.h>

#define DEPOT_LOG_MODULE "client"

enum { CLIENT_WAIT_MS = 10000 }; /* for a session that is not there, or not there yet */

struct question {
    struct client *client;
    char *host;
    client_credentials_fn *done; /* NULL: nobody wants the answer */
    void *arg;
    bool asked;
    TAILQ_ENTRY(question) entry;
};

struct client {
    const struct build_scope *scope;
    struct relay *relay;
    TAILQ_HEAD(, question) questions;
    struct depot_timer *timer; /* the patience with a client that is not there */
};

static void answer(struct question *q, const char *user, const char *secret)
{
    TAILQ_REMOVE(&q->client->questions, q, entry);
    if (q->done != NULL)
        q->done(q->host, user, secret, q->arg);
    depot_free(q->host);
    depot_free(q);
}

static void on_answer(struct depot_caller *caller, const char *host, const char *user,
    const char *secret, const struct depot_error *err, void *arg)
{
    struct question *q = arg;
    DEPOT_UNUSED(caller);
    DEPOT_UNUSED(host);
    if (err != NULL)
        depot_log_warn("build %s: %s", q->client->scope->id, err->msg);
    answer(q, user, secret);
}

static bool is_waiting(const struct client *c)
{
    const struct question *q;
    TAILQ_FOREACH (q, &c->questions, entry)
        if (!q->asked)
            return true;
    return false;
}

static void ask(struct client *c)
{
    struct depot_caller *caller = c->relay != NULL ? relay_caller(c->relay) : NULL;
    struct question *q, *next;
    for (q = TAILQ_FIRST(&c->questions); caller != NULL && q != NULL; q = next) {
        next = TAILQ_NEXT(q, entry);
        if (!q->asked)
            q->asked = depot_caller_credentials(caller, q->host, on_answer, q, NULL) == 0;
    }
    if (!is_waiting(c))
        depot_timer_stop(c->timer);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct client *c = arg;
    struct question *q, *next;
    DEPOT_UNUSED(t);
    for (q = TAILQ_FIRST(&c->questions); q != NULL; q = next) {
        next = TAILQ_NEXT(q, entry);
        if (!q->asked)
            answer(q, NULL, NULL);
    }
}

void client_credentials(struct client *c, const char *host, client_credentials_fn *done, void *arg)
{
    struct question *q = depot_calloc(1, sizeof(*q));
    q->client = c;
    q->host = depot_strdup(host);
    q->done = done;
    q->arg = arg;
    TAILQ_INSERT_TAIL(&c->questions, q, entry);
    depot_timer_start(c->timer, c->scope->req.session ? CLIENT_WAIT_MS : 0, 0);
    ask(c);
}

void client_forget(struct client *c, const void *arg)
{
    struct question *q;
    if (c == NULL)
        return;
    TAILQ_FOREACH (q, &c->questions, entry)
        if (q->arg == arg)
            q->done = NULL;
}

/* What was asked of a session that is gone is asked of the next one. */
static void unask(struct client *c)
{
    struct depot_caller *caller = c->relay != NULL ? relay_caller(c->relay) : NULL;
    struct question *q;
    TAILQ_FOREACH (q, &c->questions, entry) {
        if (q->asked && caller != NULL)
            depot_caller_forget(caller, q);
        q->asked = false;
    }
    c->relay = NULL;
}

static void on_gone(void *arg)
{
    struct client *c = arg;
    unask(c);
    if (is_waiting(c))
        depot_timer_start(c->timer, CLIENT_WAIT_MS, 0);
}

static const struct relay_owner relay_owner = {.gone = on_gone};

int client_open_session(struct client *c, const struct relay_ops *ops, void *arg,
    struct relay **out, struct depot_error *err)
{
    if (c->relay != NULL)
        return depot_error_set(err, DEPOT_ERR_EXISTS, "the build has its session with the daemon");
    int rc = relay_to_daemon(
        &c->scope->env->relays, c->scope->env->loop, &relay_owner, c, ops, arg, out, err);
    if (rc != 0)
        return rc;
    c->relay = *out;
    if (is_waiting(c))
        depot_timer_start(c->timer, CLIENT_WAIT_MS, 0);
    ask(c);
    return 0;
}

void client_end(struct client *c)
{
    struct relay *r = c != NULL ? c->relay : NULL;
    if (r == NULL)
        return;
    unask(c);
    relay_end(r, 1000, "nothing more is asked");
}

struct client *client_new(const struct build_scope *scope)
{
    struct client *c = depot_calloc(1, sizeof(*c));
    c->scope = scope;
    TAILQ_INIT(&c->questions);
    c->timer = depot_timer_new(scope->env->loop, on_timer, c);
    return c;
}

void client_free(struct client *c)
{
    struct question *q;
    if (c == NULL)
        return;
    unask(c);
    while ((q = TAILQ_FIRST(&c->questions)) != NULL) {
        q->done = NULL;
        answer(q, NULL, NULL);
    }
    depot_timer_free(c->timer);
    depot_free(c);
}
