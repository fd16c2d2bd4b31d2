/*
 * What text means, and how each palette shows it. Views name meanings; only curses.c and the
 * pictures of screens turn them into colours.
 *
 * A state is always a glyph and a word too, so every palette down to monochrome tells the same.
 * No blue in any of them: it cannot be read on half of the terminals.
 */
#ifndef DEPOT_TUI_STYLE_H
#define DEPOT_TUI_STYLE_H

#include <depot/state.h>

#include <stdint.h>

/* X(id, config name, 16-colour fg, its attributes, 256-colour fg, its attributes, mono attributes)
 * Colours: -1 is the terminal's own. The 256 column is Okabe and Ito's palette, nearest entries. */
#define STYLES(X)                                                                                  \
    X(TEXT, "text", -1, 0, -1, 0, 0)                                                               \
    X(DIM, "dim", -1, ATTR_DIM, 245, 0, ATTR_DIM)     /* secondary facts */                        \
    X(FAINT, "faint", -1, ATTR_DIM, 242, 0, ATTR_DIM) /* rules, rails, empty meters */             \
    X(STRONG, "strong", -1, ATTR_BOLD, -1, ATTR_BOLD, ATTR_BOLD)                                   \
    X(TITLE, "title", -1, ATTR_BOLD, -1, ATTR_BOLD, ATTR_BOLD)                                     \
    X(HEADING, "heading", -1, ATTR_DIM, 245, 0, ATTR_DIM)  /* of columns and blocks */             \
    X(KEY, "key", -1, ATTR_BOLD, -1, ATTR_BOLD, ATTR_BOLD) /* a key in the hint row */             \
    X(TAB, "tab", -1, ATTR_BOLD, -1, ATTR_BOLD | ATTR_UNDERLINE, ATTR_BOLD | ATTR_UNDERLINE)       \
    X(SELECTED, "selected", -1, ATTR_REVERSE, -1, ATTR_REVERSE, ATTR_REVERSE)                      \
    X(TAGGED, "tagged", 3, ATTR_BOLD, 172, ATTR_BOLD, ATTR_BOLD)                                   \
    X(MATCH, "match", 3, ATTR_UNDERLINE, 178, ATTR_UNDERLINE, ATTR_UNDERLINE)                      \
    X(MATCH_HERE, "match-here", 3, ATTR_REVERSE, 178, ATTR_REVERSE, ATTR_REVERSE)                  \
    X(WAIT, "wait", -1, ATTR_DIM, 245, 0, ATTR_DIM)                                                \
    X(RUN, "run", 3, ATTR_BOLD, 172, ATTR_BOLD, ATTR_BOLD)                                         \
    X(HIT, "hit", 6, 0, 74, 0, 0)                                                                  \
    X(SKIP, "skip", -1, ATTR_DIM, 245, 0, ATTR_DIM)                                                \
    X(SHARED, "shared", 5, 0, 175, 0, 0)                                                           \
    X(RAN, "done", 2, 0, 36, 0, 0)                                                                 \
    X(FAIL, "fail", 1, ATTR_BOLD, 166, ATTR_BOLD, ATTR_REVERSE)                                    \
    X(CANC, "cancel", 1, ATTR_DIM, 137, 0, ATTR_UNDERLINE)                                         \
    X(WARN, "warn", 3, 0, 178, 0, ATTR_UNDERLINE)                                                  \
    X(CRITICAL, "critical", 3, ATTR_BOLD, 172, ATTR_BOLD, ATTR_BOLD)                               \
    X(METER, "meter", 2, 0, 36, 0, 0)                                                              \
    X(METER_HIGH, "meter-high", 3, 0, 172, 0, ATTR_BOLD)                                           \
    X(METER_FULL, "meter-full", 1, 0, 166, 0, ATTR_BOLD)                                           \
    X(STALE, "stale", 3, ATTR_BOLD, 172, ATTR_BOLD, ATTR_REVERSE)                                  \
    X(ERROR, "error", 1, ATTR_BOLD, 166, ATTR_BOLD, ATTR_BOLD)

enum style {
#define STYLE_ENUM(id, name, fg16, at16, fg256, at256, mono) STYLE_##id,
    STYLES(STYLE_ENUM)
#undef STYLE_ENUM
        STYLE_COUNT
};

/*
 * A style as a cell carries it, a uint32_t: an enum style, attributes on top of it (ATTR_x), and
 * for the colours of a log its own foreground and background (STYLE_FG(n), STYLE_BG(n), n < 256).
 * STYLE_KEEP with attributes: dp_canvas_paint() keeps what is there and adds them.
 */
enum {
    ATTR_BOLD = 1 << 8,
    ATTR_DIM = 1 << 9,
    ATTR_REVERSE = 1 << 10,
    ATTR_UNDERLINE = 1 << 11,
    ATTR_ITALIC = 1 << 12,
    ATTR_ALL = ATTR_BOLD | ATTR_DIM | ATTR_REVERSE | ATTR_UNDERLINE | ATTR_ITALIC,
    STYLE_KEEP = 1 << 13,
    STYLE_HAS_FG = 1 << 14,
    STYLE_HAS_BG = 1 << 15,
};
#define STYLE_ID(s)    ((enum style)((s)&0xff))
#define STYLE_FG(n)    ((uint32_t)STYLE_HAS_FG | (uint32_t)(n) << 16)
#define STYLE_BG(n)    ((uint32_t)STYLE_HAS_BG | (uint32_t)(n) << 24)
#define STYLE_FG_OF(s) ((int)((s) >> 16 & 0xff))
#define STYLE_BG_OF(s) ((int)((s) >> 24 & 0xff))

enum palette { PALETTE_MONO, PALETTE_16, PALETTE_256, PALETTE_TRUE };

/* What a terminal is told. Colours: -1 the default, below 256 an index, else STYLE_RGB | 0xrrggbb.
 */
enum { STYLE_RGB = 1 << 24 };
struct look {
    int32_t fg, bg;
    uint32_t attrs; /* ATTR_x */
};

struct style_set {
    enum palette palette;
    struct look looks[STYLE_COUNT];
};

/* The palette's own looks. */
void dp_style_init(struct style_set *s, enum palette palette);
/* The looks for a light background, where what is bright cannot be read. */
void dp_style_darken(struct style_set *s);
/* The nearest entry of the 6x6x6 cube of 256 colours; and the colour of an entry, as xterm has it.
 */
int32_t dp_style_nearest256(int rgb);
int32_t dp_style_rgb_of(int index);
/* "run=yellow:hit=#56b4e9,bold:fail=166,reverse": DEPOT_TUI_COLORS, a line of the config file, or
 * BUILDKIT_COLORS (its names and its r,g,b are known). DEPOT_ERR_INVALID names the bad item; the
 * good ones before it count. */
int dp_style_parse(struct style_set *s, const char *text, struct depot_error *err) DEPOT_MUST_CHECK;
struct look dp_style_look(const struct style_set *s, uint32_t style);

/* A verdict's or a build state's style. */
uint32_t dp_style_verdict(enum depot_verdict v);
uint32_t dp_style_state(enum depot_build_state s);

#endif
