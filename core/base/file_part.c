/*
 * See file_writer.h: parts below an open directory, and files without a name.
 */
#include <depot/file_writer.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEMP_ID = 12 };

void depot_file_part_name(char out[DEPOT_FILE_PART_NAME])
{
    char id[TEMP_ID + 1];
    depot_random_id(id, TEMP_ID);
    snprintf(out, DEPOT_FILE_PART_NAME, ".depot-%s", id);
}

int depot_file_part_open(struct depot_file_part *p, int dir, mode_t mode)
{
    depot_file_part_name(p->name);
    p->fd = openat(dir, p->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    return p->fd < 0 ? errno : 0;
}

int depot_file_part_commit(struct depot_file_part *p, int dir, const char *name)
{
    const int fd = p->fd;
    p->fd = -1;
    if (close(fd) == 0 && renameat(dir, p->name, dir, name) == 0)
        return 0;
    const int failed = errno;
    unlinkat(dir, p->name, 0);
    return failed;
}

void depot_file_part_drop(struct depot_file_part *p, int dir)
{
    if (p->fd < 0)
        return;
    close(p->fd);
    p->fd = -1;
    unlinkat(dir, p->name, 0);
}

/* ---- without a name ---- */

static int open_nameless(const char *dir)
{
    char *path = depot_asprintf("%s/depot-XXXXXX", dir);
    const int fd = mkstemp(path);
    if (fd >= 0) {
        unlink(path);
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    depot_free(path);
    return fd;
}

int depot_file_scratch(void)
{
    const char *dir = getenv("TMPDIR");
    if (!depot_str_empty(dir))
        return open_nameless(dir);
    /* /var/tmp before /tmp: the latter is often memory. */
    const int fd = open_nameless("/var/tmp");
    return fd >= 0 ? fd : open_nameless("/tmp");
}
