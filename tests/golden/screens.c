/*
 * What the tty sink puts on a terminal, second by second: `screens 80x24[-ascii] < RECORDING`. The
 * terminal is a small one of our own that knows only what the sink may use, and fails on the rest.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* wcwidth() */
#endif

#include <depot/render.h>
#include <depot/wire.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { WIDTH_MAX = 300, HEIGHT_MAX = 100 };

struct terminal {
    int width, height, row, col;
    wchar_t cells[HEIGHT_MAX][WIDTH_MAX]; /* 0: the right half of a wide one */
    const char *wrong;                    /* what it got that it does not know */
};

struct screens {
    struct depot_build *build;
    struct depot_render *render;
    struct terminal term;
    FILE *out;
    char *written;
    size_t written_len, bytes, frames;
    depot_time first;
    uint64_t now, shown;
};

/* ---- the terminal ---- */

static void clear_cells(struct terminal *t, int row, int from)
{
    for (int i = from; i < t->width; i++)
        t->cells[row][i] = L' ';
}

static void line_feed(struct terminal *t)
{
    if (t->row + 1 < t->height) {
        t->row++;
        return;
    }
    memmove(t->cells[0], t->cells[1], sizeof(t->cells[0]) * (size_t)(t->height - 1));
    clear_cells(t, t->height - 1, 0);
}

static void put_char(struct terminal *t, wchar_t c)
{
    int w = wcwidth(c);

    if (w < 0)
        t->wrong = "an unprintable character";
    if (w <= 0)
        return;
    if (t->col + w > t->width - 1) {
        t->wrong = "text in the last column";
        return;
    }
    t->cells[t->row][t->col++] = c;
    if (w == 2)
        t->cells[t->row][t->col++] = 0;
}

static void control(struct terminal *t, char final, int n)
{
    int count = n ? n : 1;

    switch (final) {
    case 'A':
        t->row = t->row > count ? t->row - count : 0;
        break;
    case 'B':
        t->row = t->row + count < t->height ? t->row + count : t->height - 1;
        break;
    case 'C':
        t->col = t->col + count < t->width ? t->col + count : t->width - 1;
        break;
    case 'J':
        for (int i = t->row + 1; i < t->height; i++)
            clear_cells(t, i, 0);
        clear_cells(t, t->row, t->col);
        break;
    case 'K':
        clear_cells(t, t->row, t->col);
        break;
    case 'm':
        break;
    default:
        t->wrong = "a control sequence";
    }
}

/* Bytes of the sequence behind ESC. */
static size_t escape(struct terminal *t, const char *p, size_t n)
{
    size_t at = 1;
    int number = 0;

    if (n < 2 || p[0] != '[') {
        t->wrong = "an escape sequence";
        return 0;
    }
    for (; at < n && ((p[at] >= '0' && p[at] <= '9') || p[at] == ';'); at++)
        number = p[at] == ';' ? 0 : number * 10 + p[at] - '0';
    if (at == n)
        t->wrong = "half a sequence";
    else
        control(t, p[at], number);
    return at + 1;
}

static void terminal_write(struct terminal *t, const char *p, size_t n)
{
    mbstate_t mb = {0};

    while (n > 0 && !t->wrong) {
        size_t used = 1;
        wchar_t c;

        if (*p == '\r') {
            t->col = 0;
        } else if (*p == '\n') {
            line_feed(t);
            t->col = 0;
        } else if (*p == '\033') {
            used += escape(t, p + 1, n - 1);
        } else {
            used = mbrtowc(&c, p, n, &mb);
            if (used == (size_t)-1 || used == (size_t)-2 || used == 0)
                t->wrong = "bytes that are not UTF-8";
            else
                put_char(t, c);
        }
        p += used < n ? used : n;
        n -= used < n ? used : n;
    }
}

/* ---- the recording ---- */

static void take_output(struct screens *s)
{
    fflush(s->out);
    if (!s->written_len)
        return;
    s->frames++;
    s->bytes += s->written_len;
    terminal_write(&s->term, s->written, s->written_len);
    rewind(s->out);
}

static void print_screen(struct screens *s, const char *title)
{
    const struct terminal *t = &s->term;
    int last = t->height - 1, end;

    printf("---- %s, %zu frames, %zu bytes\n", title, s->frames, s->bytes);
    for (; last >= 0; last--) {
        for (end = 0; end < t->width && t->cells[last][end] == L' ';)
            end++;
        if (end < t->width)
            break;
    }
    for (int i = 0; i <= last; i++) {
        for (end = t->width; end > 0 && t->cells[i][end - 1] == L' ';)
            end--;
        for (int k = 0; k < end; k++)
            if (t->cells[i][k])
                printf("%lc", (wint_t)t->cells[i][k]);
        putchar('\n');
    }
}

