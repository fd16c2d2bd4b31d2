/*
 * The reason of one cause: a list of checks, each of which knows one reason and its evidence. The
 * first that finds something decides, so what is sure comes before what is likely.
 */
#include "model/why_priv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void decide(struct depot_cause *c, enum depot_reason reason, bool certain)
{
    c->reason = reason;
    c->certain = certain;
}

static void evidence(struct dp_why_job *j, struct depot_cause *c, char sign, const char *text)
{
    const struct depot_evidence e = {
        sign, j->quiet ? "" : depot_arena_strdup(&j->why->arena, text)};

    if (c->evidence.len < DEPOT_WHY_EVIDENCE_MAX)
        depot_vec_push(&c->evidence, e);
    else
        c->more++;
}

static void DEPOT_PRINTF(3, 4)
    say(struct dp_why_job *j, struct depot_cause *c, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = depot_vasprintf(fmt, ap);
    va_end(ap);
    evidence(j, c, ' ', text);
    depot_free(text);
}

static void was_is(struct dp_why_job *j, struct depot_cause *c, const char *was, const char *is)
{
    evidence(j, c, '-', was);
    evidence(j, c, '+', is);
}

static bool is_from(const struct depot_step *s)
{
    return depot_str_starts(s->parsed.instruction, "FROM ");
}

/* The step that this one goes on from: the first input of the Dockerfile's making. */
static const struct depot_step *stands_on(const struct depot_step *s)
{
    for (size_t i = 0; i < s->ninputs; i++)
        if (s->inputs[i]->known && s->inputs[i]->parsed.kind == DEPOT_STEP_BUILD)
            return s->inputs[i];
    return NULL;
}

static bool reads_context(const struct depot_step *s)
{
    for (size_t i = 0; i < s->ninputs; i++)
        if (s->inputs[i]->known && s->inputs[i]->parsed.kind == DEPOT_STEP_INTERNAL)
            return true;
    return false;
}

/* ---- checks: true when the reason is found ---- */

static bool switched_off(struct dp_why_job *j, struct depot_cause *c)
{
    const struct depot_ev_definition *d = &j->b->definition;
    const char *stage = NULL;

    /* Without a regard for case, as the Dockerfile frontend. */
    for (size_t i = 0; d->no_cache && i < d->nno_cache_stages && stage == NULL; i++)
        if (strcasecmp(d->no_cache_stages[i], c->step->parsed.stage) == 0)
            stage = d->no_cache_stages[i];
    if (!d->no_cache || (d->nno_cache_stages > 0 && stage == NULL))
        return false;
    decide(c, DEPOT_REASON_NO_CACHE, true);
    if (stage != NULL)
        say(j, c, "--no-cache-filter %s", stage);
    return true;
}

/* Files that were sent and that the step takes. The engine asks for a file when its size, times or
 * mode differ from the copy it has, so that one of several may be the same inside. */
static size_t note_files(struct dp_why_job *j, struct depot_cause *c)
{
    const struct depot_ev_context *x = &c->step->part->context;
    size_t n = 0;

    for (size_t i = 0; i < x->nchanged; i++) {
        if (!dp_why_takes(c->step->parsed.instruction, x->changed[i]))
            continue;
        evidence(j, c, '~', x->changed[i]);
        n++;
    }
    if (n > 0 && x->changed_more > 0)
        say(j, c, "%lld more files were sent, which may be among them", (long long)x->changed_more);
    return n;
}

/* A builder that was sent everything has seen nothing of the context before. */
static bool was_sent_all(const struct depot_part *p)
{
    return p->context.files > 0 && p->context.sent_files >= p->context.files;
}

/* With nothing to compare, files that were sent while others were found still tell. */
static bool nothing_before(struct dp_why_job *j, struct depot_cause *c)
{
    const struct depot_counts *n = &c->step->part->counts;

    if (j->old != NULL)
        return false;
    if (n->hit + n->skipped > 0 && !was_sent_all(c->step->part) && note_files(j, c) > 0)
        decide(c, DEPOT_REASON_FILES, false);
    else
        decide(c, DEPOT_REASON_FIRST, false);
    return true;
}

