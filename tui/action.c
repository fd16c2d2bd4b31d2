/*
 * Names and help texts of actions.
 */
#include "action.h"

#include <depot/base.h>

static const struct {
    const char *name, *help;
} actions[] = {
#define ACTION_ROW(id, name, help) {name, help},
    ACTIONS(ACTION_ROW)
#undef ACTION_ROW
};
_Static_assert(DEPOT_ARRAY_LEN(actions) == ACTION_COUNT, "every action has a name");

const char *dp_action_name(enum action a)
{
    return a < ACTION_COUNT ? actions[a].name : "";
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
