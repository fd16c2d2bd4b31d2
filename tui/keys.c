/*
 * The table of keys, printed for the man page and for those who check documents.
 */
#include "keymap.h"

#include <depot/tui.h>

enum { KEYS_MAX = 256 };

static void roff(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-' || *text == '\'')
            fprintf(out, "\\%s", *text == '-' ? "-" : "(aq");
        else
            fputc(*text, out);
    }
}

/* An action has one row in a keymap, at the first of its keys. */
static bool is_first(const struct binding *table, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (table[j].keymap == table[i].keymap && table[j].action == table[i].action)
            return false;
    return true;
}

static void print_row(FILE *out, const struct binding *b, const char *keys, bool man)
{
    if (!man) {
        fprintf(out, "%s\t%s\t%s\t%s\n", dp_keymap_name(b->keymap), keys, dp_action_name(b->action),
            dp_action_help(b->action));
        return;
    }
    fputs(".TP\n\\fB", out);
    roff(out, keys);
    fputs("\\fR (", out);
    roff(out, dp_action_name(b->action));
    fputs(")\n", out);
    roff(out, dp_action_help(b->action));
    fputs(".\n", out);
}

void depot_tui_print_keys(FILE *out, bool man)
{
    struct keymaps *k = dp_keymaps_new();
    size_t n;
    const struct binding *table = dp_keymap_table(&n);
    int shown = -1;
    if (man)
        fputs(".SH KEYS\nThe word in parentheses is the action that a key is bound to.\n", out);
    for (size_t i = 0; i < n; i++) {
        struct depot_buf keys;
        if (!is_first(table, i))
            continue;
        if (man && shown != (int)table[i].keymap)
            fprintf(out, ".SS %s\n", dp_keymap_title(table[i].keymap));
        shown = (int)table[i].keymap;
        depot_buf_init(&keys, KEYS_MAX);
        dp_keymaps_keys(k, table[i].keymap, table[i].action, 0, &keys);
        print_row(out, &table[i], depot_buf_str(&keys), man);
        depot_buf_release(&keys);
    }
    dp_keymaps_free(k);
}
