/*
 * depot why [BUILD]: which steps were not found in the cache, and what changed since the build
 * before. Reads two builds from the feed, or from recordings, and compares them.
 */
#include "cli.h"

#include <depot/feed.h>
#include <depot/render.h>
#include <depot/why.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { WHY_GIVE_UP_MS = 10000, WHY_LOOK_BACK = 200 };

struct why_args {
    struct cli_remote remote;
    char *against, *color;
    bool json, replay;
};

#define OPT(field) offsetof(struct why_args, field)

static const struct depot_opt why_opts[] = {
    {"against", 0, DEPOT_OPT_STRING, OPT(against), "BUILD",
        "Compare with this build (default: the newest before it of the same project, target and "
        "platforms)",
        NULL, 0},
    {"color", 0, DEPOT_OPT_STRING, OPT(color), "WHEN", "Colours", "auto|always|never", 0},
    {"json", 0, DEPOT_OPT_BOOL, OPT(json), NULL, "Print the causes as JSON", NULL, 0},
    {"replay", 0, DEPOT_OPT_BOOL, OPT(replay), NULL,
        "The builds are files written by depot build --record", NULL, 0},
    CLI_REMOTE_OPTIONS(struct why_args),
};

struct why {
    const struct why_args *args;
    const char *id, *against; /* builds, or files */
    struct depot_loop *loop;
    struct depot_feed *feed;
    struct depot_build *build, *before;
    struct depot_build *reading; /* which of them the feed gives now */
    enum depot_past past;        /* where there is no build before */
    int rc, exit_code;
    struct depot_error *err;
};

static void stop(struct why *y, int rc, const struct depot_error *err)
{
    y->rc = rc;
    if (err != NULL)
        *y->err = *err;
    depot_loop_stop(y->loop);
}

/* ---- which build to compare with ---- */

/* Of a list that is whole: is there any earlier build of the project? */
static enum depot_past past_of(
    const struct depot_build_summary *self, const struct depot_build_summary *const *list, size_t n)
{
    bool earlier = false;
    if (self == NULL || n >= WHY_LOOK_BACK)
        return DEPOT_PAST_UNKNOWN;
    for (size_t i = 0; i < n; i++)
        earlier = earlier || (list[i]->created < self->created &&
                                 depot_str_eq(list[i]->info.project, self->info.project));
    return earlier ? DEPOT_PAST_FIRST_SUCH : DEPOT_PAST_FIRST;
}

static void read_before(struct why *y, const char *id)
{
    y->before = y->reading = depot_build_new(NULL);
    depot_feed_subscribe_build(y->feed, id, 0);
}

static void find_before(struct why *y)
{
    const struct depot_query q = {
        .ask = DEPOT_QUERY_BUILDS, .project = y->build->info.project, .limit = WHY_LOOK_BACK};
    if (y->against != NULL)
        read_before(y, y->against);
    else if (depot_str_empty(y->build->info.project) || !depot_feed_query(y->feed, &q))
        stop(y, 0, NULL);
}

static void on_answer(struct depot_feed *f, const struct depot_query *q,
    const struct depot_response *a, const struct depot_error *err, void *arg)
{
    struct why *y = arg;
    const struct depot_build_summary *self = NULL, **list;
    DEPOT_UNUSED(f);
    if (a == NULL || q->ask != DEPOT_QUERY_BUILDS) {
        stop(y, err != NULL ? err->code : DEPOT_ERR_PROTOCOL, err);
        return;
    }
    const size_t n = a->u.builds.nbuilds;
    list = depot_calloc(n + 1, sizeof(struct depot_build_summary *));
    for (size_t i = 0; i < n; i++) {
        list[i] = &a->u.builds.builds[i];
        if (depot_str_eq(list[i]->id, y->build->id))
            self = list[i];
    }
    const int chosen = self != NULL ? depot_why_choose(self, list, n) : -1;
    if (chosen >= 0)
        read_before(y, list[chosen]->id);
    else
        stop(y, 0, NULL);
    y->past = past_of(self, list, n);
    depot_free(list);
}

