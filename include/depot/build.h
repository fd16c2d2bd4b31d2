/*
 * One build as the client sees it: what was asked for, the request that is made of it, the sessions
 * that serve it, its end.
 *
 * The daemon owns the solve. The client creates the build over the feed, opens a session for each
 * part that the daemon assigns, reduces the feed's events and hands each to `event`; when the build
 * is finished and its outputs are on disk, `done` comes.
 */
#ifndef DEPOT_BUILD_H
#define DEPOT_BUILD_H

#include <depot/buf.h>
#include <depot/endpoint.h>
#include <depot/event.h>
#include <depot/feed.h>
#include <depot/export.h>
#include <depot/loop.h>
#include <depot/state.h>

DEPOT_API_BEGIN

/* What the command line says, before anything is looked at. Everything is owned. */
struct depot_build_args {
    char *context; /* PATH, URL or "-" */
    char *file, *target, *network, *shm_size, *cgroup_parent;
    char *project, *url, *token, *docker_config;
    char *iidfile, *metadata_file, *record;
    char *progress, *color;
    char *call; /* METHOD[,format=json][,ignorestatus=BOOL] */
    char *sbom, *provenance;
    char *builder; /* of the daemon's; the name of another is no error */
    char *memory, *memory_swap, *cpu_shares, *cpu_period, *cpu_quota, *cpuset_cpus, *cpuset_mems;
    struct depot_strv tags, build_args, labels, platforms, outputs, secrets, ssh;
    struct depot_strv cache_from, cache_to, no_cache_filter, build_contexts, add_hosts;
    struct depot_strv attests, annotations, allow, ulimits, policies, resources;
    struct depot_strv
        join_with; /* "PLATFORM=DIGEST" of an earlier build, "PLATFORM=" of this one */
    bool no_cache, pull, push, load, quiet, plain, tui, detach, debug, keep_going, check;
};

/* The checked plan; made once from the arguments. */
struct depot_build_plan;
int depot_build_plan_new(const struct depot_build_args *args, struct depot_build_plan **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void depot_build_plan_free(struct depot_build_plan *p);
/* What one builder made of it stays good when another one fails: a retry need not make it again. */
bool depot_build_plan_resumes(const struct depot_build_plan *p);
/* Things worth telling before the build starts (an ignored flag, no output given); borrowed. */
const struct depot_strv *depot_build_plan_warnings(const struct depot_build_plan *p);

struct depot_job;
struct depot_job_ops {
    /* One event, after it was applied to the job's state. Borrowed. */
    void (*event)(struct depot_job *j, const struct depot_event *ev, void *arg);
    /* The feed was lost, or is back (`err` NULL). */
    void (*link)(struct depot_job *j, const struct depot_error *err, void *arg);
    /* A line worth knowing, once, about the daemon that took the build. */
    void (*note)(struct depot_job *j, const char *text, void *arg);
    /* Something on this machine that the user should know at once. */
    void (*problem)(struct depot_job *j, const struct depot_error *err, void *arg);
    /* Exactly once. `err` NULL: the build succeeded and its outputs are in place. Otherwise it
     * failed (DEPOT_ERR_FAILED, the state says more), was cancelled, or never came to be. */
    void (*done)(struct depot_job *j, const struct depot_error *err, void *arg);
};
/* The plan and endpoint are borrowed until the job is freed. */
int depot_job_start(struct depot_loop *l, const struct depot_build_plan *plan,
    const struct depot_endpoint *at, const struct depot_job_ops *ops, void *arg,
    struct depot_job **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* To be read; who shows it may settle it. */
struct depot_build *depot_job_state(const struct depot_job *j);
const char *depot_job_id(const struct depot_job *j); /* NULL before it was created */
/* Somebody who reads the job's state and shares its connection: a dashboard over the build. */
struct depot_job_guest {
    const struct depot_feed_ops *ops; /* all but `created` and `text`; borrowed */
    struct depot_build_hooks hooks;   /* of the job's state */
    void *arg;                        /* of ops */
};
/* Returns the job's feed: the guest may ask it (but for provenance) and follow other builds. What
 * comes of that, and how the connection is, is given to its ops. One at a time; NULL: it is gone,
 * and follows nothing any more. */
struct depot_feed *depot_job_admit(struct depot_job *j, const struct depot_job_guest *guest);
/* Ask the daemon to cancel; `done` comes with CANCELLED, after 10 s at the latest. */
void depot_job_cancel(struct depot_job *j);
void depot_job_free(struct depot_job *j);

/* Before anything else: an old --iidfile goes, so that none survives a build that fails; and both
 * files can be written when the build is over. */
int depot_build_begin_results(
    const struct depot_build_args *args, struct depot_error *err) DEPOT_MUST_CHECK;
/* After success: image digests, and the files that --iidfile and --metadata-file name. */
int depot_build_write_results(const struct depot_build_plan *plan, const struct depot_build *state,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* What to say of a build that succeeded and left nothing but its cache though no output was
 * declined; NULL when it left an image (a Docker Engine keeps one) or an output. */
const char *depot_build_unkept(
    const struct depot_build_plan *plan, const struct depot_build *state);
/* --call: the build is a question to its frontend, and makes nothing. */
bool depot_build_is_call(const struct depot_build_plan *p);
struct depot_call_result {
    struct depot_buf text;    /* for standard output, as docker buildx prints it */
    struct depot_buf problem; /* what stands in the way of a build; empty: nothing */
    int status;               /* to exit with: 1 when the linter warned */
};
/* The answer of a build that succeeded. DEPOT_ERR_UNSUPPORTED: there is none. `r` is released by
 * the caller in any case. */
int depot_build_call_result(const struct depot_build_plan *p, const struct depot_build *state,
    struct depot_call_result *r, struct depot_error *err) DEPOT_MUST_CHECK;
void depot_call_result_release(struct depot_call_result *r);
/* The digest that -q prints; NULL when there is none. Borrowed from `state`. */
const char *depot_build_digest(
    const struct depot_build_plan *plan, const struct depot_build *state);

DEPOT_API_END

#endif
