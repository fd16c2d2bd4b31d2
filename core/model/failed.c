/*
 * Which step failed a build, and what is known of it.
 */
#include <depot/state.h>

#include <stdlib.h>
#include <string.h>

/* The first to fail: the others were stopped because of it. */
static const struct depot_part *first_part(const struct depot_build *b)
{
    const struct depot_part *first = NULL;

    for (size_t i = 0; i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];

        if (p->state == DEPOT_BUILD_FAILED && (first == NULL || p->finished < first->finished))
            first = p;
    }
    return first;
}

static const struct depot_step *first_step(
    const struct depot_build *b, const struct depot_part *part)
{
    for (size_t i = 0; i < b->started.len; i++) {
        const struct depot_step *s = b->started.items[i];

        if (s->outcome == DEPOT_OUTCOME_FAILED && (part == NULL || s->part == part))
            return s;
    }
    return NULL;
}

/* The engine's words, in which the command stands before them. */
static int64_t exit_code(const char *error)
{
    static const char words[] = "did not complete successfully: exit code: ";
    const char *last = NULL;

    for (const char *s = error; s != NULL && (s = strstr(s, words)) != NULL; s += sizeof(words) - 1)
        last = s + sizeof(words) - 1;
    return last != NULL && *last >= '0' && *last <= '9' ? strtoll(last, NULL, 10) : -1;
}

static void put_place(struct depot_failed_step *out, const struct depot_build_error *e)
{
    out->file = e->file;
    if (e->file != NULL && e->nranges)
        out->line = e->ranges[0].start_line;
}

struct depot_failed_step depot_build_failed_step(const struct depot_build *b)
{
    struct depot_failed_step out = {.exit_code = -1, .line = -1};
    const struct depot_part *part = first_part(b);
    const struct depot_build_error *e = part != NULL ? part->error : NULL;
    const struct depot_step *named =
        e != NULL && e->vertex != NULL ? depot_build_step(b, part, e->vertex) : NULL;
    const struct depot_step *s = named != NULL ? named : first_step(b, part);

    if (s == NULL)
        return out;
    out.name = s->group != NULL ? s->group->name : s->name;
    out.platform = *s->platform ? s->platform : NULL;
    out.exit_code = exit_code(s->error != NULL ? s->error : named != NULL ? e->message : NULL);
    if (named != NULL)
        put_place(&out, e);
    return out;
}