/* ---- reading ---- */

static void on_event(struct depot_feed *f, const struct depot_event *ev, void *arg)
{
    struct why *y = arg;
    DEPOT_UNUSED(f);
    depot_build_apply(y->reading, ev);
    if (ev->type != DEPOT_EVENT_BUILD_FINISHED || y->args->replay)
        return;
    if (y->reading == y->build)
        find_before(y);
    else
        stop(y, 0, NULL);
}

static void on_state(
    struct depot_feed *f, enum depot_feed_state s, const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(f);
    if (s == DEPOT_FEED_ENDED || (s == DEPOT_FEED_CONNECTING && err != NULL))
        stop(arg, err != NULL ? err->code : 0, err);
}

static void on_refused(
    struct depot_feed *f, const char *build, const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(f);
    DEPOT_UNUSED(build);
    stop(arg, err->code, err);
}

static const struct depot_feed_ops feed_ops = {
    .event = on_event, .state = on_state, .refused = on_refused, .answer = on_answer};

static int read_file(struct why *y, const char *path, struct depot_build **out)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return depot_error_errno(y->err, errno, "cannot read %s", path);
    *out = y->reading = depot_build_new(NULL);
    int rc = depot_feed_open_fd(y->loop, fd, 0, &feed_ops, y, &y->feed, y->err);
    if (rc == 0) {
        depot_loop_run(y->loop);
        rc = y->rc;
    }
    depot_feed_free(y->feed);
    y->feed = NULL;
    close(fd);
    return rc;
}

static int read_files(struct why *y)
{
    assert(y->id != NULL); /* a file was named */
    int rc = read_file(y, y->id, &y->build);
    if (rc == 0 && y->against != NULL)
        rc = read_file(y, y->against, &y->before);
    return rc;
}

static int follow(struct why *y)
{
    struct depot_endpoint at = {0};
    int rc = depot_endpoint_resolve(y->args->remote.url, y->args->remote.token, true, &at, y->err);
    if (rc == 0) {
        const struct depot_feed_opts opts = {
            .addr = &at.addr, .tls = &at.tls, .token = at.token, .give_up_ms = WHY_GIVE_UP_MS};
        rc = depot_feed_open(y->loop, &opts, &feed_ops, y, &y->feed, y->err);
    }
    if (rc == 0) {
        y->build = y->reading = depot_build_new(NULL);
        depot_feed_subscribe_build(y->feed, y->id, 0);
        depot_loop_run(y->loop);
        rc = y->rc;
    }
    depot_feed_free(y->feed);
    y->feed = NULL;
    depot_endpoint_release(&at);
    return rc;
}

static int read_feed(struct why *y)
{
    const struct cli_remote *remote = &y->args->remote;
    struct cli_build build = {0}, against = {0};
    int rc = cli_which(remote, y->id, &build, y->err);
    if (rc == 0 && y->against != NULL)
        rc = cli_which(remote, y->against, &against, y->err);
    if (rc != 0)
        y->exit_code = cli_exit(rc);
    y->id = build.id;
    y->against = against.id;
    if (rc == 0)
        rc = follow(y);
    cli_build_release(&build);
    cli_build_release(&against);
    return rc;
}

/* ---- printing ---- */

static void add(struct json_object *o, const char *key, const char *value)
{
    if (!depot_str_empty(value))
        json_object_object_add(o, key, json_object_new_string(value));
}

static struct json_object *step_json(const struct depot_step *s)
{
    struct json_object *o = json_object_new_object();
    add(o, "platform", s->platform);
    add(o, "stage", s->parsed.stage);
    if (s->parsed.ordinal > 0)
        json_object_object_add(o, "ordinal", json_object_new_int(s->parsed.ordinal));
    add(o, "text", s->parsed.instruction);
    add(o, "digest", s->digest);
    return o;
}