static const char *builder_of(const struct depot_build *b, const char *platform)
{
    const struct depot_part *p = depot_build_maker(b, platform);

    return p != NULL ? p->builder : "";
}

/* A builder that has found anything is not new to the project. */
static bool elsewhere(struct dp_why_job *j, struct depot_cause *c)
{
    const struct depot_part *p = c->step->part;
    const char *was = builder_of(j->old, *c->step->platform ? c->step->platform : p->platform);

    if (*was == '\0' || *p->builder == '\0' || strcmp(was, p->builder) == 0 ||
        p->counts.hit + p->counts.skipped > 0)
        return false;
    decide(c, DEPOT_REASON_BUILDER, true);
    was_is(j, c, was, p->builder);
    return true;
}

/* The same words on something else. */
static bool stands_elsewhere(struct dp_why_job *j, struct depot_cause *c)
{
    const struct depot_step *is = stands_on(c->step), *was = stands_on(c->before);

    if (is == NULL || was == NULL || depot_str_eq(is->parsed.instruction, was->parsed.instruction))
        return false;
    decide(c, is_from(is) && is_from(was) ? DEPOT_REASON_BASE : DEPOT_REASON_MOVED, true);
    was_is(j, c, was->parsed.instruction, is->parsed.instruction);
    return true;
}

/* A builder that was sent everything, and found nothing, tells nothing about files. */
static bool began_empty(const struct depot_part *p)
{
    return p->context.files > 1 && was_sent_all(p) && p->counts.hit + p->counts.skipped == 0;
}

static bool files_changed(struct dp_why_job *j, struct depot_cause *c)
{
    const struct depot_part *p = c->step->part, *was = c->before->part;

    if (!p->has_context || !reads_context(c->step) || began_empty(p))
        return false;
    if (note_files(j, c) > 0) {
        decide(c, DEPOT_REASON_FILES, c->evidence.len == 1);
        return true;
    }
    if (p->context.changed_more > 0)
        say(j, c, "among %lld files that were sent beyond the %zu that are listed",
            (long long)p->context.changed_more, p->context.nchanged);
    else if (was->has_context && p->context.files < was->context.files)
        say(j, c, "the context has %lld files, and had %lld", (long long)p->context.files,
            (long long)was->context.files);
    else
        return false;
    decide(c, DEPOT_REASON_FILES, false);
    return true;
}

static bool url_changed(struct dp_why_job *j, struct depot_cause *c)
{
    const char *url;
    size_t n;

    if (!dp_why_url(c->step->parsed.instruction, &url, &n))
        return false;
    decide(c, DEPOT_REASON_REMOTE, false);
    say(j, c, "%.*s", (int)(n < 4096 ? n : 4096), url);
    return true;
}

static const char *arg_value(const struct depot_ev_definition *d, const char *name)
{
    for (size_t i = 0; i < d->nargs; i++)
        if (depot_str_eq(d->args[i].key, name))
            return d->args[i].value;
    return NULL;
}

/* Is the setting "ARG NAME" or "ARG NAME=default"? */
static bool declares(const char *text, const char *name)
{
    size_t n = strlen(name);

    if (!depot_str_starts(text, "ARG "))
        return false;
    for (text += 3; *text == ' '; text += strcspn(text, " ")) {
        text++;
        if (strncmp(text, name, n) == 0 && (text[n] == '\0' || text[n] == '=' || text[n] == ' '))
            return true;
    }
    return false;
}

static bool stage_declares(
    const struct depot_ev_definition *d, const struct depot_step *s, const char *name)
{
    for (size_t i = 0; i < d->nsettings; i++)
        if (depot_str_eq(d->settings[i].stage, s->parsed.stage) &&
            declares(d->settings[i].text, name))
            return true;
    return false;
}

