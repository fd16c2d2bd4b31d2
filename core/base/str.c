/*
 * Questions about C strings, and strict number parsing.
 * Not for bytes that may hold a NUL; those travel with their length.
 */
#include <depot/base.h>

bool depot_str_eq(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a, b) == 0;
}

bool depot_str_starts(const char *s, const char *prefix)
{
    return s != NULL && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool depot_str_ends(const char *s, const char *suffix)
{
    size_t len, tail;

    if (s == NULL)
        return false;
    len = strlen(s);
    tail = strlen(suffix);
    return len >= tail && memcmp(s + len - tail, suffix, tail) == 0;
}

bool depot_str_empty(const char *s)
{
    return s == NULL || *s == '\0';
}

bool depot_str_has_control(const char *s)
{
    while ((unsigned char)*s >= ' ' && *s != 0x7f)
        s++;
    return *s != '\0';
}

int depot_str_to_bool(const char *s, bool *out)
{
    static const char *const words[2][6] = {
        {"0", "f", "F", "FALSE", "false", "False"},
        {"1", "t", "T", "TRUE", "true", "True"},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(words); i++)
        for (size_t j = 0; j < DEPOT_ARRAY_LEN(words[i]); j++)
            if (depot_str_eq(s, words[i][j])) {
                *out = i == 1;
                return 0;
            }
    return DEPOT_ERR_INVALID;
}

/* By hand because strtoll takes leading blanks and a plus sign, which none of our formats allow. */
int depot_str_to_int64(const char *s, int64_t min, int64_t max, int64_t *out)
{
    uint64_t limit = INT64_MAX, v = 0;
    bool negative;
    int64_t value;

    if (depot_str_empty(s))
        return DEPOT_ERR_INVALID;
    negative = *s == '-';
    if (negative) {
        s++;
        limit++;
    }
    if (*s == '\0')
        return DEPOT_ERR_INVALID;
    for (; *s != '\0'; s++) {
        unsigned digit = (unsigned char)*s - (unsigned)'0';

        if (digit > 9 || v > (limit - digit) / 10)
            return DEPOT_ERR_INVALID;
        v = v * 10 + digit;
    }
    if (!negative)
        value = (int64_t)v;
    else
        value = v > INT64_MAX ? INT64_MIN : -(int64_t)v;
    if (value < min || value > max)
        return DEPOT_ERR_INVALID;
    *out = value;
    return 0;
}
