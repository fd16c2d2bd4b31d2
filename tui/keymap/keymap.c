/*
 * The table of keys, and the lookup through a user's bindings, the view's and the global keys.
 */
#include "keymap.h"

#include <string.h>

/* Letters with F twins, as htop has them; conflicts are settled once, here. */
static const struct binding table[] = {
    {KEYMAP_GLOBAL, "j", ACTION_DOWN},
    {KEYMAP_GLOBAL, "k", ACTION_UP},
    {KEYMAP_GLOBAL, "Down", ACTION_DOWN},
    {KEYMAP_GLOBAL, "Up", ACTION_UP},
    {KEYMAP_GLOBAL, "C-n", ACTION_DOWN},
    {KEYMAP_GLOBAL, "C-p", ACTION_UP},
    {KEYMAP_GLOBAL, "h", ACTION_LEFT},
    {KEYMAP_GLOBAL, "l", ACTION_RIGHT},
    {KEYMAP_GLOBAL, "Left", ACTION_LEFT},
    {KEYMAP_GLOBAL, "Right", ACTION_RIGHT},
    {KEYMAP_GLOBAL, "g", ACTION_TOP},
    {KEYMAP_GLOBAL, "G", ACTION_BOTTOM},
    {KEYMAP_GLOBAL, "Home", ACTION_TOP},
    {KEYMAP_GLOBAL, "End", ACTION_BOTTOM},
    {KEYMAP_GLOBAL, "C-f", ACTION_PAGE_DOWN},
    {KEYMAP_GLOBAL, "C-b", ACTION_PAGE_UP},
    {KEYMAP_GLOBAL, "PgDn", ACTION_PAGE_DOWN},
    {KEYMAP_GLOBAL, "PgUp", ACTION_PAGE_UP},
    {KEYMAP_GLOBAL, "C-d", ACTION_HALF_DOWN},
    {KEYMAP_GLOBAL, "C-u", ACTION_HALF_UP},
    {KEYMAP_GLOBAL, "Enter", ACTION_OPEN},
    {KEYMAP_GLOBAL, "q", ACTION_BACK},
    {KEYMAP_GLOBAL, "Esc", ACTION_BACK},
    {KEYMAP_GLOBAL, "Q", ACTION_QUIT},
    {KEYMAP_GLOBAL, "F10", ACTION_QUIT},
    {KEYMAP_GLOBAL, "C-c", ACTION_INTERRUPT},
    {KEYMAP_GLOBAL, "Tab", ACTION_NEXT},
    {KEYMAP_GLOBAL, "S-Tab", ACTION_PREV},
    {KEYMAP_GLOBAL, "]", ACTION_SIBLING_NEXT},
    {KEYMAP_GLOBAL, "[", ACTION_SIBLING_PREV},
    {KEYMAP_GLOBAL, "1", ACTION_VIEW_1},
    {KEYMAP_GLOBAL, "2", ACTION_VIEW_2},
    {KEYMAP_GLOBAL, "3", ACTION_VIEW_3},
    {KEYMAP_GLOBAL, "?", ACTION_HELP},
    {KEYMAP_GLOBAL, "F1", ACTION_HELP},
    {KEYMAP_GLOBAL, ":", ACTION_COMMAND},
    {KEYMAP_GLOBAL, "/", ACTION_SEARCH},
    {KEYMAP_GLOBAL, "F3", ACTION_SEARCH},
    {KEYMAP_GLOBAL, "n", ACTION_MATCH_NEXT},
    {KEYMAP_GLOBAL, "N", ACTION_MATCH_PREV},
    {KEYMAP_GLOBAL, "\\", ACTION_FILTER},
    {KEYMAP_GLOBAL, "F4", ACTION_FILTER},
    {KEYMAP_GLOBAL, "B", ACTION_BUILDERS},
    {KEYMAP_GLOBAL, "C", ACTION_CACHE},
    {KEYMAP_GLOBAL, "H", ACTION_HISTORY},
    {KEYMAP_GLOBAL, "L", ACTION_LOG},
    {KEYMAP_GLOBAL, "F", ACTION_FOLLOW},
    {KEYMAP_GLOBAL, "y", ACTION_COPY},
    {KEYMAP_GLOBAL, "Y", ACTION_COPY_LOG},
    {KEYMAP_GLOBAL, "s", ACTION_SAVE},
    {KEYMAP_GLOBAL, "W", ACTION_WEB},
    {KEYMAP_GLOBAL, "F9", ACTION_CANCEL},
    {KEYMAP_GLOBAL, "C-k", ACTION_CANCEL},
    {KEYMAP_GLOBAL, "Z", ACTION_FREEZE},
    {KEYMAP_GLOBAL, "M", ACTION_MOUSE},
    {KEYMAP_GLOBAL, "#", ACTION_KEYS},
    {KEYMAP_GLOBAL, "C-l", ACTION_REDRAW},
    {KEYMAP_GLOBAL, "C-z", ACTION_SUSPEND},

    {KEYMAP_FLEET, "/", ACTION_FILTER},
    {KEYMAP_FLEET, ">", ACTION_SORT_NEXT},
    {KEYMAP_FLEET, "<", ACTION_SORT_PREV},
    {KEYMAP_FLEET, "F6", ACTION_SORT_NEXT},
    {KEYMAP_FLEET, "I", ACTION_SORT_INVERT},
    {KEYMAP_FLEET, "A", ACTION_SORT_AGE},
    {KEYMAP_FLEET, "S", ACTION_SORT_STATE},
    {KEYMAP_FLEET, "N", ACTION_SORT_NAME},
    {KEYMAP_FLEET, "D", ACTION_SORT_TIME},
    {KEYMAP_FLEET, "Space", ACTION_TAG},
    {KEYMAP_FLEET, "R", ACTION_RECORD},
    {KEYMAP_FLEET, "x", ACTION_WHY},

    {KEYMAP_BUILD, "x", ACTION_WHY},
    {KEYMAP_BUILD, "c", ACTION_CRITICAL},
    {KEYMAP_BUILD, "m", ACTION_MISSES},
    {KEYMAP_BUILD, "i", ACTION_INTERNAL},
    {KEYMAP_BUILD, "e", ACTION_ERROR_NEXT},
    {KEYMAP_BUILD, "E", ACTION_ERROR_PREV},
    {KEYMAP_BUILD, "T", ACTION_TWIN},
    {KEYMAP_BUILD, "Space", ACTION_FOLD},
    {KEYMAP_BUILD, "-", ACTION_FOLD_ALL},
    {KEYMAP_BUILD, "+", ACTION_UNFOLD_ALL},
    {KEYMAP_BUILD, "*", ACTION_UNFOLD_ALL},
    {KEYMAP_BUILD, "z", ACTION_ZOOM},
    {KEYMAP_BUILD, "R", ACTION_RECORD},

    {KEYMAP_STEP, "x", ACTION_WHY},
    {KEYMAP_STEP, "Space", ACTION_PAGE_DOWN},
    {KEYMAP_STEP, "d", ACTION_HALF_DOWN},
    {KEYMAP_STEP, "u", ACTION_HALF_UP},
    {KEYMAP_STEP, "w", ACTION_WRAP},
    {KEYMAP_STEP, "t", ACTION_TIMES},
    {KEYMAP_STEP, "z", ACTION_ZOOM},
    {KEYMAP_STEP, "a", ACTION_COLOURS},
    {KEYMAP_STEP, "|", ACTION_PIPE},
    {KEYMAP_STEP, "T", ACTION_TWIN},
    {KEYMAP_STEP, "i", ACTION_INPUTS},
    {KEYMAP_STEP, "o", ACTION_DEPENDANTS},
    {KEYMAP_STEP, "e", ACTION_ERROR_NEXT},
    {KEYMAP_STEP, "E", ACTION_ERROR_PREV},

    {KEYMAP_WHY, "Space", ACTION_FOLD},
    {KEYMAP_WHY, "b", ACTION_OTHER},

    {KEYMAP_BUILDERS, "/", ACTION_FILTER},
    {KEYMAP_CACHE, "/", ACTION_FILTER},
    {KEYMAP_CACHE, ">", ACTION_SORT_NEXT},
    {KEYMAP_CACHE, "<", ACTION_SORT_PREV},
    {KEYMAP_CACHE, "F6", ACTION_SORT_NEXT},
    {KEYMAP_CACHE, "I", ACTION_SORT_INVERT},
    {KEYMAP_CACHE, "A", ACTION_SORT_AGE},
    {KEYMAP_CACHE, "p", ACTION_PRUNE},
    {KEYMAP_CACHE, "P", ACTION_PRUNE_ALL},
    {KEYMAP_HISTORY, "/", ACTION_FILTER},
    {KEYMAP_HISTORY, ">", ACTION_SORT_NEXT},
    {KEYMAP_HISTORY, "<", ACTION_SORT_PREV},
    {KEYMAP_HISTORY, "F6", ACTION_SORT_NEXT},
    {KEYMAP_HISTORY, "I", ACTION_SORT_INVERT},
    {KEYMAP_HISTORY, "A", ACTION_SORT_AGE},
    {KEYMAP_HISTORY, "S", ACTION_SORT_STATE},
    {KEYMAP_HISTORY, "N", ACTION_SORT_NAME},
    {KEYMAP_HISTORY, "D", ACTION_SORT_TIME},
    {KEYMAP_HISTORY, "R", ACTION_RECORD},
    {KEYMAP_HISTORY, "x", ACTION_WHY},

    {KEYMAP_HELP, "Space", ACTION_PAGE_DOWN},
    {KEYMAP_HELP, "?", ACTION_BACK},
    {KEYMAP_HELP, "F1", ACTION_BACK},

    {KEYMAP_REPLAY, "P", ACTION_PLAY},
    {KEYMAP_REPLAY, "}", ACTION_FASTER},
    {KEYMAP_REPLAY, "{", ACTION_SLOWER},
    {KEYMAP_REPLAY, "(", ACTION_SEEK_BACK},
    {KEYMAP_REPLAY, ")", ACTION_SEEK_ON},
    {KEYMAP_REPLAY, ",", ACTION_EVENT_BACK},
    {KEYMAP_REPLAY, ".", ACTION_EVENT_ON},
};

