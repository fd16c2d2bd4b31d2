/*
 * Replay of a recording: its own clock, which can stand still, run faster and be set.
 *
 * The file is read once to index its events; they are decoded again as they are played, so a large
 * recording costs its index alone. Going back starts anew and plays silently up to the moment.
 */
#include "player.h"
#include <depot/text.h>

#include <depot/wire.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEEK_SECONDS = 5, SPEED_MAX = 64 };

struct moment {
    uint64_t offset;
    uint32_t len;
    depot_time time; /* never falls */
};

struct player {
    struct fleet_source *to;
    struct depot_timer *timer;
    const char *data; /* the file, mapped */
    size_t size;
    DEPOT_VEC(struct moment) moments;
    size_t next;
    double speed;
    bool paused;
    depot_time anchor; /* the replay's time at anchor_ns */
    uint64_t anchor_ns;
    void (*on_move)(struct player *p, void *arg);
    void *arg;
};

/* ---- the index ---- */

static void index_line(struct player *p, size_t number, size_t from, size_t n)
{
    struct depot_error err = {0};
    struct depot_event ev;
    if (n == 0)
        return;
    if (n > DEPOT_WIRE_LINE_MAX || depot_wire_decode(p->data + from, n, &ev, &err) != 0) {
        depot_error_prefix(&err, "line %zu", number);
        dp_fleet_source_state(p->to, DEPOT_FEED_LIVE, &err);
        return;
    }
    depot_time t = depot_event_time(&ev);
    if (p->moments.len > 0 && t < p->moments.items[p->moments.len - 1].time)
        t = p->moments.items[p->moments.len - 1].time;
    const struct moment m = {.offset = from, .len = (uint32_t)n, .time = t};
    depot_vec_push(&p->moments, m);
    depot_event_release(&ev);
}

static void index_file(struct player *p)
{
    size_t number = 1;
    for (size_t at = 0; at < p->size; number++) {
        const char *nl = memchr(p->data + at, '\n', p->size - at);
        const size_t end = nl != NULL ? (size_t)(nl - p->data) : p->size;
        index_line(p, number, at, end - at);
        at = end + 1;
    }
    /* What comes before the first known time happens then. */
    size_t i = 0;
    while (i < p->moments.len && p->moments.items[i].time == 0)
        i++;
    for (size_t j = 0; i < p->moments.len && j < i; j++)
        p->moments.items[j].time = p->moments.items[i].time;
}

static int map_file(struct player *p, const char *path, struct depot_error *err)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return depot_error_errno(err, errno, "cannot read %s", path);
    int rc = 0;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "%s is not a file", path);
    if (rc == 0 && st.st_size > 0) {
        void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at == MAP_FAILED) {
            rc = depot_error_errno(err, errno, "cannot read %s", path);
        } else {
            p->data = at;
            p->size = (size_t)st.st_size;
        }
    }
    close(fd);
    return rc;
}

/* ---- the clock ---- */

static depot_time first_time(const struct player *p)
{
    return p->moments.len > 0 ? p->moments.items[0].time : 0;
}

static depot_time last_time(const struct player *p)
{
    return p->moments.len > 0 ? p->moments.items[p->moments.len - 1].time : 0;
}

depot_time dp_player_now(struct player *p)
{
    depot_time t = p->anchor;
    if (!p->paused)
        t += (depot_time)((double)(depot_mono_ns() - p->anchor_ns) * p->speed);
    return t > last_time(p) ? last_time(p) : t;
}

static void set_clock(struct player *p, depot_time t)
{
    p->anchor = t;
    p->anchor_ns = depot_mono_ns();
}

bool dp_player_paused(const struct player *p)
{
    return p->paused || p->next >= p->moments.len;
}

static void give_next(struct player *p)
{
    const struct moment *m = &p->moments.items[p->next++];
    struct depot_event ev;
    if (depot_wire_decode(p->data + m->offset, m->len, &ev, NULL) != 0)
        return;
    dp_fleet_apply(p->to, &ev);
    depot_event_release(&ev);
}

