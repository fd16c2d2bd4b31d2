/*
 * Reads the settings out of a Dockerfile: logical lines, then the first word of each.
 */
#include "build/dockerfile.h"

#include <depot/buf.h>
#include <depot/utf8.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HEREDOCS_MAX = 8, MARK_MAX = 64 };

/* Instructions whose words end up in the steps below them. */
static const char *const kept[] = {"ARG", "ENV", "SHELL", "USER"};

struct reader {
    const char *p, *end;
    char escape; /* joins a line to the next: '\\', or as the directive says */
    struct depot_buf line;
};

/* One physical line without its newline; false at the end. */
static bool physical(struct reader *r, const char **line, size_t *n)
{
    if (r->p >= r->end)
        return false;
    const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
    *line = r->p;
    *n = (size_t)((nl != NULL ? nl : r->end) - r->p);
    r->p = nl != NULL ? nl + 1 : r->end;
    if (*n > 0 && (*line)[*n - 1] == '\r')
        (*n)--;
    return true;
}

static void trim(const char **s, size_t *n)
{
    while (*n > 0 && isspace((unsigned char)**s)) {
        (*s)++;
        (*n)--;
    }
    while (*n > 0 && isspace((unsigned char)(*s)[*n - 1]))
        (*n)--;
}

/* "# escape=`" above everything else. */
static void directives(struct reader *r)
{
    const char *s;
    size_t n;
    for (const char *at = r->p; physical(r, &s, &n); at = r->p) {
        trim(&s, &n);
        const char *eq = n > 1 && *s == '#' ? memchr(s, '=', n) : NULL;
        if (eq == NULL) {
            r->p = at;
            return;
        }
        const char *name = s + 1, *value = eq + 1;
        size_t name_n = (size_t)(eq - name), value_n = n - (size_t)(value - s);
        trim(&name, &name_n);
        trim(&value, &value_n);
        if (name_n == 6 && strncasecmp(name, "escape", 6) == 0 && value_n == 1)
            r->escape = *value;
    }
}

/* Append with every run of blanks as one. */
static void add_folded(struct depot_buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const bool blank = s[i] == ' ' || s[i] == '\t' || s[i] == '\0';
        if (!blank)
            depot_buf_addc(out, s[i]);
        else if (out->len > 0 && out->data[out->len - 1] != ' ')
            depot_buf_addc(out, ' ');
    }
}

/* The next logical line into r->line: comments and empty lines between its parts are dropped. */
static bool logical(struct reader *r)
{
    const char *s;
    size_t n;
    depot_buf_clear(&r->line);
    while (physical(r, &s, &n)) {
        trim(&s, &n);
        if (n == 0 || *s == '#')
            continue;
        const bool joined = s[n - 1] == r->escape;
        add_folded(&r->line, s, joined ? n - 1 : n);
        if (!joined)
            return true;
        if (r->line.len > 0 && r->line.data[r->line.len - 1] != ' ')
            depot_buf_addc(&r->line, ' ');
    }
    return r->line.len > 0;
}

/* A here-document's mark at `s`, which is behind "<<": its length, 0 when it is none. */
static size_t heredoc_mark(const char *s, char mark[MARK_MAX])
{
    size_t n = 0;
    if (*s == '-')
        s++;
    const char quote = *s == '"' || *s == '\'' ? *s++ : '\0';
    while (n < MARK_MAX - 1 && (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '.'))
        n++;
    if (n == 0 || (quote != '\0' && s[n] != quote))
        return 0;
    memcpy(mark, s, n);
    mark[n] = '\0';
    return n;
}

static void skip_to(struct reader *r, const char *mark)
{
    const char *s;
    size_t n;
    while (physical(r, &s, &n)) {
        while (n > 0 && *s == '\t') {
            s++;
            n--;
        }
        if (n == strlen(mark) && memcmp(s, mark, n) == 0)
            return;
    }
}

