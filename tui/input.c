/*
 * The decoder of terminal input. A sequence it does not know is eaten whole.
 */
#include "input.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

#define ESC '\033'

void dp_input_init(struct input *in)
{
    memset(in, 0, sizeof(*in));
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

static bool mouse(const struct csi *c, struct key *out)
{
    static const enum mouse_button buttons[] = {MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT};
    const int b = c->params[0];
    if (c->nparams < 3 || c->final != 'M' || (b & 32) != 0)
        return false; /* releases and motion */
    if ((b & 64) != 0 && (b & 3) > 1)
        return false; /* sideways */
    if ((b & 64) == 0 && (b & 3) == 3)
        return false;
    *out = (struct key){.code = KEY_CODE_MOUSE, .x = c->params[1] - 1, .y = c->params[2] - 1};
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

static bool csi_key(struct input *in, const struct csi *c, struct key *out)
{
    if (c->mark == '?') {
        answer(in, c);
        return false;
    }
    if (c->mark == '<')
        return mouse(c, out);
    if (c->mark != 0 || c->middle != 0)
        return false;
    *out = (struct key){.mods = mods_of(c->nparams > 1 ? c->params[1] : 1)};
    if (c->final == '~' && c->params[0] == 200) {
        in->pasting = true;
        return false;
    }
    if (c->final == 'Z') {
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
    const size_t need = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc2 ? 2 : 1;
    const int32_t ch = dp_text_decode(s, n, &used);
    if (ch < 0 && n < need && need <= 4)
        return 0;
    *out = (struct key){.code = ch < 0 ? '?' : (uint32_t)ch};
    return used;
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
    if (s[1] == '[' && (in->len > 2 || !late)) {
        const int r = parse_csi(s, in->len, &c);
        if (r == 0 && !late)
            return 0;
        if (r <= 0)
            return in->len; /* cut off or nonsense */
        *got = csi_key(in, &c, out);
        return c.used;
    }
    if (s[1] == 'O' && (in->len > 2 || !late)) {
        if (in->len < 3)
            return 0;
        *out = (struct key){.code = code_by_final(s[2])};
        *got = out->code != 0;
        return 3;
    }
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
