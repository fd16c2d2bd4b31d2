/*
 * See join.h. All that the worker needs is its own, since it may outlive the build.
 */
#include "build/join.h"

#include <depot/file_writer.h>
#include <depot/platform.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/archive.h"
#include "docker/docker.h"

enum {
    LOAD_STEP = 256 * 1024,
    LOAD_HIGH = 1024 * 1024, /* waiting for an Engine */
    WAIT_MS = 50,            /* between two looks whether it is cancelled */
    PIPE_STEP = 4096,        /* PIPE_BUF: what poll() promises */
};

/* One part's archive. */
struct piece {
    char *builder;
    struct depot_strv platforms;
    int fd;
};

/* One output. */
struct target {
    enum depot_archive kind;
    bool alone;                             /* of one platform, for a store that keeps one */
    char *path;                             /* NULL: it is loaded, from `scratch` */
    const struct depot_docker_host *docker; /* borrowed from the plan */
    int scratch;
    DEPOT_VEC(struct piece) pieces;
};

struct dp_join {
    struct depot_loop *loop;
    dp_join_fn *done;
    void *arg;
    atomic_bool cancelled;
    atomic_uint_least64_t written; /* of all targets */
    bool returned, dead, ending;
    struct dp_docker_load *load; /* of targets[loading]; NULL: none is under way */
    size_t loading;
    off_t sent; /* of it */
    bool is_sent;
    DEPOT_VEC(struct target) targets;
    struct depot_strv platforms;
    struct depot_kvs answer;
    int rc;
    struct depot_error error;
};

bool dp_join_wanted(const struct depot_build_plan *plan)
{
    for (size_t i = 0; i < plan->outputs.len; i++)
        if (plan->outputs.items[i].archive != DEPOT_ARCHIVE_NONE)
            return true;
    return false;
}

/* ---- in the worker ---- */

struct sink {
    struct dp_join *join;
    struct depot_file_writer *file; /* NULL: into `scratch` */
    int scratch;
};

static int cancelled(struct depot_error *err)
{
    return depot_error_set(err, DEPOT_ERR_CANCELLED, "the build was cancelled");
}

/* A file takes all at once; what reads a pipe may never read on. */
static int write_pipe(struct sink *s, const char *data, size_t n, struct depot_error *err)
{
    struct pollfd p = {.fd = depot_file_writer_fd(s->file), .events = POLLOUT};
    while (n > 0) {
        if (atomic_load(&s->join->cancelled))
            return cancelled(err);
        if (poll(&p, 1, WAIT_MS) <= 0)
            continue;
        ssize_t k = write(p.fd, data, n < PIPE_STEP ? n : PIPE_STEP);
        if (k < 0 && errno != EINTR && errno != EAGAIN)
            return depot_file_writer_error(s->file, errno, err);
        data += k > 0 ? k : 0;
        n -= k > 0 ? (size_t)k : 0;
    }
    return 0;
}

