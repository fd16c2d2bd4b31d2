/*
 * An engine's error in few words, and its place in the Dockerfile.
 */
#ifndef DEPOT_TUI_FAILURE_H
#define DEPOT_TUI_FAILURE_H

#include <depot/state.h>

/* 'linux/arm64: process "make" did not complete successfully: exit code: 2' appends "arm64: exit
 * code: 2", with `command` "arm64: make: exit code: 2"; of other messages what wraps them is left
 * out. */
void dp_failure_point(struct depot_buf *out, const char *message, bool command);

/* What is known of the place, of the step that failed there: others were cancelled because of it.
 * NULL: nothing. */
const struct depot_build_error *dp_failure_of(const struct depot_step *s);
/* "Dockerfile:7"; nothing when it is not known. */
void dp_failure_place(struct depot_buf *out, const struct depot_step *s);

#endif
