/*
 * Fingerprints of values that the feed must not show, and that two builds may have in common. Keyed
 * with a secret of this store, so that nobody who reads the feed can try values against them.
 */
#include "store_priv.h"

#include <stdio.h>
#include <string.h>

#include <depot/file_writer.h>
#include <depot/log.h>
#include <depot/path.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define DEPOT_LOG_MODULE "store"

void store_fingerprint_open(struct store *s)
{
    static const struct depot_file_opts opts = {
        .what = "key", .mode = 0600, .flags = DEPOT_FILE_OWN};
    struct depot_error err = {0};
    char *path = depot_path_join(s->dir, "fingerprint.key"), *key = NULL;
    size_t n = 0;

    if (depot_file_read(path, sizeof(s->secret), &key, &n, NULL) == 0 && n == sizeof(s->secret)) {
        memcpy(s->secret, key, n);
    } else {
        depot_random_bytes(s->secret, sizeof(s->secret));
        /* Without the file, fingerprints are good until the daemon ends. */
        if (depot_file_write(path, &opts, s->secret, sizeof(s->secret), &err) != 0)
            depot_log_warn("%s", err.msg);
    }
    depot_free(key);
    depot_free(path);
}

void store_fingerprint(
    const struct store *s, const char *name, const char *value, char out[STORE_FINGERPRINT_LEN + 1])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    char *text = depot_asprintf("%s=%s", name, value);

    if (HMAC(EVP_sha256(), s->secret, sizeof(s->secret), (const unsigned char *)text, strlen(text),
            mac, &n) == NULL)
        memset(mac, 0, sizeof(mac));
    for (size_t i = 0; i < STORE_FINGERPRINT_LEN / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", mac[i]);
    depot_free(text);
}
