/*
 * Reads the names that the Dockerfile frontend, the exporters and bake give to vertexes.
 * Names are for people and lie about platforms now and then: see derive.c for the graph's word.
 */
#include <depot/state.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct kind_row {
    const char *prefix;
    enum depot_step_kind kind;
};

static const struct kind_row kind_rows[] = {
    {"[internal] ", DEPOT_STEP_INTERNAL},
    {"[context ", DEPOT_STEP_INTERNAL},
    {"[auth] ", DEPOT_STEP_INTERNAL},
    {"resolve image config for ", DEPOT_STEP_INTERNAL},
    {"resolving provenance", DEPOT_STEP_INTERNAL},
    {"docker-image://", DEPOT_STEP_INTERNAL},
    {"local://", DEPOT_STEP_INTERNAL},
    {"oci-layout://", DEPOT_STEP_INTERNAL},
    {"importing cache manifest", DEPOT_STEP_INTERNAL},
    {"exporting ", DEPOT_STEP_EXPORT},
    {"preparing build cache for export", DEPOT_STEP_EXPORT},
    {"merging manifest list", DEPOT_STEP_EXPORT},
    {"pushing ", DEPOT_STEP_EXPORT},
    {"sending tarball", DEPOT_STEP_EXPORT},
    {"copying files", DEPOT_STEP_EXPORT},
    {"generating sbom", DEPOT_STEP_INTERNAL},
};

static enum depot_step_kind kind_of(const char *name)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(kind_rows); i++)
        if (depot_str_starts(name, kind_rows[i].prefix))
            return kind_rows[i].kind;
    return DEPOT_STEP_BUILD;
}

/* "3/12" over all of [s, s + n). */
static bool parse_ordinal(struct depot_step_name *out, const char *s, size_t n)
{
    long a = 0, b = 0;
    size_t i = 0, digits = 0;

    for (; i < n && isdigit((unsigned char)s[i]) && digits < 7; i++, digits++)
        a = a * 10 + (s[i] - '0');
    if (digits == 0 || i >= n || s[i] != '/')
        return false;
    for (i++, digits = 0; i < n && isdigit((unsigned char)s[i]) && digits < 7; i++, digits++)
        b = b * 10 + (s[i] - '0');
    if (digits == 0 || i != n)
        return false;
    out->ordinal = (int)a;
    out->total = (int)b;
    return true;
}

static const char *find_arrow(const char *s, size_t n)
{
    for (const char *p = s; (p = memchr(p, '-', (size_t)(s + n - p))) != NULL && p + 1 < s + n; p++)
        if (p[1] == '>')
            return p;
    return NULL;
}

/* "linux/amd64", "linux/arm/v7", "linux/amd64->arm64", "linux/amd64->linux/arm/v7". */
static bool parse_platform(
    struct depot_step_name *out, const char *s, size_t n, struct depot_arena *arena)
{
    const char *arrow = find_arrow(s, n);
    size_t from = arrow != NULL ? (size_t)(arrow - s) : n;
    const char *slash = memchr(s, '/', from);

    if (slash == NULL || slash == s || isdigit((unsigned char)s[0]) || slash + 1 == s + from)
        return false;
    out->platform = depot_arena_strndup(arena, s, from);
    if (arrow != NULL) {
        const char *to = arrow + 2;
        size_t to_len = n - from - 2, os = (size_t)(slash - s) + 1;
        char *p = depot_arena_alloc(arena, os + to_len + 1);

        if (memchr(to, '/', to_len) == NULL || *to == 'v') {
            memcpy(p, s, os);
            memcpy(p + os, to, to_len);
        } else {
            memcpy(p, to, to_len);
        }
        out->to_platform = p;
    }
    return true;
}

/* The words of the bracket: [target T] [platform] [stage] [ordinal]. False: not our grammar. */
static bool parse_bracket(
    struct depot_step_name *out, const char *s, size_t n, struct depot_arena *arena)
{
    const char *words[8];
    size_t lens[8], count = 0, at = 0;

    for (size_t i = 0; i < n;) {
        size_t start;

        while (i < n && s[i] == ' ')
            i++;
        for (start = i; i < n && s[i] != ' ';)
            i++;
        if (i == start)
            break;
        if (count == DEPOT_ARRAY_LEN(words))
            return false;
        words[count] = s + start;
        lens[count++] = i - start;
    }
    if (count == 0 || !parse_ordinal(out, words[count - 1], lens[count - 1]))
        return false;
    count--;
    /* What is left in front, when it is too much for platform and stage, is bake's target. */
    if (at < count && parse_platform(out, words[at], lens[at], arena))
        at++;
    else if (count - at >= 2) {
        out->target = depot_arena_strndup(arena, words[at], lens[at]);
        at++;
        if (at < count && parse_platform(out, words[at], lens[at], arena))
            at++;
    }
    if (at < count)
        out->stage = depot_arena_strndup(
            arena, words[at], (size_t)(words[count - 1] + lens[count - 1] - words[at]));
    return true;
}

void depot_step_name_parse(struct depot_step_name *out, const char *name, struct depot_arena *arena)
{
    const char *close;

    *out = (struct depot_step_name){"", "", "", "", "", 0, 0, DEPOT_STEP_BUILD};
    out->kind = kind_of(name);
    if (name[0] != '[' || (close = strchr(name, ']')) == NULL)
        goto whole;
    if (out->kind != DEPOT_STEP_BUILD) {
        out->instruction = depot_arena_strdup(arena, close[1] == ' ' ? close + 2 : close + 1);
        return;
    }
    if (!parse_bracket(out, name + 1, (size_t)(close - name - 1), arena)) {
        const char *last = close;

        /* "[linux/amd64 internal] load ...": several platforms, or a prefix of a target. */
        while (last > name && last[-1] != ' ' && last[-1] != '[')
            last--;
        if (strncmp(last, "internal]", 9) == 0 || strncmp(last, "auth]", 5) == 0)
            out->kind = DEPOT_STEP_INTERNAL;
        out->platform = out->to_platform = "";
        parse_platform(out, name + 1, strcspn(name + 1, " ]"), arena);
        goto whole;
    }
    out->instruction = depot_arena_strdup(arena, close[1] == ' ' ? close + 2 : close + 1);
    return;
whole:
    out->instruction = depot_arena_strdup(arena, name);
}
