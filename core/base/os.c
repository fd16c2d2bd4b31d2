/*
 * See os.h. Two systems are known: Linux, and macOS.
 */
#define _GNU_SOURCE /* accept4, pipe2, struct ucred, memrchr, environ */
#include <depot/os.h>

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifdef __APPLE__
#include <crt_externs.h>
#include <limits.h>
#include <mach-o/dyld.h>
#include <sys/un.h>
#endif

#ifdef __linux__

int depot_os_socket(int family, int type, int protocol, bool nonblocking)
{
    return socket(family, type | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), protocol);
}

int depot_os_socketpair(int fds[2], bool nonblocking)
{
    return socketpair(
        AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0, fds);
}

int depot_os_accept(int listener, bool nonblocking)
{
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0));
}

int depot_os_pipe(int fds[2], bool nonblocking)
{
    return pipe2(fds, O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0));
}

int depot_os_send_flags(void)
{
    return MSG_NOSIGNAL;
}

bool depot_os_peer(int fd, uid_t *uid, pid_t *pid)
{
    struct ucred cred = {0};
    socklen_t n = sizeof(cred);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
        return false;
    *uid = cred.uid;
    *pid = cred.pid;
    return true;
}

char *depot_os_program(void)
{
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    return n > 0 ? depot_strndup(path, (size_t)n) : NULL;
}

char **depot_os_environ(void)
{
    return environ;
}

int64_t depot_os_mtime(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

ssize_t depot_os_list_xattr(const char *path, char *buf, size_t n)
{
    return llistxattr(path, buf, n);
}

ssize_t depot_os_get_xattr(const char *path, const char *name, void *buf, size_t n)
{
    return lgetxattr(path, name, buf, n);
}

int depot_os_set_xattr(int fd, const char *name, const void *value, size_t n)
{
    return fsetxattr(fd, name, value, n, 0);
}

void depot_os_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

const char *depot_os_last(const char *s, char c, size_t n)
{
    return memrchr(s, c, n);
}

#elif defined(__APPLE__)

/* As it is to be, or closed; what is started between two calls inherits it. */
static int set_up(int fd, bool nonblocking)
{
    if (fd < 0)
        return -1;
    bool good = fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
                (!nonblocking || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
    struct stat st;
    if (good && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
    if (good)
        return fd;
    close(fd);
    return -1;
}

static int set_up_two(int fds[2], bool nonblocking)
{
    const bool first = set_up(fds[0], nonblocking) >= 0;
    const bool second = set_up(fds[1], nonblocking) >= 0;
    if (first && second)
        return 0;
    if (first)
        close(fds[0]);
    if (second)
        close(fds[1]);
    return -1;
}

int depot_os_socket(int family, int type, int protocol, bool nonblocking)
{
    return set_up(socket(family, type, protocol), nonblocking);
}

int depot_os_socketpair(int fds[2], bool nonblocking)
{
    return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 ? set_up_two(fds, nonblocking) : -1;
}

int depot_os_accept(int listener, bool nonblocking)
{
    return set_up(accept(listener, NULL, NULL), nonblocking);
}

int depot_os_pipe(int fds[2], bool nonblocking)
{
    return pipe(fds) == 0 ? set_up_two(fds, nonblocking) : -1;
}

int depot_os_send_flags(void)
{
    return 0; /* SO_NOSIGPIPE */
}

bool depot_os_peer(int fd, uid_t *uid, pid_t *pid)
{
    gid_t gid;
    *pid = 0;
    (void)getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, pid, &(socklen_t){sizeof(*pid)});
    return getpeereid(fd, uid, &gid) == 0;
}

char *depot_os_program(void)
{
    char path[PATH_MAX];
    uint32_t size = sizeof(path);
    return _NSGetExecutablePath(path, &size) == 0 ? depot_strdup(path) : NULL;
}

char **depot_os_environ(void)
{
    return *_NSGetEnviron(); /* a library there has no `environ` */
}

int64_t depot_os_mtime(const struct stat *st)
{
    return (int64_t)st->st_mtimespec.tv_sec * 1000000000 + st->st_mtimespec.tv_nsec;
}

ssize_t depot_os_list_xattr(const char *path, char *buf, size_t n)
{
    return listxattr(path, buf, n, XATTR_NOFOLLOW);
}

ssize_t depot_os_get_xattr(const char *path, const char *name, void *buf, size_t n)
{
    return getxattr(path, name, buf, n, 0, XATTR_NOFOLLOW);
}

int depot_os_set_xattr(int fd, const char *name, const void *value, size_t n)
{
    return fsetxattr(fd, name, value, n, 0, 0);
}

void depot_os_wipe(void *p, size_t n)
{
    volatile char *at = p;
    while (n-- > 0)
        *at++ = 0;
}

const char *depot_os_last(const char *s, char c, size_t n)
{
    while (n-- > 0) {
        if (s[n] == c)
            return s + n;
    }
    return NULL;
}

#else
#error "what this system does differently is not known yet: see depot/os.h"
#endif
