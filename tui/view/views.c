/*
 * The list of views, of the rows of keymap/views.h.
 */
#include "views.h"

const struct view_ops *const dp_views[VIEW_COUNT] = {
#define VIEW_ITEM(id, name, ...) [VIEW_##id] = &view_##name,
    VIEWS(VIEW_ITEM, VIEW_ITEM)
#undef VIEW_ITEM
};
