/*
 * The log of a build as the daemon writes it: credentials in URLs are hidden before anybody can
 * read them, and what cannot be written is told to the daemon's own log.
 */
#ifndef DEPOT_BUILDER_JOURNAL_H
#define DEPOT_BUILDER_JOURNAL_H

#include "builder/store/store.h"

enum { BUILD_ID_LEN = 10, BUILD_SECRET_LEN = 32 };

void journal_append(struct store *store, const char *build, struct depot_event *ev);
/* One that no build of the store has. */
void journal_new_id(struct store *store, char id[BUILD_ID_LEN + 1]);

#endif
