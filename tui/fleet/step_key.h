/*
 * The key of a step, for those who open a view on it: "BUILD/PART/DIGEST"; as a user types it also
 * "BUILD/DIGEST", or "BUILD/INDEX".
 */
#ifndef DEPOT_TUI_STEP_KEY_H
#define DEPOT_TUI_STEP_KEY_H

#include "fleet.h"

char *dp_step_key(const struct fleet_build *b, const struct depot_step *s); /* to be freed */
/* What a key names; `part` stays NULL where the digest, or a number, is all. False: there is no
 * such build. The caller frees the strings. */
bool dp_step_key_parse(
    const struct fleet *f, const char *key, struct fleet_build **build, char **part, char **digest);
/* The step that these name; NULL: not known (yet). */
const struct depot_step *dp_step_find(
    const struct depot_build *b, const char *part, const char *digest);

#endif
