/*
 * What clients send, as tables: a build to make, a question, a word beside a session. They are
 * strangers: each row has its ceiling.
 */
#include <depot/query.h>

#include "record/table.h"

#include <string.h>

/* Lists are depot_strv and depot_kvs, filled from an arena: to a row they are items and a count. */
_Static_assert(sizeof(struct depot_kv) == sizeof(struct depot_pair) &&
                   offsetof(struct depot_kv, value) == offsetof(struct depot_pair, value),
    "a pair is a pair");

/* Members' names take no parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
/* clang-format off */
#define ATTRS(n, s, m) \
    {DP_ROW(n, PAIRS, s, m.items), .count = DP_OF(s, m.len), \
     .max = DEPOT_REQUEST_ATTRS_MAX, .text_max = DEPOT_REQUEST_VALUE_MAX}
#define LIST(n, s, m)      STRV(n, s, m.items, m.len)
#define SOME_LIST(n, s, m) SOME_STRV(n, s, m.items, m.len)
#define VALUE(n, s, m)     {DP_ROW(n, STR, s, m), .max = DEPOT_REQUEST_VALUE_MAX}
#define NAME(n, s, m)      {DP_ROW(n, STR, s, m), .flags = DP_REQUIRED | DP_FILLED}
/* clang-format on */
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct depot_record_field export_fields[] = {
    NAME("type", depot_request_export, type),
    ATTRS("attrs", depot_request_export, attrs),
    SOME_BOOL("load", depot_request_export, load),
    SOME_LIST("platforms", depot_request_export, platforms),
    END,
};

static const struct depot_record_field cache_export_fields[] = {
    NAME("type", depot_cache_export, type),
    ATTRS("attrs", depot_cache_export, attrs),
    END,
};

static const struct depot_record_field session_fields[] = {
    STR("shared_key", depot_build_request, shared_key),
    LIST("methods", depot_build_request, methods),
    END,
};

#define EXPORTS(n, m, count_, f)                                                                   \
    {                                                                                              \
        DP_ROW(n, ARRAY, depot_build_request, m),                                                  \
            .count = DP_OF(depot_build_request, count_),                                           \
            .size = sizeof(*((struct depot_build_request *)0)->m), .sub = (f),                     \
            .max = DEPOT_REQUEST_EXPORTS_MAX                                                       \
    }

static const struct depot_record_field solve_fields[] = {
    STR("frontend", depot_build_request, frontend),
    ATTRS("attrs", depot_build_request, attrs),
    EXPORTS("exports", exports, nexports, export_fields),
    EXPORTS("cache_exports", cache_exports, ncache_exports, cache_export_fields),
    SOME_BOOL("default_image", depot_build_request, default_image),
    LIST("entitlements", depot_build_request, entitlements),
    VALUE("source_policy", depot_build_request, source_policy),
    STR("policy_file", depot_build_request, policy_file),
    END,
};

static const struct depot_record_field build_fields[] = {
    INLINE(depot_build_request, info, dp_created_fields),
    STR("builder", depot_build_request, builder),
    BOOL("single_builder", depot_build_request, single_builder),
    BOOL("join", depot_build_request, join),
    {DP_ROW("join_with", PAIRS, depot_build_request, join_with.items),
        .count = DP_OF(depot_build_request, join_with.len), .flags = DP_OMIT_ZERO},
    SOME_BOOL("keep_going", depot_build_request, keep_going),
    BOOL("detach", depot_build_request, detach),
    STR("call", depot_build_request, call),
    {DP_ROW("settings", ARRAY, depot_build_request, settings),
        .count = DP_OF(depot_build_request, nsettings), .size = sizeof(struct depot_setting),
        .sub = dp_setting_fields, .flags = DP_IF_TRUE,
        .when = DP_OF(depot_build_request, has_settings), .max = DEPOT_REQUEST_SETTINGS_MAX},
    {.name = "session",
        .kind = DP_FIELD_GROUP,
        .sub = session_fields,
        .flags = DP_IF_TRUE,
        .when = DP_OF(depot_build_request, session)},
    {.name = "solve", .kind = DP_FIELD_GROUP, .sub = solve_fields, .flags = DP_REQUIRED},
    END,
};

/* ---- questions ---- */

