/*
 * One step and its log. `arg` is "BUILD/DIGEST", or "BUILD/PART/DIGEST" where the digest alone
 * would not tell which builder's step is meant.
 */
#ifndef DEPOT_TUI_VIEW_STEP_H
#define DEPOT_TUI_VIEW_STEP_H

#include "tui/app/view.h"

extern const struct view_ops view_step;

/* Open a step on top of the view that shows it. */
void dp_view_step_open(struct tui *t, const struct fleet_build *b, const struct depot_step *s);

#endif
