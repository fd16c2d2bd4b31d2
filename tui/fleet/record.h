/*
 * Recordings: a build's events from its first to its last, as lines of a file that `--replay`
 * shows. They come over the feed that is there; a daemon gives them again.
 */
#ifndef DEPOT_TUI_RECORD_H
#define DEPOT_TUI_RECORD_H

#include "fleet.h"

/* In a few words why a build cannot be recorded: its source gives nothing twice. NULL: it can. */
const char *dp_record_cannot(const struct fleet_build *b);
/* Until the build ends, or dp_record_stop(). How it ended is told by fleet_ops.recorded, which may
 * happen before this returns. DEPOT_ERR_UNSUPPORTED: dp_record_cannot(). */
int dp_record_start(struct fleet *f, struct fleet_build *b, const char *path,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* What has come so far is the recording. */
void dp_record_stop(struct fleet_build *b);

#endif
