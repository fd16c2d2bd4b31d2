/*
 * SHA-256 by OpenSSL, in OCI's spelling.
 */
#include <depot/digest.h>

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

static const char prefix[] = "sha256:";
enum { PREFIX_LEN = sizeof(prefix) - 1, SHA256_LEN = 32 };

struct depot_digester {
    EVP_MD_CTX *md;
};

bool depot_digest_valid(const char *s)
{
    return s != NULL && strnlen(s, DEPOT_DIGEST_LEN + 1) == DEPOT_DIGEST_LEN &&
           memcmp(s, prefix, PREFIX_LEN) == 0 &&
           strspn(s + PREFIX_LEN, "0123456789abcdef") == DEPOT_DIGEST_LEN - PREFIX_LEN;
}

/* OpenSSL fails here only without memory, or without any digest at all. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

struct depot_digester *depot_digester_new(void)
{
    struct depot_digester *d = depot_alloc(sizeof(*d));
    d->md = EVP_MD_CTX_new();
    must(d->md != NULL);
    must(EVP_DigestInit_ex(d->md, EVP_sha256(), NULL));
    return d;
}

void depot_digester_add(struct depot_digester *d, const void *data, size_t n)
{
    must(EVP_DigestUpdate(d->md, data, n));
}

void depot_digester_end(struct depot_digester *d, char out[DEPOT_DIGEST_LEN + 1])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    must(EVP_DigestFinal_ex(d->md, sum, NULL));
    memcpy(out, prefix, PREFIX_LEN);
    for (size_t i = 0; i < SHA256_LEN; i++)
        snprintf(out + PREFIX_LEN + 2 * i, 3, "%02x", sum[i]);
}

void depot_digester_free(struct depot_digester *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->md);
    depot_free(d);
}

void depot_digest_of(const void *data, size_t n, char out[DEPOT_DIGEST_LEN + 1])
{
    struct depot_digester *d = depot_digester_new();
    depot_digester_add(d, data, n);
    depot_digester_end(d, out);
    depot_digester_free(d);
}
