/*
 * Pattern lists with the meaning that BuildKit's own client gives them; time is bounded by
 * length of pattern times length of path, whatever the pattern.
 */
#include "session/pattern.h"

#include <depot/utf8.h>

#include <string.h>

enum token_kind {
    TOKEN_RUNE,      /* this character */
    TOKEN_ANY,       /* one character but '/' */
    TOKEN_CLASS,     /* one of a set */
    TOKEN_STAR,      /* any number of characters but '/' */
    TOKEN_DIRS,      /* nothing, or anything that ends in '/'; its loop is the next token */
    TOKEN_DIRS_LOOP, /* within such a thing */
    TOKEN_ALL,       /* anything */
};

struct token {
    enum token_kind kind;
    uint32_t rune;
    size_t class_at, class_len; /* TOKEN_CLASS: the text between the brackets */
};

enum match_kind { MATCH_EXACT, MATCH_PREFIX, MATCH_SUFFIX, MATCH_TOKENS };

struct pattern {
    char *text;
    size_t len;
    bool turned; /* had a '!' */
    enum match_kind kind;
    size_t literal; /* leading bytes that must be there as they are, MATCH_TOKENS */
    DEPOT_VEC(struct token) tokens;
    uint64_t *now, *next; /* sets of tokens that may come next */
};

struct dp_patterns {
    struct pattern *items;
    size_t len;
};

/* ---- paths ---- */

char *dp_path_clean(const char *path)
{
    bool rooted = path[0] == '/';
    char *out = depot_alloc(strlen(path) + 2);
    size_t n = 0, floor = 0; /* `floor`: what ".." may not take away */
    if (rooted)
        out[n++] = '/', floor = 1;
    for (const char *p = path; *p != '\0';) {
        size_t len = strcspn(p, "/");
        const char *part = p;
        p += len + (p[len] == '/');
        if (len == 0 || (len == 1 && part[0] == '.'))
            continue;
        if (len == 2 && part[0] == '.' && part[1] == '.') {
            if (n > floor) {
                while (n > floor && out[n - 1] != '/')
                    n--;
                if (n > floor)
                    n--;
                continue;
            }
            if (rooted)
                continue;
            floor = n + 2 + (n > 0);
        }
        if (n > 0 && out[n - 1] != '/')
            out[n++] = '/';
        memcpy(out + n, part, len);
        n += len;
    }
    if (n == 0)
        out[n++] = '.';
    out[n] = '\0';
    return out;
}

char *dp_path_clean_rooted(const char *path)
{
    char *rooted = depot_asprintf("/%s", path);
    char *clean = dp_path_clean(rooted);
    depot_free(rooted);
    memmove(clean, clean + 1, strlen(clean));
    if (clean[0] == '\0') {
        depot_free(clean);
        return depot_strdup(".");
    }
    return clean;
}

/* ---- characters ---- */

/* Next character of UTF-8; a byte that is none counts as U+FFFD, as in Go. */
static uint32_t next_rune(const char *s, size_t n, size_t *at)
{
    size_t used;
    const int32_t ch = depot_utf8_decode(s + *at, n - *at, &used);
    *at += ch < 0 ? 1 : used;
    return ch < 0 ? 0xfffd : (uint32_t)ch;
}

/* ---- one pattern ---- */

/* The length of the text between brackets that begins at `at`, or SIZE_MAX when it does not end. */
static size_t class_end(const char *s, size_t n, size_t at)
{
    size_t i = at;
    if (i < n && s[i] == '^')
        i++;
    bool any = false;
    for (; i < n; i++) {
        if (s[i] == ']' && any)
            return i - at;
        if (s[i] == ']' || (s[i] == '\\' && ++i == n))
            return SIZE_MAX;
        any = true;
    }
    return SIZE_MAX;
}

static uint32_t class_rune(const char *s, size_t n, size_t *at)
{
    if (s[*at] == '\\' && *at + 1 < n)
        (*at)++;
    return next_rune(s, n, at);
}

static bool class_has(const char *s, size_t n, uint32_t rune)
{
    size_t at = 0;
    bool negated = n > 0 && s[0] == '^', has = false;
    if (negated)
        at++;
    while (at < n) {
        uint32_t low = class_rune(s, n, &at), high = low;
        if (at + 1 < n && s[at] == '-') {
            at++;
            high = class_rune(s, n, &at);
        }
        if (rune >= low && rune <= high)
            has = true;
    }
    return has != negated;
}

static void add_token(struct pattern *p, enum token_kind kind, uint32_t rune)
{
    depot_vec_push(&p->tokens, ((struct token){.kind = kind, .rune = rune}));
}

/* What follows a '*' at `at`; decides the kind of match where "**" stands alone at an end. */
static size_t compile_star(struct pattern *p, size_t at, bool first)
{
    if (at >= p->len || p->text[at] != '*') {
        add_token(p, TOKEN_STAR, 0);
        p->kind = MATCH_TOKENS;
        return at;
    }
    at++;
    if (at < p->len && p->text[at] == '/')
        at++;
    if (at < p->len) {
        add_token(p, TOKEN_DIRS, 0);
        add_token(p, TOKEN_DIRS_LOOP, 0);
        p->kind = MATCH_TOKENS;
    } else if (p->kind == MATCH_EXACT) {
        p->kind = MATCH_PREFIX;
    } else {
        add_token(p, TOKEN_ALL, 0);
        p->kind = MATCH_TOKENS;
    }
    if (first)
        p->kind = MATCH_SUFFIX;
    return at;
}

