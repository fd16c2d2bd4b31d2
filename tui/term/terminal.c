/*
 * What the environment says of the terminal, where terminfo is silent.
 */
#include "terminal.h"

#include <depot/base.h>

#include <stdlib.h>
#include <string.h>

static bool begins_with_one_of(const char *name, const char *const *heads, size_t n)
{
    for (size_t i = 0; name != NULL && i < n; i++)
        if (depot_str_starts(name, heads[i]))
            return true;
    return false;
}

bool dp_terminal_is_modern(const char *term)
{
    static const char *const heads[] = {"xterm", "foot", "kitty", "alacritty", "wezterm", "ghostty",
        "contour", "tmux", "screen", "st-", "rxvt", "konsole", "vte", "gnome", "mlterm", "mintty",
        "iterm", "putty", "rio", "ms-terminal"};
    return begins_with_one_of(term, heads, DEPOT_ARRAY_LEN(heads));
}

bool dp_terminal_is_plain(const char *term)
{
    static const char *const heads[] = {"linux", "vt", "ansi", "cons", "sun", "wsvt", "hurd",
        "mach", "cygwin", "pcansi", "xterm-r5", "xterm-r6"};
    return begins_with_one_of(term, heads, DEPOT_ARRAY_LEN(heads)) &&
           !depot_str_starts(term, "vte");
}

bool dp_terminal_has_few_signs(const char *term)
{
    return depot_str_starts(term, "linux");
}

/* GNU screen 4. */
bool dp_terminal_holds_escape(const char *term)
{
    return depot_str_starts(term, "screen") && !depot_str_empty(getenv("STY"));
}

bool dp_terminal_has_true_colour(const char *term)
{
    const char *said = getenv("COLORTERM");
    /* GNU screen hands COLORTERM through and takes the numbers of a colour for attributes. */
    return (depot_str_eq(said, "truecolor") || depot_str_eq(said, "24bit")) &&
           !depot_str_starts(term, "screen");
}

/* "15;0", "0;default;15": the last is the index of the background. */
bool dp_terminal_is_light(const char *said)
{
    const char *last = said != NULL ? strrchr(said, ';') : NULL;
    return last != NULL && (depot_str_eq(last, ";7") || depot_str_eq(last, ";15"));
}

/* "3.6.6" -> 3006006; what is no number counts as 0. */
static long version_of(const char *s)
{
    long v = 0;
    for (int i = 0; i < 3; i++) {
        char *end = NULL;
        const long part = s != NULL ? strtol(s, &end, 10) : 0;
        v = v * 1000 + (part < 0 ? 0 : part > 999 ? 999 : part);
        s = end != NULL && *end == '.' ? end + 1 : NULL;
    }
    return v;
}

bool dp_terminal_shows_progress(const char *term)
{
    static const struct {
        const char *variable, *value; /* value NULL: any */
        long since;                   /* by TERM_PROGRAM_VERSION */
    } known[] = {
        {"WT_SESSION", NULL, 0},
        {"ConEmuPID", NULL, 0},
        {"TERM_PROGRAM", "ghostty", 0},
        {"TERM_PROGRAM", "WezTerm", 0},
        {"TERM_PROGRAM", "iTerm.app", 3006006},
    };
    const char *vte = getenv("VTE_VERSION");
    /* A multiplexer's own terminal, whatever it was started in. */
    if (depot_str_starts(term, "screen") || depot_str_starts(term, "tmux"))
        return false;
    if (depot_str_starts(term, "xterm-ghostty") || (vte != NULL && strtol(vte, NULL, 10) >= 7900))
        return true;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(known); i++) {
        const char *value = getenv(known[i].variable);
        if (!depot_str_empty(value) &&
            (known[i].value == NULL || depot_str_eq(value, known[i].value)) &&
            (known[i].since == 0 || version_of(getenv("TERM_PROGRAM_VERSION")) >= known[i].since))
            return true;
    }
    return false;
}

/* "ESC [ 38;5;N m", or 48 for the background, or with colons: as ncurses writes an index. Bytes, or
 * 0; *back: the background; *index: N. */
static size_t parse_index(const char *s, size_t n, bool *back, int *index)
{
    if (n < 9 || s[1] != '[' || (s[2] != '3' && s[2] != '4') || s[3] != '8' || s[5] != '5' ||
        (s[4] != ';' && s[4] != ':') || s[6] != s[4])
        return 0;
    size_t i = 7;
    for (*index = 0; i < n && i < 10 && s[i] >= '0' && s[i] <= '9'; i++)
        *index = *index * 10 + (s[i] - '0');
    *back = s[2] == '4';
    return i < n && i > 7 && s[i] == 'm' && *index < 256 ? i + 1 : 0;
}

void dp_terminal_exact(struct depot_buf *b, size_t from, const int32_t exact[256])
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    size_t kept = from; /* what is before it was copied */
    for (size_t at = from, used; at < b->len; at += used) {
        const char *esc = memchr(b->data + at, '\033', b->len - at);
        bool back;
        int index;
        if (esc == NULL)
            break;
        at = (size_t)(esc - b->data);
        used = parse_index(esc, b->len - at, &back, &index);
        const int32_t c = used > 0 ? exact[index] : 0;
        if (used > 0 && c != 0) {
            depot_buf_add(&out, b->data + kept, at - kept);
            depot_buf_addf(&out, "\033[%d;2;%d;%d;%dm", back ? 48 : 38, (int)(c >> 16 & 0xff),
                (int)(c >> 8 & 0xff), (int)(c & 0xff));
            kept = at + used;
        }
        used = used > 0 ? used : 1;
    }
    if (kept > from) {
        depot_buf_add(&out, b->data + kept, b->len - kept);
        depot_buf_truncate(b, from);
        depot_buf_add(b, out.data, out.len);
    }
    depot_buf_release(&out);
}
