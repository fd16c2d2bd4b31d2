/*
 * "host-gateway" is what Docker calls the machine of its Engine, as containers reach it. Only the
 * Engine knows the address, and older ones do not tell.
 */
#include "part_hosts.h"

#include <string.h>

static const char key[] = "add-hosts", word[] = "=host-gateway";

static int no_gateway(const char *host, const char *builder, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
        "--add-host %.200s: builder %s tells no host-gateway, as newer Docker Engines do", host,
        builder);
    return depot_error_hint(err, "give the address itself, as the builder's steps reach it");
}

int part_hosts_fill(
    struct depot_kvs *attrs, const char *gateway, const char *builder, struct depot_error *err)
{
    const char *given = depot_kvs_get(attrs, key);
    if (given == NULL || strstr(given, word) == NULL)
        return 0;
    struct depot_strv hosts = {0};
    int rc = 0;
    depot_strv_split(&hosts, given, ',');
    for (size_t i = 0; rc == 0 && i < hosts.len; i++) {
        char *host = hosts.items[i];
        if (!depot_str_ends(host, word))
            continue;
        if (depot_str_empty(gateway)) {
            rc = no_gateway(host, builder, err);
            break;
        }
        hosts.items[i] =
            depot_asprintf("%.*s=%s", (int)(strlen(host) - strlen(word)), host, gateway);
        depot_free(host);
    }
    if (rc == 0) {
        char *joined = depot_strv_join(&hosts, ",");
        depot_kvs_set(attrs, key, joined);
        depot_free(joined);
    }
    depot_strv_release(&hosts);
    return rc;
}