static int compile(struct pattern *p)
{
    for (size_t at = 0; at < p->len;) {
        char c = p->text[at];
        if (c == '*') {
            at = compile_star(p, at + 1, at == 0);
        } else if (c == '?') {
            add_token(p, TOKEN_ANY, 0);
            p->kind = MATCH_TOKENS;
            at++;
        } else if (c == '[') {
            size_t n = class_end(p->text, p->len, at + 1);
            if (n == SIZE_MAX)
                return DEPOT_ERR_INVALID;
            depot_vec_push(&p->tokens,
                ((struct token){.kind = TOKEN_CLASS, .class_at = at + 1, .class_len = n}));
            p->kind = MATCH_TOKENS;
            at += n + 2;
        } else {
            if (c == '\\') {
                if (++at == p->len)
                    return DEPOT_ERR_INVALID;
                p->kind = MATCH_TOKENS;
            }
            uint32_t rune = next_rune(p->text, p->len, &at);
            add_token(p, TOKEN_RUNE, rune);
        }
    }
    p->literal = strcspn(p->text, "*?[\\");
    size_t words = p->tokens.len / 64 + 1;
    if (p->kind == MATCH_TOKENS) {
        p->now = depot_calloc(words, sizeof(uint64_t));
        p->next = depot_calloc(words, sizeof(uint64_t));
    }
    return 0;
}

/* Add a token to a set, with those it lets us step over. */
static void set_add(const struct pattern *p, uint64_t *set, size_t i)
{
    for (;; i++) {
        uint64_t bit = UINT64_C(1) << (i % 64);
        bool had = (set[i / 64] & bit) != 0;
        set[i / 64] |= bit;
        if (had || i == p->tokens.len)
            return;
        switch (p->tokens.items[i].kind) {
        case TOKEN_STAR:
        case TOKEN_ALL:
            break;
        case TOKEN_DIRS: /* its loop is i + 1, and what comes after it is i + 2 */
            set[(i + 1) / 64] |= UINT64_C(1) << ((i + 1) % 64);
            i++;
            break;
        default:
            return;
        }
    }
}

static void step(struct pattern *p, size_t i, uint32_t rune)
{
    const struct token *t = &p->tokens.items[i];
    bool slash = rune == '/';
    switch (t->kind) {
    case TOKEN_RUNE:
        if (rune == t->rune)
            set_add(p, p->next, i + 1);
        break;
    case TOKEN_ANY:
        if (!slash)
            set_add(p, p->next, i + 1);
        break;
    case TOKEN_CLASS:
        if (class_has(p->text + t->class_at, t->class_len, rune))
            set_add(p, p->next, i + 1);
        break;
    case TOKEN_STAR:
        if (!slash)
            set_add(p, p->next, i);
        break;
    case TOKEN_DIRS_LOOP:
        p->next[i / 64] |= UINT64_C(1) << (i % 64);
        if (slash)
            set_add(p, p->next, i + 1);
        break;
    case TOKEN_ALL:
        set_add(p, p->next, i);
        break;
    case TOKEN_DIRS: /* only a door to the two after it */
        break;
    }
}

static void start(struct pattern *p)
{
    memset(p->now, 0, (p->tokens.len / 64 + 1) * sizeof(uint64_t));
    set_add(p, p->now, 0);
}

/* Go on with `s`; false when nothing can match any more. */
static bool run(struct pattern *p, const char *s, size_t n)
{
    const size_t count = p->tokens.len, words = count / 64 + 1;
    for (size_t at = 0; at < n;) {
        uint32_t rune = next_rune(s, n, &at);
        memset(p->next, 0, words * sizeof(uint64_t));
        bool any = false;
        for (size_t w = 0; w < words; w++) {
            for (uint64_t bits = p->now[w]; bits != 0; bits &= bits - 1) {
                size_t i = w * 64 + (size_t)__builtin_ctzll(bits);
                if (i < count)
                    step(p, i, rune);
            }
        }
        for (size_t w = 0; w < words; w++)
            any = any || p->next[w] != 0;
        if (!any)
            return false;
        uint64_t *swap = p->now;
        p->now = p->next;
        p->next = swap;
    }
    return true;
}

static bool is_accepted(const struct pattern *p)
{
    const size_t count = p->tokens.len;
    return (p->now[count / 64] >> (count % 64) & 1) != 0;
}

static bool match_tokens(struct pattern *p, const char *s, size_t n)
{
    if (n < p->literal || memcmp(s, p->text, p->literal) != 0)
        return false;
    start(p);
    return run(p, s, n) && is_accepted(p);
}

