/*
 * What text means, the signs that go with it, and how each palette shows it. Whoever draws names
 * meanings; colours are chosen where bytes go to a terminal.
 *
 * A state is always a sign and a word too, so every palette down to monochrome tells the same. No
 * blue in any of them: it cannot be read on half of the terminals. The 256 colours are the nearest
 * to Okabe and Ito's palette, which the colour-blind can tell apart.
 */
#ifndef DEPOT_STYLE_H
#define DEPOT_STYLE_H

#include <depot/state.h>

#include <stdint.h>

/* ---- styles ---- */

/* X(id, name in settings, 16-colour fg, its attributes, 256-colour fg, its attributes, attributes
 * without colours). Colours: -1 is the terminal's own. */
#define DEPOT_STYLES(X)                                                                            \
    X(TEXT, "text", -1, 0, -1, 0, 0)                                                               \
    X(DIM, "dim", -1, DEPOT_ATTR_DIM, 245, 0, DEPOT_ATTR_DIM)     /* secondary facts */            \
    X(FAINT, "faint", -1, DEPOT_ATTR_DIM, 242, 0, DEPOT_ATTR_DIM) /* rules, empty meters */        \
    X(STRONG, "strong", -1, DEPOT_ATTR_BOLD, -1, DEPOT_ATTR_BOLD, DEPOT_ATTR_BOLD)                 \
    X(TITLE, "title", -1, DEPOT_ATTR_BOLD, -1, DEPOT_ATTR_BOLD, DEPOT_ATTR_BOLD)                   \
    X(HEADING, "heading", -1, DEPOT_ATTR_DIM, 245, 0, DEPOT_ATTR_DIM) /* of columns and blocks */  \
    X(KEY, "key", -1, DEPOT_ATTR_BOLD, -1, DEPOT_ATTR_BOLD, DEPOT_ATTR_BOLD) /* that is bound */   \
    X(TAB, "tab", -1, DEPOT_ATTR_BOLD, -1, DEPOT_ATTR_BOLD | DEPOT_ATTR_UNDERLINE,                 \
        DEPOT_ATTR_BOLD | DEPOT_ATTR_UNDERLINE)                                                    \
    X(SELECTED, "selected", -1, DEPOT_ATTR_REVERSE, -1, DEPOT_ATTR_REVERSE, DEPOT_ATTR_REVERSE)    \
    X(TAGGED, "tagged", 3, DEPOT_ATTR_BOLD, 172, DEPOT_ATTR_BOLD, DEPOT_ATTR_BOLD)                 \
    X(MATCH, "match", 3, DEPOT_ATTR_UNDERLINE, 178, DEPOT_ATTR_UNDERLINE, DEPOT_ATTR_UNDERLINE)    \
    X(MATCH_HERE, "match-here", 3, DEPOT_ATTR_REVERSE, 178, DEPOT_ATTR_REVERSE,                    \
        DEPOT_ATTR_REVERSE)                                                                        \
    X(WAIT, "wait", -1, DEPOT_ATTR_DIM, 245, 0, DEPOT_ATTR_DIM)                                    \
    X(RUN, "run", 3, DEPOT_ATTR_BOLD, 172, DEPOT_ATTR_BOLD, DEPOT_ATTR_BOLD)                       \
    X(HIT, "hit", 6, 0, 74, 0, 0)                                                                  \
    X(SKIP, "skip", -1, DEPOT_ATTR_DIM, 245, 0, DEPOT_ATTR_DIM)                                    \
    X(SHARED, "shared", 5, 0, 175, 0, 0)                                                           \
    X(RAN, "done", 2, 0, 36, 0, 0)                                                                 \
    X(FAIL, "fail", 1, DEPOT_ATTR_BOLD, 166, DEPOT_ATTR_BOLD, DEPOT_ATTR_REVERSE)                  \
    X(CANC, "cancel", 1, DEPOT_ATTR_DIM, 137, 0, DEPOT_ATTR_UNDERLINE)                             \
    X(WARN, "warn", 3, 0, 178, 0, DEPOT_ATTR_UNDERLINE)                                            \
    X(CRITICAL, "critical", 3, DEPOT_ATTR_BOLD, 172, DEPOT_ATTR_BOLD, DEPOT_ATTR_BOLD)             \
    X(METER, "meter", 2, 0, 36, 0, 0)                                                              \
    X(METER_HIGH, "meter-high", 3, 0, 172, 0, DEPOT_ATTR_BOLD)                                     \
    X(METER_FULL, "meter-full", 1, 0, 166, 0, DEPOT_ATTR_BOLD)                                     \
    X(STALE, "stale", 3, DEPOT_ATTR_BOLD, 172, DEPOT_ATTR_BOLD, DEPOT_ATTR_REVERSE)                \
    X(ERROR, "error", 1, DEPOT_ATTR_BOLD, 166, DEPOT_ATTR_BOLD, DEPOT_ATTR_BOLD)