static void schedule(struct player *p)
{
    depot_timer_stop(p->timer);
    if (p->paused || p->next >= p->moments.len)
        return;
    const double ns = (double)(p->moments.items[p->next].time - dp_player_now(p)) / p->speed;
    depot_timer_start(p->timer, ns > 0 ? (uint64_t)(ns / 1e6) + 1 : 0, 0);
}

static void play_to(struct player *p, depot_time t)
{
    while (p->next < p->moments.len && p->moments.items[p->next].time <= t)
        give_next(p);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct player *p = arg;
    DEPOT_UNUSED(t);
    play_to(p, dp_player_now(p));
    schedule(p);
    if (p->on_move != NULL)
        p->on_move(p, p->arg);
}

static void moved(struct player *p)
{
    schedule(p);
    if (p->on_move != NULL)
        p->on_move(p, p->arg);
}

/* All lines of the build, wherever the replay stands. */
static void give_again(struct fleet_source *s, struct fleet_build *b, void *arg)
{
    const struct player *p = arg;
    bool going = true;
    for (size_t i = 0; going && i < p->moments.len; i++) {
        const struct moment *m = &p->moments.items[i];
        struct depot_event ev;
        if (depot_wire_decode(p->data + m->offset, m->len, &ev, NULL) != 0)
            continue;
        if (ev.type <= DEPOT_EVENT_BUILD_FINISHED &&
            depot_str_eq(dp_fleet_event_build(s, &ev), b->id))
            going = b->tap->line(b, p->data + m->offset, m->len);
        depot_event_release(&ev);
    }
}

static void seek_time(struct player *p, depot_time t)
{
    t = t < first_time(p) ? first_time(p) : t > last_time(p) ? last_time(p) : t;
    if (p->next > 0 && p->moments.items[p->next - 1].time > t) {
        dp_fleet_restart(p->to);
        p->next = 0;
    }
    play_to(p, t);
    set_clock(p, t);
    moved(p);
}

static void seek_event(struct player *p, size_t n)
{
    n = n > p->moments.len ? p->moments.len : n;
    if (n < p->next) {
        dp_fleet_restart(p->to);
        p->next = 0;
    }
    while (p->next < n)
        give_next(p);
    p->paused = true;
    set_clock(p, n > 0 ? p->moments.items[n - 1].time : first_time(p));
    moved(p);
}

static void set_speed(struct player *p, double speed)
{
    set_clock(p, dp_player_now(p));
    p->speed = speed > SPEED_MAX ? SPEED_MAX : speed < 1.0 / SPEED_MAX ? 1.0 / SPEED_MAX : speed;
    moved(p);
}

bool dp_player_action(struct player *p, enum action a)
{
    switch (a) {
    case ACTION_PLAY:
        if (p->next >= p->moments.len) { /* again from the start */
            p->paused = false;
            seek_time(p, first_time(p));
            return true;
        }
        set_clock(p, dp_player_now(p));
        p->paused = !p->paused;
        moved(p);
        return true;
    case ACTION_FASTER:
        set_speed(p, p->speed * 2);
        return true;
    case ACTION_SLOWER:
        set_speed(p, p->speed / 2);
        return true;
    case ACTION_SEEK_BACK:
    case ACTION_SEEK_ON:
        seek_time(
            p, dp_player_now(p) + (a == ACTION_SEEK_ON ? SEEK_SECONDS : -SEEK_SECONDS) * DEPOT_SEC);
        return true;
    case ACTION_EVENT_BACK:
        seek_event(p, p->next > 0 ? p->next - 1 : 0);
        return true;
    case ACTION_EVENT_ON:
        seek_event(p, p->next + 1);
        return true;
    default:
        return false;
    }
}

/* "1:20" or "80" in seconds; negative on nonsense. */
static double parse_span(const char *s, char **end)
{
    double total = 0;
    for (int field = 0; field < 3; field++) {
        const double v = strtod(s, end);
        if (*end == s || !(v >= 0 && v < 1e9))
            return -1;
        total = total * 60 + v;
        if (**end != ':')
            return total;
        s = *end + 1;
    }
    return -1;
}

