/*
 * depot build: docker build's flags, a build on the daemon's builders, its progress on stderr.
 */
#include "cli.h"

#include <depot/log.h>
#include <depot/text.h>
#include <depot/tui.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct build_args {
    struct depot_build_args b;
    char *summary;
    struct depot_strv ci;
    char *log_level;
};

#define OPT(field) offsetof(struct build_args, field)
/* What docker has no use for either, and says nothing of. */
#define SILENT (DEPOT_OPT_HIDDEN | DEPOT_OPT_NO_ARG | DEPOT_OPT_SILENT)

static const struct depot_opt build_opts[] = {
    {"add-host", 0, DEPOT_OPT_CSV, OPT(b.add_hosts), "HOST:IP",
        "Add a custom host-to-IP mapping, as db:10.0.0.5 or db=[2001:db8::1]", NULL, 0},
    {"allow", 0, DEPOT_OPT_LIST, OPT(b.allow), "ENTITLEMENT",
        "Allow extra privileged entitlement: network.host, security.insecure, device[=NAME], "
        "buildx.local.delete",
        NULL, 0},
    {"annotation", 0, DEPOT_OPT_LIST, OPT(b.annotations), "[TYPE:]KEY=VALUE",
        "Add annotation to the image; types by comma: index, manifest, index-descriptor, "
        "manifest-descriptor, those of manifests also as manifest[PLATFORM]",
        NULL, 0},
    {"attest", 0, DEPOT_OPT_LIST, OPT(b.attests), "type=TYPE[,...]",
        "Attestation parameters, as type=sbom or type=provenance,mode=max", NULL, 0},
    {"build-arg", 0, DEPOT_OPT_LIST, OPT(b.build_args), "NAME[=VALUE]",
        "Set build-time variables; without a value, the environment's", NULL, 0},
    {"build-context", 0, DEPOT_OPT_LIST, OPT(b.build_contexts), "NAME=PATH",
        "Additional build contexts", NULL, 0},
    {"builder", 0, DEPOT_OPT_STRING, OPT(b.builder), "NAME",
        "Build on this builder of the daemon; other names are accepted (default: BUILDX_BUILDER)",
        NULL, 0},
    {"cache-from", 0, DEPOT_OPT_LIST, OPT(b.cache_from), "SOURCE",
        "External cache sources, as user/app:cache or type=local,src=DIR", NULL, 0},
    {"cache-to", 0, DEPOT_OPT_LIST, OPT(b.cache_to), "DEST",
        "Cache export destinations, as type=local,dest=DIR", NULL, 0},
    {"call", 0, DEPOT_OPT_STRING, OPT(b.call), "METHOD",
        "Ask the frontend instead of building: check, outline, targets; with ,format=json as JSON",
        NULL, 0},
    {"cgroup-parent", 0, DEPOT_OPT_STRING, OPT(b.cgroup_parent), "PARENT",
        "Set the parent cgroup for the RUN instructions", NULL, 0},
    {"check", 0, DEPOT_OPT_BOOL, OPT(b.check), NULL,
        "Short for --call=check: lint the Dockerfile, exit with 1 on warnings", NULL, 0},
    CLI_CI_OPTION(OPT(ci)),
    {"color", 0, DEPOT_OPT_STRING, OPT(b.color), "WHEN", "Colour the output", "auto|always|never",
        0},
    {"config", 0, DEPOT_OPT_STRING, OPT(b.docker_config), "DIR",
        "Docker's configuration directory, for registry credentials", NULL, 0},
    {"debug", 'D', DEPOT_OPT_BOOL, OPT(b.debug), NULL,
        "Print diagnostics, and warnings with their details", NULL, 0},
    {"detach", 0, DEPOT_OPT_BOOL, OPT(b.detach), NULL,
        "Let the build go on when this client's connection is lost", NULL, 0},
    {"file", 'f', DEPOT_OPT_STRING, OPT(b.file), "FILE",
        "Name or URL of the Dockerfile, - for standard input (default: PATH/Dockerfile)", NULL, 0},
    {"iidfile", 0, DEPOT_OPT_STRING, OPT(b.iidfile), "FILE", "Write the image ID to a file", NULL,
        0},
    {"join-with", 0, DEPOT_OPT_LIST, OPT(b.join_with), "PLATFORM=DIGEST", NULL, NULL,
        DEPOT_OPT_HIDDEN},
    {"keep-going", 0, DEPOT_OPT_BOOL, OPT(b.keep_going), NULL,
        "Let the other platforms finish when one fails; depot retry then makes only that one", NULL,
        0},
    {"label", 0, DEPOT_OPT_LIST, OPT(b.labels), "KEY=VALUE", "Set metadata for an image", NULL, 0},
    {"load", 0, DEPOT_OPT_BOOL, OPT(b.load), NULL,
        "Load the image into the Docker Engine of this machine", NULL, 0},
    {"metadata-file", 0, DEPOT_OPT_STRING, OPT(b.metadata_file), "FILE",
        "Write build result metadata to a file", NULL, 0},
    {"network", 0, DEPOT_OPT_STRING, OPT(b.network), "MODE",
        "Set the networking mode for the RUN instructions: default, host, none", NULL, 0},
    {"no-cache", 0, DEPOT_OPT_BOOL, OPT(b.no_cache), NULL,
        "Do not use cache when building the image", NULL, 0},
    {"no-cache-filter", 0, DEPOT_OPT_CSV, OPT(b.no_cache_filter), "STAGE",
        "Do not cache specified stages", NULL, 0},
    {"output", 'o', DEPOT_OPT_LIST, OPT(b.outputs), "DEST",
        "Output destination, as DIR or type=local,dest=DIR; types: local, tar, oci, docker, image, "
        "registry, cacheonly",
        NULL, 0},
    {"plain", 0, DEPOT_OPT_BOOL, OPT(b.plain), NULL, "Short for --progress=plain", NULL, 0},
    {"platform", 0, DEPOT_OPT_CSV, OPT(b.platforms), "PLATFORM",
        "Target platforms, as linux/amd64,linux/arm64 (default: this machine's)", NULL, 0},
    {"policy", 0, DEPOT_OPT_LIST, OPT(b.policies), "disabled=true",
        "Build although there is a policy; any other policy is refused, as none is enforced", NULL,
        0},
    {"progress", 0, DEPOT_OPT_STRING, OPT(b.progress), "MODE", "Progress output on stderr",
        "auto|tty|plain|quiet|rawjson|none", 0},
    {"project", 0, DEPOT_OPT_STRING, OPT(b.project), "NAME",
        "Project of the build (default: DEPOT_PROJECT_ID, depot.json, the checkout's name)", NULL,
        0},
    {"provenance", 0, DEPOT_OPT_STRING, OPT(b.provenance), "MODE",
        "Short for --attest=type=provenance", NULL, 0},
    {"pull", 0, DEPOT_OPT_BOOL, OPT(b.pull), NULL, "Always attempt to pull all referenced images",
        NULL, 0},
    {"push", 0, DEPOT_OPT_BOOL, OPT(b.push), NULL, "Push the image, from the builder", NULL, 0},
    {"quiet", 'q', DEPOT_OPT_BOOL, OPT(b.quiet), NULL, "Print nothing but the image ID, on success",
        NULL, 0},
    {"record", 0, DEPOT_OPT_STRING, OPT(b.record), "FILE",
        "Write the build's feed to a file, for replay", NULL, 0},
    {"resource", 0, DEPOT_OPT_LIST, OPT(b.resources), "KEY=VALUE",
        "Limit each step, as memory=2g or cpu-quota=50000; keys: memory, memory-swap, cpu-shares, "
        "cpu-period, cpu-quota, cpuset-cpus, cpuset-mems",
        NULL, 0},
    {"sbom", 0, DEPOT_OPT_STRING, OPT(b.sbom), "MODE", "Short for --attest=type=sbom", NULL, 0},
    {"secret", 0, DEPOT_OPT_LIST, OPT(b.secrets), "id=ID[,src=FILE|,env=NAME]",
        "Secret to expose to the build", NULL, 0},
    {"shm-size", 0, DEPOT_OPT_STRING, OPT(b.shm_size), "BYTES",
        "Shared memory size for build containers, as 64m", NULL, 0},
    {"ssh", 0, DEPOT_OPT_LIST, OPT(b.ssh), "ID[=SOCKET|KEY,...]",
        "SSH agent socket or private keys to expose to the build", NULL, 0},
    {"summary", 0, DEPOT_OPT_STRING, OPT(summary), "WHEN",
        "Print what was built when it is done; auto: on a terminal, and in CI", "auto|always|never",
        0},
    {"tag", 't', DEPOT_OPT_LIST, OPT(b.tags), "NAME[:TAG]",
        "Image name, as registry/repository:tag", NULL, 0},
    {"target", 0, DEPOT_OPT_STRING, OPT(b.target), "STAGE", "Set the target build stage to build",
        NULL, 0},
    {"token", 0, DEPOT_OPT_STRING, OPT(b.token), "TOKEN",
        "Token for the daemon (default: DEPOT_TOKEN)", NULL, 0},
    {"tui", 0, DEPOT_OPT_BOOL, OPT(b.tui), NULL,
        "Show the build full screen; q goes back to the scrollback, the build goes on", NULL, 0},
    {"ulimit", 0, DEPOT_OPT_LIST, OPT(b.ulimits), "TYPE=SOFT[:HARD]", "Ulimit options", NULL, 0},
    {"url", 0, DEPOT_OPT_STRING, OPT(b.url), "URL",
        "Daemon to build with, as unix://PATH or https://HOST:PORT (default: DEPOT_URL, or this "
        "user's own, started when needed)",
        NULL, 0},
    /* Accepted, so that a docker build command works unchanged. */
    {"print", 0, DEPOT_OPT_STRING, OPT(b.call), "METHOD", NULL, NULL, DEPOT_OPT_HIDDEN},
    {"compress", 0, DEPOT_OPT_IGNORED, 0, NULL, NULL, NULL, SILENT},
    {"force-rm", 0, DEPOT_OPT_IGNORED, 0, NULL, NULL, NULL, SILENT},
    {"rm", 0, DEPOT_OPT_IGNORED, 0, NULL, NULL, NULL, SILENT},
    {"squash", 0, DEPOT_OPT_IGNORED, 0, NULL, NULL, NULL, DEPOT_OPT_HIDDEN | DEPOT_OPT_NO_ARG},
    {"isolation", 0, DEPOT_OPT_IGNORED, 0, "TECH", NULL, NULL, DEPOT_OPT_HIDDEN},
    {"security-opt", 0, DEPOT_OPT_IGNORED, 0, "OPT", NULL, NULL, DEPOT_OPT_HIDDEN},
    /* Older names of --resource. */
    {"memory", 'm', DEPOT_OPT_STRING, OPT(b.memory), "BYTES", NULL, NULL, DEPOT_OPT_HIDDEN},
    {"memory-swap", 0, DEPOT_OPT_STRING, OPT(b.memory_swap), "BYTES", NULL, NULL, DEPOT_OPT_HIDDEN},
    {"cpu-shares", 'c', DEPOT_OPT_STRING, OPT(b.cpu_shares), "N", NULL, NULL, DEPOT_OPT_HIDDEN},
    {"cpu-period", 0, DEPOT_OPT_STRING, OPT(b.cpu_period), "N", NULL, NULL, DEPOT_OPT_HIDDEN},
    {"cpu-quota", 0, DEPOT_OPT_STRING, OPT(b.cpu_quota), "N", NULL, NULL, DEPOT_OPT_HIDDEN},
    {"cpuset-cpus", 0, DEPOT_OPT_STRING, OPT(b.cpuset_cpus), "SET", NULL, NULL, DEPOT_OPT_HIDDEN},
    {"cpuset-mems", 0, DEPOT_OPT_STRING, OPT(b.cpuset_mems), "SET", NULL, NULL, DEPOT_OPT_HIDDEN},
    {"log-level", 0, DEPOT_OPT_STRING, OPT(log_level), "LEVEL", "Diagnostics on stderr",
        "error|warn|info|debug", DEPOT_OPT_HIDDEN},
};

