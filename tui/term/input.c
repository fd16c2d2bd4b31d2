/*
 * The decoder of terminal input. A sequence it does not know is eaten whole.
 */
#include "input.h"

#include <depot/utf8.h>

#include <stdlib.h>
#include <string.h>

#define ESC '\033'

void dp_input_init(struct input *in)
{
    memset(in, 0, sizeof(*in));
    in->background = -1;
    depot_buf_init(&in->paste, INPUT_PASTE_MAX);
    depot_buf_init(&in->paste_given, INPUT_PASTE_MAX);
}

void dp_input_release(struct input *in)
{
    depot_buf_release(&in->paste);
    depot_buf_release(&in->paste_given);
}

size_t dp_input_feed(struct input *in, const void *data, size_t n)
{
    const size_t room = INPUT_MAX - in->len;
    const size_t part = n < room ? n : room;
    memcpy(in->bytes + in->len, data, part);
    in->len += part;
    return part;
}

static void eat(struct input *in, size_t n)
{
    memmove(in->bytes, in->bytes + n, in->len - n);
    in->len -= n;
}

bool dp_input_pending(const struct input *in)
{
    return in->len > 0;
}

/* ---- sequences ---- */

enum { PARAMS_MAX = 8 };
struct csi {
    char mark, final; /* mark: '<', '?' or 0 */
    char middle;      /* an intermediate byte, or 0 */
    int params[PARAMS_MAX];
    int nparams;
    size_t used;
};

/* rxvt ends a numbered key with its modifiers. */
static const struct {
    char final;
    unsigned mods;
} rxvt_finals[] = {{'^', KEY_CTRL}, {'$', KEY_SHIFT}, {'@', KEY_CTRL | KEY_SHIFT}};

/* 1: whole; 0: more is needed; -1: not a CSI sequence that makes sense. */
static int parse_csi(const char *s, size_t n, struct csi *c)
{
    size_t i = 2;
    memset(c, 0, sizeof(*c));
    if (i < n && strchr("<=>?", s[i]) != NULL)
        c->mark = s[i++];
    for (; i < n; i++) {
        const unsigned char b = (unsigned char)s[i];
        if (b >= '0' && b <= '9') {
            if (c->nparams == 0)
                c->nparams = 1;
            int *p = &c->params[c->nparams - 1];
            *p = *p > 99999 ? *p : *p * 10 + (b - '0');
        } else if (b == ';' || b == ':') {
            if (c->nparams == 0)
                c->nparams = 1;
            if (c->nparams < PARAMS_MAX)
                c->nparams++;
        } else if (b == '$' && c->mark == 0 && c->nparams == 1) {
            c->final = '$'; /* rxvt's Shift; nothing else begins so without a mark */
            c->used = i + 1;
            return 1;
        } else if (b >= 0x20 && b <= 0x2f) {
            c->middle = (char)b;
        } else if (b >= 0x40 && b <= 0x7e) {
            c->final = (char)b;
            c->used = i + 1;
            return 1;
        } else {
            return -1;
        }
    }
    return n >= 64 ? -1 : 0;
}

static const struct {
    char final;
    uint32_t code;
} by_final[] = {{'A', KEY_CODE_UP}, {'B', KEY_CODE_DOWN}, {'C', KEY_CODE_RIGHT},
    {'D', KEY_CODE_LEFT}, {'H', KEY_CODE_HOME}, {'F', KEY_CODE_END}, {'P', KEY_CODE_F1},
    {'Q', KEY_CODE_F1 + 1}, {'R', KEY_CODE_F1 + 2}, {'S', KEY_CODE_F1 + 3}, {'M', KEY_CODE_ENTER}};

/* rxvt's arrows with a modifier: of CSI Shift, of SS3 Control. */
static const char rxvt_arrows[] = "abcd";

