/*
 * A step's log: its bytes in blocks of the spill, every 64th line's place, every chunk's time.
 */
#include "store.h"

#include "spill.h"

#include <stdio.h>
#include <string.h>

enum {
    MARK_LINES = 64, /* one place in memory per so many lines: 8 bytes each */
    CLIPS_MAX = 64,
};

/* A chunk of the feed: where it begins and when it came. Kept as bytes of a second chain. */
struct chunk_mark {
    uint64_t offset;
    depot_time time;
    int32_t stream;
    uint32_t pad;
};

struct logstore {
    struct chain bytes, chunks;
    uint64_t nchunks;
    uint64_t newlines; /* complete lines */
    uint64_t revision;
    char last;                       /* byte */
    DEPOT_VEC(uint64_t) marks;       /* offset of line 0, 64, 128, ... */
    DEPOT_VEC(uint64_t) chunk_marks; /* offset of chunk 0, 64, 128, ... */
    DEPOT_VEC(struct log_clip) clips;
    struct depot_buf line;
    uint64_t near_line, near_offset; /* where the line asked for last begins */
};

struct logstore *dp_logstore_new(struct spill *s)
{
    struct logstore *l = depot_calloc(1, sizeof(*l));
    dp_chain_init(&l->bytes, s);
    dp_chain_init(&l->chunks, s);
    depot_buf_init(&l->line, DEPOT_BUF_NO_LIMIT);
    depot_vec_push(&l->marks, 0);
    return l;
}

void dp_logstore_free(struct logstore *l)
{
    if (l == NULL)
        return;
    dp_chain_release(&l->bytes);
    dp_chain_release(&l->chunks);
    depot_vec_free(&l->marks);
    depot_vec_free(&l->chunk_marks);
    depot_vec_free(&l->clips);
    depot_buf_release(&l->line);
    depot_free(l);
}

/* "[output clipped, log limit 2MiB reached]": the engine writes it whole, in a chunk of its own. */
static void look_for_clip(struct logstore *l, const char *data, size_t n)
{
    static const char note[] = "[output clipped, log limit ";
    if (n < sizeof(note) || n > 256 || l->clips.len >= CLIPS_MAX)
        return;
    char text[257];
    memcpy(text, data, n);
    text[n] = '\0';
    const char *at = strstr(text, note);
    if (at == NULL)
        return;
    double amount = 0;
    char unit[4] = "";
    const int got = sscanf(at + sizeof(note) - 1, "%lf%3[KMGiB]", &amount, unit);
    const double scale = unit[0] == 'K'   ? 1024
                         : unit[0] == 'M' ? 1024.0 * 1024
                         : unit[0] == 'G' ? 1024.0 * 1024 * 1024
                                          : 1;
    struct log_clip *clip = depot_vec_add(&l->clips);
    clip->line = l->newlines;
    clip->limit = got >= 1 ? (int64_t)(amount * scale) : -1;
    for (const char *p = text; p < at; p++)
        clip->line += *p == '\n';
}

void dp_logstore_append(struct logstore *l, const void *data, size_t n, int stream, depot_time time)
{
    if (n == 0)
        return;
    const char *p = data;
    const struct chunk_mark mark = {.offset = l->bytes.len, .time = time, .stream = stream};
    look_for_clip(l, p, n);
    const uint64_t start = l->bytes.len;
    for (const char *at = p, *end = p + n; at < end;) {
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        if (nl == NULL)
            break;
        at = nl + 1;
        l->newlines++;
        if (l->newlines % MARK_LINES == 0)
            depot_vec_push(&l->marks, start + (uint64_t)(at - p));
    }
    dp_chain_append(&l->bytes, data, n);
    dp_chain_append(&l->chunks, &mark, sizeof(mark));
    if (l->nchunks % MARK_LINES == 0)
        depot_vec_push(&l->chunk_marks, start);
    l->last = p[n - 1];
    l->nchunks++;
    l->revision++;
}

