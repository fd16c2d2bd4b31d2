/*
 * What all views show of a step in the same way: its short name, its sibling.
 */
#ifndef DEPOT_TUI_WIDGET_STEP_H
#define DEPOT_TUI_WIDGET_STEP_H

#include <depot/state.h>

/* "deps 3/4", or the beginning of its name. */
void dp_step_label(struct depot_buf *out, const struct depot_step *s);
bool dp_step_is_sibling(const struct depot_step *a, const struct depot_step *b);
/* The same step on the next platform behind this one; NULL: none. */
const struct depot_step *dp_step_sibling(const struct depot_build *b, const struct depot_step *s);

#endif