static bool match(struct pattern *p, const char *s, size_t n)
{
    switch (p->kind) {
    case MATCH_EXACT:
        return n == p->len && memcmp(s, p->text, n) == 0;
    case MATCH_PREFIX: /* "x/" + two stars: everything below x */
        return n >= p->literal && memcmp(s, p->text, p->literal) == 0;
    case MATCH_SUFFIX: { /* two stars + "/x": x at any depth */
        const char *suffix = p->text + 2;
        size_t len = p->len - 2;
        if (n >= len && memcmp(s + n - len, suffix, len) == 0)
            return true;
        return len > 0 && suffix[0] == '/' && n == len - 1 && memcmp(s, suffix + 1, n) == 0;
    }
    case MATCH_TOKENS:
        return match_tokens(p, s, n);
    }
    return false;
}

/* ---- lists ---- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Fill `p` from one line; 1 when there was nothing in it. */
static int pattern_init(struct pattern *p, const char *text, struct depot_error *err)
{
    size_t n = strlen(text);
    while (n > 0 && is_blank(text[n - 1]))
        n--;
    while (n > 0 && is_blank(text[0]))
        text++, n--;
    if (n == 0)
        return 1;
    if (n > DP_PATTERN_LEN_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "a path pattern has %zu characters", n);
    char *line = depot_strndup(text, n);
    char *clean = dp_path_clean(line);
    depot_free(line);
    int rc = 0;
    p->turned = clean[0] == '!';
    p->text = depot_strdup(clean + p->turned);
    p->len = strlen(p->text);
    if (p->len == 0 || compile(p) < 0) {
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "\"%s\" is not a path pattern", clean);
        depot_error_hint(err, "look for a lone !, an open [ or a \\ at the end of a line in the "
                              "ignore file, or in the sources of COPY and ADD");
    }
    depot_free(clean);
    return rc;
}

int dp_patterns_new(
    const struct depot_strv *list, struct dp_patterns **out, struct depot_error *err)
{
    if (list->len > DP_PATTERNS_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG,
            "%zu path patterns, no more than %d are taken", list->len, DP_PATTERNS_MAX);
    struct dp_patterns *ps = depot_calloc(1, sizeof(*ps));
    ps->items = depot_calloc(list->len + 1, sizeof(*ps->items));
    for (size_t i = 0; i < list->len; i++) {
        struct pattern *p = &ps->items[ps->len];
        int rc = pattern_init(p, list->items[i], err);
        if (rc == 1)
            continue;
        ps->len++;
        if (rc < 0) {
            dp_patterns_free(ps);
            return rc;
        }
    }
    *out = ps;
    return 0;
}

void dp_patterns_free(struct dp_patterns *ps)
{
    if (ps == NULL)
        return;
    for (size_t i = 0; i < ps->len; i++) {
        depot_free(ps->items[i].text);
        depot_free(ps->items[i].now);
        depot_free(ps->items[i].next);
        depot_vec_free(&ps->items[i].tokens);
    }
    depot_free(ps->items);
    depot_free(ps);
}

size_t dp_patterns_len(const struct dp_patterns *ps)
{
    return ps != NULL ? ps->len : 0;
}

bool dp_patterns_match(
    struct dp_patterns *ps, const char *path, size_t n, const uint8_t *parent, uint8_t *own)
{
    bool matched = false;
    for (size_t i = 0; i < ps->len; i++) {
        struct pattern *p = &ps->items[i];
        bool hit = parent != NULL && parent[i] != 0;
        /* A pattern that could not change the outcome is not tried. */
        if (!hit && p->turned == matched)
            hit = match(p, path, n);
        own[i] = hit;
        if (hit)
            matched = !p->turned;
    }
    return matched;
}

/* Could it match a path that goes on behind `dir` and a slash? */
static bool leads_below(struct pattern *p, const char *dir, size_t n)
{
    const size_t both = n < p->literal ? n : p->literal;
    switch (p->kind) {
    case MATCH_EXACT:
        return p->len > n && p->text[n] == '/' && memcmp(dir, p->text, n) == 0;
    case MATCH_PREFIX:
        return memcmp(dir, p->text, both) == 0 && (p->literal <= n || p->text[n] == '/');
    case MATCH_SUFFIX:
        return true;
    case MATCH_TOKENS:
        start(p);
        return run(p, dir, n) && run(p, "/", 1);
    }
    return true;
}

bool dp_patterns_may_match_below(
    const struct dp_patterns *ps, const char *path, size_t n, bool turned)
{
    for (size_t i = 0; i < ps->len; i++) {
        struct pattern *p = &ps->items[i];
        if (p->turned == turned && (match(p, path, n) || leads_below(p, path, n)))
            return true;
    }
    return false;
}

bool dp_pattern_match_one(const char *pattern, const char *s)
{
    struct pattern p = {.text = depot_strdup(pattern), .len = strlen(pattern)};
    bool hit = compile(&p) == 0 && match(&p, s, strlen(s));
    depot_free(p.text);
    depot_free(p.now);
    depot_free(p.next);
    depot_vec_free(&p.tokens);
    return hit;
}

bool dp_pattern_has_wildcards(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '\\' && s[1] != '\0')
            s++;
        else if (*s == '*' || *s == '?' || *s == '[')
            return true;
    }
    return false;
}
