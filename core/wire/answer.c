/*
 * Questions to a daemon and its answers, as JSON: tables over the structs of answer.h. Nothing here
 * knows where the numbers come from.
 */
#include <depot/answer.h>

#include "wire/wire_priv.h"

#include <json-c/json.h>
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

#define OF(s, m) offsetof(struct s, m)
#define ROW(kind, name, s, m)                                                                      \
    {                                                                                              \
        name, DP_FIELD_##kind, OF(s, m), 0, 0, NULL, 0                                             \
    }
#define ARRAY(name, s, m, n, sub)                                                                  \
    {                                                                                              \
        name, DP_FIELD_ARRAY, OF(s, m), OF(s, n), sizeof(*((struct s *)0)->m), sub, 0              \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct dp_field spread_fields[] = {
    ROW(I64, "median_ms", depot_spread, median_ms),
    ROW(I64, "p25_ms", depot_spread, p25_ms),
    ROW(I64, "p75_ms", depot_spread, p75_ms),
    ROW(INT, "runs", depot_spread, runs),
    END,
};

static const struct dp_field step_fields[] = {
    ROW(STR, "platform", depot_step_estimate, platform),
    ROW(STR, "stage", depot_step_estimate, stage),
    ROW(INT, "ordinal", depot_step_estimate, ordinal),
    ROW(STR, "text", depot_step_estimate, text),
    {"", DP_FIELD_INLINE, OF(depot_step_estimate, took), 0, 0, spread_fields, 0},
    ROW(INT, "hits", depot_step_estimate, hits),
    END,
};

static const struct dp_field estimates_fields[] = {
    ROW(STR, "build", depot_answer, u.estimates.build),
    ROW(STR, "project", depot_answer, u.estimates.project),
    {"duration", DP_FIELD_GROUP, OF(depot_answer, u.estimates.duration), 0, 0, spread_fields, 0},
    ARRAY("steps", depot_answer, u.estimates.steps, u.estimates.nsteps, step_fields),
    END,
};

static const struct dp_field type_fields[] = {
    ROW(STR, "type", depot_cache_type, type),
    ROW(I64, "bytes", depot_cache_type, bytes),
    ROW(I64, "reclaimable", depot_cache_type, reclaimable),
    ROW(INT, "records", depot_cache_type, records),
    END,
};

static const struct dp_field record_fields[] = {
    ROW(STR, "id", depot_cache_record, id),
    ROW(STR, "description", depot_cache_record, description),
    ROW(STR, "type", depot_cache_record, type),
    ROW(I64, "bytes", depot_cache_record, bytes),
    ROW(TIME, "created", depot_cache_record, created),
    ROW(TIME, "last_used", depot_cache_record, last_used),
    ROW(I64, "uses", depot_cache_record, uses),
    ROW(BOOL, "in_use", depot_cache_record, in_use),
    ROW(BOOL, "shared", depot_cache_record, shared),
    ROW(BOOL, "mutable", depot_cache_record, is_mutable),
    END,
};

static const struct dp_field use_fields[] = {
    ROW(STR, "builder", depot_cache_use, builder),
    ROW(STR, "error", depot_cache_use, error),
    ROW(I64, "bytes", depot_cache_use, bytes),
    ROW(I64, "reclaimable", depot_cache_use, reclaimable),
    {"limit", DP_FIELD_I64, OF(depot_cache_use, limit), 0, 0, NULL, DP_OMIT_NEGATIVE},
    ROW(INT, "records", depot_cache_use, records),
    ARRAY("types", depot_cache_use, types, ntypes, type_fields),
    ARRAY("list", depot_cache_use, list, nlist, record_fields),
    END,
};

static const struct dp_field cache_fields[] = {
    ARRAY("builders", depot_answer, u.cache.builders, u.cache.nbuilders, use_fields),
    END,
};

static const struct dp_field pruned_fields[] = {
    ROW(STR, "builder", depot_pruned, builder),
    ROW(STR, "error", depot_pruned, error),
    ROW(I64, "freed", depot_pruned, bytes),
    ROW(INT, "records", depot_pruned, records),
    END,
};

static const struct dp_field prune_fields[] = {
    ARRAY("builders", depot_answer, u.prune.builders, u.prune.nbuilders, pruned_fields),
    END,
};

static const struct dp_field builds_fields[] = {
    ARRAY("builds", depot_answer, u.builds.builds, u.builds.nbuilds, dp_summary_fields),
    END,
};

static const struct dp_field predicate_fields[] = {
    ROW(STR, "platform", depot_provenance, platform),
    ROW(STR, "type", depot_provenance, type),
    ROW(STR, "predicate", depot_provenance, predicate),
    END,
};

static const struct dp_field provenance_fields[] = {
    ROW(STR, "builder", depot_answer, u.provenance.builder),
    ROW(STR, "error", depot_answer, u.provenance.error),
    ARRAY("list", depot_answer, u.provenance.list, u.provenance.nlist, predicate_fields),
    END,
};

static const struct dp_field *const tables[DEPOT_ASK_COUNT] = {
    [DEPOT_ASK_ESTIMATES] = estimates_fields,
    [DEPOT_ASK_CACHE] = cache_fields,
    [DEPOT_ASK_PRUNE] = prune_fields,
    [DEPOT_ASK_BUILDS] = builds_fields,
    [DEPOT_ASK_PROVENANCE] = provenance_fields,
};

static const struct dp_field question_fields[] = {
    ROW(STR, "build", depot_question, build),
    ROW(STR, "project", depot_question, project),
    ROW(STR, "builder", depot_question, builder),
    ROW(STR, "ref", depot_question, ref),
    ROW(STR, "session", depot_question, session),
    ROW(BOOL, "all", depot_question, all),
    ROW(I64, "keep_bytes", depot_question, keep_bytes),
    ROW(I64, "keep_hours", depot_question, keep_hours),
    ROW(I64, "limit", depot_question, limit),
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
    dp_fields_encode(out, &first, tables[a->ask], a);
    depot_buf_addc(out, '}');
}

void depot_question_encode(struct depot_buf *out, const struct depot_question *q)
{
    bool first = begin(out, depot_ask_name(q->ask));
    dp_fields_encode(out, &first, question_fields, q);
    depot_buf_addc(out, '}');
}

static int decode(struct json_object *o, struct depot_answer *a, struct depot_error *err)
{
    struct json_object *op = NULL;
    int ask = -1;
    if (json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, "op", &op) &&
        json_object_is_type(op, json_type_string))
        ask = depot_ask_from_name(json_object_get_string(op));
    if (ask < 0)
        return depot_error_set(err, DEPOT_ERR_INVALID, "not an answer");
    a->ask = (enum depot_ask)ask;
    return dp_fields_decode(o, tables[ask], a, &a->arena, err);
}

int depot_answer_decode(
    const char *json, size_t n, struct depot_answer *out, struct depot_error *err)
{
    struct depot_answer a = {0};
    if (n > DEPOT_ANSWER_MAX)
        return depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "an answer of more than %d MiB", DEPOT_ANSWER_MAX >> 20);
    struct json_tokener *tok = json_tokener_new_ex(DEPOT_WIRE_DEPTH_MAX);
    if (tok == NULL)
        return depot_error_set(err, DEPOT_ERR_INTERNAL, "no JSON reader");
    struct json_object *o = json_tokener_parse_ex(tok, json, (int)n);
    int rc = o != NULL ? decode(o, &a, err)
                       : depot_error_set(err, DEPOT_ERR_INVALID, "not a JSON object: %s",
                             json_tokener_error_desc(json_tokener_get_error(tok)));
    json_object_put(o);
    json_tokener_free(tok);
    if (rc == 0)
        *out = a;
    else
        depot_arena_release(&a.arena);
    return rc;
}
