/*
 * Questions to a daemon and its answers, as JSON: tables over the structs of answer.h. Nothing here
 * knows where the numbers come from.
 */
#include <depot/answer.h>

#include "record/table.h"

#include <string.h>

static const char *const ask_names[DEPOT_ASK_COUNT] = {
#define ASK_NAME(id, name) [DEPOT_ASK_##id] = (name),
    DEPOT_ASKS(ASK_NAME)
#undef ASK_NAME
};

const char *depot_ask_name(enum depot_ask a)
{
    return (unsigned)a < DEPOT_ASK_COUNT ? ask_names[a] : "";
}

int depot_ask_from_name(const char *name)
{
    for (int i = 0; i < DEPOT_ASK_COUNT; i++)
        if (depot_str_eq(name, ask_names[i]))
            return i;
    return -1;
}

void depot_answer_release(struct depot_answer *a)
{
    depot_arena_release(&a->arena);
}

/* ---- tables ---- */

static const struct depot_record_field spread_fields[] = {
    I64("median_ms", depot_spread, median_ms),
    I64("p25_ms", depot_spread, p25_ms),
    I64("p75_ms", depot_spread, p75_ms),
    INT("runs", depot_spread, runs),
    END,
};

static const struct depot_record_field step_fields[] = {
    STR("platform", depot_step_estimate, platform),
    STR("stage", depot_step_estimate, stage),
    INT("ordinal", depot_step_estimate, ordinal),
    STR("text", depot_step_estimate, text),
    INLINE(depot_step_estimate, took, spread_fields),
    INT("hits", depot_step_estimate, hits),
    END,
};

static const struct depot_record_field estimates_fields[] = {
    STR("build", depot_estimates, build),
    STR("project", depot_estimates, project),
    GROUP("duration", depot_estimates, duration, spread_fields),
    ARRAY("steps", depot_estimates, steps, nsteps, step_fields),
    END,
};

static const struct depot_record_field type_fields[] = {
    STR("type", depot_cache_type, type),
    I64("bytes", depot_cache_type, bytes),
    I64("reclaimable", depot_cache_type, reclaimable),
    INT("records", depot_cache_type, records),
    END,
};

static const struct depot_record_field record_fields[] = {
    STR("id", depot_cache_record, id),
    STR("description", depot_cache_record, description),
    STR("type", depot_cache_record, type),
    I64("bytes", depot_cache_record, bytes),
    TIME("created", depot_cache_record, created),
    TIME("last_used", depot_cache_record, last_used),
    I64("uses", depot_cache_record, uses),
    BOOL("in_use", depot_cache_record, in_use),
    BOOL("shared", depot_cache_record, shared),
    BOOL("mutable", depot_cache_record, is_mutable),
    END,
};

static const struct depot_record_field use_fields[] = {
    STR("builder", depot_cache_use, builder),
    STR("error", depot_cache_use, error),
    I64("bytes", depot_cache_use, bytes),
    I64("reclaimable", depot_cache_use, reclaimable),
    KNOWN_I64("limit", depot_cache_use, limit),
    INT("records", depot_cache_use, records),
    ARRAY("types", depot_cache_use, types, ntypes, type_fields),
    ARRAY("list", depot_cache_use, list, nlist, record_fields),
    END,
};

static const struct depot_record_field cache_fields[] = {
    ARRAY("builders", depot_caches, builders, nbuilders, use_fields),
    END,
};

static const struct depot_record_field pruned_fields[] = {
    STR("builder", depot_pruned, builder),
    STR("error", depot_pruned, error),
    I64("freed", depot_pruned, bytes),
    INT("records", depot_pruned, records),
    END,
};

static const struct depot_record_field prune_fields[] = {
    ARRAY("builders", depot_prunes, builders, nbuilders, pruned_fields),
    END,
};

static const struct depot_record_field builds_fields[] = {
    ARRAY("builds", depot_builds, builds, nbuilds, dp_summary_fields),
    END,
};

static const struct depot_record_field predicate_fields[] = {
    STR("platform", depot_provenance, platform),
    STR("type", depot_provenance, type),
    STR("predicate", depot_provenance, predicate),
    END,
};