uint64_t dp_logstore_bytes(const struct logstore *l)
{
    return l->bytes.len;
}

uint64_t dp_logstore_lines(const struct logstore *l)
{
    return l->newlines + (l->bytes.len > 0 && l->last != '\n' ? 1 : 0);
}

uint64_t dp_logstore_revision(const struct logstore *l)
{
    return l->revision;
}

size_t dp_logstore_clips(const struct logstore *l, const struct log_clip **out)
{
    *out = l->clips.items;
    return l->clips.len;
}

/* Offset of the first byte after the next newline at or after `at`; the end when there is none. */
static uint64_t next_line(struct logstore *l, uint64_t at)
{
    size_t n;
    for (const char *p; (p = dp_chain_peek(&l->bytes, at, &n)) != NULL; at += n) {
        const char *nl = memchr(p, '\n', n);
        if (nl != NULL)
            return at + (uint64_t)(nl - p) + 1;
    }
    return l->bytes.len;
}

static uint64_t line_offset(struct logstore *l, uint64_t line)
{
    uint64_t from = line - line % MARK_LINES;
    uint64_t at = l->marks.items[line / MARK_LINES];
    if (l->near_line > from && l->near_line <= line) { /* the usual case: the line after */
        from = l->near_line;
        at = l->near_offset;
    }
    for (; from < line; from++)
        at = next_line(l, at);
    l->near_line = line;
    l->near_offset = at;
    return at;
}

/* The last of `n` rising offsets that is not above `offset`; 0 when there is none. */
static size_t last_mark(const uint64_t *marks, size_t n, uint64_t offset)
{
    size_t low = 0, high = n;
    while (high - low > 1) {
        const size_t mid = low + (high - low) / 2;
        if (marks[mid] <= offset)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* In memory to within 64, then among those on disk: they are in one block, or two. */
static void find_chunk(struct logstore *l, uint64_t offset, struct chunk_mark *out)
{
    const size_t mark = last_mark(l->chunk_marks.items, l->chunk_marks.len, offset);
    uint64_t low = (uint64_t)mark * MARK_LINES, high = low + MARK_LINES;
    high = high < l->nchunks ? high : l->nchunks;
    *out = (struct chunk_mark){0};
    while (low < high) {
        struct chunk_mark m;
        const uint64_t mid = low + (high - low) / 2;
        if (dp_chain_read(&l->chunks, mid * sizeof(m), &m, sizeof(m)) != sizeof(m))
            return;
        if (m.offset <= offset) {
            *out = m;
            low = mid + 1;
        } else {
            high = mid;
        }
    }
}

bool dp_logstore_line(struct logstore *l, uint64_t line, struct log_line *out)
{
    struct chunk_mark chunk;
    if (line >= dp_logstore_lines(l))
        return false;
    const uint64_t at = line_offset(l, line);
    uint64_t end = next_line(l, at);
    if (line < l->newlines)
        end--;
    const uint64_t total = end - at;
    const size_t shown = total < LOG_LINE_SHOWN ? (size_t)total : LOG_LINE_SHOWN;
    depot_buf_clear(&l->line);
    char *to = depot_buf_reserve(&l->line, shown + 1);
    const size_t got = dp_chain_read(&l->bytes, at, to, shown);
    find_chunk(l, at, &chunk);
    *out = (struct log_line){.data = to,
        .len = got,
        .total = total,
        .offset = at,
        .time = chunk.time,
        .stream = chunk.stream};
    return true;
}

size_t dp_logstore_read(struct logstore *l, uint64_t offset, void *out, size_t n)
{
    return dp_chain_read(&l->bytes, offset, out, n);
}

uint64_t dp_logstore_line_at(struct logstore *l, uint64_t offset)
{
    const size_t mark = last_mark(l->marks.items, l->marks.len, offset);
    uint64_t line = (uint64_t)mark * MARK_LINES;
    for (uint64_t at = next_line(l, l->marks.items[mark]); at <= offset && at < l->bytes.len;
         at = next_line(l, at))
        line++;
    return line;
}
