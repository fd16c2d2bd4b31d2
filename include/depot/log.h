/*
 * Diagnostics for people who run the programs: one line per message on stderr or in a file, with
 * time, level and module. Never the build's own output.
 */
#ifndef DEPOT_LOG_H
#define DEPOT_LOG_H

#include <depot/error.h>
#include <depot/export.h>

DEPOT_API_BEGIN

enum depot_log_level {
    DEPOT_LOG_ERROR,
    DEPOT_LOG_WARN,
    DEPOT_LOG_INFO,
    DEPOT_LOG_DEBUG,
    DEPOT_LOG_LEVEL_COUNT
};

/* Set once by a program, before any thread starts. The default is DEPOT_LOG_WARN on stderr. */
void depot_log_set_level(enum depot_log_level level);
/* Append to this file descriptor from now on; not closed by the log. */
void depot_log_set_fd(int fd);
/* A level by its name ("error", "warn", "info", "debug"); -1 when there is none. */
int depot_log_level_from_name(const char *name);
int depot_log_enabled(enum depot_log_level level);

void depot_log(enum depot_log_level level, const char *module, const char *fmt, ...)
    DEPOT_PRINTF(3, 4);

#define depot_log_error(...) depot_log(DEPOT_LOG_ERROR, DEPOT_LOG_MODULE, __VA_ARGS__)
#define depot_log_warn(...)  depot_log(DEPOT_LOG_WARN, DEPOT_LOG_MODULE, __VA_ARGS__)
#define depot_log_info(...)  depot_log(DEPOT_LOG_INFO, DEPOT_LOG_MODULE, __VA_ARGS__)
#define depot_log_debug(...)                                                                       \
    do {                                                                                           \
        if (depot_log_enabled(DEPOT_LOG_DEBUG))                                                    \
            depot_log(DEPOT_LOG_DEBUG, DEPOT_LOG_MODULE, __VA_ARGS__);                             \
    } while (0)

DEPOT_API_END

#endif
