/*
 * Keys, and which action each means in which view.
 *
 * One table of rows {keymap, key, action}; a view's own keymap is asked before the global one.
 * A user's bindings, from the config file, go before both.
 */
#ifndef DEPOT_TUI_KEYMAP_H
#define DEPOT_TUI_KEYMAP_H

#include <depot/buf.h>

#include "action.h"

/* X(id, name, title in the help view) */
#define KEYMAPS(X)                                                                                 \
    X(GLOBAL, "global", "Everywhere")                                                              \
    X(FLEET, "fleet", "Fleet")                                                                     \
    X(BUILD, "build", "Build")                                                                     \
    X(STEP, "step", "Step and log")                                                                \
    X(WHY, "why", "Why it missed the cache")                                                       \
    X(BUILDERS, "builders", "Builders")                                                            \
    X(CACHE, "cache", "Cache")                                                                     \
    X(HISTORY, "history", "History")                                                               \
    X(HELP, "help", "Help")                                                                        \
    X(REPLAY, "replay", "Replay")

enum keymap {
#define KEYMAP_ENUM(id, name, title) KEYMAP_##id,
    KEYMAPS(KEYMAP_ENUM)
#undef KEYMAP_ENUM
        KEYMAP_COUNT
};
const char *dp_keymap_name(enum keymap k);
const char *dp_keymap_title(enum keymap k);

/* A key: a Unicode character, or one of these; with modifiers. Control letters are C- + letter. */
enum key_code {
    KEY_CODE_BASE = 0x110000,
    KEY_CODE_UP,
    KEY_CODE_DOWN,
    KEY_CODE_LEFT,
    KEY_CODE_RIGHT,
    KEY_CODE_HOME,
    KEY_CODE_END,
    KEY_CODE_PGUP,
    KEY_CODE_PGDN,
    KEY_CODE_INSERT,
    KEY_CODE_DELETE,
    KEY_CODE_BACKSPACE,
    KEY_CODE_TAB,
    KEY_CODE_ENTER,
    KEY_CODE_ESC,
    KEY_CODE_F1, /* F1 to F12 follow each other */
    KEY_CODE_F12 = KEY_CODE_F1 + 11,
    /* not keys, but they come the same way */
    KEY_CODE_PASTE, /* text in the event */
    KEY_CODE_MOUSE,
    KEY_CODE_FOCUS,
};
enum { KEY_CTRL = 1, KEY_ALT = 2, KEY_SHIFT = 4 };
enum mouse_button { MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };

struct key {
    uint32_t code;
    unsigned mods;
    int y, x; /* KEY_CODE_MOUSE */
    enum mouse_button button;
    const char *text; /* KEY_CODE_PASTE: sanitised, valid during the call */
};

/* "j", "C-d", "M-x", "S-Tab", "F9", "Up", "Space", "Enter". DEPOT_ERR_INVALID. */
int dp_key_parse(const char *s, struct key *out, struct depot_error *err) DEPOT_MUST_CHECK;
enum { KEY_NAME_MAX = 24 };
void dp_key_name(const struct key *k, char out[KEY_NAME_MAX]);

struct binding {
    enum keymap keymap;
    const char *key;
    enum action action;
};
/* The built-in table, for help and man page. */
const struct binding *dp_keymap_table(size_t *n);

struct keymaps;
struct keymaps *dp_keymaps_new(void); /* the built-in table */
void dp_keymaps_free(struct keymaps *k);
/* A user's binding. DEPOT_ERR_INVALID names what is wrong. */
int dp_keymaps_bind(struct keymaps *k, const char *keymap, const char *key, const char *action,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* ACTION_COUNT when the key is not bound. */
enum action dp_keymaps_find(const struct keymaps *k, enum keymap first, const struct key *key);
/* The keys of an action in a keymap (or the global one), as "j Down"; "" when it has none. At most
 * `max` of them, 0 for all. */
void dp_keymaps_keys(const struct keymaps *k, enum keymap keymap, enum action action, int max,
    struct depot_buf *out);

/*
 * The config file: "bind KEYMAP KEY ACTION", "color NAME SPEC", "set NAME VALUE"; '#' starts a
 * comment. Bad lines are told through `bad`, the others count.
 */
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
