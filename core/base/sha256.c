/*
 * Content digests, by OpenSSL.
 */
#include "base/sha256.h"

#include <openssl/evp.h>

#include <depot/base.h>

#include <stdio.h>
#include <stdlib.h>

void dp_digest(const void *data, size_t n, char out[DP_DIGEST_LEN + 1])
{
    static const char prefix[] = "sha256:", hex[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    if (EVP_Digest(data, n, sum, &len, EVP_sha256(), NULL) != 1)
        abort(); /* only for want of memory */
    char *to = out + snprintf(out, DP_DIGEST_LEN + 1, "%s", prefix);
    for (unsigned int i = 0; i < len && to + 2 <= out + DP_DIGEST_LEN; i++) {
        *to++ = hex[sum[i] >> 4];
        *to++ = hex[sum[i] & 15];
    }
    *to = '\0';
}
