/*
 * A part of a build's log: the events of a build with only those steps and lines in them that are
 * asked for, so that any sink prints them as it prints the whole.
 */
#include "cli.h"

#include <string.h>

/* What is behind this of a line that does not end is a line of its own. */
enum { PICK_LINE_MAX = 64 * 1024 };

struct row {
    bool failed;
    size_t seen, all; /* lines that pass: so far, and in all when they are told a second time */
    struct depot_buf line; /* not ended yet */
};

struct cli_pick {
    struct cli_pick_opts opts;
    struct depot_map *rows; /* by part and digest: the same when a build is told again */
    bool again;             /* it is told the second time */
    bool any;
    /* Of the event at hand. */
    DEPOT_VEC(struct depot_vertex) vertexes;
    DEPOT_VEC(struct depot_vertex_status) statuses;
    DEPOT_VEC(struct depot_vertex_log) logs;
    DEPOT_VEC(struct depot_vertex_warning) warnings;
    struct depot_arena arena;
};

struct cli_pick *cli_pick_new(const struct cli_pick_opts *opts)
{
    struct cli_pick *p;
    if (opts->step == NULL && opts->grep == NULL && opts->tail == 0 && !opts->failed)
        return NULL;
    p = depot_calloc(1, sizeof(*p));
    p->opts = *opts;
    p->rows = depot_map_new();
    return p;
}

bool cli_pick_needs_end(const struct cli_pick *p)
{
    return p != NULL && (p->opts.failed || p->opts.tail > 0);
}

bool cli_pick_any(const struct cli_pick *p)
{
    return p->any;
}

static struct row *row_of(struct cli_pick *p, const struct depot_step *s)
{
    char *key = depot_asprintf("%s %s", s->part->platform, s->digest);
    struct row *row = depot_map_get(p->rows, key);
    if (row == NULL) {
        row = depot_calloc(1, sizeof(*row));
        depot_buf_init(&row->line, DEPOT_BUF_NO_LIMIT);
        depot_map_set(p->rows, key, row);
    }
    depot_free(key);
    return row;
}

void cli_pick_rewind(struct cli_pick *p, const struct depot_build *b)
{
    for (size_t i = 0; i < b->steps.len; i++) {
        struct row *row = row_of(p, b->steps.items[i]);
        row->failed = b->steps.items[i]->outcome == DEPOT_OUTCOME_FAILED;
        row->all = row->seen;
        row->seen = 0;
        depot_buf_clear(&row->line);
    }
    p->again = true;
    p->any = false;
}

/* ---- steps ---- */

static bool is_asked_for(
    struct cli_pick *p, const struct depot_build *b, const struct depot_step *s)
{
    struct depot_buf title = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (p->opts.failed && p->again && !row_of(p, s)->failed)
        return false;
    if (p->opts.step == NULL)
        return true;
    depot_step_title(&title, b, s);
    const bool named = strstr(depot_buf_str(&title), p->opts.step) != NULL;
    depot_buf_release(&title);
    return named;
}

static struct depot_step *find(struct cli_pick *p, const struct depot_build *b,
    const struct depot_part *part, const char *digest)
{
    struct depot_step *s = depot_build_step(b, part, digest);
    return s != NULL && s->known && is_asked_for(p, b, s) ? s : NULL;
}

/* Who asks for lines gets no step without any; who asks for steps gets those all the same. */
static bool wants_lines(const struct cli_pick *p)
{
    const bool of_any_step = p->opts.step == NULL && !p->opts.failed;
    return p->opts.grep != NULL || (p->opts.tail > 0 && of_any_step);
}

static bool is_shown(struct cli_pick *p, const struct depot_step *s)
{
    return s != NULL && (!wants_lines(p) || row_of(p, s)->seen > 0);
}

/* ---- lines ---- */

static bool passes(const struct cli_pick *p, const char *line, size_t n)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (p->opts.grep == NULL)
        return true;
    depot_text_log_line(&text, line, n);
    const bool found = strstr(depot_buf_str(&text), p->opts.grep) != NULL;
    depot_buf_release(&text);
    return found;
}

static void end_line(struct cli_pick *p, struct row *row, struct depot_buf *out)
{
    const size_t tail = (size_t)p->opts.tail;
    if (passes(p, depot_buf_str(&row->line), row->line.len)) {
        row->seen++;
        if (tail == 0 || !p->again || row->seen + tail > row->all) {
            depot_buf_add(out, row->line.data, row->line.len);
            depot_buf_addc(out, '\n');
        }
    }
    depot_buf_clear(&row->line);
}

