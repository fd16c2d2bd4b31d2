/*
 * Every record there is, from anything: what decodes must encode to what decodes to the same text
 * again, and a copy must say the same when what it was made of is gone. The first byte chooses.
 */
#include <depot/query.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct depot_record *choose(unsigned n)
{
    static const struct depot_record *const others[] = {&depot_record_build_error,
        &depot_record_summary, &depot_record_builder, &depot_record_builders, &depot_record_builds};
    const unsigned all = DEPOT_EVENT_COUNT + DEPOT_QUERY_COUNT + DEPOT_ARRAY_LEN(others);
    n %= all;
    if (n < DEPOT_EVENT_COUNT)
        return depot_record_of_event((enum depot_event_type)n);
    n -= DEPOT_EVENT_COUNT;
    if (n < DEPOT_QUERY_COUNT)
        return depot_record_of_response((enum depot_query_kind)n);
    return others[n - DEPOT_QUERY_COUNT];
}

static void decode_again(const struct depot_record *r, const struct depot_buf *once)
{
    struct depot_buf twice = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_arena arena = {0};
    void *rec = depot_calloc(1, r->size);
    if (depot_record_decode(r, once->data, once->len, rec, &arena, NULL) != 0)
        abort();
    depot_record_encode(&twice, r, rec);
    /* Bad UTF-8 is replaced by the first encoding; after that nothing may change. */
    if (!memchr(once->data, '\\', once->len) && strcmp(once->data, twice.data) != 0)
        abort();
    depot_buf_release(&twice);
    depot_arena_release(&arena);
    depot_free(rec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct depot_record *r = size > 0 ? choose(data[0]) : NULL;
    struct depot_buf once = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf copied = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_arena arena = {0}, own = {0};
    struct depot_error err = {0};
    if (r == NULL)
        return 0;
    void *rec = depot_calloc(1, r->size);
    if (depot_record_decode(r, (const char *)data + 1, size - 1, rec, &arena, &err) == 0) {
        depot_record_encode(&once, r, rec);
        depot_record_copy(r, rec, rec, &own);
        depot_arena_release(&arena);
        depot_record_encode(&copied, r, rec);
        if (strcmp(once.data, copied.data) != 0)
            abort();
        decode_again(r, &once);
    } else if (err.msg[0] == '\0') {
        abort(); /* a refusal without a reason */
    }
    depot_free(rec);
    depot_arena_release(&arena);
    depot_arena_release(&own);
    depot_buf_release(&once);
    depot_buf_release(&copied);
    return 0;
}
