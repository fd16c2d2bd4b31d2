/*
 * Feeds bytes to the progress decoder as if an engine had sent them, and reads all it hands out.
 */
#include "buildkit/status.h"

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
    }
    depot_arena_release(&arena);
    return 0;
}
