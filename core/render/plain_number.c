/*
 * Numbers as BuildKit's own plain printer writes them, digit for digit. Not those of depot/text.h,
 * which people read.
 */
#include "render/plain.h"

double dp_plain_seconds(int64_t ns)
{
    const int64_t whole = ns / DEPOT_SEC, rest = ns % DEPOT_SEC;

    return (double)whole + (double)rest / 1e9;
}

void dp_plain_put_fixed(struct depot_buf *out, double v, int decimals)
{
    char text[DEPOT_TEXT_MAX];

    depot_buf_adds(out, depot_text_fixed(text, v, decimals));
}

void dp_plain_put_bytes(struct depot_buf *out, int64_t n)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    const double size = n < 0 ? -(double)n : (double)n;
    double unit = 1;
    size_t i = 0;

    while (i + 1 < DEPOT_ARRAY_LEN(units) && size >= unit * 1000) {
        unit *= 1000;
        i++;
    }
    if (i == 0)
        depot_buf_addf(out, "%lld", (long long)n);
    else
        dp_plain_put_fixed(out, (double)n / unit, 2);
    depot_buf_adds(out, units[i]);
}