enum { NAME_MAX_ = 255, KEEP_HOURS_MAX = 24 * 365 * 100, LIMIT_MAX = 1000 };

/* clang-format off */
#define SHORT(n, m)     {DP_ROW(n, STR, depot_query, m), .max = NAME_MAX_}
#define UP_TO(n, m, to) {DP_ROW(n, I64, depot_query, m), .flags = DP_OMIT_ZERO, .max = (to)}
/* clang-format on */

static const struct depot_record_field body_fields[] = {
    SHORT("build", build),
    SHORT("scope", scope),
    {DP_ROW("after", U64, depot_query, after), .flags = DP_OMIT_ZERO},
    {DP_ROW("logs", BOOL, depot_query, quiet), .flags = DP_OMIT_ZERO | DP_NOT},
    {DP_ROW("request", POINTER, depot_query, request), .size = sizeof(struct depot_build_request),
        .sub = build_fields},
    SHORT("project", project),
    SHORT("builder", builder),
    SHORT("ref", ref),
    SHORT("session", session),
    SOME_BOOL("all", depot_query, all),
    UP_TO("keep_bytes", keep_bytes, INT64_MAX),
    UP_TO("keep_hours", keep_hours, KEEP_HOURS_MAX),
    UP_TO("limit", limit, LIMIT_MAX),
    END,
};

static const struct depot_record_field question_fields[] = {
    UP_TO("id", id, INT64_C(1) << 53), /* beyond it numbers of other languages have gaps */
    {DP_ROW("op", NAME, depot_query, ask), .names = &dp_ask_names, .flags = DP_REQUIRED},
    SAME(body_fields),
    END,
};

#define FROM_CLIENT(n, type, table, max_)                                                          \
    {                                                                                              \
        .name = (n), .size = sizeof(struct type), .fields = (table), .max = (max_),                \
        .text_max = DEPOT_REQUEST_TEXT_MAX, .list_max = DEPOT_REQUEST_LIST_MAX, .strict = true     \
    }

const struct depot_record depot_record_build_request =
    FROM_CLIENT("the request", depot_build_request, build_fields, DEPOT_REQUEST_MAX);
/* A request, and what stands around it. */
const struct depot_record depot_record_query =
    FROM_CLIENT("the message", depot_query, question_fields, DEPOT_REQUEST_MAX + 4096);
const struct depot_record depot_record_query_body =
    FROM_CLIENT("the body", depot_query, body_fields, DEPOT_REQUEST_MAX);

/* Of a message that is not as it must be: only strings and numbers are looked at, and none of them
 * makes it worse. */
struct peeked {
    int64_t id;
    const char *op, *build;
};

static int peek_member(struct dp_scan *s, const char *key, size_t len, void *arg)
{
    struct peeked *p = arg;
    size_t n;
    const int c = dp_scan_peek(s);
    if (len == 2 && memcmp(key, "id", 2) == 0 && c >= '0' && c <= '9')
        return dp_scan_int(s, &p->id);
    if (len == 2 && memcmp(key, "op", 2) == 0 && c == '"')
        return dp_scan_string(s, &p->op, &n);
    if (len == 5 && memcmp(key, "build", 5) == 0 && c == '"')
        return dp_scan_string(s, &p->build, &n);
    return dp_scan_skip(s);
}

void depot_query_peek(const char *json, size_t n, struct depot_query *q, struct depot_arena *arena)
{
    struct dp_reading r;
    struct peeked p = {0};
    dp_reading_init(&r, NULL, json, n < DEPOT_REQUEST_MAX * 2 ? n : 0, arena, NULL);
    (void)dp_scan_object(&r.scan, peek_member, &p);
    const int ask = depot_query_kind_from_name(p.op);
    *q = (struct depot_query){.ask = ask < 0 ? DEPOT_QUERY_COUNT : (enum depot_query_kind)ask,
        .id = p.id,
        .build = p.build};
}

/* ---- a session's text ---- */

static const struct depot_record_field said_fields[] = {
    POINTER("context", depot_session_text, context, dp_context_fields),
    END,
};

const struct depot_record depot_record_session_text = {
    .name = "the text",
    .size = sizeof(struct depot_session_text),
    .fields = said_fields,
    .max = DEPOT_SESSION_TEXT_MAX,
    .strict = true,
};
