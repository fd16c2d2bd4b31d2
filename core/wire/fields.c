/*
 * The bodies of the feed's events, as tables: one row a member, read by the encoder and the decoder
 * alike. docs/feed.md is what they say in prose. build.status is not here: see status_in.c.
 */
#include "wire/wire_priv.h"

/* clang-format off */
#define OF(s, m) offsetof(struct s, m)
#define ROW(n, k, s, m) .name = (n), .kind = DP_FIELD_##k, .offset = OF(s, m)

#define END                    {.name = NULL}
#define STR(n, s, m)           {ROW(n, STR, s, m)}
#define STRV(n, s, m, c)       {ROW(n, STRV, s, m), .count = OF(s, c)}
#define SOME_STRV(n, s, m, c)  {ROW(n, STRV, s, m), .flags = DP_OMIT_ZERO, .count = OF(s, c)}
#define BOOL(n, s, m)          {ROW(n, BOOL, s, m)}
#define INT(n, s, m)           {ROW(n, INT, s, m)}
#define I64(n, s, m)           {ROW(n, I64, s, m)}
#define U64(n, s, m)           {ROW(n, U64, s, m)}
#define STATE(n, s, m)         {ROW(n, STATE, s, m)}
#define TIME(n, s, m)          {ROW(n, TIME, s, m)}
#define KNOWN_I64(n, s, m)     {ROW(n, I64, s, m), .flags = DP_OMIT_NEGATIVE}
#define KNOWN_F64(n, s, m)     {ROW(n, F64, s, m), .flags = DP_OMIT_NEGATIVE}
#define PAIRS(n, s, m, c)      {ROW(n, PAIRS, s, m), .count = OF(s, c)}
#define RANGES(n, s, m, c)     {ROW(n, RANGES, s, m), .count = OF(s, c)}
#define POINTER(n, s, m, t, f) {ROW(n, POINTER, s, m), .size = sizeof(struct t), .sub = (f)}
#define ARRAY(n, s, m, c, t, f) \
    {ROW(n, ARRAY, s, m), .count = OF(s, c), .size = sizeof(struct t), .sub = (f)}
#define GROUP(n, s, m, f)      {ROW(n, GROUP, s, m), .sub = (f)}
/* As GROUP, left out when its string `k` is not set. */
#define GROUP_IF(n, s, m, k, f) \
    {ROW(n, GROUP, s, m), .flags = DP_OMIT_ZERO, .count = OF(s, k), .sub = (f)}
#define INLINE(s, m, f)        {ROW("", INLINE, s, m), .sub = (f)}
/* Members of the same struct, in an object of their own. */
#define OBJECT(n, f)           {.name = (n), .kind = DP_FIELD_GROUP, .sub = (f)}
/* As OBJECT, left out when the string at `m` is not set. */
#define OBJECT_IF(n, s, m, f) \
    {.name = (n), .kind = DP_FIELD_GROUP, .flags = DP_OMIT_ZERO, .count = OF(s, m), .sub = (f)}
/* clang-format on */

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
    OBJECT("source", source_fields),
    STR("user", depot_ev_created, user),
    STR("host", depot_ev_created, host),
    OBJECT_IF("ci", depot_ev_created, ci_url, ci_fields),
    STR("origin", depot_ev_created, origin),
    END,
};

static const struct dp_field setting_fields[] = {
    STR("stage", depot_setting, stage),
    STR("text", depot_setting, text),
    END,
};

static const struct dp_field definition_fields[] = {
    BOOL("no_cache", depot_ev_definition, no_cache),
    STRV("no_cache_stages", depot_ev_definition, no_cache_stages, nno_cache_stages),
    PAIRS("args", depot_ev_definition, args, nargs),
    BOOL("has_settings", depot_ev_definition, has_settings),
    ARRAY("settings", depot_ev_definition, settings, nsettings, depot_setting, setting_fields),
    END,
};

static const struct dp_field queued_fields[] = {
    STR("platform", depot_ev_queued, platform),
    STR("builder", depot_ev_queued, builder),
    STR("reason", depot_ev_queued, reason),
    INT("position", depot_ev_queued, position),
    END,
};

static const struct dp_field assigned_fields[] = {
    STR("platform", depot_ev_assigned, platform),
    STR("builder", depot_ev_assigned, builder),
    BOOL("emulated", depot_ev_assigned, emulated),
    SOME_STRV("emulated_platforms", depot_ev_assigned, emulates, nemulates),
    I64("waited_ms", depot_ev_assigned, waited_ms),
    STR("ref", depot_ev_assigned, ref),
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
    RANGES("ranges", depot_build_error, ranges, nranges),
    INT("first_line", depot_build_error, first_line),
    STRV("lines", depot_build_error, lines, nlines),
    END,
};

static const struct dp_field result_fields[] = {
    STR("platform", depot_ev_result, platform),
    STR("builder", depot_ev_result, builder),
    STATE("state", depot_ev_result, state),
    STR("digest", depot_ev_result, digest),
    PAIRS("response", depot_ev_result, response, nresponse),
    POINTER("error", depot_ev_result, error, depot_build_error, error_fields),
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

static const struct dp_field failed_step_fields[] = {
    STR("name", depot_failed_step, name),
    STR("platform", depot_failed_step, platform),
    KNOWN_I64("exit_code", depot_failed_step, exit_code),
    STR("file", depot_failed_step, file),
    KNOWN_I64("line", depot_failed_step, line),
    END,
};

static const struct dp_field joined_fields[] = {
    STR("digest", depot_joined, digest),
    PAIRS("response", depot_joined, response, nresponse),
    END,
};

static const struct dp_field finished_fields[] = {
    STATE("state", depot_ev_finished, state),
    I64("duration_ms", depot_ev_finished, duration_ms),
    GROUP("counts", depot_ev_finished, counts, counts_fields),
    STR("message", depot_ev_finished, message),
    GROUP_IF("failed_step", depot_ev_finished, failed_step, failed_step.name, failed_step_fields),
    GROUP_IF("joined", depot_ev_finished, joined, joined.digest, joined_fields),
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

const struct dp_field dp_summary_fields[] = {
    STR("id", depot_build_summary, id),
    U64("seq", depot_build_summary, seq),
    STATE("state", depot_build_summary, state),
    TIME("created", depot_build_summary, created),
    TIME("finished", depot_build_summary, finished),
    INLINE(depot_build_summary, info, created_fields),
    STRV("builders", depot_build_summary, builders, nbuilders),
    GROUP("counts", depot_build_summary, counts, counts_fields),
    I64("duration_ms", depot_build_summary, duration_ms),
    STR("message", depot_build_summary, message),
    GROUP_IF("failed_step", depot_build_summary, failed_step, failed_step.name, failed_step_fields),
    END,
};

static const struct dp_field snapshot_builder_fields[] = {
    INLINE(dp_snapshot_builder, b, metrics_fields),
    BOOL("up", dp_snapshot_builder, up),
    END,
};

const struct dp_field dp_snapshot_fields[] = {
    ARRAY(
        "builders", dp_snapshot, builders, nbuilders, dp_snapshot_builder, snapshot_builder_fields),
    ARRAY("builds", dp_snapshot, builds, nbuilds, depot_build_summary, dp_summary_fields),
    END,
};

static const struct dp_field *const tables[DEPOT_EVENT_COUNT] = {
    [DEPOT_EVENT_BUILD_CREATED] = created_fields,
    [DEPOT_EVENT_BUILD_DEFINITION] = definition_fields,
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