enum depot_style {
#define DEPOT_STYLE_ENUM(id, name, fg16, at16, fg256, at256, mono) DEPOT_STYLE_##id,
    DEPOT_STYLES(DEPOT_STYLE_ENUM)
#undef DEPOT_STYLE_ENUM
        DEPOT_STYLE_COUNT
};

/*
 * A style as a cell carries it, a uint32_t: an enum depot_style, attributes on top of it, and for
 * the colours of a log its own foreground and background, DEPOT_STYLE_FG(n) and _BG(n), n < 256.
 */
enum {
    DEPOT_ATTR_BOLD = 1 << 8,
    DEPOT_ATTR_DIM = 1 << 9,
    DEPOT_ATTR_REVERSE = 1 << 10,
    DEPOT_ATTR_UNDERLINE = 1 << 11,
    DEPOT_ATTR_ITALIC = 1 << 12,
    DEPOT_ATTR_ALL = DEPOT_ATTR_BOLD | DEPOT_ATTR_DIM | DEPOT_ATTR_REVERSE | DEPOT_ATTR_UNDERLINE |
                     DEPOT_ATTR_ITALIC,
    DEPOT_STYLE_HAS_FG = 1 << 14,
    DEPOT_STYLE_HAS_BG = 1 << 15,
};
#define DEPOT_STYLE_ID(s)    ((enum depot_style)((s)&0xff))
#define DEPOT_STYLE_FG(n)    ((uint32_t)DEPOT_STYLE_HAS_FG | (uint32_t)(n) << 16)
#define DEPOT_STYLE_BG(n)    ((uint32_t)DEPOT_STYLE_HAS_BG | (uint32_t)(n) << 24)
#define DEPOT_STYLE_FG_OF(s) ((int)((s) >> 16 & 0xff))
#define DEPOT_STYLE_BG_OF(s) ((int)((s) >> 24 & 0xff))

/* ---- palettes ---- */

enum depot_palette { DEPOT_PALETTE_MONO, DEPOT_PALETTE_16, DEPOT_PALETTE_256, DEPOT_PALETTE_TRUE };

/* What a terminal is told. Colours: -1 its own, below 256 an index, else DEPOT_RGB | 0xrrggbb. */
enum { DEPOT_RGB = 1 << 24 };
struct depot_look {
    int32_t fg, bg;
    uint32_t attrs; /* DEPOT_ATTR_x */
};

struct depot_styles {
    enum depot_palette palette;
    struct depot_look looks[DEPOT_STYLE_COUNT];
};

/* The palette's own looks. */
void depot_styles_init(struct depot_styles *s, enum depot_palette palette);
/* The looks for a light background, where what is bright cannot be read. */
void depot_styles_darken(struct depot_styles *s);
/* "run=yellow:hit=#56b4e9,bold:fail=166,reverse": DEPOT_TUI_COLORS, a line of the dashboard's file,
 * or BUILDKIT_COLORS (its names and its r,g,b are known). DEPOT_ERR_INVALID names the bad item; the
 * good ones before it count. */
int depot_styles_parse(
    struct depot_styles *s, const char *text, struct depot_error *err) DEPOT_MUST_CHECK;