static const struct {
    int number;
    uint32_t code;
} by_number[] = {{1, KEY_CODE_HOME}, {2, KEY_CODE_INSERT}, {3, KEY_CODE_DELETE}, {4, KEY_CODE_END},
    {5, KEY_CODE_PGUP}, {6, KEY_CODE_PGDN}, {7, KEY_CODE_HOME}, {8, KEY_CODE_END},
    {11, KEY_CODE_F1}, {12, KEY_CODE_F1 + 1}, {13, KEY_CODE_F1 + 2}, {14, KEY_CODE_F1 + 3},
    {15, KEY_CODE_F1 + 4}, {17, KEY_CODE_F1 + 5}, {18, KEY_CODE_F1 + 6}, {19, KEY_CODE_F1 + 7},
    {20, KEY_CODE_F1 + 8}, {21, KEY_CODE_F1 + 9}, {23, KEY_CODE_F1 + 10}, {24, KEY_CODE_F1 + 11}};

static uint32_t code_by_final(char final)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(by_final); i++)
        if (by_final[i].final == final)
            return by_final[i].code;
    return 0;
}

static uint32_t code_by_number(int number)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(by_number); i++)
        if (by_number[i].number == number)
            return by_number[i].code;
    return 0;
}

/* The parameter holds one more than a set of bits: 1 shift, 2 alt, 4 control. */
static unsigned mods_of(int param)
{
    const int bits = param > 1 ? param - 1 : 0;
    return (bits & 1 ? KEY_SHIFT : 0u) | (bits & 2 ? KEY_ALT : 0u) | (bits & 4 ? KEY_CTRL : 0u);
}

/* `b`: the button and its modifiers; column and row count from 1. */
static bool mouse(int b, int column, int row, struct key *out)
{
    static const enum mouse_button buttons[] = {MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT};
    if ((b & 32) != 0)
        return false; /* motion */
    if ((b & 64) != 0 && (b & 3) > 1)
        return false; /* sideways */
    if ((b & 64) == 0 && (b & 3) == 3)
        return false;
    *out = (struct key){.code = KEY_CODE_MOUSE, .x = column - 1, .y = row - 1};
    out->button = (b & 64) == 0 ? buttons[b & 3] : (b & 1) != 0 ? MOUSE_WHEEL_DOWN : MOUSE_WHEEL_UP;
    out->mods = (b & 4 ? KEY_SHIFT : 0u) | (b & 8 ? KEY_ALT : 0u) | (b & 16 ? KEY_CTRL : 0u);
    return out->x >= 0 && out->y >= 0;
}

static void answer(struct input *in, const struct csi *c)
{
    if (c->final == 'c')
        in->answered = true;
    if (c->final == 'y' && c->middle == '$' && c->params[0] == 2026)
        in->synchronised = c->params[1] == 1 || c->params[1] == 2;
}

/* Where the cursor is. F3 with a modifier looks the same, so only until the last question is
 * answered. */
static bool cursor_answer(struct input *in, const struct csi *c)
{
    if (c->final != 'R' || c->nparams != 2 || !in->asked || in->answered)
        return false;
    in->column = c->params[1];
    return true;
}

static void rxvt_key(const struct csi *c, struct key *out)
{
    const char *arrow = c->nparams == 0 ? strchr(rxvt_arrows, c->final) : NULL;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rxvt_finals); i++) {
        if (c->nparams == 1 && c->final == rxvt_finals[i].final) {
            out->code = code_by_number(c->params[0]);
            out->mods = rxvt_finals[i].mods;
        }
    }
    if (arrow != NULL) {
        out->code = code_by_final((char)('A' + (arrow - rxvt_arrows)));
        out->mods = KEY_SHIFT;
    }
}

static bool csi_key(struct input *in, const struct csi *c, struct key *out)
{
    if (c->mark == '?') {
        answer(in, c);
        return false;
    }
    if (c->mark == '<')
        return c->nparams >= 3 && c->final == 'M' &&
               mouse(c->params[0], c->params[1], c->params[2], out);
    if (c->mark != 0 || c->middle != 0 || cursor_answer(in, c))
        return false;
    *out = (struct key){.mods = mods_of(c->nparams > 1 ? c->params[1] : 1)};
    if (c->final == '~' && c->params[0] == 200) {
        in->pasting = true;
        return false;
    }
    rxvt_key(c, out);
    if (out->code != 0)
        return true;
    if (c->nparams == 0 && c->final == 'P') {
        out->code = KEY_CODE_DELETE; /* st, whose F1 is SS3 P as everywhere */
    } else if (c->final == 'h' && c->params[0] == 4) {
        out->code = KEY_CODE_INSERT; /* st */
    } else if (c->final == 'Z') {
        out->code = KEY_CODE_TAB;
        out->mods = KEY_SHIFT;
    } else if (c->final == 'I' || c->final == 'O') {
        out->code = KEY_CODE_FOCUS;
    } else if (c->final == '~') {
        out->code = code_by_number(c->params[0]);
    } else {
        out->code = code_by_final(c->final);
    }
    return out->code != 0;
}

