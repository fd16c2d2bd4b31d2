/*
 * The command line: a command for each view, a table of others. The actions of keys are commands,
 * too.
 * A command is known by how its name begins, when no other begins so.
 */
#ifndef DEPOT_TUI_COMMAND_H
#define DEPOT_TUI_COMMAND_H

#include "tui/keymap/views.h"
#include "tui/widget/complete.h"

struct tui;

struct command {
    const char *name;
    const char *args; /* "": none */
    const char *help;
    enum view_id view; /* that it opens; VIEW_COUNT: none */
    void (*run)(struct tui *t, const struct command *self, const char *arg);
    /* Offers what the argument may be, of which `c` has the beginning; NULL: nobody knows. */
    void (*offer)(const struct tui *t, struct completion *c);
};

/* One after the other but the actions, for help and man page; false: that was the last. */
bool dp_command_at(size_t i, struct command *out);
/* Whether a line opens a view of a build that it names. */
bool dp_command_names_build(const struct tui *t, const char *line);

/* Arguments that several views take. */
void dp_offer_builds(const struct tui *t, struct completion *c);
void dp_offer_builders(const struct tui *t, struct completion *c);

/* What may stand before the cursor of a line; `c` has no items when nothing is known. */
void dp_command_complete(
    const struct tui *t, const char *line, size_t cursor, struct completion *c);
/* The arguments of the command that a line names, and what it does; nothing when it names none. */
void dp_command_hint(const char *line, struct depot_buf *out);

#endif