/* What ends a build in order: half-written files go, and so does the build on its engine. */
enum { SIGNALS = 3 };
static const int ending[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

struct run {
    const struct depot_command *cmd;
    const struct build_args *args;
    struct depot_loop *loop;
    struct depot_build_plan *plan;
    struct depot_endpoint at;
    struct depot_job *job;
    struct cli_show *show;
    struct cli_ci ci;
    struct depot_tui *tui; /* NULL: not wanted, or closed */
    struct cli_record *record;
    bool record_failed;
    struct depot_signal *signals[SIGNALS];
    const char *sink;
    bool cancelling, builder_noted, warned;
    DEPOT_VEC(struct depot_error) problems; /* told when it is over, where they are read */
    int exit_code;
};

/* ---- what is shown ---- */

static bool is_sink(const char *mode)
{
    return depot_str_eq(mode, "tty") || depot_str_eq(mode, "plain") ||
           depot_str_eq(mode, "quiet") || depot_str_eq(mode, "rawjson");
}

/* Flags first, then BUILDKIT_PROGRESS, then what the terminal can. */
static const char *choose_sink(const struct build_args *a)
{
    if (a->b.tui)
        return "tty"; /* what is shown once the dashboard is left */
    if (a->b.quiet)
        return "quiet";
    if (a->b.plain)
        return "plain";
    const char *mode = a->b.progress;
    if (depot_str_empty(mode) || depot_str_eq(mode, "auto"))
        mode = getenv("BUILDKIT_PROGRESS");
    if (depot_str_eq(mode, "none"))
        return "quiet";
    return is_sink(mode) ? mode : cli_show_auto(stderr);
}

/* Two flags that want different things; what the environment says gives way. */
static int check_quiet(const struct build_args *a, struct depot_error *err)
{
    const char *mode = a->b.plain ? "plain" : a->b.progress;
    if (!a->b.quiet || depot_str_empty(mode) || depot_str_eq(mode, "auto") ||
        depot_str_eq(mode, "quiet") || depot_str_eq(mode, "none"))
        return 0;
    depot_error_set(
        err, DEPOT_ERR_INVALID, "--progress=%s and --quiet cannot be used together", mode);
    return depot_error_hint(err, "leave out one of them");
}

/* A line of the client's own, on whatever is on the screen. */
static void note(struct run *r, const char *text)
{
    if (r->tui != NULL)
        depot_tui_build_say(r->tui, text);
    else
        cli_show_note(r->show, "depot: %s", text);
}

/* Nothing but its own lines may stand on stderr. */
static bool is_silent(const struct run *r)
{
    return depot_str_eq(r->sink, "rawjson") || depot_str_eq(r->sink, "quiet");
}

/* Of the plan: above a screen, and as buildx has it below a log, which begins with its first line.
 */
static void print_warnings(struct run *r)
{
    const struct depot_strv *w = depot_build_plan_warnings(r->plan);
    if (is_silent(r))
        return;
    for (size_t i = 0; i < w->len && !r->warned; i++)
        cli_say("WARNING: ", w->items[i]);
    r->warned = true;
}

/* Scripts name the builder that they made with docker buildx: said once, it stops nothing. */
static void note_builder(struct run *r, const char *builder)
{
    const char *wanted = r->args->b.builder;
    if (r->builder_noted || depot_str_empty(wanted) || depot_str_eq(wanted, builder) ||
        depot_str_eq(r->sink, "rawjson"))
        return;
    r->builder_noted = true;
    char *text =
        depot_asprintf("--builder %s is no builder of this daemon; %s builds", wanted, builder);
    note(r, text);
    depot_free(text);
}

/* ---- the job's callbacks ---- */

static void on_event(struct depot_job *j, const struct depot_event *ev, void *arg)
{
    struct run *r = arg;
    DEPOT_UNUSED(j);
    cli_show_event(r->show, ev);
    if (ev->type == DEPOT_EVENT_BUILD_ASSIGNED)
        note_builder(r, ev->u.assigned.builder);
    if (r->tui != NULL)
        depot_tui_build_event(r->tui, ev);
    if (r->record != NULL)
        cli_record_event(r->record, ev);
}

static void on_link(struct depot_job *j, const struct depot_error *err, void *arg)
{
    struct run *r = arg;
    DEPOT_UNUSED(j);
    if (r->tui != NULL) {
        depot_tui_build_link(r->tui, err);
    } else if (err != NULL) {
        cli_show_note(
            r->show, "depot: the connection to the daemon was lost (%s); reconnecting", err->msg);
    } else {
        cli_show_note(r->show, "depot: connected to the daemon again");
    }
}

static bool is_known(const struct run *r, const struct depot_error *err)
{
    for (size_t i = 0; i < r->problems.len; i++)
        if (depot_str_eq(r->problems.items[i].msg, err->msg))
            return true;
    return false;
}

static void on_note(struct depot_job *j, const char *text, void *arg)
{
    struct run *r = arg;
    DEPOT_UNUSED(j);
    if (!is_silent(r))
        note(r, text);
}

static void on_problem(struct depot_job *j, const struct depot_error *err, void *arg)
{
    struct run *r = arg;
    DEPOT_UNUSED(j);
    if (!is_known(r, err))
        depot_vec_push(&r->problems, *err);
}

/* ---- the dashboard over the terminal ---- */

static void close_tui(struct run *r)
{
    if (r->tui == NULL)
        return;
    depot_tui_build_close(r->tui);
    r->tui = NULL;
    cli_show_cover(r->show, false);
}

static void on_tui_left(struct depot_tui *t, void *arg)
{
    DEPOT_UNUSED(t);
    close_tui(arg);
}

static void cancel(struct run *r)
{
    if (r->cancelling) {
        r->exit_code = DEPOT_EXIT_INTERRUPTED;
        depot_loop_stop(r->loop);
        return;
    }
    r->cancelling = true;
    if (!depot_str_eq(r->sink, "rawjson"))
        note(r, "cancelling the build; interrupt again to leave at once");
    depot_job_cancel(r->job);
}

static void on_tui_cancel(struct depot_tui *t, void *arg)
{
    DEPOT_UNUSED(t);
    cancel(arg);
}

static int open_tui(struct run *r, struct depot_error *err)
{
    static const struct depot_tui_build_ops ops = {.left = on_tui_left, .cancel = on_tui_cancel};
    struct depot_tui_opts opts = {
        .color = depot_str_eq(r->args->b.color, "never") ? "never" : NULL};
    if (!r->args->b.tui)
        return 0;
    int rc = depot_tui_build_open(r->loop, &opts, r->job, &ops, r, &r->tui, err);
    if (rc == 0)
        cli_show_cover(r->show, true);
    return rc;
}

static void warn_unkept(const struct run *r)
{
    const char *text = depot_build_unkept(r->plan, depot_job_state(r->job));
    if (text != NULL && !is_silent(r))
        cli_say("WARNING: ", text);
}

static void end_record(struct run *r)
{
    struct depot_error err = {0};
    if (cli_record_close(r->record, &err) != 0) {
        depot_error_print(CLI_PROGRAM, &err);
        r->record_failed = true;
    }
    r->record = NULL;
}

static void unwatch_signals(struct run *r)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        depot_signal_free(r->signals[i]);
        r->signals[i] = NULL;
    }
}

