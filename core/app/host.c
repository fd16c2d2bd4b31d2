/*
 * What surroundings we run in: colour.
 */
#include <depot/app.h>

#include <stdlib.h>
#include <unistd.h>

static bool env_on(const char *name)
{
    const char *v = getenv(name);
    return !depot_str_empty(v) && !depot_str_eq(v, "0");
}

bool depot_use_colour(const char *flag, int fd)
{
    if (depot_str_eq(flag, "always"))
        return true;
    if (depot_str_eq(flag, "never") || !depot_str_empty(getenv("NO_COLOR")))
        return false;
    if (env_on("FORCE_COLOR") || env_on("CLICOLOR_FORCE"))
        return true;
    if (depot_str_eq(getenv("CLICOLOR"), "0") || depot_str_eq(getenv("TERM"), "dumb"))
        return false;
    return isatty(fd) == 1;
}
