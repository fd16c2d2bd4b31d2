/* What a registry sends: a challenge, a URL, a manifest. Whatever it is, the parsers end and leak
 * nothing; an index that is made of it names only valid digests. */
#include <depot/registry.h>

#include "registry/challenge.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void as_challenge(const char *text)
{
    struct dp_challenge c;
    dp_challenge_parse(text, &c);
    assert(c.scheme != DP_AUTH_BEARER || !depot_str_empty(c.realm));
    dp_challenge_release(&c);
}

static void as_url(const char *text)
{
    struct depot_addr addr;
    char *path = NULL;
    if (dp_url_parse(text, &addr, &path, NULL) != 0)
        return;
    assert(path[0] == '/' && !depot_str_has_control(path));
    depot_addr_release(&addr);
    depot_free(path);
}

static void as_manifest(const uint8_t *data, size_t n)
{
    char digest[DEPOT_DIGEST_LEN + 1], *text = NULL;
    const char *type = NULL;
    depot_digest_of(data, n, digest);
    const struct depot_join_part parts[] = {
        {.platform = "linux/amd64", .digest = digest, .manifest = (const char *)data, .len = n}};
    if (depot_index_join(parts, 1, NULL, &text, &type, NULL) == 0)
        assert(text[0] == '{' && type != NULL);
    depot_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = depot_alloc(n + 1);
    memcpy(text, data, n);
    text[n] = '\0';
    as_challenge(text);
    as_url(text);
    as_manifest(data, n);
    depot_free(text);
    return 0;
}
