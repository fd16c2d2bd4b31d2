/*
 * Files that views write: a temporary one in the same folder, then a rename.
 */
#include "save.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 80 };

struct save {
    char *path, *part;
    FILE *file;
};

static void free_save(struct save *s)
{
    depot_free(s->path);
    depot_free(s->part);
    depot_free(s);
}

int dp_save_open(const char *path, struct save **out)
{
    struct save *s = depot_calloc(1, sizeof(*s));
    s->path = depot_strdup(path);
    s->part = depot_asprintf("%s.XXXXXX", path);
    const int fd = mkstemp(s->part);
    s->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (s->file == NULL) {
        const int rc = errno;
        if (fd >= 0) {
            close(fd);
            unlink(s->part);
        }
        free_save(s);
        return rc;
    }
    *out = s;
    return 0;
}

int dp_save_write(struct save *s, const void *data, size_t n)
{
    errno = 0;
    return fwrite(data, 1, n, s->file) == n ? 0 : errno != 0 ? errno : EIO;
}

void dp_save_abandon(struct save *s)
{
    if (s == NULL)
        return;
    if (s->file != NULL)
        fclose(s->file);
    unlink(s->part);
    free_save(s);
}

int dp_save_close(struct save *s)
{
    const mode_t mask = umask(0);
    int rc = 0;
    umask(mask);
    if (fflush(s->file) != 0 || fchmod(fileno(s->file), 0666 & ~mask) != 0 ||
        fsync(fileno(s->file)) != 0)
        rc = errno;
    if (fclose(s->file) != 0 && rc == 0)
        rc = errno;
    s->file = NULL;
    if (rc == 0 && rename(s->part, s->path) != 0)
        rc = errno;
    if (rc != 0)
        dp_save_abandon(s);
    else
        free_save(s);
    return rc;
}

void dp_save_name(struct depot_buf *out, const char *raw, const char *ext)
{
    for (; *raw != '\0' && out->len < NAME_MAX_LEN; raw++) {
        const unsigned char c = (unsigned char)*raw;
        const bool fine = (isalnum(c) && c < 0x80) || (c == '.' && out->len > 0) || c == '_';
        if (fine)
            depot_buf_addc(out, (char)c);
        else if (out->len > 0 && out->data[out->len - 1] != '-')
            depot_buf_addc(out, '-');
    }
    while (out->len > 0 && out->data[out->len - 1] == '-')
        depot_buf_truncate(out, out->len - 1);
    depot_buf_adds(out, ext);
}

char *dp_save_path(const char *typed)
{
    const char *home = getenv("HOME");
    if (typed[0] == '~' && typed[1] == '/' && home != NULL)
        return depot_asprintf("%s%s", home, typed + 1);
    return depot_strdup(typed);
}

bool dp_save_may(struct tui *t, const char *path, dp_tui_yes_fn *yes, const char *arg)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return true;
    if (S_ISREG(st.st_mode))
        dp_tui_confirm(t, yes, arg, "%s exists. Replace it? y/N", path);
    else
        dp_tui_say(t, STYLE_ERROR, "%s is not a file", path);
    return false;
}
