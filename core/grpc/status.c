/*
 * gRPC status codes and their text forms. Pure functions; what a call does with a status is call.c.
 */
#include "grpc/status.h"

#include <nghttp2/nghttp2.h>

#include <string.h>

#define NAME_ROW(id, n) [n] = #id,
static const char *const code_names[] = {DP_GRPC_CODES(NAME_ROW)};
#undef NAME_ROW

/* UNKNOWN is what engines give a build that failed. */
static const int code_errs[] = {
    [DP_GRPC_OK] = 0,
    [DP_GRPC_CANCELLED] = DEPOT_ERR_CANCELLED,
    [DP_GRPC_UNKNOWN] = DEPOT_ERR_FAILED,
    [DP_GRPC_INVALID_ARGUMENT] = DEPOT_ERR_INVALID,
    [DP_GRPC_DEADLINE_EXCEEDED] = DEPOT_ERR_TIMEOUT,
    [DP_GRPC_NOT_FOUND] = DEPOT_ERR_NOT_FOUND,
    [DP_GRPC_ALREADY_EXISTS] = DEPOT_ERR_EXISTS,
    [DP_GRPC_PERMISSION_DENIED] = DEPOT_ERR_DENIED,
    [DP_GRPC_RESOURCE_EXHAUSTED] = DEPOT_ERR_EXHAUSTED,
    [DP_GRPC_FAILED_PRECONDITION] = DEPOT_ERR_FAILED,
    [DP_GRPC_ABORTED] = DEPOT_ERR_FAILED,
    [DP_GRPC_OUT_OF_RANGE] = DEPOT_ERR_INVALID,
    [DP_GRPC_UNIMPLEMENTED] = DEPOT_ERR_UNSUPPORTED,
    [DP_GRPC_INTERNAL] = DEPOT_ERR_INTERNAL,
    [DP_GRPC_UNAVAILABLE] = DEPOT_ERR_UNAVAILABLE,
    [DP_GRPC_DATA_LOSS] = DEPOT_ERR_IO,
    [DP_GRPC_UNAUTHENTICATED] = DEPOT_ERR_UNAUTHENTICATED,
};

_Static_assert(DEPOT_ARRAY_LEN(code_names) == DEPOT_ARRAY_LEN(code_errs), "one error per code");

static bool code_known(int code)
{
    return code >= 0 && (size_t)code < DEPOT_ARRAY_LEN(code_names);
}

const char *dp_grpc_code_name(int code)
{
    return code_known(code) ? code_names[code] : "UNKNOWN";
}

int dp_grpc_code_to_err(int code)
{
    return code_known(code) ? code_errs[code] : DEPOT_ERR_FAILED;
}

int dp_grpc_code_parse(const char *s, size_t n)
{
    int code = 0;
    if (n == 0 || n > 2)
        return DP_GRPC_UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return DP_GRPC_UNKNOWN;
        code = code * 10 + (s[i] - '0');
    }
    return code_known(code) ? code : DP_GRPC_UNKNOWN;
}

struct map_row {
    uint32_t from;
    int code;
};

static int map_find(const struct map_row *rows, size_t n, uint32_t from, int otherwise)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].from == from)
            return rows[i].code;
    }
    return otherwise;
}

int dp_grpc_code_from_http(int http_status)
{
    static const struct map_row rows[] = {
        {400, DP_GRPC_INTERNAL},
        {401, DP_GRPC_UNAUTHENTICATED},
        {403, DP_GRPC_PERMISSION_DENIED},
        {404, DP_GRPC_UNIMPLEMENTED},
        {429, DP_GRPC_UNAVAILABLE},
        {502, DP_GRPC_UNAVAILABLE},
        {503, DP_GRPC_UNAVAILABLE},
        {504, DP_GRPC_UNAVAILABLE},
    };
    return map_find(rows, DEPOT_ARRAY_LEN(rows), (uint32_t)http_status, DP_GRPC_UNKNOWN);
}

int dp_grpc_code_from_h2(uint32_t h2_error)
{
    static const struct map_row rows[] = {
        {NGHTTP2_CANCEL, DP_GRPC_CANCELLED},
        {NGHTTP2_REFUSED_STREAM, DP_GRPC_UNAVAILABLE},
        {NGHTTP2_ENHANCE_YOUR_CALM, DP_GRPC_RESOURCE_EXHAUSTED},
        {NGHTTP2_INADEQUATE_SECURITY, DP_GRPC_PERMISSION_DENIED},
    };
    return map_find(rows, DEPOT_ARRAY_LEN(rows), h2_error, DP_GRPC_INTERNAL);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

char *dp_grpc_percent_decode(const char *s, size_t n)
{
    char *out = depot_alloc(n + 1);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        int hi = s[i] == '%' && i + 2 < n ? hex_digit(s[i + 1]) : -1;
        int lo = hi >= 0 ? hex_digit(s[i + 2]) : -1;
        /* A NUL would end the text early; it stays as written. */
        if (lo < 0 || hi * 16 + lo == 0) {
            out[len++] = s[i];
            continue;
        }
        out[len++] = (char)(hi * 16 + lo);
        i += 2;
    }
    out[len] = '\0';
    return out;
}

char *dp_grpc_percent_encode(const char *s, size_t max)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = strnlen(s, max), len = 0;
    char *out = depot_alloc(n * 3 + 1);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c <= 0x7e && c != '%') {
            out[len++] = (char)c;
            continue;
        }
        out[len++] = '%';
        out[len++] = digits[c >> 4];
        out[len++] = digits[c & 15];
    }
    out[len] = '\0';
    return out;
}