static void note_arg(
    struct dp_why_job *j, struct depot_cause *c, const char *name, const char *was, const char *is)
{
    const struct depot_ev_definition *d = &j->b->definition;

    if (depot_str_eq(was, is) || (d->has_settings && !stage_declares(d, c->step, name)))
        return;
    if (was != NULL && is != NULL)
        evidence(j, c, '~', name);
    else
        evidence(j, c, is != NULL ? '+' : '-', name);
}

static bool argument_changed(struct dp_why_job *j, struct depot_cause *c)
{
    const struct depot_ev_definition *is = &j->b->definition, *was = &j->old->definition;

    if (!j->b->has_definition || !j->old->has_definition || is_from(c->step))
        return false;
    for (size_t i = 0; i < was->nargs; i++)
        note_arg(j, c, was->args[i].key, was->args[i].value, arg_value(is, was->args[i].key));
    for (size_t i = 0; i < is->nargs; i++)
        if (arg_value(was, is->args[i].key) == NULL)
            note_arg(j, c, is->args[i].key, NULL, is->args[i].value);
    if (c->evidence.len == 0)
        return false;
    decide(c, DEPOT_REASON_ARGUMENT, is->has_settings);
    return true;
}

/* Settings of one build that the other has not; `stage` NULL: of any. */
static void note_settings(struct dp_why_job *j, struct depot_cause *c, const char *stage,
    const struct depot_ev_definition *of, const struct depot_ev_definition *not_in, char sign)
{
    for (size_t i = 0; i < of->nsettings; i++) {
        const struct depot_setting *s = &of->settings[i];
        size_t k = 0;

        if (stage != NULL && *s->stage && !depot_str_eq(s->stage, stage))
            continue;
        while (k < not_in->nsettings && !(depot_str_eq(s->stage, not_in->settings[k].stage) &&
                                            depot_str_eq(s->text, not_in->settings[k].text)))
            k++;
        if (k == not_in->nsettings)
            evidence(j, c, sign, s->text);
    }
}

static bool settings_changed_in(struct dp_why_job *j, struct depot_cause *c, const char *stage)
{
    const struct depot_ev_definition *is = &j->b->definition, *was = &j->old->definition;

    if (!is->has_settings || !was->has_settings)
        return false;
    note_settings(j, c, stage, was, is, '-');
    note_settings(j, c, stage, is, was, '+');
    if (c->evidence.len == 0)
        return false;
    decide(c, DEPOT_REASON_SETTING, stage != NULL);
    return true;
}

/* In its own stage first; then in any, for a stage may stand on another. */
static bool setting_changed(struct dp_why_job *j, struct depot_cause *c)
{
    return settings_changed_in(j, c, c->step->parsed.stage) || settings_changed_in(j, c, NULL);
}

/* Nothing says these words in the earlier build: the line is new, or it reads differently now. */
static bool reads_differently(struct dp_why_job *j, struct depot_cause *c)
{
    const struct depot_step *at;

    if (c->before != NULL)
        return false;
    at = dp_why_same_place(&j->before, c->step);
    /* When what stood there stands elsewhere now, this one was put in between. */
    if (at != NULL && dp_why_same_text(&j->now, at) != NULL)
        at = NULL;
    c->before = at;
    if (at == NULL) {
        decide(c, DEPOT_REASON_NEW, true);
        evidence(j, c, '+', c->step->parsed.instruction);
        return true;
    }
    /* The engine puts the values of arguments and settings into the words. */
    if (is_from(c->step) && is_from(at))
        decide(c, DEPOT_REASON_BASE, true);
    else if (argument_changed(j, c) || settings_changed_in(j, c, c->step->parsed.stage))
        c->certain = false;
    else
        decide(c, DEPOT_REASON_INSTRUCTION, true);
    was_is(j, c, at->parsed.instruction, c->step->parsed.instruction);
    return true;
}

