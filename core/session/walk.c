/*
 * The ordered, filtered walk. Looks at names and stats only; never opens a file.
 */
#include "session/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/names.h"

/* Levels that keep their directory open; below, entries are looked up from the root. */
enum { OPEN_LEVELS = 32 };

struct level {
    int fd; /* -1: look up by path */
    size_t path_len;
    struct dp_names names;
    bool emitted;
    uint32_t id;
    uint8_t *hits; /* what its path matched: includes, then excludes; NULL at the root */
};

struct dp_walk {
    char *root;
    int root_fd;
    dp_walk_fn *fn;
    void *arg;
    struct dp_patterns *include, *exclude; /* NULL: all, none */
    DEPOT_VEC(struct level) levels;
    char path[DP_PATH_MAX];
    uint32_t next_id;
    uint8_t *hits; /* of the entry at hand */
    bool done;
    char link[PATH_MAX];
};

void dp_walk_filter_release(struct dp_walk_filter *f)
{
    depot_strv_release(&f->include);
    depot_strv_release(&f->exclude);
    depot_strv_release(&f->follow);
}

static size_t hits_len(const struct dp_walk *w)
{
    return dp_patterns_len(w->include) + dp_patterns_len(w->exclude);
}

static int unreadable(
    const struct dp_walk *w, int errnum, const char *what, struct depot_error *err)
{
    depot_error_errno(err, errnum, "cannot read %s %s%s%s", what, w->root,
        w->path[0] != '\0' ? "/" : "", w->path);
    if (w->path[0] == '\0')
        return depot_error_hint(err, "check the path of the build context, and of -f");
    return depot_error_hint(err, "make it readable, or name it in the ignore file (.dockerignore)");
}

/* ---- one directory ---- */

/* The names below `d` into `nm`, sorted; 0 or an errno. */
static int read_names(DIR *d, struct dp_names *nm)
{
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (e == NULL)
            break;
        const char *name = e->d_name;
        if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')))
            continue;
        int rc = dp_names_add(nm, e->d_type, name);
        if (rc < 0)
            return rc == DEPOT_ERR_TOO_BIG ? ENAMETOOLONG : EIO;
    }
    const int failed = errno;
    return failed == 0 && dp_names_sort(nm) < 0 ? EIO : failed;
}

static void level_release(struct level *lv)
{
    if (lv->fd >= 0)
        close(lv->fd);
    dp_names_release(&lv->names);
    depot_free(lv->hits);
}

/* Look an entry up from the deepest level that is open. */
static void at(const struct dp_walk *w, int *fd, const char **path)
{
    const struct level *lv = &w->levels.items[w->levels.len - 1];
    *fd = lv->fd >= 0 ? lv->fd : w->root_fd;
    *path = lv->fd >= 0 ? w->path + lv->path_len + (lv->path_len > 0) : w->path;
}

/* Go down into the directory at w->path. `emitted` with its id, or not sent so far. */
static int enter(
    struct dp_walk *w, size_t path_len, bool emitted, uint32_t id, struct depot_error *err)
{
    int dir_fd;
    const char *name;
    at(w, &dir_fd, &name);
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL) {
        int failed = errno;
        if (fd >= 0)
            close(fd);
        /* Gone meanwhile. Out of reach is an error also where the directory itself is not wanted:
         * something below it may be. */
        if (failed == ENOENT || failed == ENOTDIR || failed == ELOOP)
            return 0;
        return unreadable(w, failed, "directory", err);
    }
    struct level lv = {.fd = -1, .path_len = path_len, .emitted = emitted, .id = id};
    int failed = read_names(d, &lv.names);
    if (w->levels.len < OPEN_LEVELS)
        lv.fd = fcntl(dirfd(d), F_DUPFD_CLOEXEC, 0);
    closedir(d);
    if (failed != 0) {
        level_release(&lv);
        return unreadable(w, failed, "directory", err);
    }
    if (hits_len(w) > 0)
        lv.hits = depot_memdup(w->hits, hits_len(w));
    depot_vec_push(&w->levels, lv);
    return 0;
}

/* ---- one entry ---- */

