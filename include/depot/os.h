/*
 * What operating systems do differently, done alike. Their names stand in core/base/os.c, and where
 * a library is opened by its file's name (core/http/curl.c).
 */
#ifndef DEPOT_OS_H
#define DEPOT_OS_H

#include <depot/base.h>

#include <sys/types.h>

struct stat;

/*
 * Descriptors that no program we run inherits; writing to a socket whose other end is gone raises
 * no SIGPIPE when it is sent with depot_os_send_flags(). -1 and errno.
 */
int depot_os_socket(int family, int type, int protocol, bool nonblocking);
int depot_os_socketpair(int fds[2], bool nonblocking); /* unix, streams */
int depot_os_accept(int listener, bool nonblocking);
int depot_os_pipe(int fds[2], bool nonblocking);
int depot_os_send_flags(void); /* for send() and sendmsg() */

/* Who made the socket at the other end of a unix socket; false: not known. `pid` is 0 where only
 * the user is. */
bool depot_os_peer(int fd, uid_t *uid, pid_t *pid);

/* The file that this program was started from; NULL: not known. The caller frees. */
char *depot_os_program(void);
/* The environment, to be handed on. */
char **depot_os_environ(void);

/* Nanoseconds since the epoch. */
int64_t depot_os_mtime(const struct stat *st);
/* Extended attributes as listxattr(), getxattr() and fsetxattr() have them; of the link itself
 * where `path` is one. */
ssize_t depot_os_list_xattr(const char *path, char *buf, size_t n);
ssize_t depot_os_get_xattr(const char *path, const char *name, void *buf, size_t n);
int depot_os_set_xattr(int fd, const char *name, const void *value, size_t n);

/* Zeroes that no compiler takes for needless. */
void depot_os_wipe(void *p, size_t n);
/* The last `c` in `n` bytes, NULL: none. */
const char *depot_os_last(const char *s, char c, size_t n);

#endif
