/*
 * The provenance that a metadata file shows: what the engines recorded of a build, in buildx's
 * form.
 */
#ifndef DEPOT_CORE_BUILD_PROVENANCE_H
#define DEPOT_CORE_BUILD_PROVENANCE_H

#include <depot/query.h>

#include "build/plan.h"

/* By --metadata-file and BUILDX_METADATA_PROVENANCE. */
bool dp_wants_provenance(const struct depot_build_plan *p);
/* Put it beside what the exporters answered, as buildx does. */
void dp_keep_provenance(struct depot_part *part, const struct depot_response *a);

#endif
