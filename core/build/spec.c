/*
 * What the small languages inside flags share: refusals, words for true and false, sizes, pairs.
 */
#include "build/spec.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The form that is right, for hints. */
static const struct form {
    const char *flag, *form;
} forms[] = {
    {"--add-host", "HOST:IP or HOST=IP, as db:10.0.0.5 or db=[2001:db8::1]"},
    {"--allow", "network.host, security.insecure, device[=NAME] or buildx.local.delete"},
    {"--annotation", "[TYPE[[PLATFORM]],...:]KEY=VALUE, as index,manifest[linux/arm64]:team=web; "
                     "types: index, manifest, index-descriptor, manifest-descriptor"},
    {"--attest", "type=sbom|provenance[,KEY=VALUE...], as type=provenance,mode=max"},
    {"--build-arg", "NAME=VALUE, or NAME for the value it has here"},
    {"--build-context", "NAME=DIRECTORY, NAME=URL, NAME=docker-image://IMAGE or "
                        "NAME=oci-layout://DIRECTORY[:TAG|@DIGEST]"},
    {"--cache-from",
        "an image, or type=registry,ref=IMAGE; types: registry, local, inline, gha, s3, "
        "azblob"},
    {"--cache-to", "an image, or type=registry,ref=IMAGE[,mode=max]; types: registry, local, "
                   "inline, gha, s3, azblob"},
    {"--call", "METHOD[,format=json][,ignorestatus=true]; methods: check, outline, targets, build"},
    {"--cpu-period", "microseconds, as 100000"},
    {"--cpu-quota", "microseconds of a period, as 50000"},
    {"--cpu-shares", "a number, as 512"},
    {"--cpuset-cpus", "numbers and ranges, as 0-3,7"},
    {"--cpuset-mems", "numbers and ranges, as 0-1"},
    {"--label", "KEY=VALUE"},
    {"--memory", "a number with a unit: b, k, m or g, as 2g"},
    {"--memory-swap", "a number with a unit: b, k, m or g, as 4g; -1 for no limit"},
    {"--network", "default, host or none"},
    {"--output", "a directory, - for a tar on standard output, or type=TYPE[,dest=PATH]"
                 "[,KEY=VALUE...]; types: local, tar, oci, docker, image, registry, cacheonly"},
    {"--output name", "[REGISTRY/]REPOSITORY[:TAG], as registry.example.com/team/app:1"},
    {"--policy", "disabled=true; keys: filename, reset, disabled, strict, log-level"},
    {"--provenance", "true, false, or attributes, as mode=max"},
    {"--resource", "KEY=VALUE, as memory=2g or cpuset-cpus=0-3; keys: memory, memory-swap, "
                   "cpu-shares, cpu-period, cpu-quota, cpuset-cpus, cpuset-mems"},
    {"--sbom", "true, false, or attributes, as generator=IMAGE"},
    {"--secret", "id=NAME[,src=FILE|,env=VARIABLE]"},
    {"--shm-size", "a number with a unit: b, k, m or g, as 64m"},
    {"--ssh", "default, or ID[=SOCKET|KEY[,KEY...]]"},
    {"--tag", "[REGISTRY/]REPOSITORY[:TAG], as registry.example.com/team/app:1"},
    {"--ulimit", "TYPE=SOFT[:HARD], as nofile=1024:2048"},
};

static const char *form_of(const char *flag)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(forms); i++)
        if (depot_str_eq(forms[i].flag, flag))
            return forms[i].form;
    return NULL;
}

int dp_spec_refuse(
    struct depot_error *err, const char *flag, const char *word, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *why = depot_vasprintf(fmt, ap);
    va_end(ap);
    depot_error_set(err, DEPOT_ERR_INVALID, "invalid %s \"%.300s\": %s", flag, word, why);
    depot_free(why);
    const char *form = form_of(flag);
    if (form != NULL)
        depot_error_hint(err, "expected %s", form);
    return DEPOT_ERR_INVALID;
}

int dp_spec_bool(const char *word)
{
    bool on = false;
    return word != NULL && depot_str_to_bool(word, &on) == 0 ? on : -1;
}

