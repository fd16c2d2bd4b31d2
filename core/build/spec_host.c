/*
 * --add-host and --allow: names that are checked before an engine sees them.
 */
#include "build/spec.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_ip(const char *s)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, s, address) == 1 || inet_pton(AF_INET6, s, address) == 1;
}

/* '=' parts at its first, else ':' at its first: an IPv6 address has more. "host-gateway" stands
 * for an address that only the engine knows. */
int dp_spec_add_host(const char *s, char **out, struct depot_error *err)
{
    const char *sep = strchr(s, '=');
    if (sep == NULL)
        sep = strchr(s, ':');
    if (sep == NULL || sep == s || sep[1] == '\0')
        return dp_spec_refuse(err, "--add-host", s, "it is not a name and an address");
    if (strcspn(s, " \t\r\n,\"") < (size_t)(sep - s))
        return dp_spec_refuse(err, "--add-host", s, "the name has a blank, a comma or a quote");
    const size_t n = strlen(sep + 1);
    const bool brackets = n > 2 && sep[1] == '[' && sep[n] == ']';
    char *ip = depot_strndup(sep + 1 + brackets, n - 2 * (size_t)brackets);
    int rc = 0;
    if (is_ip(ip) || depot_str_eq(sep + 1, "host-gateway"))
        *out = depot_asprintf("%.*s=%s", (int)(sep - s), s, ip);
    else
        rc = dp_spec_refuse(err, "--add-host", s, "\"%.100s\" is not an IP address", ip);
    depot_free(ip);
    return rc;
}

/* "device=NAME[,alias=OTHER]" has commas of its own. */
static int check_device(const char *s, struct depot_error *err)
{
    struct depot_strv fields = {0};
    int rc = dp_csv_split("--allow", s, &fields, err);
    for (size_t i = 1; rc == 0 && i < fields.len; i++)
        if (!depot_str_starts(fields.items[i], "alias="))
            rc = dp_spec_refuse(err, "--allow", s, "a device has no \"%.100s\"", fields.items[i]);
    depot_strv_release(&fields);
    return rc;
}

static int allow_one(const char *word, const char *s, struct depot_strv *out, bool *delete_local,
    struct depot_error *err)
{
    static const char *const names[] = {"network.host", "security.insecure", "device"};
    if (depot_str_eq(s, "buildx.local.delete")) {
        *delete_local = true;
        return 0;
    }
    bool known = false;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++)
        known = known || depot_str_eq(s, names[i]);
    if (!known)
        return dp_spec_refuse(err, "--allow", word, "there is no entitlement \"%.100s\"", s);
    if (!depot_strv_has(out, s))
        depot_strv_push(out, s);
    return 0;
}

int dp_spec_allow(
    const char *s, struct depot_strv *out, bool *delete_local, struct depot_error *err)
{
    if (depot_str_starts(s, "device=")) {
        int rc = check_device(s, err);
        if (rc == 0 && !depot_strv_has(out, s))
            depot_strv_push(out, s);
        return rc;
    }
    struct depot_strv names = {0};
    int rc = 0;
    depot_strv_split(&names, s, ',');
    for (size_t i = 0; rc == 0 && i < names.len; i++)
        rc = allow_one(s, names.items[i], out, delete_local, err);
    depot_strv_release(&names);
    return rc;
}
