/*
 * The JSON that answers are made of. Builds and builders look as in fleet.snapshot, so its encoder
 * makes them.
 */
#include "server_priv.h"

#include <string.h>

#include <depot/wire.h>
#include <json-c/json.h>

/* X(error, name in answers, HTTP status); what is not listed is internal, 500. */
#define API_ERRORS(X)                                                                              \
    X(INVALID, "invalid", 400)                                                                     \
    X(PROTOCOL, "invalid", 400)                                                                    \
    X(NOT_FOUND, "not_found", 404)                                                                 \
    X(DENIED, "denied", 403)                                                                       \
    X(UNAUTHENTICATED, "unauthenticated", 401)                                                     \
    X(UNAVAILABLE, "unavailable", 503)                                                             \
    X(TIMEOUT, "unavailable", 504)                                                                 \
    X(EXISTS, "exists", 409)                                                                       \
    X(TOO_BIG, "too_big", 413)                                                                     \
    X(UNSUPPORTED, "unsupported", 422)                                                             \
    X(EXHAUSTED, "exhausted", 429)

static const struct {
    int code;
    const char *name;
    int status;
} api_errors[] = {
#define API_ERROR_ROW(id, name, status) {DEPOT_ERR_##id, name, status},
    API_ERRORS(API_ERROR_ROW)
#undef API_ERROR_ROW
};

static const char *api_error_name(int code)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(api_errors); i++)
        if (api_errors[i].code == code)
            return api_errors[i].name;
    return "internal";
}

int server_http_status(int code)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(api_errors); i++)
        if (api_errors[i].code == code)
            return api_errors[i].status;
    return 500;
}

void server_json_string(struct depot_buf *out, const char *s)
{
    struct json_object *o = json_object_new_string(s ? s : "");

    depot_buf_adds(out,
        json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(o);
}

void server_json_error(struct depot_buf *out, const struct depot_error *err)
{
    depot_buf_addf(out, "\"error\":{\"code\":\"%s\",\"message\":", api_error_name(err->code));
    server_json_string(out, err->msg[0] ? err->msg : depot_err_text(err->code));
    depot_buf_adds(out, ",\"hint\":");
    server_json_string(out, err->hint);
    depot_buf_addc(out, '}');
}
