/*
 * Keys and clicks, as a terminal gives them, and their names.
 */
#ifndef DEPOT_TUI_KEY_H
#define DEPOT_TUI_KEY_H

#include <depot/base.h>

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

#endif
