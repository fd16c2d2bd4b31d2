/*
 * Keeps what others print from being taken for a command of the CI system that reads the log.
 *
 * A command is known by what it begins with. That is looked for as the system does, or more widely:
 * colours are looked through, as are controls and what is not ASCII, since a comparison that goes
 * by the rules of a language leaves some of those out; a carriage return begins a line, as it does
 * for those that read lines of .NET.
 */
#include "ci/ci_priv.h"

#include <ctype.h>
#include <string.h>

enum guard_state {
    TEXT,
    ESCAPE,     /* behind ESC */
    ESCAPE_MID, /* ESC and intermediate bytes: one final byte follows */
    CSI,
    STRING,     /* OSC, DCS, PM, APC, SOS: to BEL or ST */
    STRING_ESC, /* ESC inside of one */
};

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static bool is_seen(unsigned char c)
{
    return c > 0x20 && c < 0x7f;
}

static bool is_one(char mark, unsigned char c)
{
    if (mark == ' ')
        return is_blank(c);
    if (mark == '0')
        return isdigit(c);
    return tolower((unsigned char)mark) == tolower(c);
}

/* ---- which bytes are looked at one by one ---- */

static bool is_stop(const struct depot_guard *g, unsigned char c)
{
    return (g->stops[c / 8] >> c % 8 & 1) != 0;
}

static void add_stop(struct depot_guard *g, unsigned char c)
{
    g->stops[c / 8] |= (unsigned char)(1 << c % 8);
}

void depot_guard_init(struct depot_guard *g, const struct depot_ci *ci, bool json)
{
    *g = (struct depot_guard){
        .ci = ci != NULL && ci->marks[0].text != NULL ? ci : NULL, .json = json};
    add_stop(g, '\n');
    add_stop(g, '\r');
    add_stop(g, '\033');
    for (size_t i = 0; g->ci != NULL && i < DP_CI_MARKS_MAX && ci->marks[i].text != NULL; i++)
        for (int c = 0; c < 256; c++)
            if (is_one(ci->marks[i].text[strlen(ci->marks[i].text) - 1], (unsigned char)c))
                add_stop(g, (unsigned char)c);
}

/* ---- what is known of a line ---- */

/* Would `c` behind what the line has complete the mark? */
static bool completes(const struct depot_guard *g, const struct dp_ci_mark *m, unsigned char c)
{
    size_t n = strlen(m->text) - 1;

    if (!is_one(m->text[n], c) || g->ntail < n || (m->at_start && (g->ntail != n || g->started)))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_one(m->text[i], (unsigned char)g->tail[g->ntail - n + i]))
            return false;
    return true;
}

static bool completes_any(const struct depot_guard *g, unsigned char c)
{
    for (size_t i = 0; i < DP_CI_MARKS_MAX && g->ci->marks[i].text != NULL; i++)
        if (completes(g, &g->ci->marks[i], c))
            return true;
    return false;
}

/* `started`: more has been seen of the line than the tail holds. */
static void remember(struct depot_guard *g, unsigned char c)
{
    if (g->ntail == sizeof(g->tail)) {
        memmove(g->tail, g->tail + 1, sizeof(g->tail) - 1);
        g->ntail--;
        g->started = true;
    }
    g->tail[g->ntail++] = (char)c;
}

/* Bytes that complete nothing: the last of them are what counts. */
static void remember_run(struct depot_guard *g, const unsigned char *p, size_t n)
{
    size_t from = n, seen = 0;

    for (; n > 0 && g->ntail == 0 && !is_seen(*p); p++, n--, from--)
        ; /* blanks before what is to be seen */
    while (from > 0 && seen < sizeof(g->tail)) {
        from--;
        seen += is_seen(p[from]) || is_blank(p[from]);
    }
    if (from > 0) {
        g->started = true;
        g->ntail = 0;
    }
    for (; from < n; from++)
        if (is_seen(p[from]) || is_blank(p[from]))
            remember(g, is_blank(p[from]) ? ' ' : p[from]);
}

static void put_text(struct depot_guard *g, struct depot_buf *out, unsigned char c)
{
    if (c == '\n' || c == '\r') {
        g->ntail = 0;
        g->started = false;
    } else if (completes_any(g, c)) {
        depot_buf_addf(out, g->json ? "\\u%04x" : "\\%c", c);
        remember(g, '\\');
        remember(g, c);
        return;
    } else {
        remember_run(g, &c, 1);
    }
    depot_buf_addc(out, (char)c);
}

/* ---- escape sequences ---- */

static void escape(struct depot_guard *g, unsigned char c)
{
    if (c == '[')
        g->state = CSI;
    else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_')
        g->state = STRING;
    else if (c >= 0x20 && c < 0x30)
        g->state = ESCAPE_MID;
    else if (c != 0x1b)
        g->state = TEXT;
}

/* A colour is let through once it is whole. */
static void csi(struct depot_guard *g, struct depot_buf *out, unsigned char c)
{
    bool parameter = isdigit(c) || c == ';' || c == ':';

    if (c == 0x1b) {
        g->state = ESCAPE;
        return;
    }
    if (g->nseq < sizeof(g->seq))
        g->seq[g->nseq] = (char)c;
    g->nseq += g->nseq <= sizeof(g->seq);
    if (c == 'm' && g->nseq <= sizeof(g->seq)) {
        depot_buf_adds(out, "\033[");
        depot_buf_add(out, g->seq, g->nseq);
    }
    if (!parameter && c < 0x40)
        g->nseq = sizeof(g->seq) + 1; /* none of colour */
    if (c >= 0x40)
        g->state = TEXT;
}

static void string(struct depot_guard *g, unsigned char c)
{
    if (c == 0x07 || c == 0x18 || c == 0x1a)
        g->state = TEXT;
    else if (c == 0x1b)
        g->state = STRING_ESC;
}

/* A line's end ends any. */
static void feed_byte(struct depot_guard *g, struct depot_buf *out, unsigned char c)
{
    if (g->state != TEXT && c == '\n')
        g->state = TEXT;
    switch ((enum guard_state)g->state) {
    case TEXT:
        if (c == 0x1b)
            g->state = ESCAPE;
        else
            put_text(g, out, c);
        break;
    case ESCAPE:
        g->nseq = 0;
        escape(g, c);
        break;
    case ESCAPE_MID:
        if (c < 0x20 || c >= 0x30)
            g->state = TEXT;
        break;
    case CSI:
        csi(g, out, c);
        break;
    case STRING:
        string(g, c);
        break;
    case STRING_ESC:
        g->state = c == '\\' ? TEXT : STRING;
        break;
    }
}

void depot_guard_feed(struct depot_guard *g, struct depot_buf *out, const void *data, size_t n)
{
    const unsigned char *p = data;

    if (g->ci == NULL) {
        depot_buf_add(out, data, n);
        return;
    }
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 0; g->state == TEXT && i + run < n && !is_stop(g, p[i + run]);)
            run++;
        if (run > 0) {
            remember_run(g, p + i, run);
            depot_buf_add(out, p + i, run);
        } else {
            feed_byte(g, out, p[i]);
            run = 1;
        }
    }
}

void depot_guard_string(struct depot_buf *out, const struct depot_ci *ci, const char *s)
{
    struct depot_guard g;

    depot_guard_init(&g, ci, false);
    depot_guard_feed(&g, out, s, strlen(s));
}
