/*
 * Bytes from a terminal to keys: characters, function keys as xterm, the Linux console and rxvt
 * send them, mouse reports (SGR), bracketed paste, and the terminal's answers. Pure: no terminal.
 */
#ifndef DEPOT_TUI_INPUT_H
#define DEPOT_TUI_INPUT_H

#include <depot/buf.h>

#include "tui/keymap/key.h"

enum { INPUT_MAX = 4096, INPUT_PASTE_MAX = 64 * 1024 };

struct input {
    char bytes[INPUT_MAX];
    size_t len;
    bool pasting;
    struct depot_buf paste, paste_given;
    /* What the terminal answered. */
    bool asked;        /* set by who asks; DA1 is the last question */
    bool answered;     /* DA1 came: whoever has not answered by now never will */
    bool synchronised; /* it knows mode 2026 */
    int column;        /* where the cursor was then, from 1; 0: not told */
    int background;    /* its brightness in percent; -1: not told */
};

void dp_input_init(struct input *in);
void dp_input_release(struct input *in);
/* Bytes taken: all, unless the buffer is full; then take keys first. */
size_t dp_input_feed(struct input *in, const void *data, size_t n);
/* The next key. `late`: nothing more came for a while, so an ESC alone is the key. */
bool dp_input_next(struct input *in, bool late, struct key *out);
/* What is left may be the start of a sequence. */
bool dp_input_pending(const struct input *in);

#endif
