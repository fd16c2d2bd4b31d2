/*
 * The views, one row each. From a row come the view's number, the command and the completion that
 * open it, the heading over its keys in help and on the man page, its keymap's name in the config
 * file, and, of a PLACE, the action that goes there from everywhere. What it does is `view_<name>`
 * in tui/view/<name>/; its keys, when it has own ones, are rows of keymap.c.
 */
#ifndef DEPOT_TUI_KEYMAP_VIEWS_H
#define DEPOT_TUI_KEYMAP_VIEWS_H

/* VIEW(id, name, heading of its keys, arguments of its command, what that does)
 * PLACE(the same, what its action does) */
#define VIEWS(VIEW, PLACE)                                                                         \
    VIEW(BUILD, build, "Build", "ID", "Open a build, by how its id begins")                        \
    VIEW(WHY, why, "Why it missed the cache", "[BUILD]",                                           \
        "Why steps of a build were not in the cache")                                              \
    VIEW(STEP, step, "Step and log", "BUILD/STEP", "Open a step, by its digest")                   \
    VIEW(FLEET, fleet, "Fleet", "", "Builders, and builds on them")                                \
    PLACE(BUILDERS, builders, "Builders", "", "Builders: their load, what runs and waits",         \
        "Builders")                                                                                \
    PLACE(CACHE, cache, "Cache", "[BUILDER]", "What caches hold", "Cache use")                     \
    PLACE(HISTORY, history, "History", "", "Builds of the past", "Builds of the past")             \
    PLACE(HELP, help, "Help", "[VIEW]", "Keys and signs of a view", "Keys and signs of this view")

/* Only the rows that are places. */
#define PLACES(PLACE) VIEWS(NO_PLACE, PLACE)
#define NO_PLACE(id, ...)

enum view_id {
#define VIEW_ENUM(id, ...) VIEW_##id,
    VIEWS(VIEW_ENUM, VIEW_ENUM)
#undef VIEW_ENUM
        VIEW_COUNT
};

struct view_words {
    const char *name, *title, *args, *help;
};
const struct view_words *dp_view_words(enum view_id v);

#endif
