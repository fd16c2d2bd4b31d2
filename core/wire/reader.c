/*
 * Cuts a stream of bytes into lines for the decoder. A line above the ceiling is skipped to its end
 * without being kept.
 */
#include <depot/wire.h>

#include <string.h>

struct depot_wire_reader {
    depot_wire_event_fn *on_event;
    depot_wire_error_fn *on_error;
    depot_wire_text_fn *on_text; /* NULL: text is an error */
    void *arg;
    struct depot_buf partial;
    uint64_t line; /* number of the line being gathered */
    bool skipping;
    bool ours; /* a line with an envelope was seen */
};

struct depot_wire_reader *depot_wire_reader_new(
    depot_wire_event_fn *on_event, depot_wire_error_fn *on_error, void *arg)
{
    struct depot_wire_reader *r = depot_calloc(1, sizeof(*r));

    r->on_event = on_event;
    r->on_error = on_error;
    r->arg = arg;
    r->line = 1;
    depot_buf_init(&r->partial, DEPOT_WIRE_LINE_MAX);
    return r;
}

void depot_wire_reader_on_text(struct depot_wire_reader *r, depot_wire_text_fn *fn)
{
    r->on_text = fn;
}

void depot_wire_reader_free(struct depot_wire_reader *r)
{
    if (r == NULL)
        return;
    depot_buf_release(&r->partial);
    depot_free(r);
}

static int report(struct depot_wire_reader *r, struct depot_error *err)
{
    depot_error_prefix(err, "line %llu", (unsigned long long)r->line);
    return r->on_error != NULL ? r->on_error(err, r->arg) : 0;
}

static bool is_blank(const char *p, size_t n)
{
    while (n > 0 && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++, n--;
    return n == 0;
}

static bool begins_object(const char *p, size_t n)
{
    while (n > 0 && (*p == ' ' || *p == '\t'))
        p++, n--;
    return n > 0 && *p == '{';
}

static int one_line(struct depot_wire_reader *r, const char *p, size_t n)
{
    struct depot_error err = {0};
    struct depot_event ev;

    if (is_blank(p, n))
        return 0;
    if (r->on_text != NULL && !r->ours && !begins_object(p, n))
        return r->on_text(p, n, r->arg);
    if (depot_wire_decode(p, n, &ev, &err))
        return report(r, &err);
    r->ours = r->ours || ev.seq > 0;
    return r->on_event(&ev, r->arg);
}

static int too_long(struct depot_wire_reader *r)
{
    struct depot_error err = {0};

    depot_buf_release(&r->partial);
    depot_buf_init(&r->partial, DEPOT_WIRE_LINE_MAX);
    r->skipping = true;
    depot_error_set(&err, DEPOT_ERR_TOO_BIG, "longer than %d MiB", DEPOT_WIRE_LINE_MAX >> 20);
    return report(r, &err);
}

/* The rest of a line whose start is kept, or a whole one. */
static int end_line(struct depot_wire_reader *r, const char *p, size_t n)
{
    int rc = 0;

    if (r->skipping) {
        r->skipping = false;
        depot_buf_clear(&r->partial);
    } else if (r->partial.len) {
        depot_buf_add(&r->partial, p, n);
        if (r->partial.overflow) {
            rc = too_long(r);
            r->skipping = false;
        } else {
            rc = one_line(r, r->partial.data, r->partial.len);
            /* One huge line must not hold its memory for ever. */
            if (r->partial.cap > 1024 * 1024)
                depot_buf_release(&r->partial);
            else
                depot_buf_clear(&r->partial);
        }
    } else {
        rc = one_line(r, p, n);
    }
    r->line++;
    return rc;
}

int depot_wire_reader_feed(struct depot_wire_reader *r, const void *data, size_t n)
{
    const char *p = data, *end = p + n, *nl;
    int rc = 0;

    while (rc == 0 && p < end) {
        nl = memchr(p, '\n', (size_t)(end - p));
        if (nl != NULL) {
            rc = end_line(r, p, (size_t)(nl - p));
            p = nl + 1;
            continue;
        }
        if (!r->skipping) {
            depot_buf_add(&r->partial, p, (size_t)(end - p));
            if (r->partial.overflow)
                rc = too_long(r);
        }
        break;
    }
    return rc;
}

int depot_wire_reader_end(struct depot_wire_reader *r)
{
    return r->partial.len || r->skipping ? end_line(r, "", 0) : 0;
}