/* Of those that are no view's. */
static const struct {
    const char *name, *title;
} others[KEYMAP_COUNT] = {
    [KEYMAP_GLOBAL] = {"global", "Everywhere"},
    [KEYMAP_REPLAY] = {"replay", "Replay"},
};

const char *dp_keymap_name(enum keymap k)
{
    return others[k].name != NULL ? others[k].name : dp_view_words((enum view_id)k)->name;
}

const char *dp_keymap_title(enum keymap k)
{
    return others[k].title != NULL ? others[k].title : dp_view_words((enum view_id)k)->title;
}

const struct binding *dp_keymap_table(size_t *n)
{
    *n = DEPOT_ARRAY_LEN(table);
    return table;
}

/* A row with its key parsed. */
struct bound {
    enum keymap keymap;
    uint32_t code;
    unsigned mods;
    enum action action;
};

struct keymaps {
    DEPOT_VEC(struct bound) rows; /* a later row of the same key goes before an earlier one */
};

struct keymaps *dp_keymaps_new(void)
{
    struct keymaps *k = depot_calloc(1, sizeof(*k));
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(table); i++) {
        struct key key;
        if (dp_key_parse(table[i].key, &key, NULL) != 0)
            continue; /* the tests see to it that this does not happen */
        const struct bound b = {table[i].keymap, key.code, key.mods, table[i].action};
        depot_vec_push(&k->rows, b);
    }
    return k;
}

