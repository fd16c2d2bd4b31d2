/*
 * What a Dockerfile says beside its steps. Not a parser of instructions: it knows lines, comments,
 * continuations, here-documents and stages, and no more. The engine's frontend judges the file.
 */
#ifndef DEPOT_CORE_BUILD_DOCKERFILE_H
#define DEPOT_CORE_BUILD_DOCKERFILE_H

#include <depot/event.h>

enum {
    DP_DOCKERFILE_MAX = 1024 * 1024,     /* a larger one is not looked at */
    DP_DOCKERFILE_SETTINGS_MAX = 256,    /* what is beyond is left out */
    DP_DOCKERFILE_SETTING_LEN_MAX = 512, /* bytes of one that are kept */
};

/*
 * The lines that make no step but go into those below: ARG, ENV, SHELL, USER and the like, each
 * joined to one line with its blanks folded. Strings live in `arena`; any bytes are taken.
 */
size_t dp_dockerfile_settings(
    const char *text, size_t n, struct depot_arena *arena, struct depot_setting **out);

#endif
