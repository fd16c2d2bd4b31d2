/*
 * The credentials file of AWS, as far as it holds keys.
 */
#include "build/aws.h"

void dp_aws_keys_release(struct dp_aws_keys *k)
{
    depot_free(k->id);
    depot_free(k->secret);
    depot_free(k->session);
    *k = (struct dp_aws_keys){0};
}

static char *trim(char *s)
{
    s += strspn(s, " \t");
    size_t n = strlen(s);
    while (n > 0 && strchr(" \t\r", s[n - 1]) != NULL)
        s[--n] = '\0';
    return s;
}

static void take_line(struct dp_aws_keys *k, char *line)
{
    char *eq = strchr(line, '=');
    if (eq == NULL)
        return;
    *eq = '\0';
    const char *name = trim(line), *value = trim(eq + 1);
    char **to = depot_str_eq(name, "aws_access_key_id")       ? &k->id
                : depot_str_eq(name, "aws_secret_access_key") ? &k->secret
                : depot_str_eq(name, "aws_session_token")     ? &k->session
                                                              : NULL;
    if (to == NULL)
        return;
    depot_free(*to);
    *to = depot_strdup(value);
}

void dp_aws_profile(struct dp_aws_keys *k, char *text, const char *profile)
{
    bool inside = false;
    for (char *line = text; line != NULL;) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        char *s = trim(line), *close = s[0] == '[' ? strchr(s, ']') : NULL;
        if (close != NULL) {
            *close = '\0';
            inside = depot_str_eq(trim(s + 1), profile);
        } else if (inside && s[0] != '#' && s[0] != ';') {
            take_line(k, s);
        }
        line = end != NULL ? end + 1 : NULL;
    }
}
