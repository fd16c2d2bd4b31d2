/*
 * What the rows of views say.
 */
#include "views.h"

static const struct view_words words[] = {
#define VIEW_ROW(id, name, title, args, help)        {#name, title, args, help},
#define PLACE_ROW(id, name, title, args, help, goes) {#name, title, args, help},
    VIEWS(VIEW_ROW, PLACE_ROW)
#undef VIEW_ROW
#undef PLACE_ROW
};

const struct view_words *dp_view_words(enum view_id v)
{
    return &words[v];
}
