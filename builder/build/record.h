/*
 * Whose a record in an engine's history is. It holds the values of build arguments, which no event
 * tells, so only who created the build may ask for it.
 */
#ifndef DEPOT_BUILDER_RECORD_H
#define DEPOT_BUILDER_RECORD_H

#include "part.h"
#include "builder/service/service.h"

/* Clients ask when their build is over, and at once: the newest are enough. */
enum { RECORDS_MAX = 512 };

struct records {
    struct record {
        char ref[PART_ID_LEN + 1], secret[SERVICE_SECRET_LEN + 1];
    } items[RECORDS_MAX];
    size_t next;
};

void records_add(struct records *r, const char *ref, const char *secret);
/* DEPOT_ERR_NOT_FOUND: there is none, or it is somebody else's. */
int records_check(const struct records *r, const char *ref, const char *secret,
    struct depot_error *err) DEPOT_MUST_CHECK;

#endif
