/*
 * Reads the gateway's SolveResponse (gateway.proto of BuildKit), by hand, as the definitions in it
 * are: see definition.c.
 */
#include "buildkit/bridge_answer.h"

#include "grpc/pb.h"

enum { RESPONSE_RESULT = 3 };
enum { RESULT_REF = 3, RESULT_REFS = 4, RESULT_METADATA = 10, RESULT_ATTESTATIONS = 12 };
enum { REFS_ENTRY = 1, REF_ID = 1, REF_DEFINITION = 2, ENTRY_KEY = 1, ENTRY_VALUE = 2 };

void dp_bk_add_field(struct depot_buf *to, uint32_t number, const void *data, size_t n)
{
    uint8_t head[2 * DP_PB_VARINT_MAX];
    size_t len = (size_t)(dp_pb_put_varint(dp_pb_put_tag(head, number, DP_PB_BYTES), n) - head);
    depot_buf_add(to, head, len);
    if (n > 0)
        depot_buf_add(to, data, n);
}

static char *copy_string(struct depot_arena *a, const uint8_t *data, size_t n)
{
    return depot_arena_strndup(a, n > 0 ? (const char *)data : "", n);
}

/* One Ref, and its short form appended to `to` under `number`. */
static int take_ref(struct dp_bk_answer *a, const uint8_t *ref, size_t n, const char *platform,
    uint32_t number, struct depot_buf *to)
{
    size_t id_len, len;
    const uint8_t *id = dp_pb_bytes(ref, n, REF_ID, &id_len);
    const uint8_t *definition = dp_pb_bytes(ref, n, REF_DEFINITION, &len);
    struct depot_buf brief = DEPOT_BUF_INIT(n + DP_PB_VARINT_MAX);
    if (a->nrefs == DEPOT_BK_REFS_MAX)
        return DEPOT_ERR_TOO_BIG;
    a->refs[a->nrefs++] =
        (struct depot_bk_ref){.platform = platform, .definition = definition, .len = len};
    if (id_len > 0)
        dp_bk_add_field(&brief, REF_ID, id, id_len);
    dp_bk_add_field(to, number, brief.data, brief.len);
    depot_buf_release(&brief);
    return 0;
}

static int take_refs_entry(
    struct dp_bk_answer *a, const struct dp_pb_field *f, struct depot_buf *refs)
{
    size_t key_len, ref_len;
    const uint8_t *key = dp_pb_bytes(f->data, f->len, ENTRY_KEY, &key_len);
    const uint8_t *ref = dp_pb_bytes(f->data, f->len, ENTRY_VALUE, &ref_len);
    struct depot_buf entry = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_bk_add_field(&entry, ENTRY_KEY, key, key_len);
    int rc = take_ref(a, ref, ref_len, copy_string(&a->arena, key, key_len), ENTRY_VALUE, &entry);
    if (rc == 0)
        dp_bk_add_field(refs, REFS_ENTRY, entry.data, entry.len);
    depot_buf_release(&entry);
    return rc;
}

static int take_refs(struct dp_bk_answer *a, const struct dp_pb_field *map)
{
    struct dp_pb_reader r = dp_pb_read(map->data, map->len);
    struct depot_buf refs = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct dp_pb_field f;
    int rc;
    while ((rc = dp_pb_next(&r, &f)) > 0) {
        if (f.number == REFS_ENTRY && f.type == DP_PB_BYTES)
            rc = take_refs_entry(a, &f, &refs);
        if (rc < 0)
            break;
    }
    dp_bk_add_field(a->result, RESULT_REFS, refs.data, refs.len);
    depot_buf_release(&refs);
    return rc;
}

static int take_metadata(struct dp_bk_answer *a, const struct dp_pb_field *f)
{
    size_t key_len, len;
    const uint8_t *key = dp_pb_bytes(f->data, f->len, ENTRY_KEY, &key_len);
    const uint8_t *value = dp_pb_bytes(f->data, f->len, ENTRY_VALUE, &len);
    if (a->nmeta == DEPOT_BK_META_MAX)
        return DEPOT_ERR_TOO_BIG;
    a->meta[a->nmeta++] = (struct depot_pair){
        .key = copy_string(&a->arena, key, key_len), .value = copy_string(&a->arena, value, len)};
    dp_bk_add_field(a->result, f->number, f->data, f->len);
    return 0;
}

static int take_result_field(struct dp_bk_answer *a, const struct dp_pb_field *f)
{
    if (f->type != DP_PB_BYTES)
        return 0;
    switch (f->number) {
    case RESULT_REF:
        return take_ref(a, f->data, f->len, "", RESULT_REF, a->result);
    case RESULT_REFS:
        return take_refs(a, f);
    case RESULT_METADATA:
        return take_metadata(a, f);
    case RESULT_ATTESTATIONS:
        dp_bk_add_field(a->result, f->number, f->data, f->len);
        return 0;
    default:
        return 0;
    }
}

int dp_bk_answer_read(struct dp_bk_answer *a, const uint8_t *data, size_t n)
{
    size_t len;
    const uint8_t *result = dp_pb_bytes(data, n, RESPONSE_RESULT, &len);
    struct dp_pb_reader r = dp_pb_read(result, len);
    struct dp_pb_field f;
    int rc = result == NULL ? DEPOT_ERR_PROTOCOL : 0;
    a->refs = depot_arena_alloc(&a->arena, DEPOT_BK_REFS_MAX * sizeof(*a->refs));
    a->meta = depot_arena_alloc(&a->arena, DEPOT_BK_META_MAX * sizeof(*a->meta));
    while (rc >= 0 && (rc = dp_pb_next(&r, &f)) > 0)
        rc = take_result_field(a, &f);
    return rc < 0 ? rc : a->result->overflow ? DEPOT_ERR_TOO_BIG : 0;
}