/* Text of many lines that an engine gave: as it is for a program, cleaned for a terminal. */
static void print_text(FILE *to, const struct depot_buf *text)
{
    struct depot_clean clean = {0};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (isatty(fileno(to)) == 1)
        depot_clean_feed(&clean, &out, depot_buf_str(text), text->len);
    else
        depot_buf_add(&out, depot_buf_str(text), text->len);
    fwrite(depot_buf_str(&out), 1, out.len, to);
    depot_buf_release(&out);
}

/* The exit code is the frontend's: a linter that warned fails. */
static int print_call(struct run *r)
{
    struct depot_error err = {0};
    struct depot_call_result answer = {0};
    int code = DEPOT_EXIT_FAILED;
    int rc = depot_build_call_result(r->plan, depot_job_state(r->job), &answer, &err);
    if (rc == 0) {
        print_text(stdout, &answer.text);
        rc = depot_stdout_flush(&err);
        code = answer.status;
    }
    if (rc != 0) {
        depot_error_print(CLI_PROGRAM, &err);
        code = DEPOT_EXIT_FAILED;
    }
    if (answer.problem.len > 0) {
        fputs("ERROR: ", stderr);
        print_text(stderr, &answer.problem);
    }
    depot_call_result_release(&answer);
    return code;
}

