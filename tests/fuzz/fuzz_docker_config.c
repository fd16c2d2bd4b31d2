/*
 * Docker's config.json and what credential helpers print.
 */
#include "session/docker_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const hosts[] = {"registry-1.docker.io", "h"};
    struct dp_credentials c;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(hosts); i++) {
        struct dp_docker_auth a;
        int rc = dp_docker_config_find((const char *)data, size, hosts[i], &a, NULL);
        DEPOT_UNUSED(rc);
        dp_docker_auth_release(&a);
    }
    struct depot_kvs proxies = {0};
    int proxied = dp_docker_config_proxies((const char *)data, size, "tcp://h", &proxies, NULL);
    DEPOT_UNUSED(proxied);
    depot_kvs_release(&proxies);
    int rc = dp_docker_helper_parse((const char *)data, size, &c);
    DEPOT_UNUSED(rc);
    dp_credentials_release(&c);
    return 0;
}
