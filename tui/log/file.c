/*
 * How files of the user's are opened: with the usual mode, and a pipe that nobody reads is no
 * place.
 */
#include "file.h"

int dp_file_open(const char *path, struct depot_file_writer **out, struct depot_error *err)
{
    static const struct depot_file_opts opts = {
        .what = "file", .mode = 0666, .flags = DEPOT_FILE_NO_WAIT};
    return depot_file_writer_open(path, &opts, out, err);
}