/* What the environment says of colours, BuildKit's variable first, then ours. A bad item is told to
 * `bad`, which may be NULL, with the variable's name. */
void depot_styles_read_env(struct depot_styles *s,
    void (*bad)(const char *name, const struct depot_error *err, void *arg), void *arg);
/* How a cell's style looks. */
struct depot_look depot_styles_look(const struct depot_styles *s, uint32_t style);
/* Append the SGR sequence that switches a terminal from whatever it was to this look. */
void depot_look_put(struct depot_buf *out, const struct depot_look *look);

/* The nearest entry of the 6x6x6 cube of 256 colours; and the colour of an entry, as xterm has it.
 */
int32_t depot_colour_nearest256(int rgb);
int32_t depot_colour_of(int index);

/* ---- signs ---- */

/* X(id, character, its ASCII twin): one column wide in every font. */
#define DEPOT_SIGNS(X)                                                                             \
    X(WAIT, 0x00b7, '.')                                                                           \
    X(RUN, 0x00bb, '>')                                                                            \
    X(HIT, '=', '=')                                                                               \
    X(SKIP, '-', '-')                                                                              \
    X(SHARED, '~', '~')                                                                            \
    X(RAN, 0x2713, '#')                                                                            \
    X(FAIL, 0x2717, 'X')                                                                           \
    X(CANC, '/', '/')                                                                              \
    X(WARN, '!', '!')                                                                              \
    X(NONE, ' ', ' ') /* unreached */                                                              \
    X(CRITICAL, '*', '*')                                                                          \
    X(HLINE, 0x2500, '-')                                                                          \
    X(VLINE, 0x2502, '|')                                                                          \
    X(NODE, 0x25cb, 'o')      /* a stage on its rail */                                            \
    X(FORK, 0x256e, '\\')     /* rail leaving downwards to the right */                            \
    X(JOIN, 0x256f, '/')      /* rail coming back */                                               \
    X(TEE_RIGHT, 0x251c, '|') /* vertical with a branch to the right */                            \
    X(TEE_LEFT, 0x2524, '|')                                                                       \
    X(TEE_DOWN, 0x252c, '-')                                                                       \
    X(TEE_UP, 0x2534, '-')                                                                         \
    X(CROSS, 0x253c, '+')                                                                          \
    X(CORNER_TL, 0x256d, '+')                                                                      \
    X(CORNER_TR, 0x256e, '+')                                                                      \
    X(CORNER_BL, 0x2570, '+')                                                                      \
    X(CORNER_BR, 0x256f, '+')                                                                      \
    X(FOLDED, 0x25b8, '+')                                                                         \
    X(OPEN, 0x25be, '-')                                                                           \
    X(CURSOR, 0x203a, '>') /* left of a selected row */                                            \
    X(TAG, 0x2022, '*')                                                                            \
    X(ELLIPSIS, 0x2026, '.')                                                                       \
    X(BULLET, 0x00b7, '.')                                                                         \
    X(UP, 0x2191, '^')                                                                             \
    X(DOWN, 0x2193, 'v')                                                                           \
    X(BAR_FULL, 0x2501, '=')  /* a cell of a meter */                                              \
    X(BAR_HALF, 0x257e, '-')  /* its left half */                                                  \
    X(BAR_EMPTY, 0x2500, '.') /* in ASCII other than a line, so that it differs from the full */

enum depot_sign {
#define DEPOT_SIGN_ENUM(id, utf8, ascii) DEPOT_SIGN_##id,
    DEPOT_SIGNS(DEPOT_SIGN_ENUM)
#undef DEPOT_SIGN_ENUM
        DEPOT_SIGN_COUNT
};
uint32_t depot_sign_char(bool ascii, enum depot_sign s);

/* The sign and the style of a step's outcome and of a build's state. */
enum depot_sign depot_outcome_sign(enum depot_outcome v);
enum depot_style depot_outcome_style(enum depot_outcome v);
enum depot_sign depot_state_sign(enum depot_build_state s);
enum depot_style depot_state_style(enum depot_build_state s);

#endif
