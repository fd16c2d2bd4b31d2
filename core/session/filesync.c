/*
 * FileSync/DiffCopy: sends a directory to the engine, which asks for the files it does not have.
 * Works a slice at a time, and never faster than the engine reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <depot/clock.h>
#include <depot/os.h>

#include "session/internal.h"
#include "session/packet.h"
#include "session/walk.h"
#include "session/xattr.h"

enum {
    TURN_ENTRIES = 256,       /* looked at before the engine's requests are seen to */
    TURN_BYTES = 1024 * 1024, /* of files, before the loop gets its turn */
    TURN_ENTRY_COST = 512,    /* what an entry counts against it */
    COPY_MAX = 16 * 1024,     /* a smaller piece is copied, a larger one handed over */
    CHANGED_MAX = 100,        /* paths remembered for build.context */
    XATTRS_MAX = 1024 * 1024,
};

/* The value of a path: its size; -1 when it has no content; and once it was asked for, which may
 * happen once, its size turned into something below -1. The same both ways. */
#define REQUESTED(value) (-2 - (value))

struct sync {
    struct dp_scall base;
    char *mount, *root;
    /* Either a walk, or one file from memory. */
    struct dp_walk *walk;
    const char *memory;
    size_t memory_len;

    struct dp_paths paths;
    struct dp_inodes inodes;
    struct dp_ids wanted; /* asked for, not begun */

    bool reading; /* the file `id` is being sent */
    int fd;
    uint32_t id;
    int64_t size, left;

    struct depot_buf stat, xattrs;
    bool no_xattrs, walked, over;
    dev_t no_xattrs_dev; /* the file system that has none */
    struct dp_session_context ctx;
};

/* ---- ends ---- */

static void send_packet(struct sync *y, enum dp_packet_type type, uint32_t id, const char *text)
{
    dp_session_send_packet(y->base.call, type, id, text, strlen(text));
}

static void over(struct sync *y)
{
    y->over = true;
    if (y->fd >= 0)
        close(y->fd);
    y->fd = -1;
}

/* Something of ours is wrong: the engine fails the build with the same words. */
static void fail(struct sync *y, const struct depot_error *err)
{
    if (y->over)
        return;
    over(y);
    send_packet(y, DP_PACKET_ERR, 0, err->msg);
    /* Never NOT_FOUND: engines then look for the directory in other sessions. */
    dp_grpc_respond(y->base.call, DP_GRPC_UNKNOWN, err->msg);
    dp_session_problem(y->base.s, err);
}

/* The engine's side went wrong, and it knows better than we why. */
static void give_up(struct sync *y, int code, const char *text)
{
    if (y->over)
        return;
    over(y);
    dp_grpc_respond(y->base.call, code, text);
}

/* ---- listing ---- */

/* What is remembered of the files went to a file of its own, and did not come back. */
static int spool_error(int rc, struct depot_error *err)
{
    depot_error_set(err, (enum depot_err)rc, "cannot read back a temporary file");
    return depot_error_hint(err, "check the disk below TMPDIR (/var/tmp)");
}

static int add_file(
    struct sync *y, const struct dp_walk_entry *e, struct dp_fstat *st, struct depot_error *err)
{
    uint32_t id = (uint32_t)y->paths.len, first = id;
    int64_t size = -1;
    if ((st->mode & DP_MODE_TYPE) == 0) {
        if (e->st->st_nlink > 1)
            first = dp_inodes_put(&y->inodes, e->st->st_dev, e->st->st_ino, id);
        size = first == id ? st->size : -1;
        st->size = first == id ? size : 0;
        y->ctx.files++;
        y->ctx.bytes += st->size;
    }
    int rc = dp_paths_add(&y->paths, e->parent, e->name, strlen(e->name), size);
    if (rc == DEPOT_ERR_TOO_BIG)
        return depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "%s holds more than %d files", y->root, DP_PATHS_MAX);
    if (rc < 0)
        return spool_error(rc, err);
    if (first != id) {
        char buf[DP_PATH_MAX];
        st->link = dp_paths_get(&y->paths, first, buf);
        if (st->link == NULL)
            return spool_error(DEPOT_ERR_IO, err);
        st->link_len = strlen(st->link);
        dp_packet_add_stat(&y->stat, st);
        return 0;
    }
    dp_packet_add_stat(&y->stat, st);
    return 0;
}

