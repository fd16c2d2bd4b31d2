/*
 * A Dockerfile, read for its settings; and each of its lines as an instruction that may take a
 * file.
 */
#include <string.h>

#include "build/dockerfile.h"
#include "model/why_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_arena arena = {0};
    struct depot_setting *s;
    struct depot_strv lines = {0};
    char *text = depot_strndup((const char *)data, size);
    size_t n = dp_dockerfile_settings((const char *)data, size, &arena, &s);
    if (n > DP_DOCKERFILE_SETTINGS_MAX)
        __builtin_trap();
    depot_strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.len && i < 64; i++) {
        const char *url;
        dp_why_takes(lines.items[i], "src/main.c");
        dp_why_takes(lines.items[i], lines.items[lines.len - 1]);
        dp_why_url(lines.items[i], &url, &n);
    }
    depot_strv_release(&lines);
    depot_free(text);
    depot_arena_release(&arena);
    return 0;
}
