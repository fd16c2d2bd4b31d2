/*
 * Client and daemon of different versions: when that is worth a line.
 */
#include <depot/app.h>

#include <depot/buf.h>

#include <stdlib.h>

/* "0.1.0"; -1 for anything else. */
static long major_of(const char *version)
{
    char *end;
    if (depot_str_empty(version) || *version < '0' || *version > '9')
        return -1;
    const long n = strtol(version, &end, 10);
    return *end == '.' ? n : -1;
}

char *depot_version_note(const char *daemon, const char *lack)
{
    const char *known = depot_str_empty(daemon) ? "of an older version" : daemon;
    if (lack != NULL)
        return depot_asprintf("the daemon (%.40s) does not know all of this depot (%s): %s", known,
            DEPOT_VERSION, lack);
    if (major_of(daemon) < 0 || major_of(daemon) == major_of(DEPOT_VERSION))
        return NULL;
    return depot_asprintf(
        "this is depot %s and the daemon is %.40s: what only one of them knows is "
        "left out; use the same version of both",
        DEPOT_VERSION, daemon);
}
