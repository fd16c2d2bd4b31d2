/*
 * All views, by their numbers.
 */
#ifndef DEPOT_TUI_VIEWS_H
#define DEPOT_TUI_VIEWS_H

#include "tui/app/view.h"

#define VIEW_EXTERN(id, name, ...) extern const struct view_ops view_##name;
VIEWS(VIEW_EXTERN, VIEW_EXTERN)
#undef VIEW_EXTERN

extern const struct view_ops *const dp_views[VIEW_COUNT];

#endif
