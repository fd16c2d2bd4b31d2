/*
 * Steps in a sign or a word.
 */
#include "step.h"

#include <depot/text.h>

void dp_step_label(struct depot_buf *out, const struct depot_step *s)
{
    const struct depot_step_name *p = &s->parsed;
    if (p->ordinal == 0) {
        depot_text_first_line(out, *p->instruction != '\0' ? p->instruction : s->digest);
        return;
    }
    if (*p->stage != '\0')
        depot_buf_addf(out, "%s ", p->stage);
    depot_buf_addf(out, "%d/%d", p->ordinal, p->total);
}

/* Of steps in a Dockerfile the place counts: their words may name the platform. */
bool dp_step_is_sibling(const struct depot_step *a, const struct depot_step *b)
{
    const struct depot_step_name *x = &a->parsed, *y = &b->parsed;
    return a != b && x->ordinal == y->ordinal && x->total == y->total && x->kind == y->kind &&
           !depot_str_eq(a->platform, b->platform) && depot_str_eq(x->stage, y->stage) &&
           depot_str_eq(x->target, y->target) &&
           (x->ordinal > 0 || depot_str_eq(x->instruction, y->instruction));
}

const struct depot_step *dp_step_sibling(const struct depot_build *b, const struct depot_step *s)
{
    for (size_t i = 1; i < b->steps.len; i++) {
        const struct depot_step *t = b->steps.items[(s->index + i) % b->steps.len];
        if (dp_step_is_sibling(s, t))
            return t;
    }
    return NULL;
}
