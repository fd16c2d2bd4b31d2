/*
 * The guard of CI logs: whatever is said, in whatever pieces, no system finds a command in it, and
 * no escape sequence but colours is left.
 */
#include <stdlib.h>
#include <string.h>

#include <depot/ci.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One a system: its variable, what begins its commands at a line's start, and anywhere. */
static const struct {
    const char *variable, *start[4], *anywhere[2];
} systems[] = {
    {"GITHUB_ACTIONS", {"::"}, {"##["}},
    {"TF_BUILD", {NULL}, {"##vso[", "##["}},
    {"BUILDKITE", {"--- ", "+++ ", "~~~ ", "^^^ +++"}, {NULL}},
    {"GITLAB_CI", {NULL}, {"section_start:1", "section_end:1"}},
};

/* Colours alone, or it is a fault. */
static char *without_colours(const char *s, size_t n)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    for (size_t i = 0; i < n; i++) {
        if (s[i] != '\033') {
            depot_buf_addc(&out, s[i] ? s[i] : '?');
            continue;
        }
        if (++i >= n || s[i] != '[')
            abort();
        for (i++; i < n && s[i] != 'm'; i++)
            if (!strchr("0123456789;:", s[i]))
                abort();
    }
    depot_buf_addc(&out, '\n');
    return depot_buf_detach(&out);
}

static void check_line(const char *line, size_t which)
{
    while (*line == ' ' || *line == '\t')
        line++;
    for (size_t i = 0; i < 4 && systems[which].start[i]; i++)
        if (depot_str_starts(line, systems[which].start[i]))
            abort();
    for (size_t i = 0; i < 2 && systems[which].anywhere[i]; i++)
        if (strstr(line, systems[which].anywhere[i]))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_guard g;
    size_t which, cut;

    if (size < 2)
        return 0;
    which = data[0] % DEPOT_ARRAY_LEN(systems);
    cut = data[1] % (size - 1);
    data += 2;
    size -= 2;
    cut = cut > size ? size : cut;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(systems); i++)
        unsetenv(systems[i].variable);
    setenv(systems[which].variable, "true", 1);
    depot_guard_init(&g, depot_ci_detect(), false);
    depot_guard_feed(&g, &out, data, cut);
    depot_guard_feed(&g, &out, data + cut, size - cut);

    char *text = without_colours(depot_buf_str(&out), out.len);
    for (char *at = text, *end; (end = at + strcspn(at, "\r\n")) && *end; at = end + 1) {
        *end = '\0';
        check_line(at, which);
    }
    depot_free(text);
    depot_buf_release(&out);
    return 0;
}
