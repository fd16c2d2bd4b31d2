/*
 * The views that can be opened by name. One row per view.
 */
#include "view.h"
#include "tui/view/step/step.h"
#include "tui/view/why/why.h"
#include "tui/view/views.h"

const struct view_ops *const view_list[] = {
    &view_fleet,
    &view_build,
    &view_step,
    &view_why,
    &view_builders,
    &view_cache,
    &view_history,
    &view_help,
    NULL,
};

const struct view_ops *dp_view_find(const char *name)
{
    for (size_t i = 0; view_list[i] != NULL; i++)
        if (depot_str_eq(view_list[i]->name, name))
            return view_list[i];
    return NULL;
}