void dp_keymaps_free(struct keymaps *k)
{
    if (k == NULL)
        return;
    depot_vec_free(&k->rows);
    depot_free(k);
}

int dp_keymaps_bind(struct keymaps *k, const char *keymap, const char *key, const char *action,
    struct depot_error *err)
{
    struct key parsed;
    size_t map = 0;
    while (map < KEYMAP_COUNT && !depot_str_eq(dp_keymap_name((enum keymap)map), keymap))
        map++;
    if (map == KEYMAP_COUNT)
        return depot_error_set(err, DEPOT_ERR_INVALID, "there is no keymap \"%s\"", keymap);
    const enum action a = dp_action_from_name(action);
    if (a == ACTION_COUNT)
        return depot_error_set(err, DEPOT_ERR_INVALID, "there is no action \"%s\"", action);
    const int rc = dp_key_parse(key, &parsed, err);
    if (rc != 0)
        return rc;
    const struct bound b = {(enum keymap)map, parsed.code, parsed.mods, a};
    depot_vec_push(&k->rows, b);
    return 0;
}

static enum action find_in(const struct keymaps *k, enum keymap map, const struct key *key)
{
    for (size_t i = k->rows.len; i-- > 0;) {
        const struct bound *b = &k->rows.items[i];
        if (b->keymap == map && b->code == key->code && b->mods == key->mods)
            return b->action;
    }
    return ACTION_COUNT;
}

enum action dp_keymaps_find(const struct keymaps *k, enum keymap first, const struct key *key)
{
    const enum action a = find_in(k, first, key);
    if (a != ACTION_COUNT || first == KEYMAP_GLOBAL || first == KEYMAP_REPLAY)
        return a;
    return find_in(k, KEYMAP_GLOBAL, key);
}

void dp_keymaps_keys(
    const struct keymaps *k, enum keymap keymap, enum action action, int max, struct depot_buf *out)
{
    int n = 0;
    for (int pass = 0; pass < 2 && n == 0; pass++) {
        const enum keymap map = pass == 0 ? keymap : KEYMAP_GLOBAL;
        for (size_t i = 0; i < k->rows.len && (max == 0 || n < max); i++) {
            const struct bound *b = &k->rows.items[i];
            const struct key key = {.code = b->code, .mods = b->mods};
            char name[KEY_NAME_MAX];
            if (b->keymap != map || b->action != action ||
                dp_keymaps_find(k, keymap, &key) != action)
                continue;
            dp_key_name(&key, name);
            depot_buf_addf(out, "%s%s", n++ > 0 ? " " : "", name);
        }
    }
}
