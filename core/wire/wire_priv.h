/*
 * What the files of wire share: the status reader.
 */
#ifndef DEPOT_CORE_WIRE_WIRE_PRIV_H
#define DEPOT_CORE_WIRE_WIRE_PRIV_H

#include "record/json.h"

#include <depot/wire.h>

/* One member of a status object into `st`; *known is false, and the value skipped, for others. */
int dp_status_member(
    struct dp_scan *s, const char *key, size_t len, struct depot_status *st, bool *known);
/* A whole status object, or null. */
int dp_status_scan(struct dp_scan *s, struct depot_status *st);

#endif