static int write_scratch(int fd, const char *data, size_t n, struct depot_error *err)
{
    while (n > 0) {
        const ssize_t k = write(fd, data, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return depot_error_errno(err, errno, "cannot write a temporary file");
        data += k;
        n -= (size_t)k;
    }
    return 0;
}

static int sink_write(void *arg, const void *data, size_t n, struct depot_error *err)
{
    struct sink *s = arg;
    if (atomic_load(&s->join->cancelled))
        return cancelled(err);
    atomic_fetch_add(&s->join->written, n);
    if (s->file == NULL)
        return write_scratch(s->scratch, data, n, err);
    if (!depot_file_writer_plain(s->file))
        return write_pipe(s, data, n, err);
    return depot_file_writer_write(s->file, data, n, err);
}

/* A FIFO is waited for until somebody reads it. */
static int open_target(struct sink *s, const char *path, struct depot_error *err)
{
    static const struct depot_file_opts opts = {
        .what = "output", .mode = 0666, .flags = DEPOT_FILE_PARENTS | DEPOT_FILE_NO_WAIT};
    int rc;
    while ((rc = depot_file_writer_open(path, &opts, &s->file, err)) == DEPOT_ERR_AGAIN) {
        if (atomic_load(&s->join->cancelled))
            return cancelled(err);
        poll(NULL, 0, WAIT_MS);
    }
    return rc;
}

static int fill_parts(
    const struct target *t, struct dp_archive_part *parts, struct depot_error *err)
{
    for (size_t i = 0; i < t->pieces.len; i++) {
        const struct piece *piece = &t->pieces.items[i];
        struct stat st;
        if (fstat(piece->fd, &st) < 0)
            return depot_error_errno(err, errno, "cannot read back a temporary file");
        parts[i] = (struct dp_archive_part){.builder = piece->builder,
            .platforms = &piece->platforms,
            .fd = piece->fd,
            .len = (uint64_t)st.st_size};
    }
    return 0;
}

static int write_target(struct dp_join *j, const struct target *t, struct depot_error *err)
{
    char host[DEPOT_PLATFORM_MAX];
    struct sink s = {.join = j, .scratch = t->scratch};
    struct dp_archive_part *parts = depot_calloc(t->pieces.len, sizeof(*parts));
    const struct dp_archive a = {.kind = t->kind,
        .parts = parts,
        .nparts = t->pieces.len,
        .platforms = &j->platforms,
        .host = host,
        .alone = t->alone,
        .write = sink_write,
        .arg = &s};
    depot_platform_host(host);
    int rc = fill_parts(t, parts, err);
    if (rc == 0 && t->path != NULL)
        rc = open_target(&s, t->path, err);
    if (rc == 0)
        rc = dp_archive_join(&a, &j->answer, err);
    if (rc == 0 && s.file != NULL)
        rc = depot_file_writer_commit(s.file, err);
    else if (s.file != NULL)
        depot_file_writer_abandon(s.file);
    depot_free(parts);
    return rc;
}

static void work(void *arg)
{
    struct dp_join *j = arg;
    for (size_t i = 0; j->rc == 0 && i < j->targets.len; i++)
        j->rc = write_target(j, &j->targets.items[i], &j->error);
}

/* ---- on the loop ---- */

static void release(struct dp_join *j)
{
    for (size_t i = 0; i < j->targets.len; i++) {
        struct target *t = &j->targets.items[i];
        for (size_t k = 0; k < t->pieces.len; k++) {
            depot_free(t->pieces.items[k].builder);
            depot_strv_release(&t->pieces.items[k].platforms);
            close(t->pieces.items[k].fd);
        }
        depot_vec_free(&t->pieces);
        depot_free(t->path);
        if (t->scratch >= 0)
            close(t->scratch);
    }
    depot_vec_free(&j->targets);
    depot_strv_release(&j->platforms);
    depot_kvs_release(&j->answer);
    depot_free(j);
}

/* ---- into Docker Engines, once they are whole ---- */

static void load_next(struct dp_join *j);

static void end_load(struct dp_join *j)
{
    dp_docker_load_free(j->load);
    j->load = NULL;
    j->loading++;
}

static void pump(struct dp_join *j)
{
    char *chunk = depot_alloc(LOAD_STEP);
    ssize_t queued = 0;
    while (!j->is_sent && queued >= 0 && queued < LOAD_HIGH) {
        const ssize_t n = pread(j->targets.items[j->loading].scratch, chunk, LOAD_STEP, j->sent);
        if (n < 0) {
            queued = depot_error_errno(&j->error, errno, "cannot read back a temporary file");
            break;
        }
        j->is_sent = n == 0;
        j->sent += n;
        queued = dp_docker_load_write(j->load, chunk, (size_t)n, &j->error);
    }
    depot_free(chunk);
    if (queued < 0)
        j->rc = (int)queued;
}

static void on_drained(struct dp_docker_load *load, void *arg)
{
    struct dp_join *j = arg;
    DEPOT_UNUSED(load);
    pump(j);
    if (j->rc == 0)
        return;
    end_load(j);
    load_next(j);
}

static void on_loaded(struct dp_docker_load *load, const struct depot_error *err, void *arg)
{
    struct dp_join *j = arg;
    DEPOT_UNUSED(load);
    if (err != NULL) {
        j->rc = err->code;
        j->error = *err;
    }
    end_load(j);
    load_next(j);
}

/* The next one, or the end. */
static void load_next(struct dp_join *j)
{
    static const struct dp_docker_load_ops ops = {.drained = on_drained, .done = on_loaded};
    while (j->rc == 0 && j->loading < j->targets.len && j->targets.items[j->loading].docker == NULL)
        j->loading++;
    if (j->rc == 0 && j->loading < j->targets.len) {
        j->sent = 0;
        j->is_sent = false;
        j->load = dp_docker_load_new(j->loop, j->targets.items[j->loading].docker, &ops, j);
        pump(j);
        if (j->rc == 0)
            return;
        end_load(j);
    }
    j->done(j, &j->answer, j->rc != 0 ? &j->error : NULL, j->arg);
}

static void worked(void *arg)
{
    struct dp_join *j = arg;
    j->returned = true;
    if (j->dead)
        release(j);
    else
        load_next(j);
}

static void ended(void *arg)
{
    struct dp_join *j = arg;
    j->ending = false;
    if (j->dead)
        release(j);
    else
        j->done(j, &j->answer, &j->error, j->arg);
}

static int add_piece(
    struct target *t, const struct dp_part *part, size_t output, struct depot_error *err)
{
    struct piece piece = {.fd = fcntl(dp_part_spool(part, output), F_DUPFD_CLOEXEC, 0)};
    if (piece.fd < 0)
        return depot_error_errno(err, errno, "cannot read back a temporary file");
    piece.builder = depot_strdup(dp_part_builder(part));
    depot_strv_copy(&piece.platforms, dp_part_platforms(part));
    depot_vec_push(&t->pieces, piece);
    return 0;
}

/* A builder that is the Docker Engine which the image is for keeps it, and sends nothing. */
static bool is_kept(const struct depot_output *out, const struct dp_part *part, size_t output)
{
    struct stat st;
    return out->platform != NULL && fstat(dp_part_spool(part, output), &st) == 0 && st.st_size == 0;
}

/* Parts without a file of the output have written it themselves. */
static int add_target(struct dp_join *j, const struct depot_output *from, size_t output,
    struct dp_part *const *parts, size_t nparts, struct depot_error *err)
{
    struct target t = {.kind = from->archive, .alone = from->platform != NULL, .scratch = -1};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < nparts; i++)
        if (dp_part_spool(parts[i], output) >= 0 && !is_kept(from, parts[i], output))
            rc = add_piece(&t, parts[i], output, err);
    if (t.pieces.len == 0)
        return rc;
    if (from->kind == DEPOT_OUTPUT_DOCKER) {
        t.docker = from->docker;
        t.scratch = depot_file_scratch();
        if (t.scratch < 0)
            rc = depot_error_errno(err, errno, "cannot create a temporary file");
    } else {
        t.path = depot_strdup(from->kind == DEPOT_OUTPUT_STDOUT ? "/dev/stdout" : from->dest);
    }
    depot_vec_push(&j->targets, t);
    return rc;
}

