/*
 * One block of a tar that is a header: POSIX.1-2001, pax, "ustar Header Block".
 */
#ifndef DEPOT_CORE_TAR_BLOCK_H
#define DEPOT_CORE_TAR_BLOCK_H

#include "tar/tar.h"

#define DP_TAR_MAGIC "ustar" /* with its NUL */

enum {
    DP_TAR_TYPE_FILE = '0',
    DP_TAR_TYPE_DIR = '5',
    DP_TAR_TYPE_PAX = 'x',
    DP_TAR_TYPE_GNU_NAME = 'L',
    DP_TAR_TYPE_GNU_LINK = 'K',
};

struct dp_tar_block {
    uint8_t name[100];
    uint8_t mode[8], uid[8], gid[8];
    uint8_t size[12], mtime[12];
    uint8_t sum[8];
    char type;
    uint8_t link[100];
    char magic[6];
    char version[2];
    uint8_t user[32], group[32];
    uint8_t major[8], minor[8];
    uint8_t prefix[155];
    uint8_t pad[12];
};
_Static_assert(sizeof(struct dp_tar_block) == DP_TAR_BLOCK, "a header is one block");

/* The sum of all bytes, those of the sum itself being blanks. */
uint64_t dp_tar_sum(const struct dp_tar_block *b);

#endif
