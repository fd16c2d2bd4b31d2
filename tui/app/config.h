/*
 * The config file: "bind KEYMAP KEY ACTION", "color NAME SPEC", "set NAME VALUE"; '#' starts a
 * comment. Bad lines are told through `bad`, the others count.
 */
#ifndef DEPOT_TUI_CONFIG_H
#define DEPOT_TUI_CONFIG_H

#include "tui/keymap/keymap.h"

struct depot_styles;
struct tui_settings {
    bool no_mouse, ascii, no_title, hide_keys;
    bool progress, no_progress; /* neither: by the terminal */
    int color;                  /* 0: by the terminal; 1: never, 2: 16, 3: 256, 4: true */
};
typedef void dp_config_bad_fn(const struct depot_error *err, void *arg);
void dp_config_read(const char *text, struct keymaps *k, struct depot_styles *styles,
    struct tui_settings *settings, dp_config_bad_fn *bad, void *arg);

#endif
