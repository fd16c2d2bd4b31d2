/*
 * What a key or a click can ask for. Key bindings name actions; the help view, the command line,
 * the config file and the man page are printed from this table and the views' (views.h).
 */
#ifndef DEPOT_TUI_ACTION_H
#define DEPOT_TUI_ACTION_H

#include "views.h"

#include <stdbool.h>

/* X(id, name, help); ROW: the same of what needs a selected row; PLACE: views.h */
#define ACTIONS(X, ROW, PLACE)                                                                     \
    X(NONE, "none", "Do nothing: takes a key away")                                                \
    /* move */                                                                                     \
    X(UP, "up", "Move up")                                                                         \
    X(DOWN, "down", "Move down")                                                                   \
    X(LEFT, "left", "Fold, or move left")                                                          \
    X(RIGHT, "right", "Unfold, or move right")                                                     \
    X(TOP, "top", "Go to the first row")                                                           \
    X(BOTTOM, "bottom", "Go to the last row")                                                      \
    X(PAGE_UP, "page-up", "Page up")                                                               \
    X(PAGE_DOWN, "page-down", "Page down")                                                         \
    X(HALF_UP, "half-up", "Half a page up")                                                        \
    X(HALF_DOWN, "half-down", "Half a page down")                                                  \
    ROW(OPEN, "open", "Open what is selected")                                                     \
    X(BACK, "back", "Back to the view before")                                                     \
    X(QUIT, "quit", "Leave the dashboard")                                                         \
    X(NEXT, "next", "Next tab, pane or platform")                                                  \
    X(PREV, "prev", "Previous tab, pane or platform")                                              \
    X(SIBLING_NEXT, "sibling-next", "Next build or step")                                          \
    X(SIBLING_PREV, "sibling-prev", "Previous build or step")                                      \
    /* show */                                                                                     \
    X(VIEW_1, "view-1", "First tab or rendering")                                                  \
    X(VIEW_2, "view-2", "Second tab or rendering")                                                 \
    X(VIEW_3, "view-3", "Third tab or rendering")                                                  \
    ROW(LOG, "log", "Log of what is selected")                                                     \
    X(TWIN, "twin", "Same step on the other platform")                                             \
    X(INPUTS, "inputs", "Go to what this step needs")                                              \
    X(DEPENDANTS, "dependants", "Go to what needs this step")                                      \
    ROW(WHY, "why", "Why it was not in the cache")                                                 \
    X(OTHER, "compared", "The build it is compared with")                                          \
    X(CRITICAL, "critical", "Only the critical path")                                              \
    X(MISSES, "misses", "Only what was not in the cache")                                          \
    X(INTERNAL, "internal", "Show internal steps")                                                 \
    X(ERROR_NEXT, "error-next", "Next error")                                                      \
    X(ERROR_PREV, "error-prev", "Previous error")                                                  \
    PLACES(PLACE)                                                                                  \
    /* fold */                                                                                     \
    ROW(FOLD, "fold", "Fold or unfold")                                                            \
    X(FOLD_ALL, "fold-all", "Fold all")                                                            \
    X(UNFOLD_ALL, "unfold-all", "Unfold all")                                                      \
    /* order and choice */                                                                         \
    X(SORT_NEXT, "sort-next", "Sort by the next column")                                           \
    X(SORT_PREV, "sort-prev", "Sort by the previous column")                                       \
    X(SORT_INVERT, "sort-invert", "Invert the order")                                              \
    X(SORT_AGE, "sort-age", "Sort by age")                                                         \
    X(SORT_STATE, "sort-state", "Sort by state")                                                   \
    X(SORT_NAME, "sort-name", "Sort by name")                                                      \
    X(SORT_TIME, "sort-time", "Sort by duration")                                                  \
    X(FILTER, "filter", "Filter by words, all of which must match")                                \
    X(SEARCH, "search", "Search")                                                                  \
    X(MATCH_NEXT, "match-next", "Next match")                                                      \
    X(MATCH_PREV, "match-prev", "Previous match")                                                  \
    ROW(TAG, "tag", "Tag the row")                                                                 \
    /* logs */                                                                                     \
    X(FOLLOW, "follow", "Follow what is new")                                                      \
    X(WRAP, "wrap", "Wrap long lines")                                                             \
    X(TIMES, "times", "Times: relative, absolute, none")                                           \
    X(ZOOM, "zoom", "Whole screen, without frames")                                                \
    X(COLOURS, "colours", "The log's own colours")                                                 \
    /* act */                                                                                      \
    ROW(COPY, "copy", "Copy the row")                                                              \
    X(COPY_LOG, "copy-log", "Copy the log")                                                        \
    X(SAVE, "save", "Save the log to a file")                                                      \
    X(RECORD, "record", "Record the build to a file, or stop")                                     \
    X(PIPE, "pipe", "Pipe the log to a command")                                                   \
    X(WEB, "web", "Copy the link of the CI run")                                                   \
    X(CANCEL, "cancel", "Cancel the build; asks first")                                            \
    X(INTERRUPT, "interrupt", "Leave; of one's own build: cancel it")                              \
    X(PRUNE, "prune", "Make room in the cache; asks first")                                        \
    X(PRUNE_ALL, "prune-all", "Remove all that is not in use; asks first")                         \
    X(COMMAND, "command", "Command line")                                                          \
    /* screen */                                                                                   \
    X(FREEZE, "freeze", "Freeze the screen; data keeps coming")                                    \
    X(REDRAW, "redraw", "Draw the screen anew")                                                    \
    X(SUSPEND, "suspend", "Suspend to the shell")                                                  \
    X(MOUSE, "mouse", "Mouse on or off")                                                           \
    X(KEYS, "keys", "Show or hide the row of keys")                                                \
    /* replay */                                                                                   \
    X(PLAY, "play", "Replay: pause or go on")                                                      \
    X(FASTER, "faster", "Replay: twice as fast")                                                   \
    X(SLOWER, "slower", "Replay: half as fast")                                                    \
    X(SEEK_BACK, "seek-back", "Replay: 5 seconds back")                                            \
    X(SEEK_ON, "seek-on", "Replay: 5 seconds on")                                                  \
    X(EVENT_BACK, "event-back", "Replay: one event back")                                          \
    X(EVENT_ON, "event-on", "Replay: one event on")                                                \
    /* of the mouse alone; arg says what */                                                        \
    X(SELECT, "", "")     /* arg: the row */                                                       \
    X(SORT_BY, "", "")    /* arg: the column */                                                    \
    X(TAB_SELECT, "", "") /* arg: the tab */                                                       \
    X(WHEEL_UP, "", "")   /* arg: the pane */                                                      \
    X(WHEEL_DOWN, "", "")

enum action {
#define ACTION_ENUM(id, ...) ACTION_##id,
    ACTIONS(ACTION_ENUM, ACTION_ENUM, ACTION_ENUM)
#undef ACTION_ENUM
        ACTION_COUNT
};

const char *dp_action_name(enum action a);
const char *dp_action_hint(enum action a); /* a word or two for the bottom row */
const char *dp_action_help(enum action a);
enum action dp_action_from_name(const char *name); /* ACTION_COUNT: none */
bool dp_action_needs_row(enum action a);           /* does nothing where no row is selected */
enum view_id dp_action_place(enum action a);       /* VIEW_COUNT: it goes to no place */

#endif
