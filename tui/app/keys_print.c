/*
 * The tables of keys and of commands, printed for the man page and for those who check documents.
 */
#include "command.h"
#include "tui/keymap/keymap.h"

#include <depot/tui.h>

enum { KEYS_MAX = 256, NAME_MAX_LEN = 32 };

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

/* `open` and `close` stand around what is beside the key, on a man page. */
struct row {
    const char *group, *key, *open, *beside, *close, *help;
};

static void print_row(FILE *out, const struct row *r, bool man)
{
    if (!man) {
        fprintf(out, "%s\t%s\t%s\t%s\n", r->group, r->key, r->beside, r->help);
        return;
    }
    fputs(".TP\n\\fB", out);
    roff(out, r->key);
    fprintf(out, "\\fR%s", r->open);
    roff(out, r->beside);
    fprintf(out, "%s\n", r->close);
    roff(out, r->help);
    fputs(".\n", out);
}

static void print_binding(FILE *out, const struct keymaps *k, const struct binding *b, bool man)
{
    struct depot_buf keys = DEPOT_BUF_INIT(KEYS_MAX);
    dp_keymaps_keys(k, b->keymap, b->action, 0, &keys);
    const struct row r = {dp_keymap_name(b->keymap), depot_buf_str(&keys), " (",
        dp_action_name(b->action), ")", dp_action_help(b->action)};
    print_row(out, &r, man);
    depot_buf_release(&keys);
}

static void print_commands(FILE *out, bool man)
{
    struct command c;
    if (man)
        fputs(".SH COMMAND LINE\nThe names of actions, above, are commands too. A name may be cut "
              "short, and Tab completes it.\n",
            out);
    for (size_t i = 0; dp_command_at(i, &c); i++) {
        char name[NAME_MAX_LEN];
        snprintf(name, sizeof(name), ":%s", c.name);
        const struct row r = {"command", name, c.args[0] != '\0' ? " " : "", c.args, "", c.help};
        print_row(out, &r, man);
    }
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
        if (!is_first(table, i))
            continue;
        if (man && shown != (int)table[i].keymap)
            fprintf(out, ".SS %s\n", dp_keymap_title(table[i].keymap));
        shown = (int)table[i].keymap;
        print_binding(out, k, &table[i], man);
    }
    dp_keymaps_free(k);
    print_commands(out, man);
}
