/*
 * Words of a filter, and what they find.
 */
#include "filter.h"

#include "tui/fleet/fleet.h"

#include <depot/event.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- words ---- */

/* As columns are called, and as the feed calls them. */
static const struct {
    const char *name;
    enum filter_field field;
} names[] = {{"state", FIELD_STATE}, {"build", FIELD_BUILD}, {"id", FIELD_BUILD},
    {"project", FIELD_PROJECT}, {"target", FIELD_TARGET}, {"who", FIELD_USER}, {"user", FIELD_USER},
    {"host", FIELD_HOST}, {"source", FIELD_SOURCE}, {"branch", FIELD_BRANCH},
    {"commit", FIELD_COMMIT}, {"remote", FIELD_REMOTE}, {"origin", FIELD_ORIGIN},
    {"daemon", FIELD_DAEMON}, {"result", FIELD_RESULT}, {"message", FIELD_RESULT},
    {"tag", FIELD_TAG}, {"platform", FIELD_PLATFORM}, {"platforms", FIELD_PLATFORM},
    {"builder", FIELD_BUILDER}, {"engine", FIELD_ENGINE}, {"version", FIELD_VERSION},
    {"type", FIELD_TYPE}, {"stage", FIELD_STAGE}, {"what", FIELD_WHAT},
    {"instruction", FIELD_WHAT}};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "state:" at the front, which is moved on; other words may have colons too. */
static enum filter_field take_field(const char **s)
{
    const size_t n = strcspn(*s, ":=");
    for (size_t i = 0; (*s)[n] != '\0' && i < DEPOT_ARRAY_LEN(names); i++) {
        if (strlen(names[i].name) == n && strncasecmp(names[i].name, *s, n) == 0) {
            *s += n + 1;
            return names[i].field;
        }
    }
    return FIELD_ANY;
}

/* Up to the blank that ends it. Backslashes before other characters are the expression's own. */
static void take_pattern(const char **text, struct depot_buf *out)
{
    const char *s = *text;
    bool quoted = false;
    depot_buf_clear(out);
    for (; *s != '\0' && (quoted || !is_blank(*s)); s++) {
        if (*s == '"') {
            quoted = !quoted;
            continue;
        }
        if (*s == '\\' && (s[1] == '"' || is_blank(s[1])))
            s++;
        else if (*s == '\\' && s[1] != '\0')
            depot_buf_addc(out, *s++);
        depot_buf_addc(out, *s);
    }
    *text = s;
}

bool dp_filter_next(const char **text, struct filter_word *out, struct depot_buf *pattern)
{
    while (is_blank(**text))
        ++*text;
    if (**text == '\0')
        return false;
    *out = (struct filter_word){.negated = **text == '!'};
    *text += out->negated;
    out->field = take_field(text);
    take_pattern(text, pattern);
    return true;
}

/* ---- expressions ---- */

enum { EXPANDED_MAX = 100000 };

/* Compiling writes repetitions out, those within others many times over. */
static bool explodes(const char *pattern)
{
    unsigned long all = strlen(pattern);
    for (const char *s = strchr(pattern, '{'); s != NULL; s = strchr(s + 1, '{')) {
        char *end;
        const unsigned long least = strtoul(s + 1, &end, 10);
        const unsigned long most = *end == ',' ? strtoul(end + 1, NULL, 10) : least;
        if (most > EXPANDED_MAX || least > EXPANDED_MAX)
            return true;
        all *= most > 1 ? most : least > 1 ? least : 1;
        if (all > EXPANDED_MAX)
            return true;
    }
    return false;
}

/* Values are lines, and what matches is within one of them. */
static int compile(struct filter_word *w, const char *pattern, struct depot_error *err)
{
    char why[128];
    if (explodes(pattern))
        return depot_error_set(err, DEPOT_ERR_INVALID, "it repeats too much");
    const int rc = regcomp(&w->re, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB | REG_NEWLINE);
    if (rc == 0)
        return 0;
    regerror(rc, &w->re, why, sizeof(why));
    return depot_error_set(err, DEPOT_ERR_INVALID, "%s", why);
}

/* Words that look for nothing yet are being typed. */
static int compile_all(struct filter *f, const char *text, struct depot_error *err)
{
    struct depot_buf pattern = DEPOT_BUF_INIT(FILTER_MAX);
    struct filter_word w;
    int rc = 0;
    while (rc == 0 && dp_filter_next(&text, &w, &pattern)) {
        if (pattern.len == 0)
            continue;
        rc = compile(&w, pattern.data, err);
        if (rc == 0)
            depot_vec_push(&f->words, w);
    }
    depot_buf_release(&pattern);
    return rc;
}

