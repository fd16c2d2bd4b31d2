/*
 * Whose a record in an engine's history is: a ring of the newest.
 */
#include "record.h"

#include <stdio.h>
#include <string.h>

bool build_secret_is(const char a[BUILD_SECRET_LEN + 1], const char *b)
{
    unsigned char differ = 0;
    if (b == NULL || strlen(b) != BUILD_SECRET_LEN)
        return false;
    for (size_t i = 0; i < BUILD_SECRET_LEN; i++)
        differ |= (unsigned char)(a[i] ^ b[i]);
    return differ == 0;
}

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
            build_secret_is(r->items[i].secret, secret))
            return 0;
    return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "no record %.40s of yours", ref);
}
