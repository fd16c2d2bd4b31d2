/*
 * What surroundings we run in: colour.
 */
#include <depot/app.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool env_on(const char *name)
{
    const char *v = getenv(name);
    return !depot_str_empty(v) && !depot_str_eq(v, "0");
}

static bool use_colour(const char *flag, int fd)
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

/* What names of colours may mean; the palette's own stay the terminal's, so that they follow its
 * theme and nobody need know its background. */
static enum depot_palette palette_of(const char *term, const char *colorterm)
{
    if (depot_str_eq(colorterm, "truecolor") || depot_str_eq(colorterm, "24bit"))
        return DEPOT_PALETTE_TRUE;
    return term != NULL && strstr(term, "256color") != NULL ? DEPOT_PALETTE_256 : DEPOT_PALETTE_16;
}

const struct depot_styles *depot_use_styles(struct depot_styles *own, const char *flag, int fd)
{
    if (!use_colour(flag, fd))
        return NULL;
    depot_styles_init(own, DEPOT_PALETTE_16);
    own->palette = palette_of(getenv("TERM"), getenv("COLORTERM"));
    depot_styles_read_env(own, NULL, NULL);
    return own;
}