static int finish_good(struct run *r)
{
    struct depot_error err = {0};
    const struct depot_build *state = depot_job_state(r->job);
    warn_unkept(r);
    if (depot_build_write_results(r->plan, state, &err) != 0) {
        depot_error_print(CLI_PROGRAM, &err);
        return DEPOT_EXIT_FAILED;
    }
    if (depot_build_is_call(r->plan))
        return print_call(r);
    const char *digest = depot_build_digest(r->plan, state);
    if (r->args->b.quiet && digest != NULL)
        printf("%s\n", digest);
    if (digest == NULL && !depot_str_empty(r->args->b.iidfile) && !depot_str_eq(r->sink, "rawjson"))
        cli_say("WARNING: the build made no image, so no ID was written to ", r->args->b.iidfile);
    if (depot_stdout_flush(&err) != 0) {
        depot_error_print(CLI_PROGRAM, &err);
        return DEPOT_EXIT_FAILED;
    }
    return DEPOT_EXIT_OK;
}

/* The engine's own code of the first failure, so that the exit status is the one of buildx. */
static int failure_code(const struct depot_build *state)
{
    enum { GRPC_EXHAUSTED = 8, GRPC_INTERNAL = 13 };
    for (size_t i = 0; i < state->parts.len; i++) {
        const struct depot_build_error *e = state->parts.items[i]->error;
        if (e != NULL && e->code == GRPC_INTERNAL)
            return DEPOT_EXIT_INTERNAL;
        if (e != NULL && e->code == GRPC_EXHAUSTED)
            return DEPOT_EXIT_EXHAUSTED;
    }
    return DEPOT_EXIT_FAILED;
}

