/*
 * Numbers as short text.
 */
#include <depot/text.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

/* ---- times ---- */

const char *depot_text_duration(char out[DEPOT_TEXT_MAX], int64_t ns, bool tenths)
{
    if (ns < 0)
        ns = 0;
    const int64_t s = ns / DEPOT_SEC;
    if (s < MINUTE && tenths)
        snprintf(out, DEPOT_TEXT_MAX, "%d.%ds", (int)s, (int)(ns % DEPOT_SEC / (DEPOT_SEC / 10)));
    else if (s < MINUTE)
        snprintf(out, DEPOT_TEXT_MAX, "%ds", (int)s);
    else if (s < HOUR)
        snprintf(out, DEPOT_TEXT_MAX, "%d:%02d", (int)(s / MINUTE), (int)(s % MINUTE));
    else if (s < DAY)
        snprintf(out, DEPOT_TEXT_MAX, "%d:%02d:%02d", (int)(s / HOUR), (int)(s % HOUR / MINUTE),
            (int)(s % MINUTE));
    else
        snprintf(out, DEPOT_TEXT_MAX, "%lldd%02dh", (long long)(s / DAY), (int)(s % DAY / HOUR));
    return out;
}

const char *depot_text_age(char out[DEPOT_TEXT_MAX], depot_time then, depot_time now)
{
    const int64_t s = (now - then) / DEPOT_SEC;
    if (then == 0)
        out[0] = '\0';
    else if (s < 1)
        snprintf(out, DEPOT_TEXT_MAX, "now");
    else if (s < MINUTE)
        snprintf(out, DEPOT_TEXT_MAX, "%ds", (int)s);
    else if (s < HOUR)
        snprintf(out, DEPOT_TEXT_MAX, "%dm", (int)(s / MINUTE));
    else if (s < 2 * DAY)
        snprintf(out, DEPOT_TEXT_MAX, "%dh", (int)(s / HOUR));
    else
        snprintf(out, DEPOT_TEXT_MAX, "%lldd", (long long)(s / DAY));
    return out;
}

const char *depot_text_ago(char out[DEPOT_TEXT_MAX], depot_time then, depot_time now)
{
    char age[DEPOT_TEXT_MAX];
    depot_text_age(age, then, now);
    if (strcmp(age, "now") == 0)
        snprintf(out, DEPOT_TEXT_MAX, "just now");
    else
        snprintf(out, DEPOT_TEXT_MAX, "%.24s%s", age, *age != '\0' ? " ago" : "");
    return out;
}

const char *depot_text_clock(char out[DEPOT_TEXT_MAX], depot_time t)
{
    const time_t s = (time_t)(t / DEPOT_SEC);
    struct tm tm;
    if (t == 0 || localtime_r(&s, &tm) == NULL ||
        strftime(out, DEPOT_TEXT_MAX, "%H:%M:%S", &tm) == 0)
        out[0] = '\0';
    return out;
}

/* ---- amounts ---- */

const char *depot_text_fixed(char out[DEPOT_TEXT_MAX], double v, int decimals)
{
    snprintf(out, DEPOT_TEXT_MAX, "%.*f", decimals, v);
    char *comma = strchr(out, ',');
    if (comma != NULL)
        *comma = '.';
    return out;
}

static const char *const byte_units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
static const char *const count_units[] = {"", "k", "M", "G", "T"};

/* `n` with three digits at most; returns which of the units it is in, each a thousand of the one
 * before. */
static size_t put_scaled(char out[DEPOT_TEXT_MAX], double n, size_t nunits)
{
    size_t unit = 0;
    n = n > 0 ? n : 0;
    for (; n >= 999.5 && unit + 1 < nunits; unit++)
        n /= 1000;
    depot_text_fixed(out, n, unit > 0 && n < 9.95 ? 1 : 0);
    return unit;
}

static const char *append(char out[DEPOT_TEXT_MAX], const char *text)
{
    const size_t len = strlen(out);
    snprintf(out + len, DEPOT_TEXT_MAX - len, "%s", text);
    return out;
}

const char *depot_text_bytes(char out[DEPOT_TEXT_MAX], int64_t n)
{
    return append(out, byte_units[put_scaled(out, (double)n, DEPOT_ARRAY_LEN(byte_units))]);
}

const char *depot_text_share(char out[DEPOT_TEXT_MAX], int64_t n, int64_t of)
{
    char all[DEPOT_TEXT_MAX];
    const size_t unit = put_scaled(out, (double)n, DEPOT_ARRAY_LEN(byte_units));
    if (of <= n)
        return append(out, byte_units[unit]);
    const size_t all_unit = put_scaled(all, (double)of, DEPOT_ARRAY_LEN(byte_units));
    if (all_unit != unit && n > 0)
        append(out, byte_units[unit]);
    append(out, "/");
    append(out, all);
    return append(out, byte_units[all_unit]);
}

const char *depot_text_rate(char out[DEPOT_TEXT_MAX], double bytes_per_second)
{
    const size_t unit = put_scaled(out, bytes_per_second, DEPOT_ARRAY_LEN(byte_units));
    append(out, byte_units[unit]);
    return append(out, "/s");
}

const char *depot_text_count(char out[DEPOT_TEXT_MAX], int64_t n)
{
    return append(out, count_units[put_scaled(out, (double)n, DEPOT_ARRAY_LEN(count_units))]);
}

const char *depot_text_percent(char out[DEPOT_TEXT_MAX], int64_t n, int64_t of)
{
    if (of <= 0)
        snprintf(out, DEPOT_TEXT_MAX, "-");
    else
        snprintf(out, DEPOT_TEXT_MAX, "%d%%", (int)((double)n * 100 / (double)of));
    return out;
}