enum verdict { VERDICT_SEND, VERDICT_SKIP, VERDICT_PRUNE };

static enum verdict judge(struct dp_walk *w, size_t path_len, bool is_dir)
{
    const uint8_t *parent = w->levels.items[w->levels.len - 1].hits;
    size_t ninclude = dp_patterns_len(w->include);
    enum verdict v = VERDICT_SEND;
    if (w->include != NULL && !dp_patterns_match(w->include, w->path, path_len, parent, w->hits)) {
        if (is_dir && !dp_patterns_may_match_below(w->include, w->path, path_len, false))
            return VERDICT_PRUNE;
        v = VERDICT_SKIP;
    }
    if (w->exclude != NULL && dp_patterns_match(w->exclude, w->path, path_len,
                                  parent != NULL ? parent + ninclude : NULL, w->hits + ninclude)) {
        if (is_dir && !dp_patterns_may_match_below(w->exclude, w->path, path_len, true))
            return VERDICT_PRUNE;
        v = VERDICT_SKIP;
    }
    return v;
}

static int emit(struct dp_walk *w, size_t path_len, size_t parent_len, uint32_t parent,
    const struct stat *st, const char *link, size_t link_len, struct depot_error *err)
{
    struct dp_walk_entry e = {.path = w->path,
        .path_len = path_len,
        .name = w->path + parent_len + (parent_len > 0),
        .parent = parent,
        .st = st,
        .link = link,
        .link_len = link_len};
    int rc = w->fn(&e, w->arg, err);
    w->next_id++;
    return rc;
}

/* The directories above the entry at hand, as far as they were not wanted for themselves. */
static int emit_parents(struct dp_walk *w, struct depot_error *err)
{
    for (size_t i = 1; i < w->levels.len; i++) {
        struct level *lv = &w->levels.items[i];
        if (lv->emitted)
            continue;
        struct stat st;
        char saved = w->path[lv->path_len];
        w->path[lv->path_len] = '\0';
        int rc = fstatat(w->root_fd, w->path, &st, AT_SYMLINK_NOFOLLOW) < 0
                     ? unreadable(w, errno, "directory", err)
                     : emit(w, lv->path_len, lv[-1].path_len, lv[-1].id, &st, "", 0, err);
        w->path[lv->path_len] = saved;
        if (rc < 0)
            return rc;
        lv->emitted = true;
        lv->id = w->next_id - 1;
    }
    return 0;
}

/* Send the entry at w->path: 1 when it is out, 0 when there is nothing to send. */
static int emit_entry(struct dp_walk *w, size_t path_len, struct depot_error *err)
{
    int fd;
    const char *name;
    struct stat st;
    at(w, &fd, &name);
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : unreadable(w, errno, "file", err);
    ssize_t link_len = 0;
    if (S_ISLNK(st.st_mode)) {
        link_len = readlinkat(fd, name, w->link, sizeof(w->link));
        if (link_len < 0)
            return errno == ENOENT || errno == EINVAL ? 0 : unreadable(w, errno, "link", err);
    }
    int rc = emit_parents(w, err);
    if (rc < 0)
        return rc;
    const struct level *lv = &w->levels.items[w->levels.len - 1];
    rc = emit(w, path_len, lv->path_len, lv->id, &st, w->link, (size_t)link_len, err);
    return rc < 0 ? rc : 1;
}

/* The type of the entry at w->path, when the directory did not say. */
static unsigned char look_up_type(const struct dp_walk *w)
{
    int fd;
    const char *name;
    struct stat st;
    at(w, &fd, &name);
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return DT_REG; /* the next look at it finds out why */
    return S_ISDIR(st.st_mode) ? DT_DIR : DT_REG;
}

