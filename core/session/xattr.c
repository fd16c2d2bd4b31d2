/*
 * Extended attributes, for the wire and from it.
 */
#include "session/xattr.h"

#include <depot/os.h>

#include <errno.h>
#include <string.h>

#include "grpc/pb.h"
#include "session/packet.h"

/* Linux' own ceilings. */
enum { NAMES_MAX = 64 * 1024, NAME_LEN_MAX = 255, VALUE_MAX = 64 * 1024 };

/* Labels of this machine, which mean nothing on another. */
static const char *const skipped[] = {"com.apple.", "security.selinux"};
/* From an engine: not the ones by which a file gets power here, as security.capability. */
static const char *const taken[] = {"user.", "system.posix_acl_"};

static bool begins_with_one(const char *name, const char *const *prefixes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (depot_str_starts(name, prefixes[i]))
            return true;
    return false;
}

static int encode_all(const char *path, const char *names, size_t n, struct depot_buf *b)
{
    char *value = NULL;
    int failed = 0;
    for (size_t at = 0; failed == 0 && at < n; at += strlen(names + at) + 1) {
        if (begins_with_one(names + at, skipped, DEPOT_ARRAY_LEN(skipped)))
            continue;
        if (value == NULL)
            value = depot_alloc(VALUE_MAX);
        ssize_t len = depot_os_get_xattr(path, names + at, value, VALUE_MAX);
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
    ssize_t n = depot_os_list_xattr(path, small, sizeof(small) - 1);
    if (n < 0 && errno == ERANGE) {
        big = depot_alloc(NAMES_MAX);
        n = depot_os_list_xattr(path, big, NAMES_MAX - 1);
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

void dp_xattr_apply(int fd, const void *fields, size_t n)
{
    struct dp_pb_reader r = dp_pb_read(fields, n);
    struct dp_pb_field f;
    while (dp_pb_next(&r, &f) > 0) {
        size_t len = 0;
        char *name = f.number == 10 ? dp_pb_string(f.data, f.len, 1, NAME_LEN_MAX) : NULL;
        const uint8_t *value = name != NULL ? dp_pb_bytes(f.data, f.len, 2, &len) : NULL;
        if (name != NULL && begins_with_one(name, taken, DEPOT_ARRAY_LEN(taken)))
            (void)!depot_os_set_xattr(fd, name, value != NULL ? (const char *)value : "", len);
        depot_free(name);
    }
}
