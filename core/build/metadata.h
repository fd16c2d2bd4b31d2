/*
 * What --metadata-file holds.
 */
#ifndef DEPOT_CORE_BUILD_METADATA_H
#define DEPOT_CORE_BUILD_METADATA_H

#include <json-c/json_object.h>

#include "build/plan.h"

/* The caller puts it. */
struct json_object *dp_build_metadata(
    const struct depot_build_plan *plan, const struct depot_build *state);

#endif
