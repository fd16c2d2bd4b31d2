/*
 * The hosts that a build adds, as a part's engine takes them.
 */
#ifndef DEPOT_BUILDER_PART_HOSTS_H
#define DEPOT_BUILDER_PART_HOSTS_H

#include <depot/base.h>

/* Puts the engine's `gateway` (NULL: it has none) in the place of "host-gateway" in the attribute
 * "add-hosts". DEPOT_ERR_UNSUPPORTED names the host and the builder. */
int part_hosts_fill(struct depot_kvs *attrs, const char *gateway, const char *builder,
    struct depot_error *err) DEPOT_MUST_CHECK;

#endif
