/*
 * --secret and --ssh.
 */
#include "build/spec.h"

#include <string.h>

/* An empty value counts as none: pipelines have variables that are not set. */
static char *given(const struct depot_kvs *f, const char *key)
{
    const char *value = depot_kvs_get(f, key);
    return depot_str_empty(value) ? NULL : depot_strdup(value);
}

static int check_keys(const char *s, struct depot_kvs *f, struct depot_error *err)
{
    static const char *const keys[] = {"id", "src", "source", "env", "type"};
    for (size_t i = 0; i < f->len; i++) {
        const char *key = f->items[i].key, *value = f->items[i].value;
        bool known = false;
        for (size_t k = 0; k < DEPOT_ARRAY_LEN(keys); k++)
            known = known || depot_str_eq(keys[k], key);
        if (!known)
            return dp_spec_refuse(err, "--secret", s, "there is no \"%.100s\"", key);
        if (depot_str_eq(key, "type") && !depot_str_eq(value, "file") &&
            !depot_str_eq(value, "env"))
            return dp_spec_refuse(
                err, "--secret", s, "there is no type \"%.100s\": it is file or env", value);
    }
    return 0;
}

int dp_spec_secret(const char *s, struct dp_spec_secret *out, struct depot_error *err)
{
    struct depot_kvs f = {0};
    int rc = dp_csv_fields("--secret", s, &f, err);
    if (rc == 0)
        rc = check_keys(s, &f, err);
    if (rc == 0 && depot_str_empty(depot_kvs_get(&f, "id")))
        rc = dp_spec_refuse(err, "--secret", s, "there is no id");
    if (rc == 0) {
        out->id = given(&f, "id");
        out->env = given(&f, "env");
        out->file = given(&f, "src");
        if (out->file == NULL)
            out->file = given(&f, "source");
        /* With type=env the source is a variable's name. */
        if (out->env == NULL && depot_str_eq(depot_kvs_get(&f, "type"), "env")) {
            out->env = out->file;
            out->file = NULL;
        }
    }
    depot_kvs_release(&f);
    return rc;
}

void dp_spec_secret_release(struct dp_spec_secret *s)
{
    depot_free(s->id);
    depot_free(s->file);
    depot_free(s->env);
    *s = (struct dp_spec_secret){0};
}

int dp_spec_ssh(const char *s, struct dp_spec_ssh *out, struct depot_error *err)
{
    const size_t n = strcspn(s, "=");
    out->id = n > 0 ? depot_strndup(s, n) : depot_strdup("default");
    if (s[n] == '\0')
        return 0;
    depot_strv_split(&out->paths, s + n + 1, ',');
    for (size_t i = 0; i < out->paths.len && out->paths.len > 1; i++)
        if (*out->paths.items[i] == '\0')
            return dp_spec_refuse(err, "--ssh", s, "one of the paths is empty");
    return 0;
}

void dp_spec_ssh_release(struct dp_spec_ssh *s)
{
    depot_free(s->id);
    depot_strv_release(&s->paths);
    *s = (struct dp_spec_ssh){0};
}
