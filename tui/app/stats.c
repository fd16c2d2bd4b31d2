/*
 * Samples of frame times, sorted once at the end. No part of what is drawn depends on them.
 */
#include "stats.h"

#include <depot/buf.h>
#include <depot/clock.h>
#include <depot/file_writer.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES_MAX = 1000 * 1000 }; /* a day of frames; later ones are not kept */

struct stats {
    const char *path;
    DEPOT_VEC(uint32_t) times[STATS_TIMES]; /* in microseconds */
    uint64_t frames, painted, writes, bytes, writes_max, bytes_max;
    uint64_t data_ns, first_paint_ns;
};

static const char *const time_names[] = {
    [STATS_COMPOSE] = "compose_us",
    [STATS_FLUSH] = "flush_us",
    [STATS_FRAME] = "frame_us",
    [STATS_KEY] = "key_us",
};
static_assert(DEPOT_ARRAY_LEN(time_names) == STATS_TIMES, "every time has a name");

struct stats *dp_stats_new(void)
{
    const char *path = getenv("DEPOT_TUI_STATS");
    if (path == NULL || *path == '\0')
        return NULL;
    struct stats *s = depot_calloc(1, sizeof(*s));
    s->path = path;
    return s;
}

void dp_stats_free(struct stats *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < STATS_TIMES; i++)
        depot_vec_free(&s->times[i]);
    depot_free(s);
}

void dp_stats_time(struct stats *s, enum stats_time what, uint64_t ns)
{
    const uint64_t us = ns / 1000;
    if (s == NULL || s->times[what].len >= SAMPLES_MAX)
        return;
    const uint32_t sample = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
    depot_vec_push(&s->times[what], sample);
}

void dp_stats_frame(struct stats *s, uint64_t writes, uint64_t bytes)
{
    if (s == NULL)
        return;
    s->frames++;
    s->painted += writes > 0;
    s->writes += writes;
    s->bytes += bytes;
    s->writes_max = writes > s->writes_max ? writes : s->writes_max;
    s->bytes_max = bytes > s->bytes_max ? bytes : s->bytes_max;
    if (s->data_ns != 0 && s->first_paint_ns == 0)
        s->first_paint_ns = depot_mono_ns() - s->data_ns;
}

void dp_stats_data(struct stats *s)
{
    if (s != NULL && s->data_ns == 0)
        s->data_ns = depot_mono_ns();
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void add_time(struct depot_buf *out, const char *name, const uint32_t *samples, size_t n)
{
    uint32_t *sorted = depot_alloc((n + 1) * sizeof(*sorted));
    sorted[0] = 0;
    if (n > 0) {
        memcpy(sorted, samples, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), by_value);
    }
    const size_t last = n > 0 ? n - 1 : 0;
    depot_buf_addf(out, ",\"%s\":{\"count\":%zu,\"median\":%u,\"p99\":%u,\"max\":%u}", name, n,
        sorted[last / 2], sorted[last * 99 / 100], sorted[last]);
    depot_free(sorted);
}

void dp_stats_write(const struct stats *s)
{
    static const struct depot_file_opts opts = {.what = "statistics", .mode = 0666};
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (s == NULL)
        return;
    depot_buf_addf(&b,
        "{\"frames\":%llu,\"painted\":%llu,\"writes\":%llu,\"bytes\":%llu,\"writes_max\":%llu,"
        "\"bytes_max\":%llu,\"first_paint_us\":%llu",
        (unsigned long long)s->frames, (unsigned long long)s->painted,
        (unsigned long long)s->writes, (unsigned long long)s->bytes,
        (unsigned long long)s->writes_max, (unsigned long long)s->bytes_max,
        (unsigned long long)s->first_paint_ns / 1000);
    for (int i = 0; i < STATS_TIMES; i++)
        add_time(&b, time_names[i], s->times[i].items, s->times[i].len);
    depot_buf_adds(&b, "}\n");
    (void)!depot_file_write(s->path, &opts, b.data, b.len, NULL);
    depot_buf_release(&b);
}
