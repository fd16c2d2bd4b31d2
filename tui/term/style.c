/*
 * The palettes, and what a user says about them.
 */
#include "style.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int16_t fg16;
    uint32_t at16;
    int16_t fg256;
    uint32_t at256, mono;
} styles[] = {
#define STYLE_ROW(id, name, fg16, at16, fg256, at256, mono) {name, fg16, at16, fg256, at256, mono},
    STYLES(STYLE_ROW)
#undef STYLE_ROW
};
_Static_assert(DEPOT_ARRAY_LEN(styles) == STYLE_COUNT, "every style has a row");

/* Okabe and Ito's colours themselves, where a terminal can show them. */
static const struct {
    enum style style;
    int32_t rgb;
} exact[] = {
    {STYLE_RUN, 0xe69f00},
    {STYLE_CRITICAL, 0xe69f00},
    {STYLE_METER_HIGH, 0xe69f00},
    {STYLE_STALE, 0xe69f00},
    {STYLE_TAGGED, 0xe69f00},
    {STYLE_HIT, 0x56b4e9},
    {STYLE_SHARED, 0xcc79a7},
    {STYLE_RAN, 0x009e73},
    {STYLE_METER, 0x009e73},
    {STYLE_FAIL, 0xd55e00},
    {STYLE_ERROR, 0xd55e00},
    {STYLE_METER_FULL, 0xd55e00},
    {STYLE_WARN, 0xf0e442},
    {STYLE_MATCH, 0xf0e442},
    {STYLE_MATCH_HERE, 0xf0e442},
};

/* On a light background: of 16 colours the yellow, which cannot be read there, is blue, which on a
 * dark one could not; of more, the same hues, darker. */
static const struct {
    enum style style;
    int16_t fg16, fg256;
} on_light[] = {
    {STYLE_RUN, 4, 130},
    {STYLE_CRITICAL, 4, 130},
    {STYLE_METER_HIGH, 4, 130},
    {STYLE_STALE, 5, 130},
    {STYLE_TAGGED, 4, 130},
    {STYLE_HIT, 6, 31},
    {STYLE_SHARED, 5, 132},
    {STYLE_RAN, 2, 29},
    {STYLE_METER, 2, 29},
    {STYLE_FAIL, 1, 160},
    {STYLE_ERROR, 1, 160},
    {STYLE_METER_FULL, 1, 160},
    {STYLE_WARN, 5, 94},
    {STYLE_MATCH, 5, 94},
    {STYLE_MATCH_HERE, 5, 94},
    {STYLE_DIM, -1, 241},
    {STYLE_FAINT, -1, 246},
    {STYLE_HEADING, -1, 241},
    {STYLE_WAIT, -1, 241},
    {STYLE_SKIP, -1, 241},
    {STYLE_CANC, 1, 95},
};

void dp_style_init(struct style_set *s, enum palette palette)
{
    s->palette = palette;
    for (size_t i = 0; i < STYLE_COUNT; i++) {
        struct look *l = &s->looks[i];
        *l = (struct look){.fg = -1, .bg = -1, .attrs = styles[i].mono};
        if (palette == PALETTE_16) {
            l->fg = styles[i].fg16;
            l->attrs = styles[i].at16;
        } else if (palette != PALETTE_MONO) {
            l->fg = styles[i].fg256;
            l->attrs = styles[i].at256;
        }
    }
    if (palette == PALETTE_TRUE)
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(exact); i++)
            s->looks[exact[i].style].fg = STYLE_RGB | exact[i].rgb;
}

void dp_style_darken(struct style_set *s)
{
    for (size_t i = 0; s->palette != PALETTE_MONO && i < DEPOT_ARRAY_LEN(on_light); i++)
        s->looks[on_light[i].style].fg =
            s->palette == PALETTE_16 ? on_light[i].fg16 : on_light[i].fg256;
}

struct look dp_style_look(const struct style_set *s, uint32_t style)
{
    const enum style id = STYLE_ID(style);
    struct look l = s->looks[id < STYLE_COUNT ? id : STYLE_TEXT];
    l.attrs |= style & ATTR_ALL;
    if (s->palette == PALETTE_MONO)
        return l;
    const int limit = s->palette == PALETTE_16 ? 8 : 256;
    if ((style & STYLE_HAS_FG) && STYLE_FG_OF(style) < limit)
        l.fg = STYLE_FG_OF(style);
    if ((style & STYLE_HAS_BG) && STYLE_BG_OF(style) < limit)
        l.bg = STYLE_BG_OF(style);
    return l;
}

/* ---- what a user says ---- */

static const char *const colour_names[] = {
    "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"};
static const struct {
    const char *name;
    uint32_t attr;
} attr_names[] = {{"bold", ATTR_BOLD}, {"dim", ATTR_DIM}, {"reverse", ATTR_REVERSE},
    {"underline", ATTR_UNDERLINE}, {"italic", ATTR_ITALIC}};
/* BuildKit's words for ours. */
static const struct {
    const char *name;
    enum style style;
} other_names[] = {{"warning", STYLE_WARN}, {"error", STYLE_FAIL}, {"ran", STYLE_RAN}};

static const int levels[] = {0, 95, 135, 175, 215, 255};

int32_t dp_style_nearest256(int rgb)
{
    int index = 16;
    for (int shift = 16, weight = 36; shift >= 0; shift -= 8, weight /= 6) {
        const int v = rgb >> shift & 0xff;
        int best = 0;
        for (int i = 1; i < 6; i++)
            if (abs(levels[i] - v) < abs(levels[best] - v))
                best = i;
        index += best * weight;
    }
    return index;
}