void dp_filter_release(struct filter *f)
{
    for (size_t i = 0; i < f->words.len; i++)
        regfree(&f->words.items[i].re);
    depot_vec_free(&f->words);
    depot_vec_free(&f->facts);
    depot_buf_release(&f->joined_);
    depot_free(f->text);
    *f = (struct filter){0};
}

int dp_filter_set(struct filter *f, const char *text, struct depot_error *err)
{
    struct filter to = {.joined_ = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT)};
    if (f->on && depot_str_eq(f->text, text))
        return 0;
    if (strlen(text) > FILTER_MAX)
        return depot_error_set(err, DEPOT_ERR_INVALID, "longer than %d bytes", FILTER_MAX);
    const int rc = compile_all(&to, text, err);
    if (rc != 0) {
        dp_filter_release(&to);
        return rc;
    }
    dp_filter_release(f);
    *f = to;
    f->on = f->words.len > 0;
    f->text = f->on ? depot_strdup(text) : NULL;
    return 0;
}

/* ---- rows ---- */

void dp_filter_row(struct filter *f)
{
    f->facts.len = 0;
    depot_buf_clear(&f->joined_);
}

void dp_filter_say(struct filter *f, enum filter_field field, const char *value)
{
    const struct filter_fact fact = {field, value};
    if (f->on && !depot_str_empty(value))
        depot_vec_push(&f->facts, fact);
}

/* All values, a line each: one search finds what any of them holds. */
static bool anywhere(struct filter *f, const regex_t *re)
{
    const bool joined = f->joined_.len > 0;
    for (size_t i = 0; !joined && i < f->facts.len; i++) {
        depot_buf_adds(&f->joined_, f->facts.items[i].value);
        depot_buf_addc(&f->joined_, '\n');
    }
    return regexec(re, depot_buf_str(&f->joined_), 0, NULL, 0) == 0;
}

static bool in_field(const struct filter *f, const struct filter_word *w)
{
    for (size_t i = 0; i < f->facts.len; i++)
        if (f->facts.items[i].field == w->field &&
            regexec(&w->re, f->facts.items[i].value, 0, NULL, 0) == 0)
            return true;
    return false;
}

bool dp_filter_passes(struct filter *f)
{
    for (size_t i = 0; i < f->words.len; i++) {
        const struct filter_word *w = &f->words.items[i];
        if ((w->field == FIELD_ANY ? anywhere(f, &w->re) : in_field(f, w)) == w->negated)
            return false;
    }
    return true;
}

/* ---- builds ---- */

static void say_build(struct filter *f, const struct fleet_build *b)
{
    const struct depot_ev_created *i = &b->sum.info;
    const struct filter_fact facts[] = {{FIELD_STATE, depot_build_state_word(b->sum.state)},
        {FIELD_STATE, depot_build_state_name(b->sum.state)}, {FIELD_BUILD, b->id},
        {FIELD_PROJECT, i->project}, {FIELD_TARGET, i->target}, {FIELD_USER, i->user},
        {FIELD_HOST, i->host}, {FIELD_BRANCH, i->branch}, {FIELD_COMMIT, i->commit},
        {FIELD_REMOTE, i->remote}, {FIELD_ORIGIN, i->origin}, {FIELD_DAEMON, b->source->name},
        {FIELD_RESULT, b->sum.message}};
    for (size_t n = 0; n < DEPOT_ARRAY_LEN(facts); n++)
        dp_filter_say(f, facts[n].field, facts[n].value);
    for (size_t n = 0; n < i->ntags; n++)
        dp_filter_say(f, FIELD_TAG, i->tags[n]);
    for (size_t n = 0; n < i->nplatforms; n++)
        dp_filter_say(f, FIELD_PLATFORM, i->platforms[n]);
}

/* As two columns show them: "web/final", "main@4f2c1d9". */
bool dp_filter_passes_build(struct filter *f, const struct fleet_build *b)
{
    struct depot_buf source = DEPOT_BUF_INIT(4096), name = DEPOT_BUF_INIT(4096);
    const struct depot_ev_created *i = &b->sum.info;
    if (!f->on)
        return true;
    depot_created_source(&source, i);
    if (!depot_str_empty(i->project) && !depot_str_empty(i->target))
        depot_buf_addf(&name, "%s/%s", i->project, i->target);
    dp_filter_row(f);
    say_build(f, b);
    dp_filter_say(f, FIELD_SOURCE, depot_buf_str(&source));
    dp_filter_say(f, FIELD_PROJECT, depot_buf_str(&name));
    const bool passes = dp_filter_passes(f);
    depot_buf_release(&source);
    depot_buf_release(&name);
    return passes;
}