static const struct depot_record_field provenance_fields[] = {
    STR("builder", depot_provenances, builder),
    STR("error", depot_provenances, error),
    ARRAY("list", depot_provenances, list, nlist, predicate_fields),
    END,
};

const struct depot_record depot_record_builds =
    RECORD("the list of builds", depot_builds, builds_fields);

/* An answer is bounded as it is written: DEPOT_ANSWER_MAX. */
#define ANSWER(n, type, table)                                                                     \
    {                                                                                              \
        .name = (n), .size = sizeof(struct type), .fields = (table), .max = DEPOT_ANSWER_MAX       \
    }
static const struct depot_record answers[DEPOT_ASK_COUNT] = {
    [DEPOT_ASK_ESTIMATES] = ANSWER("the answer", depot_estimates, estimates_fields),
    [DEPOT_ASK_CACHE] = ANSWER("the answer", depot_caches, cache_fields),
    [DEPOT_ASK_PRUNE] = ANSWER("the answer", depot_prunes, prune_fields),
    [DEPOT_ASK_BUILDS] = ANSWER("the answer", depot_builds, builds_fields),
    [DEPOT_ASK_PROVENANCE] = ANSWER("the answer", depot_provenances, provenance_fields),
};
#undef ANSWER

const struct depot_record *depot_record_of_answer(enum depot_ask a)
{
    return (unsigned)a < DEPOT_ASK_COUNT ? &answers[a] : NULL;
}

static const struct depot_record_field question_fields[] = {
    STR("build", depot_question, build),
    STR("project", depot_question, project),
    STR("builder", depot_question, builder),
    STR("ref", depot_question, ref),
    STR("session", depot_question, session),
    BOOL("all", depot_question, all),
    I64("keep_bytes", depot_question, keep_bytes),
    I64("keep_hours", depot_question, keep_hours),
    I64("limit", depot_question, limit),
    END,
};

/* ---- both ways ---- */

static bool begin(struct depot_buf *out, const char *op)
{
    depot_buf_addc(out, '{');
    if (op == NULL)
        return true;
    depot_buf_addf(out, "\"op\":\"%s\"", op);
    return false;
}

void depot_answer_encode(struct depot_buf *out, const struct depot_answer *a, bool with_op)
{
    bool first = begin(out, with_op ? depot_ask_name(a->ask) : NULL);
    dp_fields_encode(out, &first, answers[a->ask].fields, &a->u);
    depot_buf_addc(out, '}');
}

void depot_question_encode(struct depot_buf *out, const struct depot_question *q)
{
    bool first = begin(out, depot_ask_name(q->ask));
    dp_fields_encode(out, &first, question_fields, q);
    depot_buf_addc(out, '}');
}

static int find_op(struct dp_scan *s, const char *key, size_t len, void *arg)
{
    size_t n;
    return len == 2 && memcmp(key, "op", 2) == 0 && dp_scan_peek(s) == '"'
               ? dp_scan_string(s, arg, &n)
               : dp_scan_skip(s);
}

/* What the answer is to; -1: nothing that we know. */
static int answers_to(const char *json, size_t n, struct depot_arena *arena)
{
    struct dp_reading r;
    const char *op = NULL;
    dp_reading_init(&r, NULL, json, n, arena, NULL);
    return dp_scan_object(&r.scan, find_op, &op) == 0 ? depot_ask_from_name(op) : -1;
}

int depot_answer_decode(
    const char *json, size_t n, struct depot_answer *out, struct depot_error *err)
{
    struct depot_answer a = {0};
    if (n > DEPOT_ANSWER_MAX)
        return depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "an answer of more than %d MiB", DEPOT_ANSWER_MAX >> 20);
    const int ask = answers_to(json, n, &a.arena);
    int rc = ask < 0 ? depot_error_set(err, DEPOT_ERR_INVALID, "not an answer")
                     : depot_record_decode(&answers[ask], json, n, &a.u, &a.arena, err);
    a.ask = (enum depot_ask)(ask < 0 ? 0 : ask);
    if (rc == 0)
        *out = a;
    else
        depot_arena_release(&a.arena);
    return rc;
}
