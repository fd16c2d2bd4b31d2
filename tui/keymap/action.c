/*
 * Names and help texts of actions.
 */
#include "action.h"

#include <depot/base.h>

static const struct {
    const char *name, *help;
    bool needs_row;
} actions[] = {
#define ACTION_ROW(id, name, help)                   {name, help, false},
#define ROW_ROW(id, name, help)                      {name, help, true},
#define PLACE_ROW(id, name, title, args, help, goes) {#name, goes, false},
    ACTIONS(ACTION_ROW, ROW_ROW, PLACE_ROW)
#undef ACTION_ROW
#undef ROW_ROW
#undef PLACE_ROW
};
_Static_assert(DEPOT_ARRAY_LEN(actions) == ACTION_COUNT, "every action has a name");

const char *dp_action_name(enum action a)
{
    return a < ACTION_COUNT ? actions[a].name : "";
}

/* Beside a key, in the bottom row: what reads better there than the name. */
static const struct {
    enum action action;
    const char *hint;
} hints[] = {
    {ACTION_PAGE_DOWN, "page"},
    {ACTION_PAGE_UP, "page up"},
    {ACTION_SIBLING_NEXT, "next"},
    {ACTION_SIBLING_PREV, "previous"},
    {ACTION_OTHER, "build before"},
    {ACTION_ERROR_NEXT, "error"},
    {ACTION_SORT_NEXT, "sort"},
    {ACTION_PRUNE, "make room"},
    {ACTION_PRUNE_ALL, "remove all"},
};

const char *dp_action_hint(enum action a)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(hints); i++)
        if (hints[i].action == a)
            return hints[i].hint;
    return dp_action_name(a);
}

const char *dp_action_help(enum action a)
{
    return a < ACTION_COUNT ? actions[a].help : "";
}

enum action dp_action_from_name(const char *name)
{
    for (size_t i = 0; i < ACTION_COUNT; i++)
        if (name[0] != '\0' && depot_str_eq(actions[i].name, name))
            return (enum action)i;
    return ACTION_COUNT;
}

bool dp_action_needs_row(enum action a)
{
    return a < ACTION_COUNT && actions[a].needs_row;
}

enum view_id dp_action_place(enum action a)
{
    static const struct {
        enum action action;
        enum view_id place;
    } places[] = {
#define PLACE_ROW(id, ...) {ACTION_##id, VIEW_##id},
        PLACES(PLACE_ROW)
#undef PLACE_ROW
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(places); i++)
        if (places[i].action == a)
            return places[i].place;
    return VIEW_COUNT;
}
