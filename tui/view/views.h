/*
 * Views beside those of a build: builders, cache, history.
 */
#ifndef DEPOT_TUI_VIEWS_H
#define DEPOT_TUI_VIEWS_H

#include "tui/app/view.h"

extern const struct view_ops view_builders;
extern const struct view_ops view_cache; /* arg: a builder's name; NULL: all of them */
extern const struct view_ops view_history;

#endif
