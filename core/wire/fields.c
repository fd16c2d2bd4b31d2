/*
 * The bodies of the feed's events, as tables: one row a member, read by the encoder and the decoder
 * alike. docs/feed.md is what they say in prose. build.status is not here: see status_in.c.
 */
#include "wire/wire_priv.h"

#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

#define OF(s, m) offsetof(struct s, m)
#define STR(name, s, m)                                                                            \
    {                                                                                              \
        name, DP_FIELD_STR, OF(s, m), 0, 0, NULL, 0                                                \
    }
#define STRV(name, s, m, n)                                                                        \
    {                                                                                              \
        name, DP_FIELD_STRV, OF(s, m), OF(s, n), 0, NULL, 0                                        \
    }
#define BOOL(name, s, m)                                                                           \
    {                                                                                              \
        name, DP_FIELD_BOOL, OF(s, m), 0, 0, NULL, 0                                               \
    }
#define INT(name, s, m)                                                                            \
    {                                                                                              \
        name, DP_FIELD_INT, OF(s, m), 0, 0, NULL, 0                                                \
    }
#define I64(name, s, m)                                                                            \
    {                                                                                              \
        name, DP_FIELD_I64, OF(s, m), 0, 0, NULL, 0                                                \
    }
#define STATE(name, s, m)                                                                          \
    {                                                                                              \
        name, DP_FIELD_STATE, OF(s, m), 0, 0, NULL, 0                                              \
    }
#define TIME(name, s, m)                                                                           \
    {                                                                                              \
        name, DP_FIELD_TIME, OF(s, m), 0, 0, NULL, 0                                               \
    }
#define KNOWN_I64(name, s, m)                                                                      \
    {                                                                                              \
        name, DP_FIELD_I64, OF(s, m), 0, 0, NULL, DP_OMIT_NEGATIVE                                 \
    }
#define KNOWN_F64(name, s, m)                                                                      \
    {                                                                                              \
        name, DP_FIELD_F64, OF(s, m), 0, 0, NULL, DP_OMIT_NEGATIVE                                 \
    }
#define GROUP(name, off, sub)                                                                      \
    {                                                                                              \
        name, DP_FIELD_GROUP, off, 0, 0, sub, 0                                                    \
    }
#define INLINE(off, sub)                                                                           \
    {                                                                                              \
        "", DP_FIELD_INLINE, off, 0, 0, sub, 0                                                     \
    }
#define ARRAY(name, s, m, n, sub)                                                                  \
    {                                                                                              \
        name, DP_FIELD_ARRAY, OF(s, m), OF(s, n), sizeof(*((struct s *)0)->m), sub, 0              \
    }

static const struct dp_field source_fields[] = {
    STR("remote", depot_ev_created, remote),
    STR("commit", depot_ev_created, commit),
    STR("branch", depot_ev_created, branch),
    BOOL("dirty", depot_ev_created, dirty),
    END,
};

static const struct dp_field ci_fields[] = {
    STR("url", depot_ev_created, ci_url),
    END,
};

static const struct dp_field created_fields[] = {
    STR("project", depot_ev_created, project),
    STR("command", depot_ev_created, command),
    STR("target", depot_ev_created, target),
    STRV("tags", depot_ev_created, tags, ntags),
    STRV("platforms", depot_ev_created, platforms, nplatforms),
    GROUP("source", 0, source_fields),
    STR("user", depot_ev_created, user),
    STR("host", depot_ev_created, host),
    {"ci", DP_FIELD_GROUP, 0, OF(depot_ev_created, ci_url), 0, ci_fields, DP_OMIT_ZERO},
    STR("origin", depot_ev_created, origin),
    END,
};

static const struct dp_field queued_fields[] = {
    STR("platform", depot_ev_queued, platform),
    STR("reason", depot_ev_queued, reason),
    INT("position", depot_ev_queued, position),
    END,
};

static const struct dp_field assigned_fields[] = {
    STR("platform", depot_ev_assigned, platform),
    STR("builder", depot_ev_assigned, builder),
    BOOL("emulated", depot_ev_assigned, emulated),
    I64("waited_ms", depot_ev_assigned, waited_ms),
    END,
};

static const struct dp_field context_fields[] = {
    STR("platform", depot_ev_context, platform),
    I64("files", depot_ev_context, files),
    I64("bytes", depot_ev_context, bytes),
    I64("sent_files", depot_ev_context, sent_files),
    I64("sent_bytes", depot_ev_context, sent_bytes),
    STRV("changed", depot_ev_context, changed, nchanged),
    I64("changed_more", depot_ev_context, changed_more),
    END,
};

static const struct dp_field error_fields[] = {
    STR("message", depot_build_error, message),
    INT("code", depot_build_error, code),
    STR("vertex", depot_build_error, vertex),
    STR("file", depot_build_error, file),
    {"ranges", DP_FIELD_RANGES, OF(depot_build_error, ranges), OF(depot_build_error, nranges), 0,
        NULL, 0},
    INT("first_line", depot_build_error, first_line),
    STRV("lines", depot_build_error, lines, nlines),
    END,
};

