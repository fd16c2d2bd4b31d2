/*
 * Reads events, in one pass as they are written: the envelope first, then members of what its type
 * names. Members that came before their type are read in a second one.
 */
#include "record/table.h"
#include "wire/message.h"
#include "wire/wire_priv.h"

#include <string.h>

/* What a pass over a line finds. */
struct head {
    struct dp_reading reading;
    struct depot_event *ev;
    struct dp_response *rsp;         /* NULL: only events are looked for */
    const struct depot_record *body; /* NULL: not known yet, or not read by a table */
    const char *type;
    struct depot_status bare; /* of a line that has no envelope, by its members */
    bool is_bare;
    int64_t version;
    size_t members;
    bool early; /* a member that is not of the envelope came before the type */
    bool late;  /* the second pass */
};

static int head_number(struct dp_scan *s, uint64_t *out)
{
    int64_t v;

    if (dp_scan_int(s, &v))
        return -1;
    *out = v < 0 ? 0 : (uint64_t)v;
    return 0;
}

static int head_string(struct dp_scan *s, const char **out)
{
    size_t n;

    return dp_scan_null(s) ? 0 : dp_scan_string(s, out, &n);
}

/* The first type counts: the body is read as it says. */
static int head_type(struct dp_scan *s, struct head *h)
{
    struct depot_event *ev = h->ev;
    size_t n;

    if (h->type != NULL)
        return dp_scan_fail(s, "the type stands there twice");
    if (dp_scan_string(s, &h->type, &n))
        return -1;
    ev->type = h->version == 1 ? depot_event_from_name(h->type) : DEPOT_EVENT_UNKNOWN;
    h->body = depot_record_of_event(ev->type);
    h->reading.record = h->body;
    if (h->body != NULL)
        dp_fields_init(h->body->fields, &ev->u);
    return 0;
}

static int status_member(struct dp_scan *s, const char *key, size_t len, struct head *h)
{
    struct depot_ev_status *st = &h->ev->u.status;

    if (dp_scan_key_is(key, len, "status"))
        return dp_status_scan(s, &st->status);
    if (dp_scan_key_is(key, len, "platform"))
        return head_string(s, &st->platform);
    if (dp_scan_key_is(key, len, "builder"))
        return head_string(s, &st->builder);
    return dp_scan_skip(s);
}

static int span(struct dp_scan *s, const char **out, size_t *n)
{
    (void)dp_scan_peek(s);
    *out = s->p;
    if (dp_scan_skip(s))
        return -1;
    *n = (size_t)(s->p - *out);
    return 0;
}

/* Of a response, which has no type; *known is false, and nothing consumed, for others. */
static int response_member(
    struct dp_scan *s, const char *key, size_t len, struct dp_response *rsp, bool *known)
{
    *known = true;
    if (dp_scan_key_is(key, len, "id")) {
        rsp->is_one = true;
        return dp_scan_null(s) ? 0 : dp_scan_int(s, &rsp->id);
    }
    if (dp_scan_key_is(key, len, "result"))
        return span(s, &rsp->result, &rsp->nresult);
    if (dp_scan_key_is(key, len, "error"))
        return span(s, &rsp->error, &rsp->nerror);
    if (dp_scan_key_is(key, len, "op")) {
        rsp->is_one = true;
        return head_string(s, &rsp->op);
    }
    if (dp_scan_key_is(key, len, "of"))
        return head_string(s, &rsp->of);
    *known = false;
    return 0;
}

/* Of a bare status, of a response, or of an event whose type comes later. */
static int early_member(struct dp_scan *s, const char *key, size_t len, struct head *h)
{
    bool known = false;

    h->early = true;
    if (h->rsp != NULL && response_member(s, key, len, h->rsp, &known))
        return -1;
    if (known)
        return 0;
    if (dp_scan_key_is(key, len, "status"))
        return dp_scan_skip(s);
    if (dp_status_member(s, key, len, &h->bare, &known))
        return -1;
    h->is_bare = h->is_bare || known;
    return 0;
}

