/*
 * Credentials within URLs, kept from everybody's eyes: engines name their steps by the URLs that
 * they were given, passwords and all.
 */
#ifndef DEPOT_BUILDER_REDACT_H
#define DEPOT_BUILDER_REDACT_H

#include <depot/event.h>

/* `text` itself, or, where it holds URLs with user names or passwords, a copy in `arena` with those
 * made "xxxxx:xxxxx", as BuildKit does in its own messages. NULL stays NULL. */
const char *redact_urls(const char *text, struct depot_arena *arena);
/* The same for what an event says in words. What is replaced lives in `arena`. Logs of steps are
 * their own business. */
void redact_event(struct depot_event *ev, struct depot_arena *arena);

#endif
