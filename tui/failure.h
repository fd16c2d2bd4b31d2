/*
 * An engine's error in few words.
 */
#ifndef DEPOT_TUI_FAILURE_H
#define DEPOT_TUI_FAILURE_H

#include <depot/base.h>
#include <depot/buf.h>

/* 'linux/arm64: process "make" did not complete successfully: exit code: 2' appends "arm64: exit
 * code: 2", with `command` "arm64: make: exit code: 2"; of other messages what wraps them is left
 * out. */
void dp_failure_point(struct depot_buf *out, const char *message, bool command);

#endif