/* ---- operating system commands ---- */

/* "11;rgb:ffff/ffff/ffff": the background. Two to four digits a colour; the first two tell enough.
 */
static void take_background(struct input *in, const char *s, size_t n)
{
    static const char head[] = "11;rgb:";
    static const int weights[] = {30, 59, 11};
    char text[40];
    int sum = 0;
    if (n < sizeof(head) - 1 || n >= sizeof(text) || memcmp(s, head, sizeof(head) - 1) != 0)
        return;
    memcpy(text, s + sizeof(head) - 1, n - (sizeof(head) - 1));
    text[n - (sizeof(head) - 1)] = '\0';
    const char *at = text;
    for (size_t i = 0; i < 3; i++) {
        char two[3] = "", *end;
        const size_t digits = strcspn(at, "/");
        if (digits < 1)
            return;
        memcpy(two, at, digits < 2 ? digits : 2);
        const long v = strtol(two, &end, 16);
        if (*end != '\0')
            return;
        sum += (int)(digits < 2 ? v * 17 : v) * weights[i];
        at += digits + (at[digits] == '/' ? 1 : 0);
    }
    in->background = sum / 255;
}

enum { OSC_MAX = 256 };

/* ESC ] up to BEL or ESC \: an answer, never keys. 0: more is needed. */
static size_t osc(struct input *in, bool late)
{
    const char *s = in->bytes;
    for (size_t i = 2; i < in->len && i < OSC_MAX; i++) {
        if (s[i] != '\a' && s[i] != ESC)
            continue;
        if (s[i] == ESC && i + 1 == in->len && !late)
            return 0;
        take_background(in, s + 2, i - 2);
        return i + (s[i] == ESC && i + 1 < in->len && s[i + 1] == '\\' ? 2 : 1);
    }
    return late || in->len >= OSC_MAX ? in->len : 0;
}

/* ---- paste ---- */

/* All but what would end a line of text or act as a key. */
static void add_paste(struct input *in, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned char b = (unsigned char)s[i];
        if (b == '\r' || b == '\n' || b == '\t')
            depot_buf_addc(&in->paste, ' ');
        else if (b >= 0x20 && b != 0x7f)
            depot_buf_addc(&in->paste, (char)b);
    }
}

static bool next_paste(struct input *in, struct key *out)
{
    static const char end[] = "\033[201~";
    const size_t len = sizeof(end) - 1;
    size_t at = 0;
    while (at < in->len &&
           (in->bytes[at] != ESC || in->len - at < len || memcmp(in->bytes + at, end, len) != 0)) {
        if (in->bytes[at] == ESC && in->len - at < len &&
            memcmp(in->bytes + at, end, in->len - at) == 0)
            break;
        at++;
    }
    add_paste(in, in->bytes, at);
    const bool whole = in->len - at >= len;
    eat(in, at + (whole ? len : 0));
    if (!whole)
        return false;
    in->pasting = false;
    depot_buf_clear(&in->paste_given);
    depot_buf_add(&in->paste_given, in->paste.data, in->paste.len);
    depot_buf_clear(&in->paste);
    *out = (struct key){.code = KEY_CODE_PASTE, .text = depot_buf_str(&in->paste_given)};
    return true;
}

/* ---- keys ---- */

static void control_key(unsigned char b, struct key *out)
{
    *out = (struct key){0};
    if (b == '\r' || b == '\n') {
        out->code = KEY_CODE_ENTER;
    } else if (b == '\t') {
        out->code = KEY_CODE_TAB;
    } else if (b == 0x7f || b == 0x08) {
        out->code = KEY_CODE_BACKSPACE;
    } else if (b == 0) {
        out->code = ' ';
        out->mods = KEY_CTRL;
    } else {
        out->code = b < 0x1b ? (uint32_t)(b - 1 + 'a') : (uint32_t)(b - 0x1b + '[');
        out->mods = KEY_CTRL;
    }
}

