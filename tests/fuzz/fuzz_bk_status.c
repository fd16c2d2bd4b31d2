/*
 * Feeds bytes to the progress decoder as if an engine had sent them, and reads all it hands out.
 * What can be decoded can be decoded together with more, which the daemon relies on.
 */
#include "buildkit/status.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum; /* so that the reads are not optimised away */

static void touch(const char *s)
{
    sum += strlen(s);
}

static void touch_bytes(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum += p[i];
}

static void touch_vertex(const struct depot_vertex *v)
{
    touch(v->digest);
    touch(v->name);
    touch(v->error != NULL ? v->error : "");
    for (size_t i = 0; i < v->ninputs; i++)
        touch(v->inputs[i]);
    if (v->group != NULL) {
        touch(v->group->id);
        touch(v->group->name);
    }
}

static void touch_warning(const struct depot_vertex_warning *w)
{
    touch(w->vertex);
    touch(w->short_text);
    touch(w->url);
    for (size_t i = 0; i < w->ndetail; i++)
        touch(w->detail[i]);
    for (size_t i = 0; i < w->nranges; i++)
        sum += (size_t)w->ranges[i].start_line;
    if (w->info != NULL) {
        touch(w->info->filename);
        touch_bytes(w->info->data, w->info->len);
    }
}

static void hold(bool true_of_it)
{
    if (!true_of_it)
        abort();
}

static void hold_kinds(const struct depot_status *st, const uint8_t *data, size_t size)
{
    const int kinds = dp_bk_status_kinds(data, size);
    hold(kinds >= 0);
    hold(((kinds & DP_STATUS_VERTEXES) != 0) == (st->nvertexes > 0));
    hold(((kinds & DP_STATUS_OTHERS) != 0) == (st->nstatuses + st->nlogs + st->nwarnings > 0));
}

/* Twice the message, end to end, is twice its records. */
static void hold_together(const struct depot_status *once, const uint8_t *data, size_t size)
{
    struct depot_arena arena = {0};
    struct depot_status st;
    struct depot_error err;
    uint8_t *twice = depot_alloc(2 * size + 1);
    memcpy(twice, data, size);
    memcpy(twice + size, data, size);
    if (dp_bk_status_decode(twice, 2 * size, &arena, &st, &err) == 0) {
        hold(st.nvertexes == 2 * once->nvertexes && st.nlogs == 2 * once->nlogs);
        for (size_t i = 0; i < once->nlogs; i++)
            hold(st.logs[i].len == once->logs[i].len &&
                 st.logs[once->nlogs + i].timestamp == once->logs[i].timestamp);
    } else {
        hold(err.code == DEPOT_ERR_TOO_BIG);
    }
    depot_arena_release(&arena);
    depot_free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_arena arena = {0};
    struct depot_status st;
    struct depot_error err;
    if (dp_bk_status_decode(data, size, &arena, &st, &err) == 0) {
        for (size_t i = 0; i < st.nvertexes; i++)
            touch_vertex(&st.vertexes[i]);
        for (size_t i = 0; i < st.nstatuses; i++) {
            touch(st.statuses[i].id);
            touch(st.statuses[i].vertex);
            touch(st.statuses[i].name);
        }
        for (size_t i = 0; i < st.nlogs; i++) {
            touch(st.logs[i].vertex);
            touch_bytes(st.logs[i].data, st.logs[i].len);
        }
        for (size_t i = 0; i < st.nwarnings; i++)
            touch_warning(&st.warnings[i]);
        hold_kinds(&st, data, size);
        if (size > 0)
            hold_together(&st, data, size);
    }
    depot_arena_release(&arena);
    return 0;
}
