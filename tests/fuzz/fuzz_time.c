/*
 * Fuzzes the time parser: what it takes must come back the same from its own text.
 */
#include <depot/base.h>
#include <depot/clock.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[DEPOT_TIME_STR_MAX];
    depot_time t, again;

    if (depot_time_parse((const char *)data, size, &t) != 0)
        return 0;
    depot_time_format(text, t);
    /* An offset can move the last day of the last year out of what is taken. */
    if (depot_str_starts(text, "2262") || depot_str_starts(text, "1677"))
        return 0;
    if (depot_time_parse(text, strlen(text), &again) != 0 || again != t)
        abort();
    return 0;
}
