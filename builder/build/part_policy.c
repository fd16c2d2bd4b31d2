/*
 * The engine's own frontend is asked for the targets of the policy, as if that were a Dockerfile:
 * it finds the context and the file in it just as it will in the build, whatever the address means.
 * That there is no such file is the one answer that lets the build go on.
 *
 * An address may also be that of a lone Dockerfile, which the frontend reads whatever the name. A
 * second question, for a name that no context has, tells that case from the others.
 */
#include "part_policy.h"

#include <string.h>

#include "part.h"

enum { CODE_FAILED_PRECONDITION = 9 }; /* google.rpc.Code */

struct part_policy {
    depot_bk_solve_fn *done; /* the part's */
    struct depot_kvs attrs;
    struct depot_buf rules; /* for sources: what a build may not fetch, the question may not */
    char *name;             /* of the file in question */
    bool again;             /* it is one that no context has */
    bool read;              /* something was read in its place */
    struct depot_build_error found;
    char *message; /* of `found` */
};

/* What the context says comes after the first words, so it cannot make up the answer. Older
 * frontends show the path that the context has on the engine's machine. */
bool part_policy_is_absent(const char *message, const char *name)
{
    const char *slash = strrchr(name, '/');
    char *end = depot_asprintf("%s: no such file or directory", slash != NULL ? slash + 1 : name);
    const bool absent = depot_str_starts(message, "failed to read dockerfile: open ") &&
                        depot_str_ends(message, end);
    depot_free(end);
    return absent;
}

/* There are answers only when something can be read as a Dockerfile: nothing is to come of it. */
static void on_answer(struct depot_bk_call *c, const struct depot_bk_answer *a, void *arg)
{
    DEPOT_UNUSED(a);
    struct part *p = arg;
    p->policy->read = true;
    engine_driver(p->engine)->bridge_fail(c, CODE_FAILED_PRECONDITION, "a policy was looked for");
}

static int ask(struct part *p, struct depot_error *err);

static void finish(struct part *p, struct depot_bk_call *c, const struct depot_build_error *error)
{
    const struct depot_bk_result res = {.error = error};
    p->policy->done(c, &res, p);
}

static void refuse(struct part *p, struct depot_bk_call *c)
{
    struct part_policy *q = p->policy;
    q->message = depot_asprintf(
        "%s in the context: depot evaluates no policies in Rego, so it does not build what has one"
        "\nbuild with docker buildx, or give up the policy with --policy disabled=true",
        p->scope->req.policy_file);
    q->found = (struct depot_build_error){.code = CODE_FAILED_PRECONDITION, .message = q->message};
    finish(p, c, &q->found);
}

static void ask_again(struct part *p, struct depot_bk_call *c)
{
    struct part_policy *q = p->policy;
    struct depot_error err = {0};
    char id[PART_ID_LEN + 1];
    depot_random_id(id, PART_ID_LEN);
    depot_free(q->name);
    q->name = depot_strdup(id);
    q->again = true;
    engine_call_free(p->engine, c);
    p->solve = NULL;
    if (ask(p, &err) == 0)
        return;
    const struct depot_build_error error = {.code = CODE_FAILED_PRECONDITION, .message = err.msg};
    finish(p, NULL, &error);
}

/* Whatever else the engine says of a context, such as that it cannot be fetched, ends the build. */
static void on_done(struct depot_bk_call *c, const struct depot_bk_result *res, void *arg)
{
    struct part *p = arg;
    struct part_policy *q = p->policy;
    const bool absent =
        !q->read && res->error != NULL && part_policy_is_absent(res->error->message, q->name);
    if (!q->again && absent)
        finish(p, c, NULL);
    else if (!q->again)
        ask_again(p, c);
    else if (absent)
        refuse(p, c);
    else
        finish(p, c, q->read ? NULL : res->error);
}

/* "cmdline" keeps the frontend from handing over to another that the file may name. */
static int ask(struct part *p, struct depot_error *err)
{
    static const struct depot_bk_bridge_ops ops = {.answer = on_answer, .done = on_done};
    struct part_policy *q = p->policy;
    char ref[PART_ID_LEN + 1];
    depot_random_id(ref, PART_ID_LEN);
    q->read = false;
    depot_kvs_set(&q->attrs, "filename", q->name);
    const struct depot_bk_solve question = {
        .ref = ref,
        .session = p->scope->req.session ? p->session : NULL,
        .frontend = "dockerfile.v0",
        .attrs = &q->attrs,
        .source_policy = q->rules.data,
        .source_policy_len = q->rules.len,
        .internal = true,
    };
    store_seen_ref(p->scope->env->store, engine_name(p->engine), ref);
    return engine_driver(p->engine)->bridge(
        engine_bk(p->engine), &question, &ops, p, &p->solve, err);
}

int part_policy_ask(struct part *p, const struct depot_bk_solve *req, depot_bk_solve_fn *done,
    struct depot_error *err)
{
    struct part_policy *q = p->policy = depot_calloc(1, sizeof(*q));
    q->done = done;
    q->name = depot_strdup(p->scope->req.policy_file);
    depot_buf_init(&q->rules, DEPOT_BUF_NO_LIMIT);
    depot_buf_add(&q->rules, req->source_policy, req->source_policy_len);
    depot_kvs_copy(&q->attrs, req->attrs);
    depot_kvs_set(&q->attrs, "requestid", "frontend.targets");
    depot_kvs_set(&q->attrs, "cmdline", "dockerfile.v0");
    return ask(p, err);
}

void part_policy_free(struct part *p)
{
    struct part_policy *q = p->policy;
    if (q == NULL)
        return;
    depot_kvs_release(&q->attrs);
    depot_buf_release(&q->rules);
    depot_free(q->name);
    depot_free(q->message);
    depot_free(q);
    p->policy = NULL;
}
