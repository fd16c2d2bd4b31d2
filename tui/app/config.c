/*
 * The dashboard's config file: keys, colours, switches; one directive a line.
 */
#include "config.h"
#include <depot/style.h>

#include <string.h>

enum { WORDS_MAX = 4 };

/* Splits `line` in place at blanks; '#' at the start of a word begins a comment. */
static size_t split(char *line, char *words[WORDS_MAX])
{
    size_t n = 0;
    char *save = NULL;
    for (char *w = strtok_r(line, " \t\r", &save); w != NULL; w = strtok_r(NULL, " \t\r", &save)) {
        if (w[0] == '#' && (w[1] == '\0' || n == 0 || n == 3))
            break;
        if (n == WORDS_MAX)
            return WORDS_MAX + 1;
        words[n++] = w;
    }
    return n;
}

static int set_color(struct tui_settings *s, const char *value, struct depot_error *err)
{
    static const char *const names[] = {"auto", "never", "16", "256", "true"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++) {
        if (depot_str_eq(names[i], value)) {
            s->color = (int)i;
            return 0;
        }
    }
    return depot_error_set(
        err, DEPOT_ERR_INVALID, "color \"%s\": expected auto, never, 16, 256 or true", value);
}

static int set(struct tui_settings *s, const char *name, const char *value, struct depot_error *err)
{
    const struct {
        const char *name;
        bool *target, inverted;
    } switches[] = {{"mouse", &s->no_mouse, true}, {"ascii", &s->ascii, false},
        {"title", &s->no_title, true}, {"progress", &s->no_progress, true},
        {"keys", &s->hide_keys, true}};
    if (depot_str_eq(name, "color"))
        return set_color(s, value, err);
    const bool on = depot_str_eq(value, "on");
    if (!on && !depot_str_eq(value, "off"))
        return depot_error_set(err, DEPOT_ERR_INVALID, "\"%s\": expected on or off", value);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(switches); i++) {
        if (depot_str_eq(switches[i].name, name)) {
            *switches[i].target = on != switches[i].inverted;
            if (switches[i].target == &s->no_progress)
                s->progress = on;
            return 0;
        }
    }
    return depot_error_set(err, DEPOT_ERR_INVALID, "there is no setting \"%s\"", name);
}

static int color(
    struct depot_styles *styles, const char *name, const char *spec, struct depot_error *err)
{
    char *text = depot_asprintf("%s=%s", name, spec);
    const int rc = depot_styles_parse(styles, text, err);
    depot_free(text);
    return rc;
}

static int directive(char *words[WORDS_MAX], size_t n, struct keymaps *k,
    struct depot_styles *styles, struct tui_settings *settings, struct depot_error *err)
{
    if (depot_str_eq(words[0], "bind") && n == 4)
        return dp_keymaps_bind(k, words[1], words[2], words[3], err);
    if (depot_str_eq(words[0], "color") && n == 3)
        return color(styles, words[1], words[2], err);
    if (depot_str_eq(words[0], "set") && n == 3)
        return set(settings, words[1], words[2], err);
    return depot_error_set(err, DEPOT_ERR_INVALID,
        "expected: bind KEYMAP KEY ACTION, color NAME SPEC, or set NAME VALUE");
}

void dp_config_read(const char *text, struct keymaps *k, struct depot_styles *styles,
    struct tui_settings *settings, dp_config_bad_fn *bad, void *arg)
{
    struct depot_strv lines = {0};
    depot_strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.len; i++) {
        char *words[WORDS_MAX];
        struct depot_error err = {0};
        const size_t n = split(lines.items[i], words);
        if (n == 0)
            continue;
        if (directive(words, n, k, styles, settings, &err) == 0)
            continue;
        depot_error_prefix(&err, "line %zu", i + 1);
        if (bad != NULL)
            bad(&err, arg);
    }
    depot_strv_release(&lines);
}