int dp_spec_name(const char *flag, const char *word, size_t n, struct depot_error *err)
{
    if (n <= DP_SPEC_NAME_MAX)
        return 0;
    return dp_spec_refuse(
        err, flag, word, "a name of %zu bytes; at most %d are taken", n, DP_SPEC_NAME_MAX);
}

int dp_spec_pair(
    const char *flag, const char *s, char **key, const char **value, struct depot_error *err)
{
    const size_t n = strcspn(s, "=");
    if (n == 0)
        return dp_spec_refuse(err, flag, s, "there is no name");
    int rc = dp_spec_name(flag, s, n, err);
    if (rc != 0)
        return rc;
    *key = depot_strndup(s, n);
    *value = s[n] == '=' ? s + n + 1 : NULL;
    return 0;
}

/* "", "b", "k", "kb", "kib" and so on, of either case: the factor, or 0. */
static double unit_of(const char *s)
{
    static const char units[] = "bkmgtp";
    const char *unit = *s != '\0' ? strchr(units, tolower((unsigned char)*s)) : units;
    if (unit == NULL)
        return 0;
    double factor = 1;
    for (const char *u = units; u < unit; u++)
        factor *= 1024;
    const char *tail = *s != '\0' ? s + 1 : s;
    const bool i = unit > units && tolower((unsigned char)*tail) == 'i';
    const bool b = unit > units && tolower((unsigned char)tail[i]) == 'b';
    if ((i && !b) || tail[i + b] != '\0')
        return 0;
    return factor;
}

int dp_spec_bytes(const char *flag, const char *s, int64_t *out, struct depot_error *err)
{
    const size_t digits = strspn(s, "0123456789.");
    char *end = NULL;
    const double number = strtod(s, &end);
    const double bytes = number * unit_of(s + digits + (s[digits] == ' '));
    if (digits == 0 || end != s + digits || unit_of(s + digits + (s[digits] == ' ')) < 1)
        return dp_spec_refuse(err, flag, s, "it is not a size");
    if (bytes > 1e18)
        return dp_spec_refuse(err, flag, s, "it is too large");
    *out = (int64_t)bytes;
    return 0;
}

/* ---- --ulimit ---- */

static int limit_value(const char *word, const char *s, int64_t *out, struct depot_error *err)
{
    if (depot_str_to_int64(s, INT64_MIN, INT64_MAX, out) != 0)
        return dp_spec_refuse(err, "--ulimit", word, "\"%.50s\" is not a number", s);
    return 0;
}

int dp_spec_ulimit(const char *s, char **out, struct depot_error *err)
{
    static const char *const types[] = {"core", "cpu", "data", "fsize", "locks", "memlock",
        "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"};
    const char *eq = strchr(s, '=');
    if (eq == NULL)
        return dp_spec_refuse(err, "--ulimit", s, "there is no =");
    char *type = depot_strndup(s, (size_t)(eq - s));
    bool known = false;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(types); i++)
        known = known || depot_str_eq(types[i], type);
    struct depot_strv values = {0};
    depot_strv_split(&values, eq + 1, ':');
    int64_t soft = 0, hard = 0;
    int rc = 0;
    if (!known)
        rc = dp_spec_refuse(err, "--ulimit", s, "there is no limit \"%.50s\"", type);
    else if (values.len == 0 || values.len > 2)
        rc = dp_spec_refuse(err, "--ulimit", s, "it has %zu values", values.len);
    if (rc == 0)
        rc = limit_value(s, values.items[0], &soft, err);
    if (rc == 0)
        rc = limit_value(s, values.items[values.len - 1], &hard, err);
    if (rc == 0 && hard != -1 && (soft == -1 || soft > hard))
        rc = dp_spec_refuse(err, "--ulimit", s, "the soft limit is above the hard one");
    if (rc == 0)
        *out = depot_asprintf("%s=%lld:%lld", type, (long long)soft, (long long)hard);
    depot_strv_release(&values);
    depot_free(type);
    return rc;
}
