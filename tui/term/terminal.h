/*
 * What a terminal can do that terminfo does not say: from its name (TERM) and the environment.
 * `term` may be NULL.
 */
#ifndef DEPOT_TUI_TERMINAL_H
#define DEPOT_TUI_TERMINAL_H

#include <depot/buf.h>

#include <stdbool.h>

/* It understands what an xterm does, though this machine may not have its description. */
bool dp_terminal_is_modern(const char *term);
/* A console or a terminal of old, which may show what it does not understand: no question, no
 * operating system command is sent to it. */
bool dp_terminal_is_plain(const char *term);
/* Its font has the signs of a PC of old: no check mark, no heavy line. */
bool dp_terminal_has_few_signs(const char *term);
/* It holds an ESC back as long as it reports the mouse, so that the key Esc never comes alone. */
bool dp_terminal_holds_escape(const char *term);
/* What COLORFGBG says of the background; `said` may be NULL. */
bool dp_terminal_is_light(const char *said);
/* It says that it shows any colour. */
bool dp_terminal_has_true_colour(const char *term);
/* It takes OSC 9;4 for a progress mark. Elsewhere OSC 9 is a notification, one for each step. */
bool dp_terminal_shows_progress(const char *term);

/* From `from` on, each choice of a colour by its index becomes one of the colour itself where
 * exact[index] is not 0 but 0xrrggbb, whatever is above: a terminal that shows any colour has
 * nearly always a description of 256. */
void dp_terminal_exact(struct depot_buf *b, size_t from, const int32_t exact[256]);

#endif
