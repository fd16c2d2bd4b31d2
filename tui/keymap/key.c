/*
 * Names of keys, both ways.
 */
#include "key.h"

#include <depot/text.h>

#include <depot/utf8.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    uint32_t code;
} named[] = {
    {"Up", KEY_CODE_UP},
    {"Down", KEY_CODE_DOWN},
    {"Left", KEY_CODE_LEFT},
    {"Right", KEY_CODE_RIGHT},
    {"Home", KEY_CODE_HOME},
    {"End", KEY_CODE_END},
    {"PgUp", KEY_CODE_PGUP},
    {"PgDn", KEY_CODE_PGDN},
    {"Ins", KEY_CODE_INSERT},
    {"Del", KEY_CODE_DELETE},
    {"Backspace", KEY_CODE_BACKSPACE},
    {"Tab", KEY_CODE_TAB},
    {"Enter", KEY_CODE_ENTER},
    {"Esc", KEY_CODE_ESC},
    {"Space", ' '},
};

static const struct {
    const char *prefix;
    unsigned mod;
} modifiers[] = {{"C-", KEY_CTRL}, {"M-", KEY_ALT}, {"S-", KEY_SHIFT}};

static const char *parse_modifiers(const char *s, unsigned *mods)
{
    bool more = true;
    while (more && s[0] != '\0' && s[1] == '-' && s[2] != '\0') {
        more = false;
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(modifiers); i++) {
            if (depot_str_starts(s, modifiers[i].prefix)) {
                *mods |= modifiers[i].mod;
                s += 2;
                more = true;
                break;
            }
        }
    }
    return s;
}

static bool parse_code(const char *s, uint32_t *code)
{
    size_t used;
    int64_t n;
    if (s[0] == '\0')
        return false;
    const int32_t ch = depot_utf8_decode(s, strlen(s), &used);
    if (ch > ' ' && s[used] == '\0') {
        *code = (uint32_t)ch;
        return true;
    }
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(named); i++) {
        if (strcasecmp(s, named[i].name) == 0) {
            *code = named[i].code;
            return true;
        }
    }
    if (s[0] != 'F' || depot_str_to_int64(s + 1, 1, 12, &n) != 0)
        return false;
    *code = KEY_CODE_F1 + (uint32_t)n - 1;
    return true;
}

int dp_key_parse(const char *s, struct key *out, struct depot_error *err)
{
    struct key k = {0};
    if (!parse_code(parse_modifiers(s, &k.mods), &k.code))
        return depot_error_set(err, DEPOT_ERR_INVALID, "\"%s\" is not a key", s);
    *out = k;
    return 0;
}

void dp_key_name(const struct key *k, char out[KEY_NAME_MAX])
{
    char base[12] = "?";
    if (k->code >= KEY_CODE_F1 && k->code <= KEY_CODE_F12)
        snprintf(base, sizeof(base), "F%d", (int)(k->code - KEY_CODE_F1) + 1);
    else if (k->code > ' ' && k->code < KEY_CODE_BASE)
        base[depot_utf8_encode(base, k->code)] = '\0';
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(named); i++)
        if (named[i].code == k->code)
            snprintf(base, sizeof(base), "%s", named[i].name);
    snprintf(out, KEY_NAME_MAX, "%s%s%s%s", k->mods & KEY_CTRL ? "C-" : "",
        k->mods & KEY_ALT ? "M-" : "", k->mods & KEY_SHIFT ? "S-" : "", base);
}
