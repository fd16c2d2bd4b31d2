/*
 * FileSend/DiffCopy into a directory: the local export. What the engine sends is not trusted: names
 * are checked, no symbolic link below the directory is ever followed, and each file appears whole
 * under its name or not at all.
 */
#include <depot/file_writer.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/internal.h"
#include "session/claims.h"
#include "session/packet.h"
#include "session/paths.h"
#include "session/place.h"
#include "session/xattr.h"

enum {
    WINDOW = 64, /* files asked for at once; also the most that are open */
};

/* A directory on the way to where the listing is; its entries must come in order. */
struct level {
    uint32_t id;
    size_t path_len;
    char last[NAME_MAX + 1];
};

struct meta {
    uint32_t mode, xattrs_len;
    int64_t mtime, size;
    uint64_t xattrs_at; /* in receive.xattrs */
};

struct incoming {
    uint32_t id;
    struct depot_file_part part; /* closed: no data so far */
    int64_t size;
};

struct hard_link {
    uint32_t id;
    char *target;
};

struct receive {
    struct dp_scall base;
    struct dp_place place;
    struct dp_claims *claims; /* may be NULL */
    struct dp_paths paths;
    struct dp_spool metas; /* struct meta, by id */
    struct dp_spool xattrs;
    DEPOT_VEC(struct level) levels;
    char dir[DP_PATH_MAX]; /* of the deepest level */
    struct dp_ids wanted;
    DEPOT_VEC(struct incoming) files;
    DEPOT_VEC(struct hard_link) links;
    struct depot_map *keep; /* NULL: nobody asks */
    bool listed, finished, over;
};

/* ---- ends ---- */

static void send_packet(struct receive *r, enum dp_packet_type type, uint32_t id, const char *text)
{
    dp_session_send_packet(r->base.call, type, id, text, strlen(text));
}

/* What is remembered of the files went to a file of its own, and did not come back. */
static int spool_error(int rc, struct depot_error *err)
{
    depot_error_set(err, (enum depot_err)rc, "cannot read back a temporary file");
    return depot_error_hint(err, "check the disk below TMPDIR (/var/tmp)");
}

/* The directory that `id` belongs into, open, and its name there when `buf` is given. */
static int find(
    struct receive *r, uint32_t id, int *dir, char *buf, const char **name, struct depot_error *err)
{
    struct dp_paths_item item;
    int rc = dp_paths_item(&r->paths, id, &item);
    if (rc == 0 && buf != NULL && (*name = dp_paths_name(&r->paths, id, buf)) == NULL)
        rc = DEPOT_ERR_IO;
    if (rc < 0)
        return spool_error(rc, err);
    return dp_place_dir(&r->place, &r->paths, item.parent, dir, err);
}

static int meta_of(struct receive *r, uint32_t id, struct meta *out, struct depot_error *err)
{
    int rc = dp_spool_read(&r->metas, (uint64_t)id * sizeof(*out), out, sizeof(*out));
    return rc < 0 ? spool_error(rc, err) : 0;
}

/* Extended attributes, before the mode: it may forbid to set them. */
static int set_xattrs(struct receive *r, int fd, const struct meta *m, struct depot_error *err)
{
    if (m->xattrs_len == 0)
        return 0;
    void *fields = depot_alloc(m->xattrs_len);
    int rc = dp_spool_read(&r->xattrs, m->xattrs_at, fields, m->xattrs_len);
    if (rc == 0)
        dp_xattr_apply(fd, fields, m->xattrs_len);
    depot_free(fields);
    return rc < 0 ? spool_error(rc, err) : 0;
}

static void drop_files(struct receive *r)
{
    for (size_t i = 0; i < r->files.len; i++) {
        struct incoming *f = &r->files.items[i];
        int dir = -1;
        if (f->part.fd >= 0 && find(r, f->id, &dir, NULL, NULL, NULL) == 0)
            depot_file_part_drop(&f->part, dir);
    }
    r->files.len = 0;
}

