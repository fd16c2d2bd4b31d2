/*
 * Files that views write: their names, and what may be replaced.
 */
#include "save.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NAME_MAX_LEN = 80 };

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
        dp_tui_say(t, DEPOT_STYLE_ERROR, "%s is not a file", path);
    return false;
}
