/*
 * --call: what is asked of the frontend instead of a build, and what is printed of its answer. The
 * texts are those of docker buildx, to the letter: scripts read them.
 */
#include "build/plan.h"
#include "build/spec.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

enum {
    JSON_DEPTH = 32,
    WARNINGS_MAX = 10000, /* of one Dockerfile, printed; more are counted alone */
    LINE_MAX_SANE = 1 << 30,
};

/* ---- the flag ---- */
static bool is_word(const char *s)
{
    const size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
    return n > 0 && n <= 64 && s[n] == '\0';
}

static int take_option(struct dp_call *c, const char *field, const char *value)
{
    const size_t n = (size_t)(value - field);
    if (n == 7 && strncmp(field, "format=", n) == 0) {
        c->json = depot_str_eq(value, "json");
        return c->json || depot_str_eq(value, "text") ? 0 : DEPOT_ERR_INVALID;
    }
    if (n == 13 && strncmp(field, "ignorestatus=", n) == 0)
        return depot_str_to_bool(value, &c->ignore_status);
    return DEPOT_ERR_INVALID;
}

static int take_field(struct dp_call *c, const char *field, struct depot_error *err)
{
    const char *eq = strchr(field, '=');
    if (eq != NULL)
        return take_option(c, field, eq + 1) == 0
                   ? 0
                   : dp_spec_refuse(err, "--call", field, "is no option of it");
    if (c->method != NULL)
        return dp_spec_refuse(err, "--call", field, "is a second method");
    if (!is_word(field))
        return dp_spec_refuse(err, "--call", field, "is no method");
    c->method = depot_strdup(field);
    return 0;
}

/* "check" is what people call the frontend's "lint"; "build" asks for nothing else. */
static void settle_name(struct dp_call *c)
{
    const char *name = depot_str_eq(c->method, "check")   ? "lint"
                       : depot_str_eq(c->method, "build") ? NULL
                                                          : c->method;
    char *settled = depot_strdup(name);
    depot_free(c->method);
    c->method = settled;
}

int dp_plan_call(struct depot_build_plan *p, struct depot_error *err)
{
    const char *spec = p->args->call;
    struct depot_strv fields = {0};
    if (p->args->check && !depot_str_empty(spec) && !depot_str_starts(spec, "check"))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "--check and --call=%.200s ask for two things", spec);
    if (p->args->check && depot_str_empty(spec))
        spec = "check";
    if (depot_str_empty(spec))
        return 0;
    int rc = dp_csv_split("--call", spec, &fields, err);
    for (size_t i = 0; rc == 0 && i < fields.len; i++)
        rc = take_field(&p->call, fields.items[i], err);
    if (rc == 0 && p->call.method == NULL)
        rc = dp_spec_refuse(err, "--call", spec, "has no method");
    if (rc == 0)
        settle_name(&p->call);
    depot_strv_release(&fields);
    return rc;
}

/* "Dockerfile" for ".", "a/Dockerfile" for "./a/", as Go's filepath.Join() has it. */
static char *join_name(const char *dir, const char *name)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (const char *s = dir; *s != '\0';) {
        size_t n = strcspn(s, "/");
        if (n > 0 && !(n == 1 && *s == '.')) {
            depot_buf_add(&b, s, n);
            depot_buf_addc(&b, '/');
        } else if (n == 0 && s == dir) {
            depot_buf_addc(&b, '/');
        }
        s += n + (s[n] == '/');
    }
    depot_buf_adds(&b, name);
    return depot_buf_detach(&b);
}

static void name_file(struct depot_build_plan *p)
{
    const char *file = p->args->file;
    if (depot_str_eq(file, "-") || p->context_kind == DP_CONTEXT_DOCKERFILE)
        p->call.file = depot_strdup("stdin");
    else if (!depot_str_empty(file))
        p->call.file = depot_strdup(file);
    else
        p->call.file = join_name(p->args->context, "Dockerfile");
}

/* The daemon would set them, too; one that does not know of questions then at least builds nothing.
 */
void dp_plan_call_attrs(struct depot_build_plan *p)
{
    static const char caps[] = "moby.buildkit.frontend.subrequests+forward";
    if (p->call.method == NULL)
        return;
    name_file(p);
    const char *others = depot_kvs_get(&p->attrs, "frontend.caps");
    char *id = depot_asprintf("frontend.%s", p->call.method);
    char *all =
        depot_asprintf("%s%s%s", others != NULL ? others : "", others != NULL ? "," : "", caps);
    depot_kvs_set(&p->attrs, "requestid", id);
    depot_kvs_set(&p->attrs, "frontend.caps", all);
    depot_free(id);
    depot_free(all);
}

/* ---- places in files, as BuildKit prints them ---- */
static struct json_object *member(struct json_object *o, const char *name)
{
    struct json_object *v = NULL;
    if (json_object_is_type(o, json_type_object))
        json_object_object_get_ex(o, name, &v);
    return v;
}

