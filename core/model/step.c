/*
 * What can be asked of one step, and what it keeps of its log.
 */
#include "model/state_priv.h"

#include <string.h>

bool depot_step_is_started(const struct depot_step *s)
{
    return s->intervals.len > 0;
}

bool depot_step_is_completed(const struct depot_step *s)
{
    return s->intervals.len > 0 && s->intervals.items[s->intervals.len - 1].stop != 0;
}

int64_t depot_time_between(depot_time from, depot_time to)
{
    int64_t d;

    if (__builtin_sub_overflow(to, from, &d))
        return to > from ? INT64_MAX : INT64_MIN;
    return d;
}

int64_t depot_step_duration(const struct depot_step *s, depot_time now)
{
    int64_t sum = 0;

    /* What still runs then is the daemon's, as joining what the parts made. */
    if (s->part != NULL && s->part->finished && now > s->part->finished &&
        s->outcome != DEPOT_OUTCOME_RUNNING)
        now = s->part->finished;
    for (size_t i = 0; i < s->intervals.len; i++) {
        depot_time stop = s->intervals.items[i].stop ? s->intervals.items[i].stop : now;

        /* Clocks jump; a step never takes less than nothing. */
        if (stop > s->intervals.items[i].start &&
            __builtin_add_overflow(
                sum, depot_time_between(s->intervals.items[i].start, stop), &sum))
            return INT64_MAX;
    }
    return sum;
}

void depot_step_title(
    struct depot_buf *out, const struct depot_build *b, const struct depot_step *s)
{
    const char *name = s->group != NULL ? s->group->name : s->name;

    if (b->parts.len > 1 && *s->part->platform && !*s->parsed.platform) {
        depot_buf_addf(out, "[%s%s", s->part->platform, name[0] == '[' ? " " : "] ");
        depot_buf_adds(out, name[0] == '[' ? name + 1 : name);
    } else {
        depot_buf_adds(out, name);
    }
}

static void tail_add(struct depot_step *s, const uint8_t *p, size_t n, bool join, int64_t offset)
{
    struct depot_tail_line *line;
    size_t old = 0;

    if (join && s->tail_len) {
        line = &s->tail[(s->tail_next + DEPOT_STEP_TAIL_LINES - 1) % DEPOT_STEP_TAIL_LINES];
        old = line->len;
    } else {
        line = &s->tail[s->tail_next];
        s->tail_next = (s->tail_next + 1) % DEPOT_STEP_TAIL_LINES;
        if (s->tail_len < DEPOT_STEP_TAIL_LINES)
            s->tail_len++;
        line->offset = offset;
    }
    if (n > DEPOT_STEP_TAIL_LINE_MAX - old)
        n = DEPOT_STEP_TAIL_LINE_MAX - old;
    line->text = depot_realloc(line->text, old + n + 1);
    memcpy(line->text + old, p, n);
    line->len = old + n;
    line->text[line->len] = '\0';
}

/* The engine says so in a line of its own. */
static bool says_clipped(const uint8_t *p, size_t n)
{
    static const char mark[] = "[output clipped, log limit ";
    const uint8_t *end = p + n;

    for (; (p = memchr(p, '[', (size_t)(end - p))) != NULL; p++)
        if ((size_t)(end - p) >= sizeof(mark) - 1 && memcmp(p, mark, sizeof(mark) - 1) == 0)
            return true;
    return false;
}

void dp_log_apply(struct depot_step *s, const struct depot_vertex_log *log)
{
    const uint8_t *p = log->data, *end, *nl;
    size_t lines = 0;
    int64_t offset = 0;
    bool join = s->tail_partial;

    if (!log->len)
        return;
    end = p + log->len;
    if (s->intervals.len)
        offset = depot_time_between(s->intervals.items[s->intervals.len - 1].start, log->timestamp);
    s->log_bytes += log->len;
    if (!s->log_clipped)
        s->log_clipped = says_clipped(p, log->len);
    for (const uint8_t *q = p; (nl = memchr(q, '\n', (size_t)(end - q))) != NULL; q = nl + 1)
        lines++;
    s->log_lines += lines;
    /* Of a big chunk only the last lines are worth copying. */
    for (; lines > DEPOT_STEP_TAIL_LINES; lines--, join = false)
        p = (const uint8_t *)memchr(p, '\n', (size_t)(end - p)) + 1;
    for (; p < end; p = nl + 1, join = false) {
        nl = memchr(p, '\n', (size_t)(end - p));
        tail_add(s, p, (size_t)((nl != NULL ? nl : end) - p), join, offset);
        if (nl == NULL)
            break;
    }
    s->tail_partial = end[-1] != '\n';
}
