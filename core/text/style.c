/*
 * The palettes, and what a user says about them.
 */
#include <depot/style.h>

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
    DEPOT_STYLES(STYLE_ROW)
#undef STYLE_ROW
};
_Static_assert(DEPOT_ARRAY_LEN(styles) == DEPOT_STYLE_COUNT, "every style has a row");

/* Okabe and Ito's colours themselves, where a terminal can show them. */
static const struct {
    enum depot_style style;
    int32_t rgb;
} exact[] = {
    {DEPOT_STYLE_RUN, 0xe69f00},
    {DEPOT_STYLE_CRITICAL, 0xe69f00},
    {DEPOT_STYLE_METER_HIGH, 0xe69f00},
    {DEPOT_STYLE_STALE, 0xe69f00},
    {DEPOT_STYLE_TAGGED, 0xe69f00},
    {DEPOT_STYLE_HIT, 0x56b4e9},
    {DEPOT_STYLE_SHARED, 0xcc79a7},
    {DEPOT_STYLE_RAN, 0x009e73},
    {DEPOT_STYLE_METER, 0x009e73},
    {DEPOT_STYLE_FAIL, 0xd55e00},
    {DEPOT_STYLE_ERROR, 0xd55e00},
    {DEPOT_STYLE_METER_FULL, 0xd55e00},
    {DEPOT_STYLE_WARN, 0xf0e442},
    {DEPOT_STYLE_MATCH, 0xf0e442},
    {DEPOT_STYLE_MATCH_HERE, 0xf0e442},
};

/* On a light background: of 16 colours the yellow, which cannot be read there, is blue, which on a
 * dark one could not; of more, the same hues, darker. */
static const struct {
    enum depot_style style;
    int16_t fg16, fg256;
} on_light[] = {
    {DEPOT_STYLE_RUN, 4, 130},
    {DEPOT_STYLE_CRITICAL, 4, 130},
    {DEPOT_STYLE_METER_HIGH, 4, 130},
    {DEPOT_STYLE_STALE, 5, 130},
    {DEPOT_STYLE_TAGGED, 4, 130},
    {DEPOT_STYLE_HIT, 6, 31},
    {DEPOT_STYLE_SHARED, 5, 132},
    {DEPOT_STYLE_RAN, 2, 29},
    {DEPOT_STYLE_METER, 2, 29},
    {DEPOT_STYLE_FAIL, 1, 160},
    {DEPOT_STYLE_ERROR, 1, 160},
    {DEPOT_STYLE_METER_FULL, 1, 160},
    {DEPOT_STYLE_WARN, 5, 94},
    {DEPOT_STYLE_MATCH, 5, 94},
    {DEPOT_STYLE_MATCH_HERE, 5, 94},
    {DEPOT_STYLE_DIM, -1, 241},
    {DEPOT_STYLE_FAINT, -1, 246},
    {DEPOT_STYLE_HEADING, -1, 241},
    {DEPOT_STYLE_WAIT, -1, 241},
    {DEPOT_STYLE_SKIP, -1, 241},
    {DEPOT_STYLE_CANC, 1, 95},
};

void depot_styles_init(struct depot_styles *s, enum depot_palette palette)
{
    s->palette = palette;
    for (size_t i = 0; i < DEPOT_STYLE_COUNT; i++) {
        struct depot_look *l = &s->looks[i];
        *l = (struct depot_look){.fg = -1, .bg = -1, .attrs = styles[i].mono};
        if (palette == DEPOT_PALETTE_16) {
            l->fg = styles[i].fg16;
            l->attrs = styles[i].at16;
        } else if (palette != DEPOT_PALETTE_MONO) {
            l->fg = styles[i].fg256;
            l->attrs = styles[i].at256;
        }
    }
    if (palette == DEPOT_PALETTE_TRUE)
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(exact); i++)
            s->looks[exact[i].style].fg = DEPOT_RGB | exact[i].rgb;
}

void depot_styles_darken(struct depot_styles *s)
{
    for (size_t i = 0; s->palette != DEPOT_PALETTE_MONO && i < DEPOT_ARRAY_LEN(on_light); i++)
        s->looks[on_light[i].style].fg =
            s->palette == DEPOT_PALETTE_16 ? on_light[i].fg16 : on_light[i].fg256;
}

struct depot_look depot_styles_look(const struct depot_styles *s, uint32_t style)
{
    const enum depot_style id = DEPOT_STYLE_ID(style);
    struct depot_look l = s->looks[id < DEPOT_STYLE_COUNT ? id : DEPOT_STYLE_TEXT];
    l.attrs |= style & DEPOT_ATTR_ALL;
    if (s->palette == DEPOT_PALETTE_MONO)
        return l;
    const int limit = s->palette == DEPOT_PALETTE_16 ? 8 : 256;
    if ((style & DEPOT_STYLE_HAS_FG) && DEPOT_STYLE_FG_OF(style) < limit)
        l.fg = DEPOT_STYLE_FG_OF(style);
    if ((style & DEPOT_STYLE_HAS_BG) && DEPOT_STYLE_BG_OF(style) < limit)
        l.bg = DEPOT_STYLE_BG_OF(style);
    return l;
}