static int body_member(struct dp_scan *s, const char *key, size_t len, struct head *h)
{
    bool known;

    if (h->type == NULL)
        return early_member(s, key, len, h);
    if (h->ev->type == DEPOT_EVENT_BUILD_STATUS)
        return status_member(s, key, len, h);
    if (h->body != NULL)
        return dp_reading_member(&h->reading, h->body->fields, &h->ev->u, key, len, &known);
    return dp_scan_skip(s);
}

static int line_member(struct dp_scan *s, const char *key, size_t len, void *arg)
{
    struct head *h = arg;

    h->members++;
    if (dp_scan_key_is(key, len, "type"))
        return h->late ? dp_scan_skip(s) : head_type(s, h);
    if (dp_scan_key_is(key, len, "v"))
        return dp_scan_int(s, &h->version);
    if (dp_scan_key_is(key, len, "seq"))
        return head_number(s, &h->ev->seq);
    if (dp_scan_key_is(key, len, "time"))
        return dp_scan_null(s) ? 0 : dp_scan_time(s, &h->ev->time);
    if (dp_scan_key_is(key, len, "build"))
        return head_string(s, &h->ev->build);
    return body_member(s, key, len, h);
}

static int read_line(struct head *h, const char *line)
{
    struct dp_scan *s = &h->reading.scan;

    if (dp_scan_object(s, line_member, h) || dp_scan_end(s))
        return -1;
    if (h->type == NULL || !h->early || h->ev->type == DEPOT_EVENT_UNKNOWN)
        return 0;
    h->late = true;
    s->p = line;
    return dp_scan_object(s, line_member, h);
}

/* A line without an envelope is another tool's: nothing, or a bare status. */
static void take_bare(struct head *h)
{
    struct depot_event *ev = h->ev;

    if (h->type != NULL || (h->members > 0 && !h->is_bare) || (h->rsp != NULL && h->rsp->is_one))
        return;
    ev->type = DEPOT_EVENT_BUILD_STATUS;
    ev->u.status.status = h->bare;
}

static int decode_line(const char *line, size_t n, struct depot_event *out, struct dp_response *rsp,
    struct depot_error *err)
{
    struct head h = {.ev = out, .rsp = rsp, .version = 1};

    dp_reading_init(&h.reading, NULL, line, n, &out->arena, err);
    if (read_line(&h, line)) {
        int rc = dp_reading_failed(&h.reading, "not a feed event");

        if (h.reading.code && h.body != NULL)
            depot_error_prefix(err, "%s", h.body->name);
        return rc;
    }
    if (h.version != 1)
        out->type = DEPOT_EVENT_UNKNOWN;
    if (rsp != NULL) {
        rsp->is_one = rsp->is_one && h.type == NULL;
        rsp->build = out->build;
    }
    take_bare(&h);
    if (out->type == DEPOT_EVENT_BUILD_STATUS) {
        if (out->u.status.platform == NULL)
            out->u.status.platform = "";
        if (out->u.status.builder == NULL)
            out->u.status.builder = "";
    }
    return 0;
}

int dp_wire_decode_message(const char *text, size_t n, struct depot_event *out,
    struct dp_response *rsp, struct depot_error *err)
{
    struct depot_event ev = {.type = DEPOT_EVENT_UNKNOWN};
    int rc;

    if (rsp != NULL)
        *rsp = (struct dp_response){0};
    if (n > DEPOT_WIRE_LINE_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG,
            "a line of more than %d MiB is not a feed event", DEPOT_WIRE_LINE_MAX >> 20);
    rc = decode_line(text, n, &ev, rsp, err);
    if (rc) {
        depot_event_release(&ev);
        return rc;
    }
    *out = ev;
    return 0;
}

int depot_wire_decode(const char *line, size_t n, struct depot_event *out, struct depot_error *err)
{
    return dp_wire_decode_message(line, n, out, NULL, err);
}
