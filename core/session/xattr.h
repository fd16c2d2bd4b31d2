/*
 * Extended attributes of a file, as a transfer carries them.
 */
#ifndef DEPOT_CORE_SESSION_XATTR_H
#define DEPOT_CORE_SESSION_XATTR_H

#include <depot/buf.h>

/* Add those of `path` (not followed) to `b`, encoded; 0 or an errno, ENOTSUP when the file system
 * has none at all. A single one that may not be read is left out. */
int dp_xattr_encode(const char *path, struct depot_buf *b) DEPOT_MUST_CHECK;
/* Give the open file those of a stat (dp_fstat.xattrs) that its owner may have; what the file
 * system does not take is left out. */
void dp_xattr_apply(int fd, const void *fields, size_t n);

#endif