int32_t dp_style_rgb_of(int index)
{
    static const int32_t first[] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
        0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff,
        0xffffff};
    if (index < 16)
        return first[index];
    if (index >= 232)
        return (8 + 10 * (index - 232)) * 0x010101;
    index -= 16;
    return levels[index / 36] << 16 | levels[index / 6 % 6] << 8 | levels[index % 6];
}

static bool set_rgb(const struct style_set *s, struct look *l, int rgb)
{
    if (s->palette == PALETTE_TRUE)
        l->fg = STYLE_RGB | rgb;
    else if (s->palette == PALETTE_256)
        l->fg = dp_style_nearest256(rgb);
    return true; /* fewer colours: the palette's own stays */
}

static bool parse_word(const struct style_set *s, struct look *l, const char *word)
{
    int64_t n;
    char *end;
    if (word[0] == '#' && strlen(word) == 7) {
        const long rgb = strtol(word + 1, &end, 16);
        return *end == '\0' && set_rgb(s, l, (int)rgb);
    }
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(attr_names); i++) {
        if (strcasecmp(word, attr_names[i].name) == 0) {
            l->attrs |= attr_names[i].attr;
            return true;
        }
    }
    if (strcasecmp(word, "default") == 0 || strcasecmp(word, "none") == 0) {
        l->fg = -1;
        return true;
    }
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(colour_names); i++) {
        if (strcasecmp(word, colour_names[i]) == 0) {
            l->fg = s->palette == PALETTE_MONO ? -1 : (int32_t)i;
            return true;
        }
    }
    if (depot_str_to_int64(word, 0, 255, &n) != 0)
        return false;
    if (s->palette >= PALETTE_256 || (s->palette == PALETTE_16 && n < 8))
        l->fg = (int32_t)n;
    return true;
}

/* "r,g,b" as BUILDKIT_COLORS has it; false: it is not that. */
static bool parse_triple(const struct style_set *s, struct look *l, const struct depot_strv *words)
{
    int64_t v[3];
    if (words->len != 3)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (depot_str_to_int64(words->items[i], 0, 255, &v[i]) != 0)
            return false;
    return set_rgb(s, l, (int)(v[0] << 16 | v[1] << 8 | v[2]));
}

static struct look *find_look(struct style_set *s, const char *name)
{
    for (size_t i = 0; i < STYLE_COUNT; i++)
        if (depot_str_eq(styles[i].name, name))
            return &s->looks[i];
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(other_names); i++)
        if (depot_str_eq(other_names[i].name, name))
            return &s->looks[other_names[i].style];
    return NULL;
}

static bool parse_item(struct style_set *s, char *item)
{
    char *spec = strchr(item, '=');
    if (spec == NULL)
        return false;
    *spec++ = '\0';
    struct look *l = find_look(s, item);
    if (l == NULL)
        return false;
    struct depot_strv words = {0};
    struct look made = {.fg = -1, .bg = -1};
    depot_strv_split(&words, spec, ',');
    bool ok = words.len > 0;
    if (!parse_triple(s, &made, &words))
        for (size_t i = 0; ok && i < words.len; i++)
            ok = parse_word(s, &made, words.items[i]);
    if (ok)
        *l = made;
    depot_strv_release(&words);
    return ok;
}

int dp_style_parse(struct style_set *s, const char *text, struct depot_error *err)
{
    struct depot_strv items = {0};
    int rc = 0;
    depot_strv_split(&items, text, ':');
    for (size_t i = 0; rc == 0 && i < items.len; i++) {
        if (items.items[i][0] == '\0')
            continue;
        char *copy = depot_strdup(items.items[i]);
        if (!parse_item(s, copy))
            rc = depot_error_set(err, DEPOT_ERR_INVALID,
                "colour \"%s\": expected NAME=COLOUR[,ATTRIBUTE]", items.items[i]);
        depot_free(copy);
    }
    depot_strv_release(&items);
    return rc;
}

/* ---- meanings ---- */

uint32_t dp_style_verdict(enum depot_verdict v)
{
    static const uint8_t map[] = {
        [DEPOT_VERDICT_WAITING] = STYLE_WAIT,
        [DEPOT_VERDICT_RUNNING] = STYLE_RUN,
        [DEPOT_VERDICT_HIT] = STYLE_HIT,
        [DEPOT_VERDICT_SKIPPED] = STYLE_SKIP,
        [DEPOT_VERDICT_RAN] = STYLE_RAN,
        [DEPOT_VERDICT_FAILED] = STYLE_FAIL,
        [DEPOT_VERDICT_CANCELLED] = STYLE_CANC,
        [DEPOT_VERDICT_SHARED] = STYLE_SHARED,
        [DEPOT_VERDICT_UNREACHED] = STYLE_SKIP,
    };
    _Static_assert(DEPOT_ARRAY_LEN(map) == DEPOT_VERDICT_COUNT, "every verdict has a style");
    return map[v];
}

uint32_t dp_style_state(enum depot_build_state s)
{
    static const uint8_t map[] = {
        [DEPOT_BUILD_CREATED] = STYLE_WAIT,
        [DEPOT_BUILD_QUEUED] = STYLE_WAIT,
        [DEPOT_BUILD_RUNNING] = STYLE_RUN,
        [DEPOT_BUILD_SUCCEEDED] = STYLE_RAN,
        [DEPOT_BUILD_FAILED] = STYLE_FAIL,
        [DEPOT_BUILD_CANCELLED] = STYLE_CANC,
    };
    _Static_assert(DEPOT_ARRAY_LEN(map) == DEPOT_BUILD_STATE_COUNT, "every state has a style");
    return map[s];
}
