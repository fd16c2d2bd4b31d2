/*
 * One line of the feed, shared by reference, and the ring of a running build's newest lines.
 * Knows nothing of files.
 */
#define _GNU_SOURCE /* memmem */

#include "store_priv.h"

#include <string.h>

static const char logs_key[] = "\"logs\":[";

struct store_line *store_line_new(
    enum depot_event_type type, uint64_t seq, const char *data, size_t n)
{
    struct store_line *line = depot_alloc(sizeof(*line) + n + 1);

    *line = (struct store_line){.refs = 1, .seq = seq, .type = type, .len = n};
    memcpy(line->data, data, n);
    line->data[n] = '\n';
    return line;
}

struct store_line *store_line_ref(struct store_line *line)
{
    line->refs++;
    return line;
}

void store_line_unref(struct store_line *line)
{
    if (line == NULL || --line->refs > 0)
        return;
    depot_free(line->without_logs);
    depot_free(line);
}

/* Behind the `]` of the array whose first byte is at `p`; NULL when it does not close. */
static const char *array_end(const char *p, const char *end)
{
    int depth = 1;

    while (p < end) {
        char c = *p++;
        if (c == '"') {
            while (p < end && *p != '"')
                p += *p == '\\' ? 2 : 1;
            p++;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && --depth == 0) {
            return p;
        }
    }
    return NULL;
}

/* Inside a JSON string the quotes of the key would be escaped, so a match is the key itself. Log
 * data is most of the bytes, which makes cutting the text far cheaper than decoding it. */
static void cut_logs(struct store_line *line)
{
    const char *end = line->data + line->len;
    char *key = memmem(line->data, line->len, logs_key, sizeof(logs_key) - 1);
    const char *rest = key != NULL ? array_end(key + sizeof(logs_key) - 1, end) : NULL;
    size_t head;

    if (rest == NULL)
        return;
    head = (size_t)(key - line->data);
    if (rest < end && *rest == ',')
        rest++;
    else if (head > 0 && line->data[head - 1] == ',')
        head--;
    line->without_logs_len = head + (size_t)(end - rest);
    line->without_logs = depot_alloc(line->without_logs_len + 1);
    memcpy(line->without_logs, line->data, head);
    memcpy(line->without_logs + head, rest, (size_t)(end - rest) + 1);
}

const char *store_line_without_logs(struct store_line *line, size_t *n)
{
    if (line->without_logs == NULL && line->without_logs_len == 0 &&
        line->type == DEPOT_EVENT_BUILD_STATUS) {
        cut_logs(line);
        if (line->without_logs == NULL)
            line->without_logs_len = line->len; /* remembered: there is nothing to cut */
    }
    *n = line->without_logs != NULL ? line->without_logs_len : line->len;
    return line->without_logs != NULL ? line->without_logs : line->data;
}

/* ---- the ring ---- */

struct store_line *line_ring_at(const struct line_ring *r, size_t i)
{
    return r->items[(r->head + i) & (r->cap - 1)];
}

void line_ring_push(struct line_ring *r, struct store_line *line)
{
    if (r->len == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        struct store_line **items = depot_calloc(cap, sizeof(struct store_line *));
        for (size_t i = 0; i < r->len; i++)
            items[i] = line_ring_at(r, i);
        depot_free(r->items);
        r->items = items;
        r->cap = cap;
        r->head = 0;
    }
    r->items[(r->head + r->len++) & (r->cap - 1)] = store_line_ref(line);
    r->bytes += line->len;
    r->pending++;
    r->pending_bytes += line->len;
}

void line_ring_trim(struct line_ring *r, size_t max_bytes)
{
    while (r->len > r->pending && r->bytes > max_bytes) {
        struct store_line *line = r->items[r->head];
        r->head = (r->head + 1) & (r->cap - 1);
        r->len--;
        r->bytes -= line->len;
        store_line_unref(line);
    }
}

void line_ring_release(struct line_ring *r)
{
    for (size_t i = 0; i < r->len; i++)
        store_line_unref(line_ring_at(r, i));
    depot_free(r->items);
    *r = (struct line_ring){0};
}
