/*
 * Path patterns, a line each, and on the last line a path: any may be garbage. What is below a
 * directory that is passed over would not have come out as wanted.
 */
#include <stdlib.h>
#include <string.h>

#include "session/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_strv lines = {0};
    struct dp_patterns *ps = NULL;
    char *text = depot_strndup((const char *)data, size < 4096 ? size : 4096);
    depot_strv_split(&lines, text, '\n');
    depot_free(text);
    if (lines.len == 0)
        return 0;
    char *path = dp_path_clean_rooted(lines.items[lines.len - 1]);
    depot_free(lines.items[--lines.len]);
    if (dp_patterns_new(&lines, &ps, NULL) == 0) {
        size_t n = dp_patterns_len(ps);
        uint8_t *parent = depot_calloc(n + 1, 1), *own = depot_calloc(n + 1, 1);
        bool not_included = false, excluded = false;
        for (size_t at = 0; path[at] != '\0';) {
            at += strcspn(path + at + (at > 0), "/") + (at > 0);
            const bool hit = dp_patterns_match(ps, path, at, parent, own);
            if (hit ? not_included : excluded)
                abort();
            not_included |= !hit && !dp_patterns_may_match_below(ps, path, at, false);
            excluded |= hit && !dp_patterns_may_match_below(ps, path, at, true);
            memcpy(parent, own, n);
        }
        depot_free(parent);
        depot_free(own);
    }
    dp_patterns_free(ps);
    depot_free(path);
    depot_strv_release(&lines);
    return 0;
}