static void fail(struct receive *r, const struct depot_error *err)
{
    if (r->over)
        return;
    r->over = true;
    dp_scall_written(&r->base);
    drop_files(r);
    send_packet(r, DP_PACKET_ERR, 0, err->msg);
    dp_session_respond_error(r->base.call, err);
    dp_session_problem(r->base.s, err);
}

/* ---- the listing ---- */

static int bad_path(const struct dp_fstat *st, const char *why, struct depot_error *err)
{
    return depot_error_set(err, DEPOT_ERR_PROTOCOL, "the engine sent the path \"%.*s\", which %s",
        st->path_len < 200 ? (int)st->path_len : 200, st->path, why);
}

/* Relative, and nothing but names between its slashes. */
static int check_path(const struct dp_fstat *st, struct depot_error *err)
{
    const char *p = st->path, *end = st->path + st->path_len;
    if (st->path_len == 0 || st->path_len >= DP_PATH_MAX)
        return bad_path(st, "is empty or too long", err);
    if (memchr(p, '\0', st->path_len) != NULL)
        return bad_path(st, "holds a NUL", err);
    while (p <= end) {
        const char *slash = memchr(p, '/', (size_t)(end - p));
        size_t n = (size_t)((slash != NULL ? slash : end) - p);
        if (n == 0 || n > NAME_MAX || (n == 1 && p[0] == '.') ||
            (n == 2 && p[0] == '.' && p[1] == '.'))
            return bad_path(st, "is not a clean path below the output directory", err);
        p += n + 1;
    }
    return 0;
}

/* Find the directory of a path among the open levels, close those below, and hold it against the
 * order. `name` is set to the path's last part. */
static int place_in_order(
    struct receive *r, const struct dp_fstat *st, const char **name, struct depot_error *err)
{
    size_t dir_len = st->path_len, name_len;
    while (dir_len > 0 && st->path[dir_len - 1] != '/')
        dir_len--;
    *name = st->path + dir_len;
    name_len = st->path_len - dir_len;
    if (dir_len > 0)
        dir_len--;
    for (;; r->levels.len--) {
        if (r->levels.len == 0)
            return bad_path(st, "comes before its directory", err);
        const struct level *lv = &r->levels.items[r->levels.len - 1];
        if (lv->path_len == dir_len && memcmp(r->dir, st->path, dir_len) == 0)
            break;
    }
    struct level *lv = &r->levels.items[r->levels.len - 1];
    char copy[NAME_MAX + 1];
    memcpy(copy, *name, name_len);
    copy[name_len] = '\0';
    if (lv->last[0] != '\0' && strcmp(copy, lv->last) <= 0)
        return bad_path(st, "comes out of order", err);
    memcpy(lv->last, copy, name_len + 1);
    return 0;
}

static void enter(struct receive *r, uint32_t id, const struct dp_fstat *st)
{
    memcpy(r->dir, st->path, st->path_len);
    depot_vec_push(&r->levels, ((struct level){.id = id, .path_len = st->path_len}));
}

static int request_more(struct receive *r, struct depot_error *err)
{
    while (r->files.len < WINDOW && !dp_ids_empty(&r->wanted)) {
        uint32_t id;
        int rc = dp_ids_pop(&r->wanted, &id);
        if (rc < 0)
            return spool_error(rc, err);
        depot_vec_push(&r->files, ((struct incoming){.id = id, .part = {.fd = -1}}));
        send_packet(r, DP_PACKET_REQ, id, "");
    }
    return 0;
}

static int open_file(struct receive *r, struct incoming *f, struct depot_error *err);
static int finish_file(struct receive *r, struct incoming *f, struct depot_error *err);

/* Of a socket, from an engine that still tells them apart: it cannot be asked for. */
static int make_empty(struct receive *r, uint32_t id, struct depot_error *err)
{
    depot_vec_push(&r->files, ((struct incoming){.id = id, .part = {.fd = -1}}));
    struct incoming *f = &r->files.items[r->files.len - 1];
    int rc = open_file(r, f, err);
    if (rc == 0)
        rc = finish_file(r, f, err);
    r->files.len -= rc == 0;
    return rc;
}