/* The event after which a build or a part has failed. */
static bool seek_failure(struct player *p)
{
    for (size_t i = p->next; i < p->moments.len; i++) {
        const struct moment *m = &p->moments.items[i];
        struct depot_event ev;
        if (depot_wire_decode(p->data + m->offset, m->len, &ev, NULL) != 0)
            continue;
        const bool failed =
            (ev.type == DEPOT_EVENT_BUILD_RESULT && ev.u.result.state == DEPOT_BUILD_FAILED) ||
            (ev.type == DEPOT_EVENT_BUILD_FINISHED && ev.u.finished.state == DEPOT_BUILD_FAILED);
        depot_event_release(&ev);
        if (!failed)
            continue;
        seek_event(p, i + 1);
        return true;
    }
    return false;
}

int dp_player_seek(struct player *p, const char *text, struct depot_error *err)
{
    char *end = NULL;
    const char sign = text[0];
    if (depot_str_eq(text, "failed")) {
        if (seek_failure(p))
            return 0;
        return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "nothing fails from here on");
    }
    if (sign == 'e') {
        int64_t n;
        if (depot_str_to_int64(text + 1, 0, INT64_MAX, &n) != 0)
            return depot_error_set(err, DEPOT_ERR_INVALID, "\"%s\" is not an event", text);
        seek_event(p, (size_t)n);
        return 0;
    }
    const double span = parse_span(text + (sign == '+' || sign == '-'), &end);
    const bool percent = span >= 0 && depot_str_eq(end, "%") && span <= 100;
    if (span < 0 || (!percent && *end != '\0' && !depot_str_eq(end, "s")))
        return depot_error_set(err, DEPOT_ERR_INVALID,
            "seek to \"%s\": expected 1:20, +5s, -5s, 50%%, e120 or failed", text);
    const depot_time length = last_time(p) - first_time(p);
    const depot_time by =
        percent ? (depot_time)((double)length * span / 100) : (depot_time)(span * DEPOT_SEC);
    if (sign == '+' || sign == '-')
        seek_time(p, dp_player_now(p) + (sign == '+' ? by : -by));
    else
        seek_time(p, first_time(p) + by);
    return 0;
}

void dp_player_mark(const struct player *p, bool ascii, struct depot_buf *out)
{
    char at[DEPOT_TEXT_MAX], all[DEPOT_TEXT_MAX];
    struct player *self = (struct player *)(uintptr_t)p;
    const bool ended = p->next >= p->moments.len;
    const char *sign = ended       ? (ascii ? "end" : "■")
                       : p->paused ? (ascii ? "||" : "‖")
                                   : (ascii ? ">" : "▸");
    depot_text_duration(at, dp_player_now(self) - first_time(p), false);
    depot_text_duration(all, last_time(p) - first_time(p), false);
    depot_buf_addf(out, "replay %s %s/%s", sign, at, all);
    if (p->speed != 1)
        depot_buf_addf(out, " %s%g", ascii ? "x" : "×", p->speed);
}

void dp_player_on_move(struct player *p, void (*fn)(struct player *p, void *arg), void *arg)
{
    p->on_move = fn;
    p->arg = arg;
}

int dp_player_new(struct depot_loop *l, struct fleet_source *to, const char *path, double speed,
    struct player **out, struct depot_error *err)
{
    struct player *p = depot_calloc(1, sizeof(*p));
    p->to = to;
    p->speed = speed > 0 ? speed : 1;
    int rc = map_file(p, path, err);
    if (rc == 0)
        index_file(p);
    if (rc == 0 && p->moments.len == 0)
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "%s holds no event", path);
    if (rc != 0) {
        dp_player_free(p);
        return rc;
    }
    to->again = give_again;
    to->again_arg = p;
    p->timer = depot_timer_new(l, on_timer, p);
    set_clock(p, first_time(p));
    play_to(p, speed > 0 ? first_time(p) : last_time(p));
    if (speed <= 0)
        set_clock(p, last_time(p));
    schedule(p);
    *out = p;
    return 0;
}

void dp_player_free(struct player *p)
{
    if (p == NULL)
        return;
    depot_timer_free(p->timer);
    if (p->data != NULL)
        munmap((void *)(uintptr_t)p->data, p->size);
    depot_vec_free(&p->moments);
    depot_free(p);
}