/* Only what failed need be made again, and only where something did not. */
static void keep_for_retry(struct run *r, const struct depot_build *state)
{
    struct depot_error err = {0};
    if (!cli_retry_worth(state, &r->args->b) || !depot_build_plan_resumes(r->plan))
        return;
    if (cli_retry_save(state, r->cmd, r->args, &r->args->b, &err) != 0)
        depot_error_print(CLI_PROGRAM, &err);
    else if (!depot_str_eq(r->sink, "rawjson") && !depot_str_eq(r->sink, "quiet"))
        fprintf(stderr, "depot: \"depot retry %s\" makes only what failed\n", state->id);
}

static void on_done(struct depot_job *j, const struct depot_error *err, void *arg)
{
    struct run *r = arg;
    const struct depot_build *state = depot_job_state(j);
    close_tui(r);
    /* A build that never came to be has nothing to sum up. */
    cli_show_end(r->show, depot_job_id(j) != NULL);
    print_warnings(r);
    for (size_t i = 0; i < r->problems.len; i++)
        depot_error_print(CLI_PROGRAM, &r->problems.items[i]);
    end_record(r);
    if (err == NULL) {
        /* A FIFO among the results may wait for its reader: a signal ends that at once. */
        unwatch_signals(r);
        r->exit_code = finish_good(r);
    } else if (err->code == DEPOT_ERR_CANCELLED) {
        r->exit_code = DEPOT_EXIT_INTERRUPTED;
        const bool told = !r->cancelling && state->message != NULL;
        cli_say(told ? "ERROR: the build was cancelled: " : "ERROR: the build was cancelled",
            told ? state->message : "");
    } else if (err->code == DEPOT_ERR_FAILED && state->state == DEPOT_BUILD_FAILED) {
        r->exit_code = failure_code(state);
        keep_for_retry(r, state);
    } else {
        if (!is_known(r, err))
            depot_error_print(CLI_PROGRAM, err);
        cli_ci_error(&r->ci, err);
        r->exit_code = depot_exit_from_err(err->code);
    }
    cli_show_last(r->show);
    depot_loop_stop(r->loop);
}

