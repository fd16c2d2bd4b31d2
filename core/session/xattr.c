/*
 * Extended attributes, for the wire and from it.
 */
#include "session/xattr.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <sys/xattr.h>

#include "session/packet.h"

enum { XATTR_LIST_MAX = 64 * 1024, XATTR_VALUE_MAX = 64 * 1024 };

/* Labels of this machine, which mean nothing on another. */
static const char *const skipped[] = {"com.apple.", "security.selinux"};

#ifdef XATTR_NOFOLLOW
static ssize_t list(const char *path, char *buf, size_t n)
{
    return listxattr(path, buf, n, XATTR_NOFOLLOW);
}

static ssize_t get(const char *path, const char *name, void *buf, size_t n)
{
    return getxattr(path, name, buf, n, 0, XATTR_NOFOLLOW);
}
#else
static ssize_t list(const char *path, char *buf, size_t n)
{
    return llistxattr(path, buf, n);
}

static ssize_t get(const char *path, const char *name, void *buf, size_t n)
{
    return lgetxattr(path, name, buf, n);
}
#endif

static bool is_skipped(const char *name)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(skipped); i++) {
        if (depot_str_starts(name, skipped[i]))
            return true;
    }
    return false;
}

static int encode_all(const char *path, const char *names, size_t n, struct depot_buf *b)
{
    char *value = NULL;
    int failed = 0;
    for (size_t at = 0; failed == 0 && at < n; at += strlen(names + at) + 1) {
        if (is_skipped(names + at))
            continue;
        if (value == NULL)
            value = depot_alloc(XATTR_VALUE_MAX);
        ssize_t len = get(path, names + at, value, XATTR_VALUE_MAX);
        if (len >= 0)
            dp_packet_add_xattr(b, names + at, value, (size_t)len);
        else if (errno == ERANGE)
            failed = E2BIG;
    }
    depot_free(value);
    return b->overflow ? E2BIG : failed;
}

int dp_xattr_encode(const char *path, struct depot_buf *b)
{
    char small[256], *big = NULL;
    ssize_t n = list(path, small, sizeof(small) - 1);
    if (n < 0 && errno == ERANGE) {
        big = depot_alloc(XATTR_LIST_MAX);
        n = list(path, big, XATTR_LIST_MAX - 1);
    }
    int failed = n < 0 ? errno : 0;
    if (n > 0) {
        char *names = big != NULL ? big : small;
        names[n] = '\0';
        failed = encode_all(path, names, (size_t)n, b);
    }
    depot_free(big);
    return failed == ENOSYS ? ENOTSUP : failed;
}
