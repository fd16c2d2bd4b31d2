/*
 * Writes events: the envelope, then the body by its table.
 */
#include "record/table.h"
#include "wire/wire_priv.h"

#include <string.h>

static void put_str(struct depot_buf *out, const char *s)
{
    dp_json_string(out, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
}

static void put_status(struct depot_buf *out, bool *first, const struct depot_ev_status *st)
{
    dp_json_key(out, first, "platform");
    put_str(out, st->platform);
    if (st->builder != NULL) {
        dp_json_key(out, first, "builder");
        put_str(out, st->builder);
    }
    dp_json_key(out, first, "status");
    depot_wire_encode_status(out, &st->status);
}

void depot_wire_encode(struct depot_buf *out, const struct depot_event *ev)
{
    const struct depot_record *body = depot_record_of_event(ev->type);
    bool first = false;

    depot_buf_adds(out, "{\"v\":1");
    if (ev->seq) {
        dp_json_key(out, &first, "seq");
        depot_buf_addf(out, "%llu", (unsigned long long)ev->seq);
    }
    if (ev->time) {
        dp_json_key(out, &first, "time");
        dp_json_time(out, ev->time);
    }
    if (ev->build != NULL) {
        dp_json_key(out, &first, "build");
        put_str(out, ev->build);
    }
    dp_json_key(out, &first, "type");
    put_str(out, depot_event_name(ev->type));
    if (ev->type == DEPOT_EVENT_BUILD_STATUS)
        put_status(out, &first, &ev->u.status);
    else if (body != NULL)
        dp_fields_encode(out, &first, body->fields, &ev->u);
    depot_buf_addc(out, '}');
}