static int xattr_error(
    const struct sync *y, const struct dp_walk_entry *e, int errnum, struct depot_error *err)
{
    depot_error_errno(
        err, errnum, "cannot read the extended attributes of %s/%s", y->root, e->path);
    return depot_error_hint(err, "name it in the ignore file (.dockerignore)");
}

static int read_xattrs(struct sync *y, const struct dp_walk_entry *e, struct depot_error *err)
{
    char path[2 * DP_PATH_MAX];
    size_t n = strlen(y->root);
    depot_buf_clear(&y->xattrs);
    if (y->no_xattrs && y->no_xattrs_dev == e->st->st_dev)
        return 0;
    if (n + e->path_len + 2 > sizeof(path))
        return xattr_error(y, e, ENAMETOOLONG, err);
    memcpy(path, y->root, n);
    path[n] = '/';
    memcpy(path + n + 1, e->path, e->path_len + 1);
    int failed = dp_xattr_encode(path, &y->xattrs);
    if (failed == ENOTSUP) {
        y->no_xattrs = true;
        y->no_xattrs_dev = e->st->st_dev;
    } else if (failed != 0 && failed != ENOENT && failed != ENOTDIR) {
        return xattr_error(y, e, failed, err);
    }
    return 0;
}

static int on_entry(const struct dp_walk_entry *e, void *arg, struct depot_error *err)
{
    struct sync *y = arg;
    mode_t mode = e->st->st_mode;
    struct dp_fstat st = {
        .path = e->path,
        .path_len = e->path_len,
        .mode = dp_mode_from_stat(mode),
        .size = S_ISREG(mode) || S_ISLNK(mode) ? (int64_t)e->st->st_size : 0,
        .mtime = depot_os_mtime(e->st),
        .link = e->link,
        .link_len = e->link_len,
    };
    if (S_ISBLK(mode) || S_ISCHR(mode)) {
        st.major = (int64_t)(e->st->st_rdev >> 8 & 0xfff);
        st.minor = (int64_t)((e->st->st_rdev & 0xff) | (e->st->st_rdev >> 12 & 0xfff00));
    }
    int rc = read_xattrs(y, e, err);
    if (rc < 0)
        return rc;
    st.xattrs = y->xattrs.data;
    st.xattrs_len = y->xattrs.len;
    depot_buf_clear(&y->stat);
    rc = add_file(y, e, &st, err);
    if (rc == 0)
        dp_grpc_send(y->base.call, y->stat.data, y->stat.len);
    return rc;
}

static void walk_ended(struct sync *y)
{
    y->walked = true;
    dp_inodes_release(&y->inodes);
    dp_grpc_send(y->base.call, "", 0); /* a STAT without a stat */
}

/* The Dockerfile that came on stdin, as a directory of one file. */
static void list_memory(struct sync *y)
{
    static const char name[] = "Dockerfile";
    struct dp_fstat st = {
        .path = name,
        .path_len = sizeof(name) - 1,
        .link = "",
        .mode = 0644,
        .size = (int64_t)y->memory_len,
        .mtime = depot_time_now(), /* new each time: old engines compare no more than this */
    };
    int rc = dp_paths_add(&y->paths, DP_PATHS_ROOT, name, sizeof(name) - 1, st.size);
    DEPOT_UNUSED(rc); /* the first of all */
    dp_packet_add_stat(&y->stat, &st);
    dp_grpc_send(y->base.call, y->stat.data, y->stat.len);
    y->ctx.files = 1;
    y->ctx.bytes = st.size;
    walk_ended(y);
}

/* ---- files ---- */