static struct json_object *cause_json(const struct depot_cause *c)
{
    struct json_object *o = json_object_new_object(), *evidence = json_object_new_array(),
                       *steps = json_object_new_array();
    add(o, "reason", depot_reason_name(c->reason));
    json_object_object_add(o, "certain", json_object_new_boolean(c->certain));
    json_object_object_add(o, "step", step_json(c->step));
    for (size_t i = 0; i < c->evidence.len; i++) {
        struct json_object *e = json_object_new_object();
        const char sign[] = {c->evidence.items[i].sign, '\0'};
        add(e, "sign", sign);
        add(e, "text", c->evidence.items[i].text);
        json_object_array_add(evidence, e);
    }
    json_object_object_add(o, "evidence", evidence);
    json_object_object_add(o, "took_ms", json_object_new_int64(c->took / DEPOT_MSEC));
    for (size_t i = 0; i < c->steps.len; i++)
        json_object_array_add(steps, step_json(c->steps.items[i]));
    json_object_object_add(o, "steps", steps);
    return o;
}

static void print_json(const struct why *y, const struct depot_why *w)
{
    struct json_object *o = json_object_new_object(), *causes = json_object_new_array();
    add(o, "build", y->build->id);
    add(o, "against", y->before != NULL ? y->before->id : NULL);
    if (y->before == NULL && y->past == DEPOT_PAST_FIRST)
        json_object_object_add(o, "first", json_object_new_boolean(true));
    for (size_t i = 0; i < w->causes.len; i++)
        json_object_array_add(causes, cause_json(w->causes.items[i]));
    json_object_object_add(o, "causes", causes);
    cli_json_print(o);
    json_object_put(o);
}

static void print(const struct why *y)
{
    struct depot_why w;
    struct depot_styles styles;
    const struct depot_render_opts opts = {.out = stdout,
        .sanitize = true,
        .styles = depot_use_styles(&styles, y->args->color, STDOUT_FILENO),
        .utf8 = depot_text_is_utf8(),
        .ci = depot_ci_detect()};
    depot_build_derive(y->build);
    if (y->before != NULL)
        depot_build_derive(y->before);
    depot_why_init(&w, y->build, y->before);
    if (y->args->json)
        print_json(y, &w);
    else
        depot_render_why(&w, y->build, y->before, y->past, &opts);
    depot_why_release(&w);
}

static int no_file(struct why *y)
{
    y->exit_code = DEPOT_EXIT_USAGE;
    depot_error_set(y->err, DEPOT_ERR_INVALID, "--replay needs a recording");
    return depot_error_hint(y->err, "depot build --record FILE writes one");
}

static int run_why(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    struct depot_error err = {0};
    struct why y = {
        .args = target, .id = cli_arg(args), .exit_code = DEPOT_EXIT_FAILED, .err = &err};
    DEPOT_UNUSED(cmd);
    y.against = y.args->against;
    int rc = y.args->replay && y.id == NULL ? no_file(&y) : depot_loop_new(&y.loop, &err);
    if (rc == 0)
        rc = y.args->replay ? read_files(&y) : read_feed(&y);
    if (rc == 0)
        print(&y);
    if (rc == 0)
        rc = depot_stdout_flush(&err);
    if (rc != 0)
        depot_error_print(CLI_PROGRAM, &err);
    else
        y.exit_code = DEPOT_EXIT_OK;
    depot_build_free(y.build);
    depot_build_free(y.before);
    depot_loop_free(y.loop);
    return y.exit_code;
}

const struct depot_command cmd_why = {
    .name = "why",
    .args = CLI_BUILD_ARG,
    .max_args = 1,
    .summary = "Tell why steps of a build were not found in the cache",
    .text = "The steps that were the first on their path to miss the cache are listed with what "
            "changed since an earlier build, with what ran because of them, and with the time that "
            "took. Nothing is asked of the engine: the feeds of the two builds are compared. What "
            "follows from them is stated; what is only probable is marked so.\n\n"
            "A build that still runs is waited for.\n\n" CLI_BUILD_TEXT,
    .opts = why_opts,
    .nopts = DEPOT_ARRAY_LEN(why_opts),
    .args_size = sizeof(struct why_args),
    .run = run_why,
};
