/*
 * Ids begin with a letter, so that none is taken for a number or an option.
 */
#include "journal.h"

#include <depot/log.h>

#include "redact.h"

#define DEPOT_LOG_MODULE "journal"

void journal_append(struct store *store, const char *build, struct depot_event *ev)
{
    struct depot_error err = {0};
    struct depot_arena arena = {0};
    ev->build = build;
    redact_event(ev, &arena);
    if (store_append(store, build, ev, &err) != 0)
        depot_log_error("build %s: %s is lost: %s", build, depot_event_name(ev->type), err.msg);
    depot_arena_release(&arena);
}

void journal_new_id(struct store *store, char id[BUILD_ID_LEN + 1])
{
    do {
        depot_random_id(id, BUILD_ID_LEN);
    } while (id[0] < 'a' || id[0] > 'z' || store_build_exists(store, id));
}
