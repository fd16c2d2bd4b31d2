/*
 * Whose a record in an engine's history is: a ring of the newest.
 */
#include "record.h"

#include <stdio.h>
#include <string.h>

#include "builder/service/service_int.h"

void records_add(struct records *r, const char *ref, const char *secret)
{
    struct record *to = &r->items[r->next];
    r->next = (r->next + 1) % RECORDS_MAX;
    snprintf(to->ref, sizeof(to->ref), "%s", ref);
    snprintf(to->secret, sizeof(to->secret), "%s", secret);
}

int records_check(
    const struct records *r, const char *ref, const char *secret, struct depot_error *err)
{
    for (size_t i = 0; i < RECORDS_MAX; i++)
        if (*r->items[i].ref != '\0' && depot_str_eq(r->items[i].ref, ref) &&
            service_same_secret(r->items[i].secret, secret))
            return 0;
    return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "no record %.40s of yours", ref);
}
