/*
 * Which files of the context an instruction takes, as far as its words tell.
 */
#include "model/why_priv.h"

#include <fnmatch.h>
#include <string.h>

enum { WORD_MAX = 4096, WORDS_MAX = 256 };

/* The words behind the instruction's name: blanks between them, or a JSON array of strings. */
struct words {
    const char *p;
    bool json;
    char word[WORD_MAX];
};

static void begin(struct words *w, const char *p)
{
    w->p = p + strspn(p, " ");
    w->json = false;
}

/* Escapes lose their backslash, which is right for all that a path has. */
static bool next_quoted(struct words *w)
{
    size_t n = 0;

    w->p += strcspn(w->p, "\"");
    if (*w->p == '\0')
        return false;
    for (w->p++; *w->p != '\0' && *w->p != '"'; w->p++) {
        if (*w->p == '\\' && w->p[1] != '\0')
            w->p++;
        if (n < WORD_MAX - 1)
            w->word[n++] = *w->p;
    }
    w->p += *w->p == '"';
    w->word[n] = '\0';
    return true;
}

static bool next_word(struct words *w)
{
    size_t n;

    if (w->json)
        return next_quoted(w);
    w->p += strspn(w->p, " ");
    if (*w->p == '[') {
        w->json = true;
        return next_quoted(w);
    }
    n = strcspn(w->p, " ");
    if (n == 0)
        return false;
    memcpy(w->word, w->p, n < WORD_MAX ? n : WORD_MAX - 1);
    w->word[n < WORD_MAX ? n : WORD_MAX - 1] = '\0';
    w->p += n;
    return true;
}

/* "./src/" as "src"; the whole context as "". */
static const char *clean(char *source)
{
    size_t n;

    while (*source == '/' || (source[0] == '.' && source[1] == '/'))
        source += *source == '/' ? 1 : 2;
    n = strlen(source);
    while (n > 0 && source[n - 1] == '/')
        source[--n] = '\0';
    return source[0] == '.' && source[1] == '\0' ? source + 1 : source;
}

/* Is `path` what `source` names, or below it? */
static bool source_takes(char *word, const char *path)
{
    const char *source;
    char prefix[WORD_MAX];

    if (strstr(word, "://") != NULL || depot_str_starts(word, "<<"))
        return false;
    source = clean(word);
    if (*source == '\0')
        return true;
    for (size_t n = strcspn(path, "/");; n += 1 + strcspn(path + n + 1, "/")) {
        if (n >= sizeof(prefix))
            return false;
        memcpy(prefix, path, n);
        prefix[n] = '\0';
        if (fnmatch(source, prefix, FNM_PATHNAME) == 0 || strcmp(source, prefix) == 0)
            return true;
        if (path[n] == '\0')
            return false;
    }
}

/* Sources of COPY and ADD: all words but options and the last one, which is where they go. */
static bool copy_takes(const char *rest, const char *path)
{
    struct words w;
    bool took = false, pending = false;

    begin(&w, rest);
    for (int i = 0; i < WORDS_MAX && next_word(&w); i++) {
        if (!w.json && depot_str_starts(w.word, "--from="))
            return false;
        if (!w.json && depot_str_starts(w.word, "--"))
            continue;
        took = took || pending;
        pending = source_takes(w.word, path);
    }
    return took;
}

/* "type=bind,source=src,target=/src" of RUN --mount: files of the context, unless from elsewhere.
 */
static bool mount_takes(char *spec, const char *path)
{
    char whole[] = ".", *source = whole, *save = NULL;

    for (char *f = strtok_r(spec, ",", &save); f != NULL; f = strtok_r(NULL, ",", &save)) {
        if (depot_str_starts(f, "from=") ||
            (depot_str_starts(f, "type=") && strcmp(f, "type=bind") != 0))
            return false;
        if (depot_str_starts(f, "source=") || depot_str_starts(f, "src="))
            source = strchr(f, '=') + 1;
    }
    return source_takes(source, path);
}

static bool run_takes(const char *rest, const char *path)
{
    static const char option[] = "--mount=";
    struct words w;

    begin(&w, rest);
    while (*w.p == '-' && next_word(&w)) {
        if (depot_str_starts(w.word, option) && mount_takes(w.word + strlen(option), path))
            return true;
        w.p += strspn(w.p, " ");
    }
    return false;
}

bool dp_why_takes(const char *instruction, const char *path)
{
    if (depot_str_starts(instruction, "COPY "))
        return copy_takes(instruction + 5, path);
    if (depot_str_starts(instruction, "ADD "))
        return copy_takes(instruction + 4, path);
    if (depot_str_starts(instruction, "RUN "))
        return run_takes(instruction + 4, path);
    return false;
}

bool dp_why_url(const char *instruction, const char **out, size_t *n)
{
    const char *at;

    if (!depot_str_starts(instruction, "ADD ") || (at = strstr(instruction, "://")) == NULL)
        return false;
    while (at > instruction && at[-1] != ' ' && at[-1] != '"')
        at--;
    *out = at;
    *n = strcspn(at, " \"");
    return true;
}