static int make(struct receive *r, uint32_t id, const struct dp_fstat *st, struct depot_error *err)
{
    char buf[DP_PATHS_NAME_MAX];
    const char *name = "";
    int dir = -1;
    int rc = find(r, id, &dir, buf, &name, err);
    if (rc < 0)
        return rc;
    if (st->mode & DP_MODE_DIR) {
        enter(r, id, st);
        return dp_place_mkdir(&r->place, dir, name, st->mode, err);
    }
    if (st->mode & DP_MODE_SYMLINK)
        return dp_place_symlink(&r->place, dir, name, st, err);
    if (st->mode & (DP_MODE_DEVICE | DP_MODE_FIFO))
        return dp_place_special(&r->place, dir, name, st, err);
    if (st->mode & DP_MODE_TYPE & ~(uint32_t)DP_MODE_SOCKET)
        return bad_path(st, "is of a type that this version does not know", err);
    if (st->link_len > 0) {
        char *target = depot_strndup(st->link, st->link_len);
        depot_vec_push(&r->links, ((struct hard_link){.id = id, .target = target}));
        return 0;
    }
    if (st->mode & DP_MODE_SOCKET)
        return make_empty(r, id, err);
    rc = dp_ids_push(&r->wanted, id);
    return rc < 0 ? spool_error(rc, err) : request_more(r, err);
}

static void note_kept(struct receive *r, const struct dp_fstat *st)
{
    if (r->keep == NULL)
        return;
    char *path = depot_strndup(st->path, st->path_len);
    depot_map_set(r->keep, path, r->keep);
    depot_free(path);
}

static int on_stat(struct receive *r, const struct dp_fstat *st, struct depot_error *err)
{
    const char *name = st->path;
    if (r->listed)
        return bad_path(st, "comes after the end of the list", err);
    int rc = check_path(st, err);
    if (rc == 0)
        rc = place_in_order(r, st, &name, err);
    if (rc == 0 && r->claims != NULL)
        rc = dp_claims_take(r->claims, r->base.s->cfg->platforms, st->path, st->path_len,
            (st->mode & DP_MODE_DIR) != 0, err);
    if (rc < 0)
        return rc;
    uint32_t id = (uint32_t)r->paths.len;
    uint32_t parent = r->levels.items[r->levels.len - 1].id;
    const struct meta m = {.mode = st->mode,
        .mtime = st->mtime,
        .size = st->size,
        .xattrs_at = r->xattrs.len,
        .xattrs_len = (uint32_t)st->xattrs_len};
    rc = dp_paths_add(&r->paths, parent, name, st->path_len - (size_t)(name - st->path), 0);
    if (rc == DEPOT_ERR_TOO_BIG)
        return depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "the engine sent more than %d files", DP_PATHS_MAX);
    if (rc == 0)
        rc = dp_spool_write(&r->metas, (uint64_t)id * sizeof(m), &m, sizeof(m));
    if (rc == 0 && st->xattrs_len > 0)
        rc = dp_spool_write(&r->xattrs, r->xattrs.len, st->xattrs, st->xattrs_len);
    if (rc < 0)
        return spool_error(rc, err);
    note_kept(r, st);
    return make(r, id, st, err);
}

/* ---- data ---- */

static int io_error(
    struct receive *r, int errnum, const char *what, uint32_t id, struct depot_error *err)
{
    char buf[DP_PATH_MAX];
    const char *path = dp_paths_get(&r->paths, id, buf);
    return dp_place_error(&r->place, errnum, what, path != NULL ? path : "", err);
}

static int open_file(struct receive *r, struct incoming *f, struct depot_error *err)
{
    int dir = -1;
    int rc = find(r, f->id, &dir, NULL, NULL, err);
    if (rc < 0)
        return rc;
    const int failed = depot_file_part_open(&f->part, dir, 0600);
    return failed != 0 ? io_error(r, failed, "create", f->id, err) : 0;
}