static void skip_heredocs(struct reader *r)
{
    char marks[HEREDOCS_MAX][MARK_MAX];
    size_t count = 0;
    const char *s = depot_buf_str(&r->line);
    while (count < HEREDOCS_MAX && (s = strstr(s, "<<")) != NULL) {
        s += 2;
        if (heredoc_mark(s, marks[count]) > 0)
            count++;
    }
    for (size_t i = 0; i < count; i++)
        skip_to(r, marks[i]);
}

static bool word_is(const char *line, const char *word)
{
    const size_t n = strlen(word);
    return strncasecmp(line, word, n) == 0 && (line[n] == ' ' || line[n] == '\0');
}

/* It becomes JSON, where every byte must belong to a character. */
static void make_utf8(char *text)
{
    for (size_t n = strlen(text), used; n > 0; text += used, n -= used)
        if (depot_utf8_decode(text, n, &used) < 0)
            *text = '?';
}

/* The name behind AS in a FROM line, in lower case as steps have it; NULL. */
static char *stage_name(const char *line, struct depot_arena *arena)
{
    const char *as = NULL;
    for (const char *s = line; (s = strchr(s, ' ')) != NULL; s++)
        if (strncasecmp(s, " as ", 4) == 0)
            as = s + 4;
    if (as == NULL)
        return NULL;
    char *name = depot_arena_strndup(arena, as, strcspn(as, " "));
    for (char *c = name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    make_utf8(name);
    return name;
}

struct settings {
    DEPOT_VEC(struct depot_setting) items;
    DEPOT_VEC(size_t) unnamed; /* items of stages without a name */
    const char *stage;
    size_t stages;
    bool named;
};

static void begin_stage(struct settings *t, const char *line, struct depot_arena *arena)
{
    char number[32];
    const char *name = stage_name(line, arena);
    t->named = name != NULL;
    snprintf(number, sizeof(number), "stage-%zu", t->stages++);
    t->stage = t->named ? name : depot_arena_strdup(arena, number);
}

static void add_setting(struct settings *t, const char *line, struct depot_arena *arena)
{
    bool wanted = false;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(kept) && !wanted; i++)
        wanted = word_is(line, kept[i]);
    if (!wanted || t->items.len >= DP_DOCKERFILE_SETTINGS_MAX)
        return;
    char *text = depot_arena_strndup(arena, line, DP_DOCKERFILE_SETTING_LEN_MAX);
    for (char *c = text; *c != '\0' && *c != ' '; c++)
        *c = (char)toupper((unsigned char)*c);
    make_utf8(text);
    if (t->stages > 0 && !t->named)
        depot_vec_push(&t->unnamed, t->items.len);
    const struct depot_setting setting = {.stage = t->stage, .text = text};
    depot_vec_push(&t->items, setting);
}

size_t dp_dockerfile_settings(
    const char *text, size_t n, struct depot_arena *arena, struct depot_setting **out)
{
    struct reader r = {.p = text, .end = text + n, .escape = '\\'};
    struct settings t = {.stage = ""};
    r.line.max = DP_DOCKERFILE_MAX;
    directives(&r);
    while (logical(&r)) {
        const char *line = depot_buf_str(&r.line);
        if (word_is(line, "FROM"))
            begin_stage(&t, line, arena);
        else
            add_setting(&t, line, arena);
        if (word_is(line, "RUN") || word_is(line, "COPY") || word_is(line, "ADD"))
            skip_heredocs(&r);
    }
    /* The frontend gives a lone stage without a name none. */
    for (size_t i = 0; t.stages == 1 && i < t.unnamed.len; i++)
        t.items.items[t.unnamed.items[i]].stage = "";
    *out = depot_arena_alloc(arena, (t.items.len + 1) * sizeof(**out));
    if (t.items.len > 0)
        memcpy(*out, t.items.items, t.items.len * sizeof(**out));
    n = t.items.len;
    depot_vec_free(&t.items);
    depot_vec_free(&t.unnamed);
    depot_buf_release(&r.line);
    return n;
}
