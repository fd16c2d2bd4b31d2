/*
 * Paths, per-user directories, and files read whole.
 */
#include <depot/path.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_FIRST = 16 * 1024 };

char *depot_path_join(const char *a, const char *b)
{
    const char *gap = depot_str_empty(a) || depot_str_ends(a, "/") ? "" : "/";

    if (*b == '/' || depot_str_empty(a))
        return depot_strdup(b);
    return depot_asprintf("%s%s%s", a, gap, b);
}

/* Relative values of these variables are to be ignored, says the XDG base directory text. */
static const char *env_dir(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value == '/' ? value : NULL;
}

static char *home_dir(void)
{
    const char *home = env_dir("HOME");
    struct passwd pw, *found = NULL;
    char text[4096];

    if (home != NULL)
        return depot_strdup(home);
    if (getpwuid_r(getuid(), &pw, text, sizeof(text), &found) == 0 && found != NULL &&
        !depot_str_empty(pw.pw_dir))
        return depot_strdup(pw.pw_dir);
    return depot_strdup("/");
}

static char *user_dir(const char *variable, const char *below_home)
{
    const char *base = env_dir(variable);
    char *home, *dir, *out;

    if (base != NULL)
        return depot_path_join(base, "depot");
    home = home_dir();
    dir = depot_path_join(home, below_home);
    out = depot_path_join(dir, "depot");
    depot_free(dir);
    depot_free(home);
    return out;
}

char *depot_path_config_dir(void)
{
    return user_dir("XDG_CONFIG_HOME", ".config");
}

char *depot_path_state_dir(void)
{
    return user_dir("XDG_STATE_HOME", ".local/state");
}

char *depot_path_runtime_dir(void)
{
    const char *base = env_dir("XDG_RUNTIME_DIR");
    unsigned uid = (unsigned)getuid();
    char run[64];
    struct stat st;

    if (base != NULL)
        return depot_path_join(base, "depot");
    snprintf(run, sizeof(run), "/run/user/%u", uid);
    if (stat(run, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == getuid())
        return depot_path_join(run, "depot");
    return depot_asprintf("/tmp/depot-%u", uid);
}

char *depot_path_docker_dir(const char *given)
{
    char *home, *dir;

    if (depot_str_empty(given))
        given = getenv("DOCKER_CONFIG");
    if (!depot_str_empty(given))
        return depot_strdup(given);
    home = home_dir();
    dir = depot_path_join(home, ".docker");
    depot_free(home);
    return dir;
}

static int make_dir(const char *path, mode_t mode, struct depot_error *err)
{
    struct stat st;
    int errnum;

    if (mkdir(path, mode) == 0)
        return 0;
    errnum = errno;
    /* Also on a read-only or forbidden parent, when the directory is there already. */
    if (stat(path, &st) != 0)
        return depot_error_errno(err, errnum, "cannot create directory %s", path);
    if (!S_ISDIR(st.st_mode))
        return depot_error_errno(err, ENOTDIR, "cannot create directory %s", path);
    return 0;
}

int depot_path_mkdirs(const char *path, mode_t mode, struct depot_error *err)
{
    char *copy = depot_strdup(path);
    size_t len = strlen(copy);
    int rc = 0;

    while (len > 1 && copy[len - 1] == '/')
        copy[--len] = '\0';
    for (char *p = copy; rc == 0 && *p != '\0'; p++) {
        if (*p != '/' || p == copy)
            continue;
        *p = '\0';
        rc = make_dir(copy, 0755, err);
        *p = '/';
    }
    if (rc == 0)
        rc = make_dir(copy, mode, err);
    depot_free(copy);
    return rc;
}

int depot_path_private_dir(const char *path, struct depot_error *err)
{
    struct stat st;
    int rc = depot_path_mkdirs(path, 0700, err);

    if (rc != 0)
        return rc;
    /* lstat: in /tmp somebody else could have put a link of this name. */
    if (lstat(path, &st) != 0)
        return depot_error_errno(err, errno, "cannot look at %s", path);
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
        depot_error_set(err, DEPOT_ERR_DENIED, "%s is not a private directory of user %u", path,
            (unsigned)geteuid());
        depot_error_hint(err, "remove it, or run: chmod 700 %s", path);
        return DEPOT_ERR_DENIED;
    }
    return 0;
}

static int read_all(
    int fd, const char *path, size_t max, char **out, size_t *len, struct depot_error *err)
{
    size_t cap = READ_FIRST, used = 0;
    char *data = depot_alloc(cap + 1);

    for (;;) {
        ssize_t got;

        if (used == cap) {
            cap *= 2;
            data = depot_realloc(data, cap + 1);
        }
        got = read(fd, data + used, cap - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            depot_free(data);
            return depot_error_errno(err, errno, "cannot read %s", path);
        }
        used += (size_t)got;
        if (used > max) {
            depot_free(data);
            return depot_error_set(
                err, DEPOT_ERR_TOO_BIG, "cannot read %s: it is larger than %zu bytes", path, max);
        }
        if (got == 0)
            break;
    }
    data[used] = '\0';
    *out = data;
    if (len != NULL)
        *len = used;
    return 0;
}

int depot_file_read(const char *path, size_t max, char **out, size_t *len, struct depot_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int rc;

    if (fd < 0)
        return depot_error_errno(err, errno, "cannot read %s", path);
    rc = read_all(fd, path, max, out, len, err);
    close(fd);
    return rc;
}
