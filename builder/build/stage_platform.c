/*
 * Looks for FROM lines from a line upwards. Not a parser: what is written in an unusual way (a FROM
 * over several lines, or inside of a here-document) is not understood, and then nothing is known.
 */
#include "stage_platform.h"

#include <stdio.h>
#include <strings.h>

struct word {
    const char *p;
    size_t n;
};

/* FROM [--platform=PLATFORM] BASE [AS NAME] */
struct from {
    struct word platform, base, name;
};

static struct word next_word(const char **s)
{
    *s += strspn(*s, " \t");
    struct word w = {.p = *s, .n = strcspn(*s, " \t\r\n")};
    *s += w.n;
    return w;
}

static bool word_is(struct word w, const char *s)
{
    return w.n == strlen(s) && strncasecmp(w.p, s, w.n) == 0;
}

static bool read_from(const char *line, struct from *f)
{
    static const char flag[] = "--platform=";
    const size_t n = sizeof(flag) - 1;
    *f = (struct from){0};
    if (!word_is(next_word(&line), "FROM"))
        return false;
    while ((f->base = next_word(&line)).n > 2 && strncmp(f->base.p, "--", 2) == 0)
        if (f->base.n > n && strncmp(f->base.p, flag, n) == 0)
            f->platform = (struct word){f->base.p + n, f->base.n - n};
    if (word_is(next_word(&line), "AS"))
        f->name = next_word(&line);
    return f->base.n > 0;
}

/* The beginning of the line before; NULL at the top. */
static const char *line_above(const char *text, const char *at)
{
    if (at == text)
        return NULL;
    for (at--; at > text && at[-1] != '\n';)
        at--;
    return at;
}

static const char *find_line(const char *text, int line)
{
    while (--line > 0) {
        const char *nl = strchr(text, '\n');
        if (nl == NULL)
            return NULL;
        text = nl + 1;
    }
    return text;
}

bool stage_platform(const char *dockerfile, int line, char out[DEPOT_PLATFORM_MAX])
{
    struct word wanted = {0}; /* the stage that we are on the way to; empty: the nearest */
    struct from f;
    for (const char *at = find_line(dockerfile, line); at != NULL;
         at = line_above(dockerfile, at)) {
        if (!read_from(at, &f))
            continue;
        if (wanted.n > 0 &&
            (f.name.n != wanted.n || strncasecmp(f.name.p, wanted.p, wanted.n) != 0))
            continue;
        if (f.platform.n > 0 && f.platform.n < DEPOT_PLATFORM_MAX) {
            snprintf(out, DEPOT_PLATFORM_MAX, "%.*s", (int)f.platform.n, f.platform.p);
            return true;
        }
        wanted = f.base;
    }
    return false;
}
