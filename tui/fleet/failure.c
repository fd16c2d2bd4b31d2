/*
 * What an engine says of a failure, its point first: what wraps it costs a table's column and more.
 */
#include "failure.h"

#include <depot/text.h>

#include <string.h>

enum { SHELL_WORDS = 6 };

/* What callers put around an error on its way up. */
static const char *const wrappers[] = {
    "failed to build: ",
    "failed to solve: ",
    "failed to compute cache key: ",
    "rpc error: code = Unknown desc = ",
};

/* "failed to calculate checksum of ref ID::ID: ..." */
static const char *skip_ref(const char *s)
{
    static const char head[] = "failed to calculate checksum of ref ";
    const char *end = depot_str_starts(s, head) ? strstr(s + sizeof(head) - 1, ": ") : NULL;
    return end != NULL ? end + 2 : s;
}

static const char *skip_wrappers(const char *message)
{
    const char *s = message, *from;
    do {
        from = s;
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(wrappers); i++)
            if (depot_str_starts(s, wrappers[i]))
                s += strlen(wrappers[i]);
        s = skip_ref(s);
    } while (s != from);
    return *s != '\0' ? s : message;
}

/* The daemon's own prefix of a build with several platforms: "linux/arm64: ". */
static const char *put_platform(struct depot_buf *out, const char *s)
{
    const char *end = strstr(s, ": ");
    const size_t n = end != NULL ? (size_t)(end - s) : 0;
    if (n == 0 || memchr(s, '/', n) == NULL || memchr(s, ' ', n) != NULL)
        return s;
    char *platform = depot_strndup(s, n);
    depot_buf_addf(out, "%s: ", depot_text_platform(platform));
    depot_free(platform);
    return end + 2;
}

static bool is_shell(const char *word, size_t n)
{
    return n >= 2 && memcmp(word + n - 2, "sh", 2) == 0;
}

/* "/bin/sh -c CMD", "/bin/busybox sh -euc CMD", "bash -o pipefail -c CMD": from CMD on. */
static const char *skip_shell(const char *command)
{
    bool shell = false;
    const char *s = command;
    for (int word = 0; word < SHELL_WORDS; word++) {
        const size_t n = strcspn(s, " ");
        if (s[n] == '\0')
            break;
        if (shell && n >= 2 && s[0] == '-' && s[n - 1] == 'c')
            return s + n + 1;
        shell |= word < 2 && is_shell(s, n);
        s += n + 1;
    }
    return command;
}

/* 'process "/bin/sh -c CMD" did not complete successfully: exit code: 2' */
static bool put_process(struct depot_buf *out, const char *s, bool command)
{
    static const char head[] = "process \"", middle[] = "\" did not complete successfully: ";
    const char *end = depot_str_starts(s, head) ? strstr(s, middle) : NULL;
    if (end == NULL)
        return false;
    s += sizeof(head) - 1;
    s = skip_shell(s);
    if (command && s < end)
        depot_buf_addf(out, "%.*s: ", (int)(end - s), s);
    depot_buf_adds(out, end + sizeof(middle) - 1);
    return true;
}

void dp_failure_point(struct depot_buf *out, const char *message, bool command)
{
    const char *s = skip_wrappers(put_platform(out, message));
    if (depot_str_ends(s, "context canceled")) /* with an exit code that means nothing */
        depot_buf_adds(out, "cancelled");
    else if (!put_process(out, s, command))
        depot_buf_adds(out, s);
}

const struct depot_build_error *dp_failure_of(const struct depot_step *s)
{
    const struct depot_build_error *e = s->part != NULL ? s->part->error : NULL;
    return e != NULL && depot_str_eq(e->vertex, s->digest) ? e : NULL;
}

void dp_failure_place(struct depot_buf *out, const struct depot_step *s)
{
    const struct depot_build_error *e = dp_failure_of(s);
    if (e == NULL || depot_str_empty(e->file))
        return;
    const int line = e->nranges > 0 ? e->ranges[0].start_line : e->first_line;
    depot_buf_adds(out, e->file);
    if (line > 0)
        depot_buf_addf(out, ":%d", line);
}
