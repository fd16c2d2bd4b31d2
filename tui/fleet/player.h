/*
 * Replay of a file: events at the pace they were recorded at, or wherever the user goes.
 */
#ifndef DEPOT_TUI_PLAYER_H
#define DEPOT_TUI_PLAYER_H

#include "fleet.h"
#include "tui/keymap/action.h"

struct player;
int dp_player_new(struct depot_loop *l, struct fleet_source *to, const char *path, double speed,
    struct player **out, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_player_free(struct player *p);
bool dp_player_action(struct player *p, enum action a);
/* "1:20", "+5s", "-5s", "50%", "e120" (the 120th event), "failed" (the first failure). */
int dp_player_seek(struct player *p, const char *text, struct depot_error *err) DEPOT_MUST_CHECK;
depot_time dp_player_now(struct player *p);
bool dp_player_paused(const struct player *p);
/* "▮▮ 0:31/1:42 ×2" */
void dp_player_mark(const struct player *p, bool ascii, struct depot_buf *out);
void dp_player_on_move(struct player *p, void (*fn)(struct player *p, void *arg), void *arg);

#endif