static const char *path_of(struct sync *y, uint32_t id, char buf[DP_PATH_MAX])
{
    const char *path = dp_paths_get(&y->paths, id, buf);
    return path != NULL ? path : "";
}

static void note_sent(struct sync *y, const char *path, int64_t size)
{
    y->ctx.sent_files++;
    y->ctx.sent_bytes += size;
    if (y->ctx.changed.len < CHANGED_MAX)
        depot_strv_push(&y->ctx.changed, path);
    else
        y->ctx.changed_more++;
}

static int changed_error(struct sync *y, struct depot_error *err)
{
    char buf[DP_PATH_MAX];
    depot_error_set(err, DEPOT_ERR_FAILED, "%s/%s: file changed while it was read", y->root,
        path_of(y, y->id, buf));
    return depot_error_hint(err,
        "build again when nothing writes to it, or name it in the ignore file (.dockerignore)");
}

static int open_next(struct sync *y, struct depot_error *err)
{
    char buf[DP_PATH_MAX];
    struct dp_paths_item item = {0};
    int rc = dp_ids_pop(&y->wanted, &y->id);
    if (rc == 0)
        rc = dp_paths_item(&y->paths, y->id, &item);
    if (rc < 0)
        return spool_error(rc, err);
    y->size = y->left = REQUESTED(item.value);
    const char *path = path_of(y, y->id, buf);
    if (y->memory == NULL && y->size > 0) {
        /* What has no content is not opened: a socket cannot be. O_NONBLOCK: it could have become a
         * FIFO. */
        y->fd = openat(dp_walk_root_fd(y->walk), path,
            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (y->fd < 0) {
            bool gone = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
            depot_error_errno(err, errno,
                gone ? "%s/%s vanished while the context was sent" : "cannot read file %s/%s",
                y->root, path);
            return depot_error_hint(
                err, gone ? "build again when nothing writes to it, or name it in the ignore file "
                            "(.dockerignore)"
                          : "make it readable, or name it in the ignore file (.dockerignore)");
        }
    }
    y->reading = true;
    note_sent(y, path, y->size);
    return 0;
}

/* All of `n` bytes, or an error: the size that was announced is a promise. */
static int read_exactly(struct sync *y, uint8_t *out, size_t n, struct depot_error *err)
{
    if (y->memory != NULL) {
        memcpy(out, y->memory + (y->size - y->left), n);
        return 0;
    }
    for (size_t got = 0; got < n;) {
        ssize_t k = read(y->fd, out + got, n - got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && errno != EISDIR && errno != EAGAIN) {
            char buf[DP_PATH_MAX];
            return depot_error_errno(
                err, errno, "cannot read file %s/%s", y->root, path_of(y, y->id, buf));
        }
        if (k <= 0)
            return changed_error(y, err);
        got += (size_t)k;
    }
    return 0;
}

/* One piece of the open file, read into the very message that carries it. */
static int send_piece(struct sync *y, size_t n, struct depot_error *err)
{
    struct dp_session *s = y->base.s;
    if (n <= COPY_MAX) {
        if (s->scratch == NULL)
            s->scratch = depot_alloc(DP_PACKET_HEAD_MAX + COPY_MAX);
        uint8_t *head = (uint8_t *)s->scratch;
        size_t at = dp_packet_head(head, DP_PACKET_DATA, y->id, n);
        int rc = read_exactly(y, head + at, n, err);
        if (rc == 0)
            dp_grpc_send(y->base.call, head, at + n);
        return rc;
    }
    struct depot_buf b = DEPOT_BUF_INIT(DP_PACKET_HEAD_MAX + DP_SESSION_CHUNK);
    uint8_t *head = (uint8_t *)depot_buf_reserve(&b, DP_PACKET_HEAD_MAX + n);
    size_t at = dp_packet_head(head, DP_PACKET_DATA, y->id, n);
    int rc = read_exactly(y, head + at, n, err);
    if (rc == 0) {
        b.len = at + n;
        dp_grpc_send_take(y->base.call, &b);
    }
    depot_buf_release(&b);
    return rc;
}

/* The next piece of what is asked for; bytes moved, or an error. */
static ssize_t send_some(struct sync *y, struct depot_error *err)
{
    int rc;
    if (!y->reading && (rc = open_next(y, err)) < 0)
        return rc;
    size_t n = y->left < DP_SESSION_CHUNK ? (size_t)y->left : DP_SESSION_CHUNK;
    if (n > 0 && (rc = send_piece(y, n, err)) < 0)
        return rc;
    y->left -= (int64_t)n;
    if (y->left == 0) {
        send_packet(y, DP_PACKET_DATA, y->id, "");
        if (y->fd >= 0)
            close(y->fd);
        y->fd = -1;
        y->reading = false;
    }
    return (ssize_t)n + TURN_ENTRY_COST;
}

static void pump(struct dp_scall *c)
{
    struct sync *y = DEPOT_CONTAINER_OF(c, struct sync, base);
    struct depot_error err;
    size_t moved = 0;
    depot_error_clear(&err);
    /* Above the mark, on_writable() goes on. */
    while (!y->over && dp_grpc_queued(c->call) < DP_SESSION_QUEUE_HIGH) {
        bool file = y->reading || !dp_ids_empty(&y->wanted);
        if (!file && y->walked)
            return;
        if (moved >= TURN_BYTES) {
            dp_scall_wake(c);
            return;
        }
        if (!y->walked) {
            int more = dp_walk_step(y->walk, TURN_ENTRIES, &err);
            if (more < 0) {
                fail(y, &err);
                return;
            }
            if (more == 0)
                walk_ended(y);
            moved += (size_t)TURN_ENTRIES * TURN_ENTRY_COST;
        }
        for (size_t burst = 0; file && burst < DP_SESSION_CHUNK;) {
            ssize_t n = send_some(y, &err);
            if (n < 0) {
                fail(y, &err);
                return;
            }
            burst += (size_t)n;
            moved += (size_t)n;
            file = y->reading || !dp_ids_empty(&y->wanted);
        }
    }
}

/* ---- the engine's side ---- */

static void on_request(struct sync *y, uint32_t id)
{
    struct dp_paths_item item;
    int rc = dp_paths_item(&y->paths, id, &item);
    if (rc == DEPOT_ERR_NOT_FOUND || (rc == 0 && item.value < 0)) {
        give_up(y, DP_GRPC_INVALID_ARGUMENT, "no such file, or it was asked for before");
        return;
    }
    if (rc == 0)
        rc = dp_paths_set_value(&y->paths, id, REQUESTED(item.value));
    if (rc == 0)
        rc = dp_ids_push(&y->wanted, id);
    if (rc < 0) {
        struct depot_error err;
        depot_error_clear(&err);
        spool_error(rc, &err);
        fail(y, &err);
        return;
    }
    dp_scall_wake(&y->base);
}

static void on_message(struct dp_grpc_call *call, const uint8_t *data, size_t n, void *arg)
{
    struct sync *y = arg;
    struct dp_packet p;
    if (y->over)
        return;
    if (dp_packet_decode(data, n, &p) < 0) {
        give_up(y, DP_GRPC_INVALID_ARGUMENT, "not a packet of a file transfer");
        return;
    }
    switch (p.type) {
    case DP_PACKET_REQ:
        on_request(y, p.id);
        break;
    case DP_PACKET_FIN:
        send_packet(y, DP_PACKET_FIN, 0, "");
        over(y);
        dp_grpc_respond(call, DP_GRPC_OK, "");
        dp_session_context_take(y->base.s, y->mount, &y->ctx);
        break;
    case DP_PACKET_ERR:
        give_up(y, DP_GRPC_ABORTED, "the engine gave the transfer up");
        break;
    default: /* nothing else comes this way, and Go's sender ignores it too */
        break;
    }
}

static void on_half_closed(struct dp_grpc_call *call, void *arg)
{
    DEPOT_UNUSED(call);
    give_up(arg, DP_GRPC_ABORTED, "the engine ended the transfer early");
}

static void on_writable(struct dp_grpc_call *call, void *arg)
{
    struct sync *y = arg;
    DEPOT_UNUSED(call);
    if (!y->over)
        dp_scall_wake(&y->base);
}

static void on_done(struct dp_grpc_call *call, const struct dp_grpc_status *st, void *arg)
{
    struct sync *y = arg;
    DEPOT_UNUSED(call);
    DEPOT_UNUSED(st);
    dp_scall_end(&y->base);
}

static void sync_free(struct dp_scall *c)
{
    struct sync *y = DEPOT_CONTAINER_OF(c, struct sync, base);
    over(y);
    dp_walk_free(y->walk);
    dp_paths_release(&y->paths);
    dp_inodes_release(&y->inodes);
    dp_ids_release(&y->wanted);
    depot_buf_release(&y->stat);
    depot_buf_release(&y->xattrs);
    dp_session_context_release(&y->ctx);
    depot_free(y->mount);
    depot_free(y->root);
    depot_free(y);
}

static const struct dp_scall_ops scall_ops = {.pump = pump, .free = sync_free};
static const struct dp_grpc_call_ops call_ops = {
    .message = on_message,
    .half_closed = on_half_closed,
    .writable = on_writable,
    .done = on_done,
};

static void read_list(const struct dp_grpc_call *call, const char *key, struct depot_strv *out)
{
    char *value;
    for (size_t i = 0; i <= DP_PATTERNS_MAX && (value = dp_session_md(call, key, i)) != NULL; i++)
        depot_strv_push_take(out, value);
}

static const char *find_dir(const struct dp_session_config *cfg, const char *mount)
{
    for (size_t i = 0; i < cfg->ndirs; i++) {
        if (strcmp(cfg->dirs[i].name, mount) == 0)
            return cfg->dirs[i].path;
    }
    return NULL;
}

/* Begin the listing of `path`, or of the file in memory when it is NULL. */
static void start(struct sync *y, const char *path)
{
    struct dp_walk_filter filter = {0};
    struct depot_error err;
    depot_error_clear(&err);
    y->root = depot_strdup(path != NULL ? path : "");
    if (path == NULL) {
        list_memory(y);
        return;
    }
    read_list(y->base.call, "include-patterns", &filter.include);
    read_list(y->base.call, "exclude-patterns", &filter.exclude);
    read_list(y->base.call, "followpaths", &filter.follow);
    if (dp_walk_new(path, &filter, on_entry, y, &y->walk, &err) < 0)
        fail(y, &err);
    else
        dp_scall_wake(&y->base);
    dp_walk_filter_release(&filter);
}

void dp_session_open_filesync(struct dp_grpc_call *call, void *arg)
{
    struct dp_session *s = arg;
    char *mount = dp_session_md(call, "dir-name", 0);
    bool memory = s->cfg->dockerfile_data != NULL && depot_str_eq(mount, "dockerfile");
    const char *path = memory || mount == NULL ? NULL : find_dir(s->cfg, mount);
    if (path == NULL && !memory) {
        char *text = depot_asprintf("no access allowed to dir \"%s\"", mount != NULL ? mount : "");
        dp_grpc_respond(call, DP_GRPC_NOT_FOUND, text);
        depot_free(text);
        depot_free(mount);
        return;
    }
    struct sync *y = depot_calloc(1, sizeof(*y));
    y->mount = mount;
    y->fd = -1;
    depot_buf_init(&y->stat, DEPOT_BUF_NO_LIMIT);
    depot_buf_init(&y->xattrs, XATTRS_MAX);
    if (memory) {
        y->memory = s->cfg->dockerfile_data;
        y->memory_len = s->cfg->dockerfile_len;
    }
    dp_scall_init(&y->base, &scall_ops, s, call);
    dp_grpc_accept(call, &call_ops, y);
    start(y, path);
}
