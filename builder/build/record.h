/*
 * Whose a record in an engine's history is. It holds the values of build arguments, which no event
 * tells, so only who created the build may ask for it.
 */
#ifndef DEPOT_BUILDER_RECORD_H
#define DEPOT_BUILDER_RECORD_H

#include <depot/base.h>
#include <depot/error.h>

#include <stdbool.h>

#include "journal.h"

/* Clients ask when their build is over, and at once: the newest are enough. */
enum { RECORDS_MAX = 512 };

enum { PART_ID_LEN = 25 }; /* of refs and sessions, as other clients make them */

struct records {
    struct record {
        char ref[PART_ID_LEN + 1], secret[BUILD_SECRET_LEN + 1];
    } items[RECORDS_MAX];
    size_t next;
};

/* Takes as long wherever they differ. `b` may be NULL, or of any length. */
bool build_secret_is(const char a[BUILD_SECRET_LEN + 1], const char *b);

void records_add(struct records *r, const char *ref, const char *secret);
/* DEPOT_ERR_NOT_FOUND: there is none, or it is somebody else's. */
int records_check(const struct records *r, const char *ref, const char *secret,
    struct depot_error *err) DEPOT_MUST_CHECK;

#endif
