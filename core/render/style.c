/*
 * How states look, and numbers as people read them: what the live display and the summary share.
 */
#include "render/render_priv.h"

#include <string.h>

/* SGR parameters for 256 colours, for 16, and without any. No blue: half of the terminals show it
 * unreadably. The 256 are nearest to Okabe and Ito's palette, which the colour-blind can tell. */
static const char *const sgr[DP_STYLE_COUNT][3] = {
    [DP_STYLE_TEXT] = {"", "", ""},
    [DP_STYLE_DIM] = {"38;5;245", "2", "2"},
    [DP_STYLE_STRONG] = {"1", "1", "1"},
    [DP_STYLE_RUN] = {"1;38;5;178", "1;33", "1"},
    [DP_STYLE_HIT] = {"38;5;74", "36", ""},
    [DP_STYLE_SHARED] = {"38;5;175", "35", ""},
    [DP_STYLE_RAN] = {"38;5;36", "32", ""},
    [DP_STYLE_FAIL] = {"1;38;5;166", "1;31", "7"},
    [DP_STYLE_CANCEL] = {"38;5;137", "2;31", "4"},
    [DP_STYLE_WARN] = {"38;5;221", "33", "4"},
};

void dp_put_style(struct depot_buf *out, const struct depot_render_opts *opts, enum dp_style s)
{
    const char *p = sgr[s][opts->colors >= 256 ? 0 : opts->colors ? 1 : 2];

    depot_buf_adds(out, "\033[");
    if (*p) {
        depot_buf_adds(out, "0;");
        depot_buf_adds(out, p);
    }
    depot_buf_addc(out, 'm');
}

static const struct {
    const char *utf8, *ascii;
    enum dp_style style;
} verdicts[DEPOT_VERDICT_COUNT] = {
    [DEPOT_VERDICT_WAITING] = {"\u00b7", ".", DP_STYLE_DIM},
    [DEPOT_VERDICT_RUNNING] = {"\u00bb", ">", DP_STYLE_RUN},
    [DEPOT_VERDICT_HIT] = {"=", "=", DP_STYLE_HIT},
    [DEPOT_VERDICT_SKIPPED] = {"-", "-", DP_STYLE_DIM},
    [DEPOT_VERDICT_RAN] = {"\u2713", "#", DP_STYLE_RAN},
    [DEPOT_VERDICT_FAILED] = {"\u2717", "X", DP_STYLE_FAIL},
    [DEPOT_VERDICT_CANCELLED] = {"/", "/", DP_STYLE_CANCEL},
    [DEPOT_VERDICT_SHARED] = {"~", "~", DP_STYLE_SHARED},
    [DEPOT_VERDICT_UNREACHED] = {" ", " ", DP_STYLE_DIM},
};

static const enum depot_verdict states[DEPOT_BUILD_STATE_COUNT] = {
    [DEPOT_BUILD_CREATED] = DEPOT_VERDICT_WAITING,
    [DEPOT_BUILD_QUEUED] = DEPOT_VERDICT_WAITING,
    [DEPOT_BUILD_RUNNING] = DEPOT_VERDICT_RUNNING,
    [DEPOT_BUILD_SUCCEEDED] = DEPOT_VERDICT_RAN,
    [DEPOT_BUILD_FAILED] = DEPOT_VERDICT_FAILED,
    [DEPOT_BUILD_CANCELLED] = DEPOT_VERDICT_CANCELLED,
};

enum dp_style dp_style_of_verdict(enum depot_verdict v)
{
    return verdicts[v].style;
}

enum dp_style dp_style_of_state(enum depot_build_state s)
{
    return verdicts[states[s]].style;
}

const char *dp_glyph_of_verdict(const struct depot_render_opts *opts, enum depot_verdict v)
{
    return opts->utf8 ? verdicts[v].utf8 : verdicts[v].ascii;
}

const char *dp_glyph_of_state(const struct depot_render_opts *opts, enum depot_build_state s)
{
    return dp_glyph_of_verdict(opts, states[s]);
}

const char *dp_short_platform(const char *platform)
{
    return depot_str_starts(platform, "linux/") ? platform + 6 : platform;
}

void depot_put_duration(struct depot_buf *out, int64_t ns, int64_t tenths_below)
{
    int64_t s = ns > 0 ? ns / DEPOT_SEC : 0;

    if (s < 60 && ns < tenths_below)
        depot_buf_addf(
            out, "%d.%ds", (int)s, ns > 0 ? (int)(ns % DEPOT_SEC / (100 * DEPOT_MSEC)) : 0);
    else if (s < 60)
        depot_buf_addf(out, "%ds", (int)s);
    else if (s < 3600)
        depot_buf_addf(out, "%d:%02d", (int)(s / 60), (int)(s % 60));
    else
        depot_buf_addf(
            out, "%lld:%02d:%02d", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
}

void dp_put_size(struct depot_buf *out, int64_t n)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double v = n > 0 ? (double)n : 0;
    size_t i = 0;

    while (v >= 999.5 && i + 1 < DEPOT_ARRAY_LEN(units)) {
        v /= 1000;
        i++;
    }
    dp_put_fixed(out, v, i && v < 9.95 ? 1 : 0);
    depot_buf_adds(out, units[i]);
}

void dp_put_log_line(struct depot_buf *out, const char *line, size_t n)
{
    enum { LOOKED_AT = 4096 };
    struct depot_clean clean = {0};
    const char *end, *from;

    while (n && (line[n - 1] == '\r' || line[n - 1] == '\n'))
        n--;
    end = line + n;
    for (from = end; from > line && from[-1] != '\r';)
        from--;
    n = (size_t)(end - from);
    depot_clean_feed(&clean, out, from, n < LOOKED_AT ? n : LOOKED_AT);
}
