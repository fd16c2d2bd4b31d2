/*
 * Files that appear whole or not at all. One is written beside its place under a name of its own,
 * synced, and renamed when it is complete; until then, and when it fails, what was there stays.
 *
 * What is no file stays what it is: a device, a FIFO or a descriptor of this process (/dev/stdout,
 * /dev/fd/3) is written to, a directory or a socket is refused. A symbolic link stays one: what it
 * points to is replaced, or made. A file that was mounted into a container by itself cannot be
 * replaced and is written to as well: the one that may be seen half.
 */
#ifndef DEPOT_FILE_WRITER_H
#define DEPOT_FILE_WRITER_H

#include <depot/base.h>

#include <sys/types.h>

enum depot_file_flag {
    DEPOT_FILE_PARENTS = 1 << 0, /* make the directories above it, 0755 */
    DEPOT_FILE_NO_WAIT = 1 << 1, /* never block: DEPOT_ERR_AGAIN for a FIFO that nobody reads */
    DEPOT_FILE_OWN = 1 << 2,     /* in a folder of ours: a link or what is no file is refused */
};

struct depot_file_opts {
    const char *what; /* "output", "recording": for messages */
    mode_t mode;      /* of a new file, before umask; one that is replaced leaves its own */
    unsigned flags;   /* of enum depot_file_flag */
};

struct depot_file_writer;

/* DEPOT_ERR_INVALID: something that cannot be written is in the place. */
int depot_file_writer_open(const char *path, const struct depot_file_opts *opts,
    struct depot_file_writer **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* Small pieces of a file are collected. */
int depot_file_writer_write(struct depot_file_writer *w, const void *data, size_t n,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Ends the file and gives it its name; on an error there is none. Frees `w` either way. */
int depot_file_writer_commit(struct depot_file_writer *w, struct depot_error *err) DEPOT_MUST_CHECK;
/* Nothing was written, as far as it can be undone. Frees `w`, which may be NULL. */
void depot_file_writer_abandon(struct depot_file_writer *w);

/* For who writes at its own pace: the descriptor, of the writer; whether it is a file's, which
 * takes all at once; and the message for an errno that write() left. */
int depot_file_writer_fd(const struct depot_file_writer *w);
bool depot_file_writer_plain(const struct depot_file_writer *w);
int depot_file_writer_error(const struct depot_file_writer *w, int errnum, struct depot_error *err);

/* All at once. */
int depot_file_write(const char *path, const struct depot_file_opts *opts, const void *data,
    size_t n, struct depot_error *err) DEPOT_MUST_CHECK;
/* Could it be written now? For before long work; nothing is made or changed. */
int depot_file_check(
    const char *path, const struct depot_file_opts *opts, struct depot_error *err) DEPOT_MUST_CHECK;
/* Removes an old file before what should replace it may fail, or empties one that is a mount. What
 * is no file is left alone, none there is fine. */
int depot_file_remove(
    const char *path, const struct depot_file_opts *opts, struct depot_error *err) DEPOT_MUST_CHECK;

/*
 * The same below an open directory, for who may follow no link: what `name` was gives way. The
 * caller keeps the directory and passes it each time. All give 0 or an errno.
 */
enum { DEPOT_FILE_PART_NAME = 48 };
struct depot_file_part {
    int fd; /* -1: closed */
    char name[DEPOT_FILE_PART_NAME];
};
int depot_file_part_open(struct depot_file_part *p, int dir, mode_t mode) DEPOT_MUST_CHECK;
int depot_file_part_commit(struct depot_file_part *p, int dir, const char *name) DEPOT_MUST_CHECK;
void depot_file_part_drop(struct depot_file_part *p, int dir);
/* A name for what is not a file, to be renamed by the caller. */
void depot_file_part_name(char out[DEPOT_FILE_PART_NAME]);

/* A file without a name in $TMPDIR, /var/tmp or /tmp, for what memory should not hold; the caller
 * closes it. -1 and errno. */
int depot_file_scratch(void);

#endif
