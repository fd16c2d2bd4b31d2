/*
 * Tar as it is exchanged here: the headers of an archive that lies in a file, where each entry
 * begins and ends, and headers for what is written. The data of entries is the caller's to copy.
 * Reads ustar, pax and GNU's long names; what readers understand differently is refused. A stranger
 * wrote the input. Internal to libdepot.
 */
#ifndef DEPOT_CORE_TAR_TAR_H
#define DEPOT_CORE_TAR_TAR_H

#include <depot/buf.h>

enum {
    DP_TAR_BLOCK = 512,
    DP_TAR_END = 2 * DP_TAR_BLOCK,  /* zeros that end an archive */
    DP_TAR_EXTRA_MAX = 1024 * 1024, /* bytes of one header's extension: a long name, attributes */
    DP_TAR_HEAD_MAX = 3 * DP_TAR_BLOCK, /* what dp_tar_head() adds */
    DP_TAR_NAME_MAX = 100,              /* bytes of a name that dp_tar_head() takes */
};

enum dp_tar_type { DP_TAR_FILE, DP_TAR_DIR, DP_TAR_LINK };

struct dp_tar_entry {
    const char *name;      /* relative and clean, no slash at its end; until the next call */
    enum dp_tar_type type; /* LINK: a link, a device, a FIFO */
    uint64_t at;           /* of its first header, in the file */
    uint64_t data, size;   /* where its content is */
    uint64_t end;          /* behind its padding */
};

/* One walk through an archive. */
struct dp_tar {
    int fd; /* borrowed; only pread() is used */
    uint64_t len, at;
    struct depot_buf name, extra;
};
/* The archive is the first `len` bytes of `fd`. */
void dp_tar_init(struct dp_tar *t, int fd, uint64_t len);
void dp_tar_release(struct dp_tar *t);
/* DEPOT_ERR_EOF behind the last entry of an archive that ends as one should; DEPOT_ERR_PROTOCOL
 * says what is wrong with it, and where. */
int dp_tar_next(
    struct dp_tar *t, struct dp_tar_entry *out, struct depot_error *err) DEPOT_MUST_CHECK;
/* Bytes of the archive; DEPOT_ERR_IO when they cannot be read. */
int dp_tar_read(int fd, uint64_t at, void *out, size_t n, struct depot_error *err) DEPOT_MUST_CHECK;

/*
 * The header of an entry of nobody's and no time's, byte for byte as Go's archive/tar writes it; a
 * directory's name ends in a slash. The content follows, and then padding to whole blocks.
 */
void dp_tar_head(
    struct depot_buf *to, enum dp_tar_type type, const char *name, unsigned mode, uint64_t size);
/* Zeros between content of `size` bytes and the next header. */
size_t dp_tar_padding(uint64_t size);

#endif
