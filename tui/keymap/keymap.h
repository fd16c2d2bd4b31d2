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
#include "key.h"

/* Each view's, by its number; then those that are no view's. */
enum keymap {
#define KEYMAP_ENUM(id, ...) KEYMAP_##id = VIEW_##id,
    VIEWS(KEYMAP_ENUM, KEYMAP_ENUM)
#undef KEYMAP_ENUM
        KEYMAP_GLOBAL,
    KEYMAP_REPLAY,
    KEYMAP_COUNT
};
static inline enum keymap dp_view_keymap(enum view_id v)
{
    return (enum keymap)v;
}
const char *dp_keymap_name(enum keymap k);
const char *dp_keymap_title(enum keymap k); /* in help and on the man page */

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

#endif
