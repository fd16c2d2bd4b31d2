/*
 * The log: one write(2) per line, so that lines of several threads and processes do not mix.
 * The level and the descriptor are the process's, set once by its main(); nothing else is kept.
 */
#include <depot/log.h>

#include <depot/base.h>
#include <depot/clock.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 4096 };

static const char *const level_names[] = {
    [DEPOT_LOG_ERROR] = "error",
    [DEPOT_LOG_WARN] = "warn",
    [DEPOT_LOG_INFO] = "info",
    [DEPOT_LOG_DEBUG] = "debug",
};
_Static_assert(DEPOT_ARRAY_LEN(level_names) == DEPOT_LOG_LEVEL_COUNT, "every level has a name");

static enum depot_log_level max_level = DEPOT_LOG_WARN;
static int log_fd = STDERR_FILENO;

void depot_log_set_level(enum depot_log_level level)
{
    max_level = level;
}

void depot_log_set_fd(int fd)
{
    log_fd = fd;
}

int depot_log_level_from_name(const char *name)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(level_names); i++) {
        if (depot_str_eq(level_names[i], name))
            return (int)i;
    }
    return -1;
}

int depot_log_enabled(enum depot_log_level level)
{
    return level <= max_level;
}

static void write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(log_fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        /* There is nowhere left to report that reporting failed. */
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

void depot_log(enum depot_log_level level, const char *module, const char *fmt, ...)
{
    char line[LOG_LINE_MAX], when[DEPOT_TIME_STR_MAX];
    int saved = errno;
    size_t start, len;
    va_list ap;

    if (!depot_log_enabled(level))
        return;
    depot_time_format(when, depot_time_now() / DEPOT_MSEC * DEPOT_MSEC);
    snprintf(line, sizeof(line), "%s %-5s %s: ", when, level_names[level], module);
    start = strlen(line);
    va_start(ap, fmt);
    vsnprintf(line + start, sizeof(line) - start - 1, fmt, ap);
    va_end(ap);
    len = start + strlen(line + start);
    /* Messages quote peers: one must not forge a second line or steer the terminal. */
    for (size_t i = start; i < len; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = line[i] == '\n' || line[i] == '\t' ? ' ' : '?';
    }
    line[len++] = '\n';
    write_all(line, len);
    errno = saved;
}
