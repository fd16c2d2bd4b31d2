/*
 * Why steps of a build were not in the cache. `arg` is a build's key, or a step as step.h has
 * it: then its cause is selected.
 */
#ifndef DEPOT_TUI_VIEW_WHY_H
#define DEPOT_TUI_VIEW_WHY_H

#include "tui/app/view.h"

extern const struct view_ops view_why;

/* On top of the view that shows the build; `s` may be NULL. */
void dp_view_why_open(struct tui *t, const struct fleet_build *b, const struct depot_step *s);

#endif
