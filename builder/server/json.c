/*
 * Errors as answers: their JSON, and what HTTP calls them.
 */
#include "server_priv.h"

#include <stdio.h>

static const struct {
    enum depot_err code;
    int status; /* what is not listed is 500 */
} statuses[] = {
    {DEPOT_ERR_INVALID, 400},
    {DEPOT_ERR_PROTOCOL, 400},
    {DEPOT_ERR_UNAUTHENTICATED, 401},
    {DEPOT_ERR_DENIED, 403},
    {DEPOT_ERR_NOT_FOUND, 404},
    {DEPOT_ERR_EXISTS, 409},
    {DEPOT_ERR_TOO_BIG, 413},
    {DEPOT_ERR_UNSUPPORTED, 422},
    {DEPOT_ERR_EXHAUSTED, 429},
    {DEPOT_ERR_UNAVAILABLE, 503},
    {DEPOT_ERR_TIMEOUT, 504},
};

int server_http_status(int code)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(statuses); i++)
        if (statuses[i].code == (enum depot_err)code)
            return statuses[i].status;
    return 500;
}

void server_json_error(struct depot_buf *out, const struct depot_error *err)
{
    struct depot_error told = *err;

    if (!told.msg[0])
        snprintf(told.msg, sizeof(told.msg), "%s", depot_err_text(told.code));
    depot_record_encode(
        out, &depot_record_error_response, &(struct depot_error_response){.error = &told});
}