static void show(struct screens *s)
{
    char title[64];

    snprintf(title, sizeof(title), "%.1fs", (double)(s->now - DEPOT_SEC) / DEPOT_SEC);
    print_screen(s, title);
}

/* Ticks up to `to`, and a picture at every half second. */
static void advance(struct screens *s, uint64_t to)
{
    const uint64_t every = (uint64_t)(500 * DEPOT_MSEC);

    for (;;) {
        uint64_t tick = depot_render_deadline(s->render);
        uint64_t picture = s->shown + every;

        if (tick && tick <= to && tick <= picture) {
            s->now = tick > s->now ? tick : s->now;
            depot_render_tick(s->render, s->now);
            take_output(s);
        } else if (picture <= to) {
            s->now = s->shown = picture;
            show(s);
        } else {
            break;
        }
    }
    s->now = to;
}

static void later(depot_time *max, depot_time t)
{
    if (t > *max)
        *max = t;
}

static depot_time time_of(const struct depot_event *ev)
{
    const struct depot_status *st = &ev->u.status.status;
    depot_time t = ev->time;

    if (t || ev->type != DEPOT_EVENT_BUILD_STATUS)
        return t;
    for (size_t i = 0; i < st->nvertexes; i++) {
        later(&t, st->vertexes[i].started);
        later(&t, st->vertexes[i].completed);
    }
    for (size_t i = 0; i < st->nlogs; i++)
        later(&t, st->logs[i].timestamp);
    return t;
}

static int on_event(struct depot_event *ev, void *arg)
{
    struct screens *s = arg;
    depot_time t = time_of(ev);

    if (t && !s->first)
        s->first = t;
    if (t > s->first && (uint64_t)(t - s->first) + DEPOT_SEC > s->now)
        advance(s, (uint64_t)(t - s->first) + DEPOT_SEC);
    depot_build_apply(s->build, ev);
    depot_render_apply(s->render, ev, s->now);
    take_output(s);
    depot_event_release(ev);
    return 0;
}

static int on_error(const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(arg);
    fprintf(stderr, "%s\n", err->msg);
    return -1;
}

static int play(struct screens *s)
{
    struct depot_wire_reader *reader = depot_wire_reader_new(on_event, on_error, s);
    char buf[4096];
    size_t n;
    int rc = 0;

    while (rc == 0 && (n = fread(buf, 1, sizeof(buf), stdin)) > 0)
        rc = depot_wire_reader_feed(reader, buf, n);
    if (rc == 0)
        rc = depot_wire_reader_end(reader);
    depot_wire_reader_free(reader);
    return rc;
}

static void finish(struct screens *s, const struct depot_render_opts *opts)
{
    show(s);
    depot_build_derive(s->build);
    depot_render_end(s->render, s->now);
    take_output(s);
    depot_render_summary(s->build, opts);
    depot_render_tails(s->render);
    depot_render_error(s->build, opts);
    fflush(s->out);
    /* Longer lines than the terminal's are no concern of the live display. */
    printf("---- after\n");
    fwrite(s->written, 1, s->written_len, stdout);
}

int main(int argc, char **argv)
{
    struct screens s = {.now = DEPOT_SEC, .shown = DEPOT_SEC};
    struct depot_render_opts opts = {.sanitize = true};
    struct depot_error err = {0};
    bool ascii = argc > 1 && strstr(argv[1], "-ascii");
    int rc;

    if (!setlocale(LC_ALL, "C.UTF-8") || argc < 2 ||
        sscanf(argv[1], "%dx%d", &s.term.width, &s.term.height) != 2 || s.term.width > WIDTH_MAX ||
        s.term.height > HEIGHT_MAX || s.term.height < 1)
        return 2;
    for (int i = 0; i < s.term.height; i++)
        clear_cells(&s.term, i, 0);
    s.out = open_memstream(&s.written, &s.written_len);
    opts.out = s.out;
    opts.width = s.term.width;
    opts.height = s.term.height;
    opts.utf8 = !ascii;
    s.build = depot_build_new(NULL);
    if (depot_render_new(&s.render, "tty", s.build, &opts, &err))
        return 2;
    rc = play(&s);
    if (rc == 0)
        finish(&s, &opts);
    if (s.term.wrong)
        fprintf(stderr, "the terminal was given %s\n", s.term.wrong);
    depot_render_free(s.render);
    depot_build_free(s.build);
    fclose(s.out);
    free(s.written);
    return rc || s.term.wrong ? 1 : 0;
}
