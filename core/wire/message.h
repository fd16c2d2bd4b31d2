/*
 * A message of a daemon on the feed: an event, or the response to a question.
 */
#ifndef DEPOT_CORE_WIRE_MESSAGE_H
#define DEPOT_CORE_WIRE_MESSAGE_H

#include <depot/wire.h>

struct dp_response {
    bool is_one; /* else it is an event */
    int64_t id;
    /* The first version of the feed has the answer's members around these, and no id. */
    const char *op;    /* "created", "error", or of the question; NULL: not the first version */
    const char *of;    /* of the question that an error is about; may be NULL */
    const char *build; /* that an error is about; may be NULL */
    /* JSON within the message: what is answered, or why not. NULL: not there */
    const char *result, *error;
    size_t nresult, nerror;
};

/* As depot_wire_decode(). Of a response `ev` is UNKNOWN, and to be released when `rsp` has been
 * read; else `rsp` says nothing. */
int dp_wire_decode_message(const char *text, size_t n, struct depot_event *ev,
    struct dp_response *rsp, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
