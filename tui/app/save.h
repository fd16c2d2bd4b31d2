/*
 * Files that views write: whole or not at all, and none is replaced unasked.
 */
#ifndef DEPOT_TUI_SAVE_H
#define DEPOT_TUI_SAVE_H

#include "view.h"

/* `raw` without what a shell would need quotes for, and `ext` behind. */
void dp_save_name(struct depot_buf *out, const char *raw, const char *ext);
/* The typed name with ~ expanded; the caller frees it. */
char *dp_save_path(const char *typed);
/* True when nothing is there. Else says why not, or asks and calls `yes` with `arg`. */
bool dp_save_may(struct tui *t, const char *path, dp_tui_yes_fn *yes, const char *arg);

#endif
