/*
 * Clocks, and RFC 3339 text. The calendar is computed here and in UTC: the C library's depends on
 * the process's time zone and locale.
 */
#include <depot/clock.h>

#include <stdbool.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * DEPOT_SEC + ts.tv_nsec;
}

depot_time depot_time_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t depot_mono_ns(void)
{
    return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

uint64_t depot_mono_ms(void)
{
    return depot_mono_ns() / (uint64_t)DEPOT_MSEC;
}

/*
 * Days since 1970-01-01 of a date and back, in the proleptic Gregorian calendar. Years start in
 * March here, which puts the leap day last; 400 years have 146097 days, and 719468 days lie
 * between 0000-03-01 and the epoch.
 */
static int64_t days_from_date(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t yoe = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t m = (5 * of_year + 2) / 153;

    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

static char *put(char *p, int value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + width;
}

void depot_time_format(char out[DEPOT_TIME_STR_MAX], depot_time t)
{
    int64_t secs = t / DEPOT_SEC, nanos = t % DEPOT_SEC, days, rest;
    int year, month, day;
    char *p = out;

    if (nanos < 0) {
        nanos += DEPOT_SEC;
        secs--;
    }
    days = secs / 86400;
    rest = secs % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    date_from_days(days, &year, &month, &day);
    p = put(p, year, 4);
    *p++ = '-';
    p = put(p, month, 2);
    *p++ = '-';
    p = put(p, day, 2);
    *p++ = 'T';
    p = put(p, (int)(rest / 3600), 2);
    *p++ = ':';
    p = put(p, (int)(rest / 60 % 60), 2);
    *p++ = ':';
    p = put(p, (int)(rest % 60), 2);
    if (nanos > 0) {
        *p++ = '.';
        p = put(p, (int)nanos, 9);
        while (p[-1] == '0')
            p--;
    }
    *p++ = 'Z';
    *p = '\0';
}

/* A text being read; the first thing that does not fit sets `bad`, and reading goes on harmlessly.
 */
struct reader {
    const char *p, *end;
    bool bad;
};

static int take_digits(struct reader *r, int width, int min, int max)
{
    int v = 0;

    if (r->end - r->p < width) {
        r->bad = true;
        return min;
    }
    for (int i = 0; i < width; i++) {
        char c = *r->p++;

        if (c < '0' || c > '9') {
            r->bad = true;
            return min;
        }
        v = v * 10 + (c - '0');
    }
    if (v < min || v > max)
        r->bad = true;
    return v;
}

static bool take_any(struct reader *r, const char *set)
{
    if (r->p == r->end)
        return false;
    for (; *set != '\0'; set++) {
        if (*r->p == *set) {
            r->p++;
            return true;
        }
    }
    return false;
}

static void expect(struct reader *r, const char *set)
{
    if (!take_any(r, set))
        r->bad = true;
}

static int64_t take_fraction(struct reader *r)
{
    int64_t nanos = 0, unit = DEPOT_SEC / 10;
    const char *start;

    if (!take_any(r, ".,"))
        return 0;
    start = r->p;
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
        nanos += (*r->p - '0') * unit;
        unit /= 10;
    }
    if (r->p == start)
        r->bad = true;
    return nanos;
}

static int64_t take_offset(struct reader *r)
{
    int64_t sign, hours, minutes;

    if (take_any(r, "Zz"))
        return 0;
    sign = r->p < r->end && *r->p == '-' ? -1 : 1;
    expect(r, "+-");
    hours = take_digits(r, 2, 0, 23);
    expect(r, ":");
    minutes = take_digits(r, 2, 0, 59);
    return sign * (hours * 3600 + minutes * 60);
}

static int days_in_month(int year, int month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

int depot_time_parse(const char *s, size_t n, depot_time *out)
{
    struct reader r = {.p = s, .end = s + n};
    int year, month, day;
    int64_t secs, nanos;

    year = take_digits(&r, 4, 1, 9999);
    expect(&r, "-");
    month = take_digits(&r, 2, 1, 12);
    expect(&r, "-");
    day = take_digits(&r, 2, 1, 31);
    expect(&r, "Tt");
    if (r.bad || day > days_in_month(year, month))
        return DEPOT_ERR_INVALID;
    secs = days_from_date(year, month, day) * 86400;
    secs += (int64_t)take_digits(&r, 2, 0, 23) * 3600;
    expect(&r, ":");
    secs += (int64_t)take_digits(&r, 2, 0, 59) * 60;
    expect(&r, ":");
    secs += take_digits(&r, 2, 0, 60); /* 60: a leap second, read as the next minute's first */
    nanos = take_fraction(&r);
    secs -= take_offset(&r);
    if (r.bad || r.p != r.end)
        return DEPOT_ERR_INVALID;
    if (secs == days_from_date(1, 1, 1) * 86400 && nanos == 0) {
        *out = 0;
        return 0;
    }
    /* What 64 bits of nanoseconds hold, cut to whole years. */
    if (year < 1678 || year > 2261)
        return DEPOT_ERR_INVALID;
    *out = secs * DEPOT_SEC + nanos;
    return 0;
}