static const struct depot_job_ops job_ops = {
    .event = on_event, .link = on_link, .note = on_note, .problem = on_problem, .done = on_done};

/* The first ^C cancels the build on the engine, the second leaves at once. */
static void on_signal(struct depot_signal *s, int signum, void *arg)
{
    DEPOT_UNUSED(s);
    DEPOT_UNUSED(signum);
    cancel(arg);
}

/* ---- life ---- */

static int prepare(struct run *r, struct depot_error *err)
{
    const struct depot_build_args *b = &r->args->b;
    int rc = cli_ci_init(&r->ci, &r->args->ci, CLI_CI_ANNOTATIONS | CLI_CI_REPORT, err);
    if (rc == 0)
        rc = depot_build_begin_results(b, err);
    if (rc == 0)
        rc = depot_build_plan_new(b, &r->plan, err);
    if (rc != 0)
        return rc;
    cli_ci_place(&r->ci, b->context, b->file);
    if (depot_str_eq(r->sink, "tty"))
        print_warnings(r);
    rc = depot_endpoint_resolve(b->url, b->token, true, &r->at, err);
    if (rc == 0 && !depot_str_empty(b->record))
        rc = cli_record_open(b->record, &r->record, err);
    if (rc == 0)
        rc = depot_loop_new(&r->loop, err);
    return rc;
}

