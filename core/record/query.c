/*
 * Questions to a daemon and its answers, as JSON: tables over the structs of query.h. Nothing here
 * knows where the numbers come from.
 */
#include <depot/query.h>

#include "record/table.h"

#include <string.h>

static const char *const ask_names[DEPOT_QUERY_COUNT] = {
#define ASK_NAME(id, name) [DEPOT_QUERY_##id] = (name),
    DEPOT_QUERIES(ASK_NAME)
#undef ASK_NAME
};

const char *depot_query_kind_name(enum depot_query_kind a)
{
    return (unsigned)a < DEPOT_QUERY_COUNT ? ask_names[a] : "";
}

int depot_query_kind_from_name(const char *name)
{
    for (int i = 0; i < DEPOT_QUERY_COUNT; i++)
        if (depot_str_eq(name, ask_names[i]))
            return i;
    return -1;
}

void depot_response_release(struct depot_response *a)
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

/* `id` over HTTP and in the second version of the feed, `build` in the first. */
#define CREATED_ROWS                                                                               \
    STR("session", depot_created, session), SOME_BOOL("join", depot_created, join),                \
        STR("version", depot_created, version), SOME_STRV("can", depot_created, can, ncan)

static const struct depot_record_field created_fields[] = {
    STR("id", depot_created, build),
    STR("state", depot_created, state),
    CREATED_ROWS,
    END,
};

static const struct depot_record_field created_v1_fields[] = {
    STR("build", depot_created, build),
    CREATED_ROWS,
    END,
};

static const struct depot_record_field no_fields[] = {END};

static const struct depot_record_field error_fields[] = {
    CODE("code", depot_error, code),
    CHARS("message", depot_error, msg),
    CHARS("hint", depot_error, hint),
    END,
};

static const struct depot_record_field version_fields[] = {
    STR("version", depot_version, version),
    INT("api", depot_version, api),
    END,
};

const struct depot_record depot_record_version =
    RECORD("the version", depot_version, version_fields);
const struct depot_record depot_record_error = RECORD("the error", depot_error, error_fields);

static const struct depot_record_field error_answer_fields[] = {
    POINTER("error", depot_error_response, error, error_fields),
    END,
};

const struct depot_record depot_record_error_response =
    RECORD("the error", depot_error_response, error_answer_fields);
const struct depot_record depot_record_builds =
    RECORD("the list of builds", depot_builds, builds_fields);

/* An answer is bounded as it is written: DEPOT_ANSWER_MAX. */
#define ANSWER(n, type, table)                                                                     \
    {                                                                                              \
        .name = (n), .size = sizeof(struct type), .fields = (table), .max = DEPOT_ANSWER_MAX       \
    }
static const struct depot_record answers[DEPOT_QUERY_COUNT] = {
    [DEPOT_QUERY_ESTIMATES] = ANSWER("the answer", depot_estimates, estimates_fields),
    [DEPOT_QUERY_CACHE] = ANSWER("the answer", depot_caches, cache_fields),
    [DEPOT_QUERY_PRUNE] = ANSWER("the answer", depot_prunes, prune_fields),
    [DEPOT_QUERY_BUILDS] = ANSWER("the answer", depot_builds, builds_fields),
    [DEPOT_QUERY_PROVENANCE] = ANSWER("the answer", depot_provenances, provenance_fields),
    [DEPOT_QUERY_CREATE] = ANSWER("the answer", depot_created, created_fields),
    [DEPOT_QUERY_CANCEL] = ANSWER("the answer", depot_created, no_fields),
    [DEPOT_QUERY_SUBSCRIBE] = ANSWER("the answer", depot_created, no_fields),
    [DEPOT_QUERY_UNSUBSCRIBE] = ANSWER("the answer", depot_created, no_fields),
};
static const struct depot_record created_v1 =
    ANSWER("the answer", depot_created, created_v1_fields);
#undef ANSWER

const struct depot_record *depot_record_of_response(enum depot_query_kind a)
{
    return (unsigned)a < DEPOT_QUERY_COUNT ? &answers[a] : NULL;
}

static const char *const ability_names[] = {
#define ABILITY_NAME(id, name) [DEPOT_CAN_##id] = (name),
    DEPOT_ABILITIES(ABILITY_NAME)
#undef ABILITY_NAME
};

const char *const *depot_abilities(size_t *n)
{
    *n = DEPOT_CAN_COUNT;
    return ability_names;
}

bool depot_created_can(const struct depot_created *c, enum depot_ability a)
{
    for (size_t i = 0; i < c->ncan; i++)
        if (depot_str_eq(c->can[i], ability_names[a]))
            return true;
    return false;
}

/* ---- the first version of the feed ---- */

static bool is_query(enum depot_query_kind a)
{
    return a < DEPOT_QUERY_CREATE;
}

static void encode_v1(struct depot_buf *out, const struct depot_query *q,
    const struct depot_response *a, const struct depot_error *err)
{
    const bool created = q->ask == DEPOT_QUERY_CREATE;
    bool first = false;
    if (a != NULL && !is_query(q->ask) && !created)
        return;
    depot_buf_addf(out, "{\"op\":\"%s\"",
        a == NULL ? "error"
        : created ? "created"
                  : depot_query_kind_name(q->ask));
    if (a != NULL) {
        const struct depot_record *r = created ? &created_v1 : &answers[q->ask];
        dp_fields_encode(out, &first, r->fields, &a->u);
    } else {
        if (q->build != NULL) {
            depot_buf_adds(out, ",\"build\":");
            dp_json_string(out, q->build, strlen(q->build));
        }
        if (is_query(q->ask))
            depot_buf_addf(out, ",\"of\":\"%s\"", depot_query_kind_name(q->ask));
        depot_buf_adds(out, ",\"error\":");
        depot_record_encode(out, &depot_record_error, err);
    }
    depot_buf_addc(out, '}');
}

/* ---- both ways ---- */

void depot_response_encode(struct depot_buf *out, int version, const struct depot_query *q,
    const struct depot_response *a, const struct depot_error *err)
{
    if (version == DEPOT_FEED_V1) {
        encode_v1(out, q, a, err);
        return;
    }
    depot_buf_adds(out, "{\"id\":");
    dp_json_int(out, q->id);
    depot_buf_adds(out, a != NULL ? ",\"result\":" : ",\"error\":");
    if (a != NULL)
        depot_record_encode(out, &answers[q->ask], &a->u);
    else
        depot_record_encode(out, &depot_record_error, err);
    depot_buf_addc(out, '}');
}

int depot_response_decode(const char *json, size_t n, int version, enum depot_query_kind ask,
    struct depot_response *out, struct depot_error *err)
{
    const struct depot_record *r =
        version == DEPOT_FEED_V1 && ask == DEPOT_QUERY_CREATE ? &created_v1 : &answers[ask];
    struct depot_response a = {.ask = ask};
    const int rc = depot_record_decode(r, json, n, &a.u, &a.arena, err);
    if (rc == 0)
        *out = a;
    else
        depot_arena_release(&a.arena);
    return rc;
}