static bool not_finished(struct dp_why_job *j, struct depot_cause *c)
{
    switch (c->before->outcome) {
    case DEPOT_OUTCOME_FAILED:
    case DEPOT_OUTCOME_CANCELLED:
    case DEPOT_OUTCOME_UNREACHED:
    case DEPOT_OUTCOME_WAITING:
    case DEPOT_OUTCOME_RUNNING:
        decide(c, DEPOT_REASON_UNFINISHED, true);
        say(j, c, "there it %s",
            c->before->outcome == DEPOT_OUTCOME_FAILED      ? "failed"
            : c->before->outcome == DEPOT_OUTCOME_CANCELLED ? "was cancelled"
                                                            : "was not reached");
        return true;
    default:
        return false;
    }
}

/* Does anything that it is made of come from the context? Then its digest is another each time. */
static bool has_context_below(const struct depot_build *b, const struct depot_step *s)
{
    bool *seen = depot_calloc(b->steps.len + 1, sizeof(*seen)), found = false;
    DEPOT_VEC(const struct depot_step *) todo = {0};

    depot_vec_push(&todo, s);
    while (todo.len > 0 && !found) {
        const struct depot_step *at = todo.items[--todo.len];

        for (size_t i = 0; i < at->ninputs && !found; i++) {
            const struct depot_step *in = at->inputs[i];

            if (!in->known || seen[in->index])
                continue;
            seen[in->index] = true;
            found = in->parsed.kind == DEPOT_STEP_INTERNAL;
            depot_vec_push(&todo, in);
        }
    }
    depot_vec_free(&todo);
    depot_free(seen);
    return found;
}

static bool is_gone(struct dp_why_job *j, struct depot_cause *c)
{
    bool same = depot_str_eq(c->step->digest, c->before->digest);

    if (!same && (!j->b->definition.has_settings || !j->old->definition.has_settings ||
                     has_context_below(j->b, c->step)))
        return false;
    decide(c, DEPOT_REASON_EVICTED, same);
    if (same)
        say(j, c, "its definition is the same to the letter");
    return true;
}

static bool unknown(struct dp_why_job *j, struct depot_cause *c)
{
    decide(c, DEPOT_REASON_UNKNOWN, false);
    if (began_empty(c->step->part))
        say(j, c, "the builder had no copy of the files: all %lld were sent",
            (long long)c->step->part->context.sent_files);
    if (!j->b->definition.has_settings || !j->old->definition.has_settings)
        say(j, c, "an ENV, an ARG or a mount in the Dockerfile may have changed");
    if (has_context_below(j->b, c->step))
        say(j, c, "files below it may be those of a build in between");
    say(j, c, "or its result was removed from the cache");
    return true;
}

typedef bool check_fn(struct dp_why_job *j, struct depot_cause *c);

/* Only behind reads_differently() is `before` never NULL. */
static check_fn *const checks[] = {
    switched_off,
    nothing_before,
    elsewhere,
    reads_differently,
    stands_elsewhere,
    files_changed,
    url_changed,
    argument_changed,
    setting_changed,
    not_finished,
    is_gone,
    unknown,
};

void dp_why_diagnose(struct dp_why_job *j, struct depot_cause *c)
{
    c->before = dp_why_same_text(&j->before, c->step);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(checks); i++)
        if (checks[i](j, c))
            return;
}

bool dp_why_has_changed(struct dp_why_job *j, const struct depot_step *s)
{
    struct depot_cause c = {.step = s, .before = dp_why_same_text(&j->before, s)};
    bool changed;

    j->quiet = true;
    changed = c.before != NULL ? files_changed(j, &c) && c.evidence.items[0].sign == '~'
                               : reads_differently(j, &c) && c.reason != DEPOT_REASON_ARGUMENT &&
                                     c.reason != DEPOT_REASON_SETTING;
    j->quiet = false;
    depot_vec_free(&c.evidence);
    return changed;
}