static int visit(struct dp_walk *w, unsigned char type, const char *name, struct depot_error *err)
{
    const struct level *lv = &w->levels.items[w->levels.len - 1];
    size_t start = lv->path_len + (lv->path_len > 0), n = strlen(name);
    if (start + n >= sizeof(w->path))
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "the path %s/%.100s.../%.100s is too long",
            w->root, w->path, name);
    if (start > 0)
        w->path[start - 1] = '/';
    memcpy(w->path + start, name, n + 1);
    size_t path_len = start + n;
    if (type == DT_UNKNOWN)
        type = look_up_type(w);
    enum verdict v = judge(w, path_len, type == DT_DIR);
    if (v == VERDICT_PRUNE)
        return 0;
    int sent = v == VERDICT_SEND ? emit_entry(w, path_len, err) : 0;
    if (sent < 0 || type != DT_DIR)
        return sent < 0 ? sent : 0;
    return enter(w, path_len, sent > 0, w->next_id - 1, err);
}

int dp_walk_step(struct dp_walk *w, size_t n, struct depot_error *err)
{
    while (n-- > 0 && !w->done) {
        struct level *lv = &w->levels.items[w->levels.len - 1];
        w->path[lv->path_len] = '\0';
        unsigned char type;
        const char *name;
        int rc = dp_names_next(&lv->names, &type, &name);
        if (rc < 0)
            return unreadable(w, EIO, "the sorted names of", err);
        if (rc > 0) {
            rc = visit(w, type, name, err);
            if (rc < 0)
                return rc;
            continue;
        }
        level_release(lv);
        w->levels.len--;
        w->done = w->levels.len == 0;
    }
    return w->done ? 0 : 1;
}

/* ---- setting out ---- */

static int open_root(struct dp_walk *w, struct depot_error *err)
{
    w->root_fd = open(w->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = w->root_fd >= 0 ? opendir(w->root) : NULL;
    if (d == NULL)
        return unreadable(w, errno, "directory", err);
    struct level lv = {.fd = -1, .emitted = true, .id = DP_PATHS_ROOT};
    int failed = read_names(d, &lv.names);
    lv.fd = fcntl(dirfd(d), F_DUPFD_CLOEXEC, 0);
    closedir(d);
    depot_vec_push(&w->levels, lv);
    return failed != 0 ? unreadable(w, failed, "directory", err) : 0;
}

static int compile_filter(
    struct dp_walk *w, const struct dp_walk_filter *filter, struct depot_error *err)
{
    struct depot_strv include = {0}, follow = {0};
    int rc = 0;
    depot_strv_copy(&include, &filter->include);
    if (filter->follow.len > 0) {
        bool everything = false;
        rc = dp_follow_paths(w->root_fd, &filter->follow, &follow, &everything, err);
        for (size_t i = 0; rc == 0 && !everything && i < follow.len; i++)
            depot_strv_push(&include, follow.items[i]);
        /* A "." among them asks for all. */
        if (rc == 0 && !everything && !dp_paths_dedupe(&include))
            depot_strv_release(&include);
    }
    if (rc == 0 && include.len > 0)
        rc = dp_patterns_new(&include, &w->include, err);
    if (rc == 0 && filter->exclude.len > 0)
        rc = dp_patterns_new(&filter->exclude, &w->exclude, err);
    depot_strv_release(&include);
    depot_strv_release(&follow);
    w->hits = depot_calloc(hits_len(w) + 1, 1);
    return rc;
}

int dp_walk_new(const char *path, const struct dp_walk_filter *filter, dp_walk_fn *fn, void *arg,
    struct dp_walk **out, struct depot_error *err)
{
    struct dp_walk *w = depot_calloc(1, sizeof(*w));
    w->root = depot_strdup(path);
    w->root_fd = -1;
    w->fn = fn;
    w->arg = arg;
    int rc = open_root(w, err);
    if (rc == 0)
        rc = compile_filter(w, filter, err);
    if (rc < 0) {
        dp_walk_free(w);
        return rc;
    }
    *out = w;
    return 0;
}

int dp_walk_root_fd(const struct dp_walk *w)
{
    return w->root_fd;
}

void dp_walk_free(struct dp_walk *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->levels.len; i++)
        level_release(&w->levels.items[i]);
    depot_vec_free(&w->levels);
    dp_patterns_free(w->include);
    dp_patterns_free(w->exclude);
    depot_free(w->hits);
    depot_free(w->root);
    if (w->root_fd >= 0)
        close(w->root_fd);
    depot_free(w);
}
