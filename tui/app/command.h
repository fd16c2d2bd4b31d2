/*
 * The command line: a table of commands. The actions of keys are commands too, behind the table's.
 * A command is known by how its name begins, when no other begins so.
 */
#ifndef DEPOT_TUI_COMMAND_H
#define DEPOT_TUI_COMMAND_H

#include "tui/widget/complete.h"

struct tui;

struct command {
    const char *name;
    const char *args; /* "": none */
    const char *help;
    void (*run)(struct tui *t, const struct command *self, const char *arg);
    /* Offers what the argument may be, of which `c` has the beginning; NULL: nobody knows. */
    void (*offer)(const struct tui *t, struct completion *c);
};

/* The table, for help and man page. */
const struct command *dp_command_table(size_t *n);

/* What may stand before the cursor of a line; `c` has no items when nothing is known. */
void dp_command_complete(
    const struct tui *t, const char *line, size_t cursor, struct completion *c);
/* The arguments of the command that a line names, and what it does; nothing when it names none. */
void dp_command_hint(const char *line, struct depot_buf *out);

#endif
