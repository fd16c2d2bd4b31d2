/*
 * Messages of a daemon from anywhere: each is an event or a response, and what a response holds is
 * read as the answer to every question. The daemon's half: a client's message, and its refusal.
 */
#include <depot/query.h>

#include "core/wire/message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_answers(const char *json, size_t n, int version)
{
    for (int ask = 0; ask < DEPOT_QUERY_COUNT; ask++) {
        struct depot_response a;
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        const struct depot_query q = {.ask = (enum depot_query_kind)ask, .id = 1};
        if (depot_response_decode(json, n, version, q.ask, &a, NULL) != 0)
            continue;
        depot_response_encode(&out, version, &q, &a, NULL);
        depot_buf_release(&out);
        depot_response_release(&a);
    }
}

static void take_question(const char *text, size_t n)
{
    struct depot_query q;
    struct depot_arena arena = {0};
    struct depot_error err = {0};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (depot_record_decode(&depot_record_query, text, n, &q, &arena, &err) != 0) {
        if (err.msg[0] == '\0')
            abort(); /* a refusal without a reason */
        depot_query_peek(text, n, &q, &arena);
        for (int version = DEPOT_FEED_V1; version <= DEPOT_FEED_V2; version++)
            depot_response_encode(&out, version, &q, NULL, &err);
    }
    depot_buf_release(&out);
    depot_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct dp_response rsp;
    struct depot_event ev;
    take_question(text, size);
    if (dp_wire_decode_message(text, size, &ev, &rsp, NULL) != 0)
        return 0;
    if (rsp.is_one && ev.type != DEPOT_EVENT_UNKNOWN)
        abort();
    if (rsp.is_one && rsp.op != NULL)
        read_answers(text, size, DEPOT_FEED_V1);
    if (rsp.is_one && rsp.result != NULL)
        read_answers(rsp.result, rsp.nresult, DEPOT_FEED_V2);
    depot_event_release(&ev);
    return 0;
}