/* ---- to the terminal ---- */

/* Of 16 colours the first 8 have parameters of their own, which any terminal knows. */
static void put_colour(struct depot_buf *out, int32_t colour, bool back)
{
    const int simple = back ? 40 : 30, any = simple + 8;
    if (colour >= DEPOT_RGB)
        depot_buf_addf(out, ";%d;2;%d;%d;%d", any, (int)(colour >> 16 & 0xff),
            (int)(colour >> 8 & 0xff), (int)(colour & 0xff));
    else if (colour >= 8)
        depot_buf_addf(out, ";%d;5;%d", any, (int)colour);
    else if (colour >= 0)
        depot_buf_addf(out, ";%d", simple + (int)colour);
}

void depot_look_put(struct depot_buf *out, const struct depot_look *look)
{
    static const struct {
        uint32_t attr;
        const char *sgr;
    } attrs[] = {{DEPOT_ATTR_BOLD, ";1"}, {DEPOT_ATTR_DIM, ";2"}, {DEPOT_ATTR_ITALIC, ";3"},
        {DEPOT_ATTR_UNDERLINE, ";4"}, {DEPOT_ATTR_REVERSE, ";7"}};
    const bool bare = look->attrs == 0 && look->fg < 0 && look->bg < 0;
    depot_buf_adds(out, bare ? "\033[" : "\033[0");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(attrs); i++)
        if (look->attrs & attrs[i].attr)
            depot_buf_adds(out, attrs[i].sgr);
    put_colour(out, look->fg, false);
    put_colour(out, look->bg, true);
    depot_buf_addc(out, 'm');
}

/* ---- what a user says ---- */

static const char *const colour_names[] = {
    "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"};
static const struct {
    const char *name;
    uint32_t attr;
} attr_names[] = {{"bold", DEPOT_ATTR_BOLD}, {"dim", DEPOT_ATTR_DIM},
    {"reverse", DEPOT_ATTR_REVERSE}, {"underline", DEPOT_ATTR_UNDERLINE},
    {"italic", DEPOT_ATTR_ITALIC}};
/* BuildKit's words for ours. */
static const struct {
    const char *name;
    enum depot_style style;
} other_names[] = {
    {"warning", DEPOT_STYLE_WARN}, {"error", DEPOT_STYLE_FAIL}, {"ran", DEPOT_STYLE_RAN}};

static const int levels[] = {0, 95, 135, 175, 215, 255};

int32_t depot_colour_nearest256(int rgb)
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

int32_t depot_colour_of(int index)
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

static bool set_rgb(const struct depot_styles *s, struct depot_look *l, int rgb)
{
    if (s->palette == DEPOT_PALETTE_TRUE)
        l->fg = DEPOT_RGB | rgb;
    else if (s->palette == DEPOT_PALETTE_256)
        l->fg = depot_colour_nearest256(rgb);
    return true; /* fewer colours: the palette's own stays */
}

static bool parse_word(const struct depot_styles *s, struct depot_look *l, const char *word)
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
            l->fg = s->palette == DEPOT_PALETTE_MONO ? -1 : (int32_t)i;
            return true;
        }
    }
    if (depot_str_to_int64(word, 0, 255, &n) != 0)
        return false;
    if (s->palette >= DEPOT_PALETTE_256 || (s->palette == DEPOT_PALETTE_16 && n < 8))
        l->fg = (int32_t)n;
    return true;
}

/* "r,g,b" as BUILDKIT_COLORS has it; false: it is not that. */
static bool parse_triple(
    const struct depot_styles *s, struct depot_look *l, const struct depot_strv *words)
{
    int64_t v[3];
    if (words->len != 3)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (depot_str_to_int64(words->items[i], 0, 255, &v[i]) != 0)
            return false;
    return set_rgb(s, l, (int)(v[0] << 16 | v[1] << 8 | v[2]));
}

static struct depot_look *find_look(struct depot_styles *s, const char *name)
{
    for (size_t i = 0; i < DEPOT_STYLE_COUNT; i++)
        if (depot_str_eq(styles[i].name, name))
            return &s->looks[i];
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(other_names); i++)
        if (depot_str_eq(other_names[i].name, name))
            return &s->looks[other_names[i].style];
    return NULL;
}

static bool parse_item(struct depot_styles *s, char *item)
{
    char *spec = strchr(item, '=');
    if (spec == NULL)
        return false;
    *spec++ = '\0';
    struct depot_look *l = find_look(s, item);
    if (l == NULL)
        return false;
    struct depot_strv words = {0};
    struct depot_look made = {.fg = -1, .bg = -1};
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

int depot_styles_parse(struct depot_styles *s, const char *text, struct depot_error *err)
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

void depot_styles_read_env(struct depot_styles *s,
    void (*bad)(const char *name, const struct depot_error *err, void *arg), void *arg)
{
    static const char *const variables[] = {"BUILDKIT_COLORS", "DEPOT_TUI_COLORS"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(variables); i++) {
        const char *text = getenv(variables[i]);
        struct depot_error err = {0};
        if (!depot_str_empty(text) && depot_styles_parse(s, text, &err) != 0 && bad != NULL)
            bad(variables[i], &err, arg);
    }
}