int dp_join_start(struct depot_loop *l, const struct depot_build_plan *plan,
    struct dp_part *const *parts, size_t nparts, dp_join_fn *done, void *arg, struct dp_join **out,
    struct depot_error *err)
{
    struct dp_join *j = depot_calloc(1, sizeof(*j));
    int rc = 0;
    j->loop = l;
    j->done = done;
    j->arg = arg;
    depot_strv_copy(&j->platforms, &plan->platforms);
    for (size_t i = 0; rc == 0 && i < plan->outputs.len; i++)
        if (plan->outputs.items[i].archive != DEPOT_ARCHIVE_NONE)
            rc = add_target(j, &plan->outputs.items[i], i, parts, nparts, err);
    if (rc == 0 && depot_loop_work(l, work, worked, j) != 0)
        rc = depot_error_set(err, DEPOT_ERR_EXHAUSTED, "cannot start a thread");
    if (rc != 0) {
        release(j);
        return rc;
    }
    *out = j;
    return 0;
}

char *dp_join_progress(const struct dp_join *j)
{
    enum { MB = 1000 * 1000 };
    uint64_t written = atomic_load(&j->written), size = 0;
    size_t builders = 0;
    for (size_t i = 0; i < j->targets.len; i++) {
        const struct target *t = &j->targets.items[i];
        builders = t->pieces.len > builders ? t->pieces.len : builders;
        for (size_t k = 0; k < t->pieces.len; k++) {
            struct stat st;
            size += fstat(t->pieces.items[k].fd, &st) == 0 ? (uint64_t)st.st_size : 0;
        }
    }
    /* What several have is written once, so the end comes early rather than late. */
    written = written < size ? written : size;
    return depot_asprintf("joining what %zu builders sent (%llu MB): %llu %%", builders,
        (unsigned long long)((size + MB / 2) / MB),
        (unsigned long long)(size > 0 ? written * 100 / size : 100));
}

void dp_join_cancel(struct dp_join *j)
{
    atomic_store(&j->cancelled, true);
    if (j->load == NULL)
        return; /* the worker sees to it, or it is over */
    end_load(j);
    j->rc = cancelled(&j->error);
    j->ending = true;
    depot_loop_defer(j->loop, ended, j);
}

void dp_join_free(struct dp_join *j)
{
    if (j == NULL)
        return;
    atomic_store(&j->cancelled, true);
    j->dead = true;
    dp_docker_load_free(j->load);
    j->load = NULL;
    if (j->returned && !j->ending)
        release(j);
}
