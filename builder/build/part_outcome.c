/*
 * How a part ended: deep copies of what the engine said. Values only.
 */
#include "part_outcome.h"

#include <stdio.h>
#include <string.h>

void part_outcome_set(struct part_outcome *o, enum depot_build_state state,
    const struct depot_pair *response, size_t n, const struct depot_build_error *error)
{
    const struct depot_ev_result said = {
        .state = state,
        .response = (struct depot_pair *)response,
        .nresponse = n,
        .error = (struct depot_build_error *)error,
    };
    struct depot_ev_result own;
    part_outcome_release(o);
    depot_record_copy(depot_record_of_event(DEPOT_EVENT_BUILD_RESULT), &own, &said, &o->arena);
    o->state = state;
    o->response = own.response;
    o->nresponse = n;
    o->error = own.error;
    for (size_t i = 0; i < n; i++)
        if (depot_str_eq(o->response[i].key, "containerimage.digest"))
            o->digest = o->response[i].value;
}

void part_outcome_fail(
    struct part_outcome *o, enum depot_build_state state, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = depot_vasprintf(fmt, ap);
    va_end(ap);
    struct depot_build_error error = {.message = text, .code = code};
    part_outcome_set(o, state, NULL, 0, &error);
    depot_free(text);
}

void part_outcome_release(struct part_outcome *o)
{
    depot_arena_release(&o->arena);
    *o = (struct part_outcome){0};
}