static void add_bytes(
    struct cli_pick *p, struct row *row, const struct depot_vertex_log *log, struct depot_buf *out)
{
    const char *at = log->len > 0 ? (const char *)log->data : "", *end = at + log->len;
    while (at < end) {
        const size_t room = PICK_LINE_MAX - row->line.len, left = (size_t)(end - at);
        const size_t n = left < room ? left : room;
        const char *nl = memchr(at, '\n', n);
        depot_buf_add(&row->line, at, nl != NULL ? (size_t)(nl - at) : n);
        at = nl != NULL ? nl + 1 : at + n;
        if (nl != NULL || row->line.len >= PICK_LINE_MAX)
            end_line(p, row, out);
    }
}

/* `log` may be without bytes: then what has no end yet ends. */
static void take_log(struct cli_pick *p, const struct depot_step *s, struct depot_vertex_log log)
{
    struct row *row = row_of(p, s);
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    add_bytes(p, row, &log, &out);
    if (row->line.len > 0 && depot_step_is_completed(s))
        end_line(p, row, &out);
    if (out.len > 0) {
        log.len = out.len;
        log.data = memcpy(depot_arena_alloc(&p->arena, out.len), out.data, out.len);
        depot_vec_push(&p->logs, log);
    }
    depot_buf_release(&out);
}

/* ---- events ---- */

static void take_status(struct cli_pick *p, const struct depot_build *b,
    const struct depot_part *part, const struct depot_status *st)
{
    for (size_t i = 0; i < st->nlogs; i++) {
        const struct depot_step *s = find(p, b, part, st->logs[i].vertex);
        if (s != NULL)
            take_log(p, s, st->logs[i]);
    }
    for (size_t i = 0; i < st->nvertexes; i++) {
        const struct depot_vertex *v = &st->vertexes[i];
        const struct depot_step *s = find(p, b, part, v->digest);
        if (s != NULL && v->completed != 0)
            take_log(
                p, s, (struct depot_vertex_log){.vertex = v->digest, .timestamp = v->completed});
        if (is_shown(p, s))
            depot_vec_push(&p->vertexes, *v);
    }
    for (size_t i = 0; i < st->nstatuses; i++)
        if (is_shown(p, find(p, b, part, st->statuses[i].vertex)))
            depot_vec_push(&p->statuses, st->statuses[i]);
    for (size_t i = 0; i < st->nwarnings; i++)
        if (is_shown(p, find(p, b, part, st->warnings[i].vertex)))
            depot_vec_push(&p->warnings, st->warnings[i]);
}

bool cli_pick_event(struct cli_pick *p, const struct depot_build *b, const struct depot_event *ev,
    struct depot_event *out)
{
    if (ev->type != DEPOT_EVENT_BUILD_STATUS)
        return false;
    p->vertexes.len = p->statuses.len = p->logs.len = p->warnings.len = 0;
    depot_arena_release(&p->arena);
    const struct depot_part *part = depot_build_part(b, ev->u.status.platform);
    if (part != NULL)
        take_status(p, b, part, &ev->u.status.status);
    *out = *ev;
    out->u.status.status = (struct depot_status){.vertexes = p->vertexes.items,
        .nvertexes = p->vertexes.len,
        .statuses = p->statuses.items,
        .nstatuses = p->statuses.len,
        .logs = p->logs.items,
        .nlogs = p->logs.len,
        .warnings = p->warnings.items,
        .nwarnings = p->warnings.len};
    const bool some = p->vertexes.len + p->statuses.len + p->logs.len + p->warnings.len > 0;
    p->any = p->any || some;
    return some;
}

void cli_pick_free(struct cli_pick *p)
{
    size_t pos = 0;
    void *row;
    if (p == NULL)
        return;
    while (depot_map_next(p->rows, &pos, NULL, &row)) {
        depot_buf_release(&((struct row *)row)->line);
        depot_free(row);
    }
    depot_map_free(p->rows);
    depot_vec_free(&p->vertexes);
    depot_vec_free(&p->statuses);
    depot_vec_free(&p->logs);
    depot_vec_free(&p->warnings);
    depot_arena_release(&p->arena);
    depot_free(p);
}
