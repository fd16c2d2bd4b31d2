/*
 * Extended attributes of a file, as a transfer carries them.
 */
#ifndef DEPOT_CORE_SESSION_XATTR_H
#define DEPOT_CORE_SESSION_XATTR_H

#include <depot/buf.h>

/* Add those of `path` (not followed) to `b`, encoded. False when the file system has none at all.
 */
bool dp_xattr_encode(const char *path, struct depot_buf *b);

#endif