/* Bytes a character takes, 0 when more are needed. */
static size_t character(const char *s, size_t n, struct key *out)
{
    const unsigned char b = (unsigned char)s[0];
    size_t used;
    if (b < 0x20 || b == 0x7f) {
        control_key(b, out);
        return 1;
    }
    const size_t need = depot_utf8_lead(b);
    const int32_t ch = depot_utf8_decode(s, n, &used);
    if (ch < 0 && used == n && n < need)
        return 0;
    *out = (struct key){.code = ch < 0 ? 0xfffd : (uint32_t)ch};
    return used;
}

/* A report without mode 1006: three bytes, each 32 more than it says. */
static size_t old_mouse(const char *s, size_t n, struct key *out, bool *got)
{
    const unsigned char *b = (const unsigned char *)s + 3;
    if (n < 6)
        return 0;
    *got = b[0] >= 32 && mouse(b[0] - 32, b[1] - 32, b[2] - 32, out);
    return 6;
}

/* ESC O: a letter, in some terminals with modifiers as CSI has them before it. */
static size_t ss3_key(const char *s, size_t n, struct key *out, bool *got)
{
    size_t i = 2;
    int param = 0;
    for (; i < n && i < 8 && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';'); i++)
        param = s[i] == ';' ? 0 : param * 10 + (s[i] - '0');
    if (i >= n)
        return 0;
    const char *arrow = strchr(rxvt_arrows, s[i]);
    *out = (struct key){.code = code_by_final(s[i]), .mods = mods_of(param)};
    if (arrow != NULL && s[i] != '\0')
        *out = (struct key){
            .code = code_by_final((char)('A' + (arrow - rxvt_arrows))), .mods = KEY_CTRL};
    *got = out->code != 0;
    return i + 1;
}

/* ESC at the front: bytes used, 0 when more are needed; *got when it made a key. */
static size_t escape(struct input *in, bool late, struct key *out, bool *got)
{
    const char *s = in->bytes;
    struct csi c;
    *got = false;
    if (in->len == 1 || s[1] == ESC) {
        if (in->len == 1 && !late)
            return 0;
        *out = (struct key){.code = KEY_CODE_ESC};
        *got = true;
        return 1;
    }
    if (s[1] == '[' && in->len >= 3 && s[2] == '[') { /* the Linux console's F1 to F5 */
        if (in->len < 4)
            return late ? 3 : 0;
        *got = s[3] >= 'A' && s[3] <= 'E';
        *out = (struct key){.code = KEY_CODE_F1 + (uint32_t)(s[3] - 'A')};
        return 4;
    }
    if (s[1] == '[' && in->len >= 3 && s[2] == 'M' && (in->len >= 6 || !late))
        return old_mouse(s, in->len, out, got);
    if (s[1] == '[' && (in->len > 2 || !late)) {
        const int r = parse_csi(s, in->len, &c);
        if (r == 0 && !late)
            return 0;
        if (r <= 0)
            return in->len; /* cut off or nonsense */
        *got = csi_key(in, &c, out);
        return c.used;
    }
    if (s[1] == ']' && in->asked && (in->len > 2 || !late))
        return osc(in, late);
    if (s[1] == 'O' && (in->len > 2 || !late))
        return ss3_key(s, in->len, out, got);
    const size_t used = character(s + 1, in->len - 1, out);
    out->mods |= KEY_ALT;
    *got = used > 0;
    return used > 0 ? used + 1 : late ? in->len : 0;
}

bool dp_input_next(struct input *in, bool late, struct key *out)
{
    while (in->len > 0) {
        bool got = true;
        size_t used;
        if (in->pasting) {
            const size_t before = in->len;
            if (next_paste(in, out))
                return true;
            if (in->pasting && in->len == before)
                return false;
            continue;
        }
        if (in->bytes[0] == ESC)
            used = escape(in, late, out, &got);
        else
            used = character(in->bytes, in->len, out);
        if (used == 0 && !late)
            return false;
        eat(in, used > 0 ? used : in->len);
        if (used > 0 && got)
            return true;
    }
    return false;
}
