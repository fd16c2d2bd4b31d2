/*
 * A file that the user named: written whole or not at all.
 */
#ifndef DEPOT_TUI_FILE_H
#define DEPOT_TUI_FILE_H

#include <depot/file_writer.h>

int dp_file_open(
    const char *path, struct depot_file_writer **out, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