static const char *member_str(struct json_object *o, const char *name)
{
    struct json_object *v = member(o, name);
    return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

static int member_int(struct json_object *o, const char *name)
{
    int64_t n = json_object_get_int64(member(o, name));
    return n > LINE_MAX_SANE || n < -1 ? 0 : (int)n;
}

static size_t list_len(struct json_object *list)
{
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

struct lines {
    int first, last;
};

static struct lines lines_of(struct json_object *range)
{
    struct lines l = {.first = member_int(member(range, "start"), "line"),
        .last = member_int(member(range, "end"), "line")};
    l.last = l.last > l.first ? l.last : l.first;
    return l;
}

static bool is_marked(struct json_object *ranges, int line)
{
    for (size_t i = 0; i < list_len(ranges); i++) {
        struct lines l = lines_of(json_object_array_get_idx(ranges, i));
        if (l.first <= line && line <= l.last)
            return true;
    }
    return false;
}

static struct lines span_of(struct json_object *ranges)
{
    struct lines span = {0};
    for (size_t i = 0; i < list_len(ranges); i++) {
        struct lines l = lines_of(json_object_array_get_idx(ranges, i));
        span.first = i == 0 || l.first < span.first ? l.first : span.first;
        span.last = l.last > span.last ? l.last : span.last;
    }
    return span;
}

/* More lines around it, in turn above and below; at an edge of the file the other side has more. */
static struct lines widen(struct lines l, int nlines)
{
    const int want = l.first == l.last ? 4 : 2;
    for (int got = 0; got < want; got++) {
        if (l.first > 1) {
            l.first--;
            got++;
        }
        if (l.last != nlines) {
            l.last++;
            got++;
        }
    }
    return l;
}

static void print_lines(struct depot_buf *to, const struct depot_strv *text,
    struct json_object *ranges, const char *file)
{
    static const char rule[] = "--------------------\n";
    struct lines span = span_of(ranges);
    const int nlines = (int)text->len;
    if (list_len(ranges) == 0 || span.first > nlines || span.first < 1)
        return;
    depot_buf_addf(to, "%s:%d\n%s", file, span.first, rule);
    span.last = span.last > nlines ? nlines : span.last;
    span = widen(span, nlines);
    for (int i = span.first; i <= span.last; i++)
        depot_buf_addf(
            to, " %3d | %s %s\n", i, is_marked(ranges, i) ? ">>>" : "   ", text->items[i - 1]);
    depot_buf_adds(to, rule);
}

/* By the name that the user has for the Dockerfile: the engine's lacks the folder. */
static void print_place(const struct depot_build_plan *p, struct depot_buf *to,
    struct json_object *sources, struct json_object *location)
{
    int index = member_int(location, "sourceIndex");
    if (location == NULL || index < 0 || (size_t)index >= list_len(sources))
        return;
    struct json_object *source = json_object_array_get_idx(sources, (size_t)index);
    const char *data = member_str(source, "data");
    size_t n = strlen(data), len = 0;
    char *text = depot_alloc(n / 4 * 3 + 4);
    struct depot_strv lines = {0};
    if (depot_base64_decode(text, &len, data, n) == 0) {
        text[len] = '\0';
        depot_strv_split(&lines, text, '\n');
        if (len == 0)
            depot_strv_push(&lines, "");
        print_lines(to, &lines, member(location, "ranges"), p->call.file);
    }
    depot_strv_release(&lines);
    depot_free(text);
}

/* ---- lint ---- */
struct warning {
    struct json_object *o, *location;
    const char *rule, *file;
    int source, line; /* line -1: no place */
    size_t order;     /* as told */
};

static struct warning read_warning(struct json_object *list, size_t i, struct json_object *sources)
{
    struct warning w = {.o = json_object_array_get_idx(list, i), .order = i};
    w.location = member(w.o, "location");
    w.rule = member_str(w.o, "ruleName");
    w.source = member_int(w.location, "sourceIndex");
    struct json_object *ranges = member(w.location, "ranges");
    w.line = list_len(ranges) > 0 ? lines_of(json_object_array_get_idx(ranges, 0)).first : -1;
    w.file = w.source >= 0 && (size_t)w.source < list_len(sources)
                 ? member_str(json_object_array_get_idx(sources, (size_t)w.source), "filename")
                 : "";
    return w;
}

/* BuildKit's order: those of no file first, then by file and line. */
static int compare(const void *x, const void *y)
{
    const struct warning *a = x, *b = y;
    int d = 0;
    if (a->source < 0 && b->source < 0)
        d = strcmp(a->rule, b->rule);
    else if (a->source < 0 || b->source < 0)
        d = (b->source < 0) - (a->source < 0);
    else if ((d = strcmp(a->file, b->file)) == 0 && a->line == b->line && a->line < 0)
        d = strcmp(a->rule, b->rule);
    else if (d == 0)
        d = (a->line > b->line) - (a->line < b->line);
    return d != 0 ? d : (a->order > b->order) - (a->order < b->order);
}

static void print_warning(const struct depot_build_plan *p, struct depot_buf *to,
    const struct warning *w, struct json_object *sources)
{
    const char *url = member_str(w->o, "url");
    depot_buf_addf(to, "\nWARNING: %s%s%s\n%s\n", w->rule, *url != '\0' ? " - " : "", url,
        member_str(w->o, "detail"));
    print_place(p, to, sources, w->location);
}

static void print_warnings(const struct depot_build_plan *p, struct depot_buf *to,
    struct json_object *list, struct json_object *sources)
{
    size_t n = list_len(list);
    if (n == 0)
        return;
    depot_buf_addf(to,
        n == 1 ? "Check complete, %zu warning has been found!\n"
               : "Check complete, %zu warnings have been found!\n",
        n);
    n = n > WARNINGS_MAX ? WARNINGS_MAX : n;
    struct warning *all = depot_calloc(n, sizeof(*all));
    for (size_t i = 0; i < n; i++)
        all[i] = read_warning(list, i, sources);
    qsort(all, n, sizeof(*all), compare);
    for (size_t i = 0; i < n; i++)
        print_warning(p, to, &all[i], sources);
    depot_free(all);
}

/* What the Dockerfile cannot be built for, beside what it is warned of. */
static void print_build_error(const struct depot_build_plan *p, struct depot_call_result *r,
    struct json_object *error, struct json_object *sources)
{
    depot_buf_addf(&r->problem, "%s\n", member_str(error, "message"));
    print_place(p, &r->problem, sources, member(error, "location"));
}

static int print_lint(const struct depot_build_plan *p, const char *json,
    struct depot_call_result *r, struct depot_error *err)
{
    struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
    struct json_object *o = json_tokener_parse_ex(tok, json, (int)strlen(json));
    json_tokener_free(tok);
    if (!json_object_is_type(o, json_type_object)) {
        json_object_put(o);
        return depot_error_set(
            err, DEPOT_ERR_PROTOCOL, "the frontend's answer to \"lint\" is no JSON object");
    }
    struct json_object *list = member(o, "warnings"), *sources = member(o, "sources"),
                       *error = member(o, "buildError");
    if (!p->call.json)
        print_warnings(p, &r->text, list, sources);
    if (error != NULL) {
        if (!p->call.json && list_len(list) > 0)
            depot_buf_addc(&r->text, '\n');
        print_build_error(p, r, error, sources);
    } else if (!p->call.json && list_len(list) == 0) {
        depot_buf_adds(&r->text, "Check complete, no warnings found.\n");
    }
    json_object_put(o);
    return 0;
}

/* ---- the answer ---- */
bool depot_build_is_call(const struct depot_build_plan *p)
{
    return p->call.method != NULL;
}

static int no_answer(const struct depot_build_plan *p, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "--call=%s got no answer", p->call.method);
    return depot_error_hint(
        err, "the daemon, or the builder's Dockerfile frontend, may be too old for it");
}

static int exit_status(const struct depot_build_plan *p, const struct depot_kvs *response)
{
    enum { STATUS_MAX = 255 };
    int64_t n = 0;
    const char *code = depot_kvs_get(response, "result.statuscode");
    if (p->call.ignore_status || code == NULL || depot_str_to_int64(code, 0, STATUS_MAX, &n) != 0)
        return 0;
    return (int)n;
}

int depot_build_call_result(const struct depot_build_plan *p, const struct depot_build *state,
    struct depot_call_result *r, struct depot_error *err)
{
    static const struct depot_kvs none = {0};
    const struct depot_kvs *response =
        state->parts.len > 0 ? &state->parts.items[0]->response : &none;
    const char *json = depot_kvs_get(response, "result.json");
    const char *text = depot_kvs_get(response, "result.txt");
    const bool is_lint = depot_str_eq(p->call.method, "lint");
    depot_buf_init(&r->text, DEPOT_BUF_NO_LIMIT);
    depot_buf_init(&r->problem, DEPOT_BUF_NO_LIMIT);
    if (is_lint || p->call.json ? json == NULL : text == NULL)
        return no_answer(p, err);
    if (p->call.json)
        depot_buf_addf(&r->text, "%s\n", json);
    else if (!is_lint)
        depot_buf_adds(&r->text, text);
    int rc = is_lint ? print_lint(p, json, r, err) : 0;
    r->status = r->problem.len > 0 ? 1 : exit_status(p, response);
    return rc;
}

void depot_call_result_release(struct depot_call_result *r)
{
    depot_buf_release(&r->text);
    depot_buf_release(&r->problem);
}
