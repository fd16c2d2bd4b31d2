/*
 * The content service's messages. No I/O.
 */
#include "session/content.h"

#include <string.h>

#include "grpc/pb.h"

/* Where a field of a request goes. */
enum place { NOWHERE, NAME, EXPECTED, TOTAL, OFFSET, SIZE, ACTION, DATA };
enum { FIELDS = 8 };
static const uint8_t places[][FIELDS] = {
    [DP_CONTENT_NAMED] = {[1] = NAME},
    [DP_CONTENT_READ_RANGE] = {[1] = NAME, [2] = OFFSET, [3] = SIZE},
    [DP_CONTENT_WRITE_STEP] =
        {[1] = ACTION, [2] = NAME, [3] = TOTAL, [4] = EXPECTED, [5] = OFFSET, [6] = DATA},
};

static int take_text(
    const struct dp_pb_field *f, char *out, size_t size, const char *what, struct depot_error *err)
{
    if (f->len >= size || (f->len > 0 && memchr(f->data, '\0', f->len) != NULL))
        return depot_error_set(err, DEPOT_ERR_INVALID, "the %s is not one", what);
    if (f->len > 0)
        memcpy(out, f->data, f->len);
    out[f->len] = '\0';
    return 0;
}

static int take_number(
    const struct dp_pb_field *f, int64_t *out, const char *what, struct depot_error *err)
{
    if (f->value > INT64_MAX)
        return depot_error_set(err, DEPOT_ERR_INVALID, "the %s is below 0", what);
    *out = (int64_t)f->value;
    return 0;
}

static int take_expected(
    const struct dp_pb_field *f, struct dp_content_request *out, struct depot_error *err)
{
    int rc = take_text(f, out->expected, sizeof(out->expected), "expected digest", err);
    if (rc == 0 && out->expected[0] != '\0' && !depot_digest_valid(out->expected))
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "the expected digest is not one");
    return rc;
}

static int take(enum place place, const struct dp_pb_field *f, struct dp_content_request *out,
    struct depot_error *err)
{
    bool bytes = place == NAME || place == EXPECTED || place == DATA;
    if (place != NOWHERE && f->type != (bytes ? DP_PB_BYTES : DP_PB_VARINT))
        return depot_error_set(err, DEPOT_ERR_INVALID, "not a message of the content service");
    switch (place) {
    case NAME:
        return take_text(f, out->name, sizeof(out->name), "name", err);
    case EXPECTED:
        return take_expected(f, out, err);
    case TOTAL:
        return take_number(f, &out->total, "total", err);
    case OFFSET:
        return take_number(f, &out->offset, "offset", err);
    case SIZE:
        return take_number(f, &out->size, "size", err);
    case ACTION:
        if (f->value > DP_CONTENT_COMMIT)
            return depot_error_set(err, DEPOT_ERR_INVALID, "the action is not known");
        out->action = (enum dp_content_action)f->value;
        return 0;
    case DATA:
        out->data = f->data;
        out->data_len = f->len;
        return 0;
    case NOWHERE:
        break;
    }
    return 0;
}

int dp_content_decode(enum dp_content_kind kind, const void *msg, size_t n,
    struct dp_content_request *out, struct depot_error *err)
{
    struct dp_pb_reader r = dp_pb_read(msg, n);
    struct dp_pb_field f;
    int more, rc = 0;
    *out = (struct dp_content_request){0};
    while (rc == 0 && (more = dp_pb_next(&r, &f)) != 0) {
        if (more < 0)
            return depot_error_set(err, DEPOT_ERR_INVALID, "not a message of the content service");
        rc = take(f.number < FIELDS ? (enum place)places[kind][f.number] : NOWHERE, &f, out, err);
    }
    return rc;
}

/* ---- answers ---- */

enum {
    TIMESTAMP_MAX = 2 + DP_PB_VARINT_MAX,
    FIXED_MAX = 128, /* an answer without its texts: seven numbers and what stands before texts */
};

static uint8_t *put_time(uint8_t *p, uint32_t number, int64_t seconds)
{
    uint8_t stamp[TIMESTAMP_MAX];
    size_t n = (size_t)(dp_pb_put_uint(stamp, 1, (uint64_t)seconds) - stamp);
    return dp_pb_put_bytes(p, number, stamp, n);
}

static uint8_t *put_text(uint8_t *p, uint32_t number, const char *s)
{
    return s != NULL ? dp_pb_put_bytes(p, number, s, strlen(s)) : p;
}

/* A message inside field 1 of another. */
static void add_inside(struct depot_buf *out, const uint8_t *msg, const uint8_t *end)
{
    size_t n = (size_t)(end - msg);
    uint8_t *p = (uint8_t *)depot_buf_reserve(out, n + 1 + DP_PB_VARINT_MAX);
    out->len += (size_t)(dp_pb_put_bytes(p, 1, msg, n) - p);
}

void dp_content_add_info(struct depot_buf *out, const char *digest, const struct stat *st)
{
    uint8_t info[FIXED_MAX + DP_DIGEST_SIZE], *p = info;
    p = put_text(p, 1, digest);
    p = dp_pb_put_uint(p, 2, (uint64_t)st->st_size);
    p = put_time(p, 3, st->st_mtime);
    p = put_time(p, 4, st->st_mtime);
    add_inside(out, info, p);
}

void dp_content_add_written(struct depot_buf *out, const struct dp_content_status *st)
{
    uint8_t *p = (uint8_t *)depot_buf_reserve(out, FIXED_MAX + DP_DIGEST_SIZE), *start = p;
    p = dp_pb_put_uint(p, 1, st->action);
    if (st->action == DP_CONTENT_STAT) {
        p = put_time(p, 2, st->started);
        p = put_time(p, 3, st->updated);
    }
    p = dp_pb_put_uint(p, 4, (uint64_t)st->offset);
    p = dp_pb_put_uint(p, 5, (uint64_t)st->total);
    p = put_text(p, 6, st->digest);
    out->len += (size_t)(p - start);
}

void dp_content_add_status(struct depot_buf *out, const struct dp_content_status *st)
{
    uint8_t msg[FIXED_MAX + DP_CONTENT_REF_MAX + DP_DIGEST_SIZE], *p = msg;
    p = put_time(p, 1, st->started);
    p = put_time(p, 2, st->updated);
    p = put_text(p, 3, st->ref);
    p = dp_pb_put_uint(p, 4, (uint64_t)st->offset);
    p = dp_pb_put_uint(p, 5, (uint64_t)st->total);
    p = put_text(p, 6, st->expected);
    add_inside(out, msg, p);
}

size_t dp_content_read_head(uint8_t out[DP_CONTENT_HEAD_MAX], int64_t offset, size_t n)
{
    uint8_t *p = dp_pb_put_uint(out, 1, (uint64_t)offset);
    p = dp_pb_put_tag(p, 2, DP_PB_BYTES);
    p = dp_pb_put_varint(p, n);
    return (size_t)(p - out);
}
