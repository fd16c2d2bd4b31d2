/*
 * The bodies of the feed's events, as tables: one row a member. docs/feed.md is what they say in
 * prose. build.status is not here: its codec is wire/status_in.c and status_out.c.
 */
#include <depot/event.h>

#include "record/table.h"

static const struct depot_record_field source_fields[] = {
    STR("remote", depot_ev_created, remote),
    STR("commit", depot_ev_created, commit),
    STR("branch", depot_ev_created, branch),
    BOOL("dirty", depot_ev_created, dirty),
    END,
};

static const struct depot_record_field ci_fields[] = {
    STR("url", depot_ev_created, ci_url),
    END,
};

const struct depot_record_field dp_created_fields[] = {
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

const struct depot_record_field dp_setting_fields[] = {
    TEXT("stage", depot_setting, stage),
    TEXT("text", depot_setting, text),
    END,
};

static const struct depot_record_field definition_fields[] = {
    BOOL("no_cache", depot_ev_definition, no_cache),
    STRV("no_cache_stages", depot_ev_definition, no_cache_stages, nno_cache_stages),
    PAIRS("args", depot_ev_definition, args, nargs),
    BOOL("has_settings", depot_ev_definition, has_settings),
    ARRAY("settings", depot_ev_definition, settings, nsettings, dp_setting_fields),
    END,
};

static const struct depot_record_field queued_fields[] = {
    STR("platform", depot_ev_queued, platform),
    STR("builder", depot_ev_queued, builder),
    STR("reason", depot_ev_queued, reason),
    INT("position", depot_ev_queued, position),
    END,
};

static const struct depot_record_field assigned_fields[] = {
    STR("platform", depot_ev_assigned, platform),
    STR("builder", depot_ev_assigned, builder),
    BOOL("emulated", depot_ev_assigned, emulated),
    SOME_STRV("emulated_platforms", depot_ev_assigned, emulates, nemulates),
    I64("waited_ms", depot_ev_assigned, waited_ms),
    STR("ref", depot_ev_assigned, ref),
    END,
};

const struct depot_record_field dp_context_fields[] = {
    STR("platform", depot_ev_context, platform),
    I64("files", depot_ev_context, files),
    I64("bytes", depot_ev_context, bytes),
    I64("sent_files", depot_ev_context, sent_files),
    I64("sent_bytes", depot_ev_context, sent_bytes),
    STRV("changed", depot_ev_context, changed, nchanged),
    I64("changed_more", depot_ev_context, changed_more),
    END,
};

static const struct depot_record_field error_fields[] = {
    TEXT("message", depot_build_error, message),
    INT("code", depot_build_error, code),
    STR("vertex", depot_build_error, vertex),
    STR("file", depot_build_error, file),
    RANGES("ranges", depot_build_error, ranges, nranges),
    INT("first_line", depot_build_error, first_line),
    STRV("lines", depot_build_error, lines, nlines),
    END,
};

static const struct depot_record_field result_fields[] = {
    STR("platform", depot_ev_result, platform),
    STR("builder", depot_ev_result, builder),
    STATE("state", depot_ev_result, state),
    STR("digest", depot_ev_result, digest),
    PAIRS("response", depot_ev_result, response, nresponse),
    POINTER("error", depot_ev_result, error, error_fields),
    END,
};

static const struct depot_record_field counts_fields[] = {
    INT("total", depot_counts, total),
    INT("hit", depot_counts, hit),
    INT("ran", depot_counts, ran),
    INT("shared", depot_counts, shared),
    INT("failed", depot_counts, failed),
    INT("cancelled", depot_counts, cancelled),
    INT("skipped", depot_counts, skipped),
    END,
};

static const struct depot_record_field failed_step_fields[] = {
    STR("name", depot_failed_step, name),
    STR("platform", depot_failed_step, platform),
    KNOWN_I64("exit_code", depot_failed_step, exit_code),
    STR("file", depot_failed_step, file),
    KNOWN_I64("line", depot_failed_step, line),
    END,
};

static const struct depot_record_field joined_fields[] = {
    STR("digest", depot_joined, digest),
    PAIRS("response", depot_joined, response, nresponse),
    END,
};

static const struct depot_record_field finished_fields[] = {
    STATE("state", depot_ev_finished, state),
    I64("duration_ms", depot_ev_finished, duration_ms),
    GROUP("counts", depot_ev_finished, counts, counts_fields),
    STR("message", depot_ev_finished, message),
    GROUP_IF("failed_step", depot_ev_finished, failed_step, failed_step.name, failed_step_fields),
    GROUP_IF("joined", depot_ev_finished, joined, joined.digest, joined_fields),
    END,
};

static const struct depot_record_field builder_fields[] = {
    STR("builder", depot_ev_builder, builder),
    STR("address", depot_ev_builder, address),
    STRV("platforms", depot_ev_builder, platforms, nplatforms),
    BOOL("emulated", depot_ev_builder, emulated),
    STR("engine", depot_ev_builder, engine),
    STR("version", depot_ev_builder, version),
    STR("reason", depot_ev_builder, reason),
    INT("running", depot_ev_builder, running),
    INT("queued", depot_ev_builder, queued),
    INT("capacity", depot_ev_builder, capacity),
    KNOWN_F64("cpu", depot_ev_builder, cpu),
    KNOWN_I64("mem_used", depot_ev_builder, mem_used),
    KNOWN_I64("mem_total", depot_ev_builder, mem_total),
    KNOWN_I64("disk_used", depot_ev_builder, disk_used),
    KNOWN_I64("disk_total", depot_ev_builder, disk_total),
    KNOWN_I64("cache_used", depot_ev_builder, cache_used),
    KNOWN_I64("cache_limit", depot_ev_builder, cache_limit),
    END,
};

const struct depot_record_field dp_summary_fields[] = {
    STR("id", depot_build_summary, id),
    U64("seq", depot_build_summary, seq),
    STATE("state", depot_build_summary, state),
    TIME("created", depot_build_summary, created),
    TIME("finished", depot_build_summary, finished),
    INLINE(depot_build_summary, info, dp_created_fields),
    STRV("builders", depot_build_summary, builders, nbuilders),
    GROUP("counts", depot_build_summary, counts, counts_fields),
    I64("duration_ms", depot_build_summary, duration_ms),
    STR("message", depot_build_summary, message),
    GROUP_IF("failed_step", depot_build_summary, failed_step, failed_step.name, failed_step_fields),
    END,
};

/* As lists of builders have it. */
static const struct depot_record_field listed_fields[] = {
    SAME(builder_fields),
    BOOL("up", depot_ev_builder, up),
    END,
};

static const struct depot_record_field snapshot_fields[] = {
    ARRAY("builders", depot_ev_snapshot, builders, nbuilders, listed_fields),
    ARRAY("builds", depot_ev_snapshot, builds, nbuilds, dp_summary_fields),
    END,
};

static const struct depot_record_field builders_fields[] = {
    ARRAY("builders", depot_builders, builders, nbuilders, listed_fields),
    STR("version", depot_builders, version),
    END,
};

const struct depot_record depot_record_created =
    RECORD("build.created", depot_ev_created, dp_created_fields);
const struct depot_record depot_record_definition =
    RECORD("build.definition", depot_ev_definition, definition_fields);
const struct depot_record depot_record_context =
    RECORD("build.context", depot_ev_context, dp_context_fields);
const struct depot_record depot_record_build_error =
    RECORD("the error of a build", depot_build_error, error_fields);
const struct depot_record depot_record_summary =
    RECORD("a build", depot_build_summary, dp_summary_fields);
const struct depot_record depot_record_builder =
    RECORD("a builder", depot_ev_builder, listed_fields);
const struct depot_record depot_record_builders =
    RECORD("the list of builders", depot_builders, builders_fields);

static const struct depot_record queued = RECORD("build.queued", depot_ev_queued, queued_fields);
static const struct depot_record assigned =
    RECORD("build.assigned", depot_ev_assigned, assigned_fields);
static const struct depot_record result = RECORD("build.result", depot_ev_result, result_fields);
static const struct depot_record finished =
    RECORD("build.finished", depot_ev_finished, finished_fields);
static const struct depot_record snapshot =
    RECORD("fleet.snapshot", depot_ev_snapshot, snapshot_fields);
static const struct depot_record up = RECORD("builder.up", depot_ev_builder, builder_fields);
static const struct depot_record down = RECORD("builder.down", depot_ev_builder, builder_fields);
static const struct depot_record metrics =
    RECORD("builder.metrics", depot_ev_builder, builder_fields);

static const struct depot_record *const records[DEPOT_EVENT_COUNT] = {
    [DEPOT_EVENT_BUILD_CREATED] = &depot_record_created,
    [DEPOT_EVENT_BUILD_DEFINITION] = &depot_record_definition,
    [DEPOT_EVENT_BUILD_QUEUED] = &queued,
    [DEPOT_EVENT_BUILD_ASSIGNED] = &assigned,
    [DEPOT_EVENT_BUILD_CONTEXT] = &depot_record_context,
    [DEPOT_EVENT_BUILD_RESULT] = &result,
    [DEPOT_EVENT_BUILD_FINISHED] = &finished,
    [DEPOT_EVENT_BUILDER_UP] = &up,
    [DEPOT_EVENT_BUILDER_DOWN] = &down,
    [DEPOT_EVENT_BUILDER_METRICS] = &metrics,
    [DEPOT_EVENT_FLEET_SNAPSHOT] = &snapshot,
};

const struct depot_record *depot_record_of_event(enum depot_event_type t)
{
    return (unsigned)t < DEPOT_EVENT_COUNT ? records[t] : NULL;
}