static int write_file(
    struct receive *r, struct incoming *f, const uint8_t *data, size_t n, struct depot_error *err)
{
    while (n > 0) {
        ssize_t k = write(f->part.fd, data, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return io_error(r, errno, "write", f->id, err);
        data += k;
        n -= (size_t)k;
        f->size += k;
    }
    return 0;
}

/* All of a file is here: give it its mode, its time and, last, its name. */
static int finish_file(struct receive *r, struct incoming *f, struct depot_error *err)
{
    char buf[DP_PATHS_NAME_MAX];
    const char *name = "";
    struct meta m = {0};
    struct timespec times[2];
    int dir = -1;
    int rc = meta_of(r, f->id, &m, err);
    if (rc == 0)
        rc = find(r, f->id, &dir, buf, &name, err);
    if (rc < 0)
        return rc;
    if (f->size != m.size)
        return depot_error_set(err, DEPOT_ERR_PROTOCOL,
            "the engine sent %lld bytes of %s where it announced %lld", (long long)f->size, name,
            (long long)m.size);
    rc = set_xattrs(r, f->part.fd, &m, err);
    if (rc < 0)
        return rc;
    dp_place_times(m.mtime, times);
    if (fchmod(f->part.fd, dp_mode_permissions(m.mode)) < 0 || futimens(f->part.fd, times) < 0)
        return io_error(r, errno, "set mode and time of", f->id, err);
    const int failed = depot_file_part_commit(&f->part, dir, name);
    return failed != 0 ? io_error(r, failed, "write", f->id, err) : 0;
}

static int on_data(struct receive *r, const struct dp_packet *p, struct depot_error *err)
{
    size_t i = 0;
    while (i < r->files.len && r->files.items[i].id != p->id)
        i++;
    if (i == r->files.len)
        return depot_error_set(err, DEPOT_ERR_PROTOCOL,
            "the engine sent data of file %u, which was not asked for", (unsigned)p->id);
    struct incoming *f = &r->files.items[i];
    int rc = f->part.fd < 0 ? open_file(r, f, err) : 0;
    if (rc == 0 && p->len > 0)
        return write_file(r, f, p->data, p->len, err);
    if (rc == 0)
        rc = finish_file(r, f, err);
    if (rc == 0) {
        depot_vec_remove(&r->files, i);
        rc = request_more(r, err);
    }
    return rc;
}

/* ---- the end ---- */

/* Hard links wait for the end: only then does the file they point to have its name. */
static int make_links(struct receive *r, struct depot_error *err)
{
    for (size_t i = 0; i < r->links.len; i++) {
        const struct hard_link *h = &r->links.items[i];
        struct dp_fstat st = {.path = h->target, .path_len = strlen(h->target)};
        char buf[DP_PATHS_NAME_MAX];
        const char *name = "";
        int dir = -1;
        int rc = check_path(&st, err);
        if (rc == 0)
            rc = find(r, h->id, &dir, buf, &name, err);
        if (rc == 0)
            rc = dp_place_link(&r->place, dir, name, h->target, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Modes and times of directories come last, inner ones first: what is made in a directory changes
 * its time, and a mode may close it. */
static int finish_dirs(struct receive *r, struct depot_error *err)
{
    for (size_t id = r->paths.len; id-- > 0;) {
        struct meta m = {0};
        struct timespec times[2];
        int dir = -1;
        int rc = meta_of(r, (uint32_t)id, &m, err);
        if (rc == 0 && (m.mode & DP_MODE_DIR) == 0)
            continue;
        if (rc == 0)
            rc = dp_place_dir(&r->place, &r->paths, (uint32_t)id, &dir, err);
        if (rc == 0)
            rc = set_xattrs(r, dir, &m, err);
        if (rc < 0)
            return rc;
        dp_place_times(m.mtime, times);
        /* A time of 0 is the wrapper directory of a platform, which has none. */
        if ((m.mtime != 0 && futimens(dir, times) < 0) ||
            fchmod(dir, dp_mode_permissions(m.mode)) < 0)
            return io_error(r, errno, "set mode and time of", (uint32_t)id, err);
    }
    return 0;
}

static int finish_if_complete(struct receive *r, struct depot_error *err)
{
    if (!r->listed || r->finished || r->files.len > 0)
        return 0;
    r->finished = true;
    int rc = make_links(r, err);
    if (rc == 0)
        rc = finish_dirs(r, err);
    if (rc == 0)
        send_packet(r, DP_PACKET_FIN, 0, "");
    return rc;
}

static void on_message(struct dp_grpc_call *call, const uint8_t *data, size_t n, void *arg)
{
    struct receive *r = arg;
    struct depot_error err;
    struct dp_packet p;
    int rc = 0;
    if (r->over)
        return;
    depot_error_clear(&err);
    if (dp_packet_decode(data, n, &p) < 0) {
        rc = depot_error_set(
            &err, DEPOT_ERR_PROTOCOL, "the engine sent what is not a packet of a file transfer");
    } else if (p.type == DP_PACKET_STAT && p.has_stat) {
        rc = on_stat(r, &p.stat, &err);
    } else if (p.type == DP_PACKET_STAT) {
        r->listed = true;
    } else if (p.type == DP_PACKET_DATA) {
        rc = on_data(r, &p, &err);
    } else if (p.type == DP_PACKET_FIN && r->finished) {
        r->over = true;
        dp_scall_written(&r->base);
        dp_grpc_respond(call, DP_GRPC_OK, "");
        return;
    } else if (p.type == DP_PACKET_ERR) {
        rc = depot_error_set(&err, DEPOT_ERR_FAILED, "the engine broke off the output to %s: %.*s",
            r->place.path, p.len < 500 ? (int)p.len : 500, (const char *)p.data);
    }
    if (rc == 0)
        rc = finish_if_complete(r, &err);
    if (rc < 0)
        fail(r, &err);
}

static void on_half_closed(struct dp_grpc_call *call, void *arg)
{
    struct receive *r = arg;
    if (r->over)
        return;
    r->over = true;
    dp_scall_written(&r->base);
    drop_files(r);
    if (r->finished)
        dp_grpc_respond(call, DP_GRPC_OK, "");
    else
        dp_grpc_respond(call, DP_GRPC_ABORTED, "the output ended early");
}

static void on_done(struct dp_grpc_call *call, const struct dp_grpc_status *st, void *arg)
{
    struct receive *r = arg;
    DEPOT_UNUSED(call);
    DEPOT_UNUSED(st);
    dp_scall_end(&r->base);
}

static void receive_free(struct dp_scall *c)
{
    struct receive *r = DEPOT_CONTAINER_OF(c, struct receive, base);
    drop_files(r);
    for (size_t i = 0; i < r->links.len; i++)
        depot_free(r->links.items[i].target);
    depot_vec_free(&r->links);
    depot_vec_free(&r->files);
    dp_ids_release(&r->wanted);
    depot_vec_free(&r->levels);
    dp_spool_release(&r->metas);
    dp_spool_release(&r->xattrs);
    dp_paths_release(&r->paths);
    dp_place_release(&r->place);
    depot_free(r);
}

static const struct dp_scall_ops scall_ops = {.free = receive_free};
static const struct dp_grpc_call_ops call_ops = {
    .message = on_message,
    .half_closed = on_half_closed,
    .done = on_done,
};

void dp_session_open_receive(
    struct dp_session *s, struct dp_grpc_call *call, const struct dp_session_output *to)
{
    struct receive *r = depot_calloc(1, sizeof(*r));
    struct depot_error err;
    depot_error_clear(&err);
    r->base.writes_output = true;
    r->claims = to->claims;
    depot_vec_push(&r->levels, ((struct level){.id = DP_PATHS_ROOT}));
    dp_scall_init(&r->base, &scall_ops, s, call);
    dp_grpc_accept(call, &call_ops, r);
    r->keep = to->keep;
    if (dp_place_init(&r->place, to->path, &err) < 0)
        fail(r, &err);
}
