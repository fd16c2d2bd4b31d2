/*
 * Makes bytes of a build step safe for a terminal. A state machine over single bytes, so that it
 * does not matter where the engine cuts the stream.
 */
#include "text/width.h"

#include <depot/text.h>
#include <depot/utf8.h>

#include <string.h>

enum clean_state {
    GROUND,
    ESCAPE,     /* behind ESC */
    ESCAPE_MID, /* ESC and intermediate bytes: one final byte follows */
    CSI,
    STRING,     /* OSC, DCS, PM, APC, SOS: to BEL or ST */
    STRING_ESC, /* ESC inside of one */
    UTF8,
};

static void utf8_start(struct depot_clean *c, struct depot_buf *out, unsigned char b)
{
    if (depot_utf8_lead(b) > 0) {
        c->have = 1;
        c->utf8[0] = (char)b;
        c->state = UTF8;
    } else {
        depot_buf_addc(out, '?');
    }
}

static void ground(struct depot_clean *c, struct depot_buf *out, unsigned char b)
{
    if (b == 0x1b)
        c->state = ESCAPE;
    else if (b >= 0x80)
        utf8_start(c, out, b);
    else if (b == '\r')
        depot_buf_addc(out, ' '); /* what follows would be written over our own prefix */
    else if (b == '\n' || b == '\t' || (b >= 0x20 && b != 0x7f))
        depot_buf_addc(out, (char)b);
}

static void escape(struct depot_clean *c, unsigned char b)
{
    if (b == '[')
        c->state = CSI;
    else if (b == ']' || b == 'P' || b == 'X' || b == '^' || b == '_')
        c->state = STRING;
    else if (b >= 0x20 && b < 0x30)
        c->state = ESCAPE_MID;
    else if (b != 0x1b)
        c->state = GROUND;
}

/* False: the sequence is broken, and the byte is to be looked at again. */
static bool utf8_more(struct depot_clean *c, struct depot_buf *out, unsigned char b)
{
    size_t used;
    int32_t ch;

    c->utf8[c->have++] = (char)b;
    ch = depot_utf8_decode(c->utf8, c->have, &used);
    if (ch < 0 && used == c->have)
        return true; /* there is more of it */
    c->state = GROUND;
    if (ch < 0)
        depot_buf_addc(out, '?');
    else if (!dp_text_hides((uint32_t)ch))
        depot_buf_add(out, c->utf8, used);
    return ch >= 0;
}

static bool step(struct depot_clean *c, struct depot_buf *out, unsigned char b)
{
    if (b == '\n' && c->state != GROUND && c->state != UTF8)
        c->state = GROUND;
    switch ((enum clean_state)c->state) {
    case GROUND:
        ground(c, out, b);
        break;
    case ESCAPE:
        escape(c, b);
        break;
    case ESCAPE_MID:
        if (b >= 0x30)
            c->state = GROUND;
        break;
    case CSI:
        if (b == 0x1b)
            c->state = ESCAPE;
        else if (b >= 0x40)
            c->state = GROUND;
        break;
    case STRING:
        if (b == 0x07)
            c->state = GROUND;
        else if (b == 0x1b)
            c->state = STRING_ESC;
        break;
    case STRING_ESC:
        if (b == '\\')
            c->state = GROUND;
        else if (b != 0x1b)
            c->state = STRING;
        break;
    case UTF8:
        return utf8_more(c, out, b);
    }
    return true;
}

void depot_clean_feed(struct depot_clean *c, struct depot_buf *out, const void *data, size_t n)
{
    const unsigned char *p = data, *end = p + n;

    while (p < end) {
        const unsigned char *from = p;

        if (c->state == GROUND) {
            while (p < end && *p >= 0x20 && *p < 0x7f)
                p++;
            if (p > from)
                depot_buf_add(out, from, (size_t)(p - from));
            if (p == end)
                break;
        }
        if (step(c, out, *p))
            p++;
    }
}

void depot_clean_string(struct depot_buf *out, const char *s)
{
    struct depot_clean c = {0};

    for (; *s; s++)
        depot_clean_feed(&c, out, *s == '\n' ? " " : s, 1);
    if (c.state == UTF8)
        depot_buf_addc(out, '?');
}

void depot_text_log_line(struct depot_buf *out, const char *line, size_t n)
{
    enum { LOOKED_AT = 4096 };
    struct depot_clean clean = {0};
    while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n'))
        n--;
    const char *end = line + n, *from = end;
    while (from > line && from[-1] != '\r')
        from--;
    n = (size_t)(end - from);
    depot_clean_feed(&clean, out, from, n < LOOKED_AT ? n : LOOKED_AT);
}
