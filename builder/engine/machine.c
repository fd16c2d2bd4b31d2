/*
 * /proc as text, and statvfs. Everything here answers at once: no file system is walked.
 */
#include "machine.h"

#include <depot/os.h>

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

enum { FDS_MAX = 4096 }; /* of a process are looked at */

static size_t read_file(const struct machine *m, const char *name, char *out, size_t size)
{
    char path[MACHINE_PATH_MAX];
    ssize_t n = -1;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", m->proc, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, out, size - 1);
        close(fd);
    }
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

double machine_cpu(struct machine *m)
{
    /* user nice system idle iowait irq softirq steal; guest time is in user already */
    uint64_t v[8] = {0}, total = 0, busy, was_busy = m->busy, was_total = m->total;
    char text[512];

    if (read_file(m, "stat", text, sizeof(text)) == 0 ||
        sscanf(text,
            "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
            " %" SCNu64,
            &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 4)
        return -1;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(v); i++)
        total += v[i];
    busy = total - v[3] - v[4];
    m->busy = busy;
    m->total = total;
    if (was_total == 0 || total <= was_total || busy < was_busy)
        return -1;
    return (double)(busy - was_busy) / (double)(total - was_total);
}

bool machine_memory(const struct machine *m, int64_t *used, int64_t *total)
{
    int64_t all, available;
    char text[2048];
    const char *p;

    if (read_file(m, "meminfo", text, sizeof(text)) == 0 ||
        (p = strstr(text, "MemTotal:")) == NULL || sscanf(p, "MemTotal: %" SCNd64, &all) != 1 ||
        (p = strstr(text, "MemAvailable:")) == NULL ||
        sscanf(p, "MemAvailable: %" SCNd64, &available) != 1 || all <= 0 || available < 0 ||
        all > INT64_MAX / 1024 || available > all)
        return false;
    *total = all * 1024;
    *used = (all - available) * 1024;
    return true;
}

pid_t machine_listener(const char *unix_path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    uid_t uid;
    pid_t pid = 0;
    int fd;

    if (strlen(unix_path) >= sizeof(sa.sun_path))
        return 0;
    memcpy(sa.sun_path, unix_path, strlen(unix_path));
    fd = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, true);
    if (fd < 0)
        return 0;
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 || !depot_os_peer(fd, &uid, &pid))
        pid = 0;
    close(fd);
    return pid;
}

/* A socket that is carried to another machine is held here by one of these. */
static bool is_forwarder(const struct machine *m, pid_t pid)
{
    static const char *const names[] = {"ssh", "sshd", "socat", "nc", "ncat"};
    char name[64], comm[64];

    snprintf(name, sizeof(name), "%ld/comm", (long)pid);
    (void)read_file(m, name, comm, sizeof(comm));
    comm[strcspn(comm, "\n")] = '\0';
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++)
        if (strcmp(comm, names[i]) == 0)
            return true;
    return false;
}

/* "/var/lib/buildkit/cache.db" tells its directory. */
static bool is_cache_file(const char *path)
{
    return path[0] == '/' &&
           (depot_str_ends(path, "/buildkitd.lock") || depot_str_ends(path, "/cache.db") ||
               depot_str_ends(path, "/history.db"));
}

bool machine_process_dir(const struct machine *m, pid_t pid, char out[MACHINE_PATH_MAX])
{
    char path[MACHINE_PATH_MAX], to[MACHINE_PATH_MAX];
    bool found = false;
    struct dirent *e;
    DIR *d;

    snprintf(path, sizeof(path), "%s/%ld/fd", m->proc, (long)pid);
    d = opendir(path);
    for (int i = 0; d != NULL && !found && i < FDS_MAX && (e = readdir(d)) != NULL; i++) {
        ssize_t n = readlinkat(dirfd(d), e->d_name, to, sizeof(to) - 1);
        if (n <= 0)
            continue;
        to[n] = '\0';
        if (!is_cache_file(to))
            continue;
        *strrchr(to, '/') = '\0';
        /* By its own root directory, or it may be another one in a container. */
        found = snprintf(out, MACHINE_PATH_MAX, "%s/%ld/root%s", m->proc, (long)pid, to) <
                MACHINE_PATH_MAX;
    }
    if (d != NULL)
        closedir(d);
    return found;
}

bool machine_engine_dir(const struct machine *m, const char *unix_path, char out[MACHINE_PATH_MAX])
{
    static const char *const usual[] = {"/var/lib/buildkit", "/var/lib/docker", "/"};
    pid_t pid = machine_listener(unix_path);

    if (pid <= 0 || is_forwarder(m, pid))
        return false;
    if (machine_process_dir(m, pid, out))
        return true;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(usual); i++) {
        snprintf(out, MACHINE_PATH_MAX, "%s", usual[i]);
        if (access(out, F_OK) == 0)
            break;
    }
    return true;
}

bool machine_disk(const char *dir, int64_t *used, int64_t *total)
{
    struct statvfs v;

    if (statvfs(dir, &v) != 0 || v.f_blocks == 0)
        return false;
    *total = (int64_t)(v.f_blocks * v.f_frsize);
    *used = (int64_t)((v.f_blocks - v.f_bfree) * v.f_frsize);
    return true;
}