static bool below_nohup(void)
{
    struct sigaction old;
    return sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

static int watch_signals(struct run *r, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < SIGNALS; i++)
        if (ending[i] != SIGHUP || !below_nohup())
            rc = depot_signal_new(r->loop, ending[i], on_signal, r, &r->signals[i], err);
    return rc;
}

static int start(struct run *r, struct depot_error *err)
{
    struct cli_show_opts opts = {.sink = r->sink,
        .out = stderr,
        .color = r->args->b.color,
        .details = r->args->b.debug,
        .ci = &r->ci,
        .summary = cli_show_sums_up(r->args->summary, stderr) && !depot_build_is_call(r->plan)};
    int rc = watch_signals(r, err);
    if (rc == 0)
        rc = depot_job_start(r->loop, r->plan, &r->at, &job_ops, r, &r->job, err);
    if (rc == 0)
        rc = cli_show_new(r->loop, depot_job_state(r->job), &opts, &r->show, err);
    if (rc == 0)
        rc = open_tui(r, err);
    return rc;
}

static void finish(struct run *r)
{
    unwatch_signals(r);
    depot_tui_build_close(r->tui);
    cli_show_free(r->show);
    cli_ci_release(&r->ci);
    depot_job_free(r->job);
    depot_loop_free(r->loop);
    end_record(r);
    if (r->record_failed && r->exit_code == DEPOT_EXIT_OK)
        r->exit_code = DEPOT_EXIT_FAILED;
    depot_endpoint_release(&r->at);
    depot_build_plan_free(r->plan);
    depot_vec_free(&r->problems);
}

static int run_build(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    struct build_args *a = target;
    struct depot_error err = {0};
    struct run r = {.cmd = cmd, .args = a, .exit_code = DEPOT_EXIT_FAILED};
    a->b.context = args->items[0];
    int level = a->log_level != NULL ? depot_log_level_from_name(a->log_level) : -1;
    if (level < 0 && a->b.debug)
        level = DEPOT_LOG_DEBUG;
    if (level >= 0)
        depot_log_set_level((enum depot_log_level)level);
    r.sink = choose_sink(a);
    int rc = check_quiet(a, &err);
    if (rc == 0)
        rc = cli_show_check(r.sink, a->b.tui ? "--tui" : "--progress=tty", stderr, &err);
    if (rc == 0)
        rc = prepare(&r, &err);
    if (rc == 0)
        rc = start(&r, &err);
    if (rc == 0) {
        depot_loop_run(r.loop);
    } else {
        depot_error_print(CLI_PROGRAM, &err);
        cli_ci_error(&r.ci, &err);
        r.exit_code = rc == DEPOT_ERR_INVALID || rc == DEPOT_ERR_UNSUPPORTED ? DEPOT_EXIT_USAGE
                                                                             : DEPOT_EXIT_FAILED;
    }
    finish(&r);
    return r.exit_code;
}

const struct depot_command cmd_build = {
    .name = "build",
    .alias = "b",
    .args = "PATH | URL | -",
    .min_args = 1,
    .max_args = 1,
    .summary = "Build an image from a Dockerfile",
    .text = "With several platforms, each is built by a builder of its own kind, side by side.",
    .opts = build_opts,
    .nopts = DEPOT_ARRAY_LEN(build_opts),
    .args_size = sizeof(struct build_args),
    .run = run_build,
};
