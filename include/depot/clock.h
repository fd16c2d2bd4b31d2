/*
 * Time. A `depot_time` is nanoseconds since the Unix epoch, 0 meaning "not known".
 */
#ifndef DEPOT_CLOCK_H
#define DEPOT_CLOCK_H

#include <depot/error.h>
#include <depot/export.h>

#include <stddef.h>
#include <stdint.h>

DEPOT_API_BEGIN

typedef int64_t depot_time;

#define DEPOT_USEC INT64_C(1000)
#define DEPOT_MSEC INT64_C(1000000)
#define DEPOT_SEC  INT64_C(1000000000)

enum { DEPOT_TIME_STR_MAX = 40 };

depot_time depot_time_now(void);
uint64_t depot_mono_ms(void); /* monotonic milliseconds, for intervals only */
uint64_t depot_mono_ns(void);

/* RFC 3339 in UTC with up to nine fraction digits, trailing zeros cut, as Go's RFC3339Nano. */
void depot_time_format(char out[DEPOT_TIME_STR_MAX], depot_time t);
/* Accepts any offset and fraction; years 1 to 9999 (before 1678 or after 2261: DEPOT_ERR_INVALID,
 * but Go's zero time 0001-01-01T00:00:00Z gives 0). */
int depot_time_parse(const char *s, size_t n, depot_time *out) DEPOT_MUST_CHECK;

DEPOT_API_END

#endif
