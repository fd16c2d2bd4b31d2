/*
 * One build's log on disk: whole lines, appended, read from any seq through a sparse index of
 * offsets. It does not know what the lines say beyond their type.
 */
#define _GNU_SOURCE /* memmem */

#include "store_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <depot/os.h>
#include <depot/wire.h>

int log_file_open(struct log_file *f, const char *path, int flags, struct depot_error *err)
{
    struct stat st;
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return depot_error_errno(err, errno, "%s", path);
    if (fstat(fd, &st) != 0) {
        int saved = errno;
        close(fd);
        return depot_error_errno(err, saved, "%s", path);
    }
    *f = (struct log_file){.fd = fd, .size = (uint64_t)st.st_size};
    return 0;
}

void log_file_close(struct log_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    depot_vec_free(&f->offsets);
    *f = (struct log_file){.fd = -1};
}

void log_file_note(struct log_file *f, size_t n)
{
    if (f->lines % LOG_STRIDE == 0)
        depot_vec_push(&f->offsets, f->indexed);
    f->lines++;
    f->indexed += n;
}

static ssize_t read_at(int fd, void *buf, size_t n, uint64_t off)
{
    ssize_t got;

    do
        got = pread(fd, buf, n, (off_t)off);
    while (got < 0 && errno == EINTR);
    return got;
}

int log_file_mend(struct log_file *f, struct depot_error *err)
{
    char block[4096];
    uint64_t end = f->size;

    while (end > 0) {
        size_t n = end < sizeof(block) ? (size_t)end : sizeof(block);
        const char *lf;
        if (read_at(f->fd, block, n, end - n) != (ssize_t)n)
            return depot_error_errno(err, errno, "reading a build log");
        lf = depot_os_last(block, '\n', n);
        if (lf != NULL) {
            end = end - n + (uint64_t)(lf - block) + 1;
            break;
        }
        end -= n;
    }
    if (end != f->size && ftruncate(f->fd, (off_t)end) != 0)
        return depot_error_errno(err, errno, "cutting a torn line off a build log");
    f->size = end;
    return 0;
}

/* The envelope stands first in a line and its values hold no quotes, so the first match is it. */
static enum depot_event_type line_type(const char *line, size_t n)
{
    static const char key[] = "\"type\":\"";
    char name[32];
    const char *p = memmem(line, n < 256 ? n : 256, key, sizeof(key) - 1);
    const char *end;

    if (p == NULL)
        return DEPOT_EVENT_UNKNOWN;
    p += sizeof(key) - 1;
    end = memchr(p, '"', n - (size_t)(p - line));
    if (end == NULL || (size_t)(end - p) >= sizeof(name))
        return DEPOT_EVENT_UNKNOWN;
    memcpy(name, p, (size_t)(end - p));
    name[end - p] = '\0';
    return depot_event_from_name(name);
}

struct log_walk {
    struct log_file *f;
    struct depot_buf *scratch;
    uint64_t off, seq; /* of the next line */
    size_t used;       /* bytes of scratch given out */
};

/* The next whole line, its newline counted in *n; 0 at the end, 1 when there is one. */
static int walk_next(struct log_walk *w, const char **line, size_t *n, struct depot_error *err)
{
    struct depot_buf *b = w->scratch;
    size_t seen = 0; /* bytes of the line looked at already */

    for (;;) {
        const char *start = b->data + w->used;
        size_t have = b->len - w->used;
        const char *lf = have > seen ? memchr(start + seen, '\n', have - seen) : NULL;
        uint64_t from = w->off + have;
        size_t want = LOG_CHUNK;
        ssize_t got;

        if (lf != NULL) {
            *line = start;
            *n = (size_t)(lf - start) + 1;
            w->used += *n;
            w->off += *n;
            w->seq++;
            return 1;
        }
        seen = have;
        if (from >= w->f->size)
            return 0;
        depot_buf_consume(b, w->used);
        w->used = 0;
        if (want < have)
            want = have; /* a long line: the buffer doubles */
        if (want > w->f->size - from)
            want = (size_t)(w->f->size - from);
        if (depot_buf_reserve(b, want) == NULL)
            return depot_error_set(err, DEPOT_ERR_TOO_BIG, "a line of a build log is too long");
        got = read_at(w->f->fd, b->data + b->len, want, from);
        if (got < 0)
            return depot_error_errno(err, errno, "reading a build log");
        if (got == 0)
            return 0;
        b->len += (size_t)got;
    }
}

static void walk_start(
    struct log_walk *w, struct log_file *f, struct depot_buf *scratch, uint64_t off, uint64_t seq)
{
    *w = (struct log_walk){.f = f, .scratch = scratch, .off = off, .seq = seq};
    depot_buf_clear(scratch);
    (void)depot_buf_reserve(scratch, LOG_CHUNK);
}

/* Lengthen the index until it covers the line after `after`, or the file ends. */
static int index_to(
    struct log_file *f, struct depot_buf *scratch, uint64_t after, struct depot_error *err)
{
    struct log_walk w;
    const char *line = NULL;
    size_t n = 0;
    int r = 1;

    if (f->lines > after || f->indexed >= f->size)
        return 0;
    walk_start(&w, f, scratch, f->indexed, f->lines + 1);
    while (f->lines <= after && (r = walk_next(&w, &line, &n, err)) > 0)
        log_file_note(f, n);
    return r < 0 ? r : 0;
}

int log_file_read(struct log_file *f, struct depot_buf *scratch, uint64_t after, size_t max,
    store_read_fn *fn, void *arg, struct depot_error *err)
{
    struct log_walk w;
    const char *data = NULL;
    size_t n = 0, bytes = 0;
    int count = 0, r;

    r = index_to(f, scratch, after, err);
    if (r < 0)
        return r;
    if (f->lines <= after)
        return 0;
    if (f->hint_off > 0 && f->hint_seq == after)
        walk_start(&w, f, scratch, f->hint_off, after + 1);
    else
        walk_start(&w, f, scratch, f->offsets.items[after / LOG_STRIDE],
            after / LOG_STRIDE * LOG_STRIDE + 1);
    while ((size_t)count < max && bytes < LOG_READ_BYTES) {
        uint64_t seq = w.seq;
        struct store_line *line;
        r = walk_next(&w, &data, &n, err);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        assert(data); /* given with each line */
        if (seq > f->lines)
            log_file_note(f, n);
        if (seq <= after)
            continue;
        f->hint_seq = seq;
        f->hint_off = w.off;
        line = store_line_new(line_type(data, n - 1), seq, data, n - 1);
        fn(line, arg);
        store_line_unref(line);
        bytes += n;
        count++;
    }
    return count;
}
