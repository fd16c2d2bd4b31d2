/*
 * Credentials within URLs, kept from everybody's eyes: engines name their steps by the URLs that
 * they were given, passwords and all.
 */
#ifndef DEPOT_BUILDER_REDACT_H
#define DEPOT_BUILDER_REDACT_H

#include <depot/event.h>

/* Where what an event says in words holds URLs with user names or passwords, those are made
 * "xxxxx:xxxxx", as BuildKit does in its own messages. What is replaced lives in `arena`. Logs of
 * steps are their own business. */
void redact_event(struct depot_event *ev, struct depot_arena *arena);

#endif