static const struct dp_field result_fields[] = {
    STR("platform", depot_ev_result, platform),
    STR("builder", depot_ev_result, builder),
    STATE("state", depot_ev_result, state),
    STR("digest", depot_ev_result, digest),
    {"response", DP_FIELD_PAIRS, OF(depot_ev_result, response), OF(depot_ev_result, nresponse), 0,
        NULL, 0},
    {"error", DP_FIELD_POINTER, OF(depot_ev_result, error), 0, sizeof(struct depot_build_error),
        error_fields, 0},
    END,
};

static const struct dp_field counts_fields[] = {
    INT("total", depot_counts, total),
    INT("hit", depot_counts, hit),
    INT("ran", depot_counts, ran),
    INT("shared", depot_counts, shared),
    INT("failed", depot_counts, failed),
    INT("cancelled", depot_counts, cancelled),
    INT("skipped", depot_counts, skipped),
    END,
};

static const struct dp_field finished_fields[] = {
    STATE("state", depot_ev_finished, state),
    I64("duration_ms", depot_ev_finished, duration_ms),
    GROUP("counts", OF(depot_ev_finished, counts), counts_fields),
    STR("message", depot_ev_finished, message),
    END,
};

#define BUILDER_ROWS                                                                               \
    STR("builder", depot_ev_builder, builder), STR("address", depot_ev_builder, address),          \
        STRV("platforms", depot_ev_builder, platforms, nplatforms),                                \
        BOOL("emulated", depot_ev_builder, emulated), STR("engine", depot_ev_builder, engine),     \
        STR("version", depot_ev_builder, version), STR("reason", depot_ev_builder, reason),        \
        INT("running", depot_ev_builder, running), INT("queued", depot_ev_builder, queued),        \
        INT("capacity", depot_ev_builder, capacity)

static const struct dp_field builder_fields[] = {BUILDER_ROWS, END};

static const struct dp_field metrics_fields[] = {
    BUILDER_ROWS,
    KNOWN_F64("cpu", depot_ev_builder, cpu),
    KNOWN_I64("mem_used", depot_ev_builder, mem_used),
    KNOWN_I64("mem_total", depot_ev_builder, mem_total),
    KNOWN_I64("disk_used", depot_ev_builder, disk_used),
    KNOWN_I64("disk_total", depot_ev_builder, disk_total),
    KNOWN_I64("cache_used", depot_ev_builder, cache_used),
    KNOWN_I64("cache_limit", depot_ev_builder, cache_limit),
    END,
};

static const struct dp_field summary_fields[] = {
    STR("id", depot_build_summary, id),
    {"seq", DP_FIELD_U64, OF(depot_build_summary, seq), 0, 0, NULL, 0},
    STATE("state", depot_build_summary, state),
    TIME("created", depot_build_summary, created),
    TIME("finished", depot_build_summary, finished),
    INLINE(OF(depot_build_summary, info), created_fields),
    STRV("builders", depot_build_summary, builders, nbuilders),
    GROUP("counts", OF(depot_build_summary, counts), counts_fields),
    I64("duration_ms", depot_build_summary, duration_ms),
    STR("message", depot_build_summary, message),
    END,
};

const struct dp_field dp_snapshot_builder_fields[] = {
    INLINE(OF(dp_snapshot_builder, b), metrics_fields),
    BOOL("up", dp_snapshot_builder, up),
    END,
};

const struct dp_field dp_snapshot_fields[] = {
    ARRAY("builders", dp_snapshot, builders, nbuilders, dp_snapshot_builder_fields),
    ARRAY("builds", dp_snapshot, builds, nbuilds, summary_fields),
    END,
};

static const struct dp_field *const tables[DEPOT_EVENT_COUNT] = {
    [DEPOT_EVENT_BUILD_CREATED] = created_fields,
    [DEPOT_EVENT_BUILD_QUEUED] = queued_fields,
    [DEPOT_EVENT_BUILD_ASSIGNED] = assigned_fields,
    [DEPOT_EVENT_BUILD_CONTEXT] = context_fields,
    [DEPOT_EVENT_BUILD_RESULT] = result_fields,
    [DEPOT_EVENT_BUILD_FINISHED] = finished_fields,
    [DEPOT_EVENT_BUILDER_UP] = builder_fields,
    [DEPOT_EVENT_BUILDER_DOWN] = builder_fields,
    [DEPOT_EVENT_BUILDER_METRICS] = metrics_fields,
};

const struct dp_field *dp_fields_of(enum depot_event_type t)
{
    return (unsigned)t < DEPOT_EVENT_COUNT ? tables[t] : NULL;
}
