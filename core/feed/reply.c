/*
 * The daemon's replies: the messages that have `op` instead of `type`.
 */
#define DEPOT_LOG_MODULE "feed"
#include "feed/client.h"

#include <depot/log.h>

#include <json-c/json.h>
#include <string.h>

enum { REPLY_MAX = DEPOT_ANSWER_MAX, REPLY_DEPTH = 8, BUILD_ID_MAX = 128, REPLY_LOOK = 64 * 1024 };

/* Most messages are events, some of them large: look before parsing one twice. Large replies begin
 * with their `op`. */
static bool may_be_reply(const char *data, size_t n)
{
    static const char key[] = "\"op\"";
    if (n > REPLY_MAX)
        return false;
    const char *end = data + (n > REPLY_LOOK ? REPLY_LOOK : n);
    for (const char *p = data; p < end && (p = memchr(p, '"', (size_t)(end - p))) != NULL; p++) {
        if ((size_t)(end - p) >= sizeof(key) - 1 && memcmp(p, key, sizeof(key) - 1) == 0)
            return true;
    }
    return false;
}

static const char *member(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    if (o == NULL || !json_object_object_get_ex(o, key, &v) ||
        !json_object_is_type(v, json_type_string))
        return NULL;
    return json_object_get_string(v);
}

static unsigned abilities(struct json_object *o)
{
    static const char *const names[] = {
#define ABILITY_NAME(id, name) [DEPOT_CAN_##id] = (name),
        DEPOT_ABILITIES(ABILITY_NAME)
#undef ABILITY_NAME
    };
    struct json_object *list = NULL;
    unsigned can = 0;
    if (!json_object_object_get_ex(o, "can", &list) || !json_object_is_type(list, json_type_array))
        return 0;
    for (size_t i = 0; i < json_object_array_length(list); i++)
        for (unsigned k = 0; k < DEPOT_CAN_COUNT; k++)
            if (depot_str_eq(json_object_get_string(json_object_array_get_idx(list, i)), names[k]))
                can |= 1u << k;
    return can;
}

static void reply_created(struct feed_client *c, struct json_object *o)
{
    const char *build = member(o, "build");
    if (depot_str_empty(build) || strlen(build) > BUILD_ID_MAX) {
        struct depot_error err;
        depot_error_clear(&err);
        depot_error_set(
            &err, DEPOT_ERR_PROTOCOL, "%s confirmed a build without its id", c->addr.text);
        feed_client_answer(c, NULL, &err);
        return;
    }
    const char *secret = member(o, "session"), *version = member(o, "version");
    struct json_object *join = NULL;
    const struct depot_feed_created made = {
        .version = version != NULL && !depot_str_has_control(version) ? version : NULL,
        .can = abilities(o),
        .build = build,
        .secret = secret != NULL && !depot_str_has_control(secret) ? secret : NULL,
        .join = json_object_object_get_ex(o, "join", &join) && json_object_get_boolean(join),
    };
    feed_client_answer(c, &made, NULL);
}

static void reply_error(struct feed_client *c, struct json_object *o)
{
    const char *build = member(o, "build");
    struct json_object *e = NULL;
    struct depot_error err;
    depot_error_clear(&err);
    (void)json_object_object_get_ex(o, "error", &e);
    const char *code = member(e, "code"), *text = member(e, "message"), *hint = member(e, "hint");
    depot_error_set(&err, depot_err_from_name(code != NULL ? code : "internal"), "%s",
        text != NULL ? text : "the daemon refused, and does not say why");
    depot_error_hint(&err, "%s", hint != NULL ? hint : "");
    const int ask = depot_ask_from_name(member(o, "of"));
    if (ask >= 0) {
        if (c->base.ops->answer != NULL)
            c->base.ops->answer(&c->base, (enum depot_ask)ask, NULL, &err, c->base.arg);
        return;
    }
    if (build == NULL && c->creates.len > 0 && c->creates.items[0].sent) {
        feed_client_answer(c, NULL, &err);
        return;
    }
    struct feed_build *b = build != NULL ? depot_map_get(c->builds, build) : NULL;
    if (b != NULL) /* do not ask again after a reconnect */
        b->wanted = b->cancel = false;
    if (c->base.ops->refused != NULL)
        c->base.ops->refused(&c->base, build, &err, c->base.arg);
}

static void reply_answer(struct feed_client *c, enum depot_ask ask, const char *data, size_t n)
{
    struct depot_answer a;
    struct depot_error err;
    if (c->base.ops->answer == NULL)
        return;
    depot_error_clear(&err);
    if (depot_answer_decode(data, n, &a, &err) < 0) {
        depot_error_prefix(&err, "%s sent a bad answer", c->addr.text);
        c->base.ops->answer(&c->base, ask, NULL, &err, c->base.arg);
        return;
    }
    c->base.ops->answer(&c->base, ask, &a, NULL, c->base.arg);
    depot_answer_release(&a);
}

bool feed_client_reply(struct feed_client *c, const char *data, size_t n)
{
    if (!may_be_reply(data, n))
        return false;
    struct json_tokener *tok = json_tokener_new_ex(REPLY_DEPTH);
    struct json_object *o = json_tokener_parse_ex(tok, data, (int)n);
    const char *op = json_object_is_type(o, json_type_object) ? member(o, "op") : NULL;
    const bool is_reply = op != NULL && member(o, "type") == NULL;
    if (is_reply && strcmp(op, "created") == 0)
        reply_created(c, o);
    else if (is_reply && strcmp(op, "error") == 0)
        reply_error(c, o);
    else if (is_reply && depot_ask_from_name(op) >= 0)
        reply_answer(c, (enum depot_ask)depot_ask_from_name(op), data, n);
    else if (is_reply)
        depot_log_debug("an unknown reply was skipped");
    json_object_put(o);
    json_tokener_free(tok);
    return is_reply;
}
