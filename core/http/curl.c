/*
 * Opens libcurl at run time. Knows nothing of requests.
 *
 * Linked, it would come with 27 more libraries to each `depot --version`: 7.7 ms of CPU and 9.0 MB
 * instead of 3.0 ms and 4.8 MB (medians of 200 runs in turn, libcurl 7.88.1 of Debian 12).
 */
#include "http/curl.h"

#include <depot/base.h>

#include <dlfcn.h>
#include <string.h>

#ifdef __APPLE__
#define LIBRARY     "libcurl.4.dylib"
#define LIBRARY_TOO "/usr/lib/libcurl.4.dylib"
#else
#define LIBRARY     "libcurl.so.4"
#define LIBRARY_TOO "libcurl-gnutls.so.4" /* Debian's other build; the same interface */
#endif
static const char *const library_names[] = {LIBRARY, LIBRARY_TOO};

#ifdef __ELF__
/* What a linked library's NEEDED tells packagers, in the form for those that are opened late: a
 * note of FDO's, as systemd.io/ELF_DLOPEN_METADATA has it. */
#define NOTE                                                                                       \
    "[{\"feature\":\"http\",\"description\":\"HTTP API of depotd, registries, Docker Engines\","   \
    "\"priority\":\"recommended\",\"soname\":[\"" LIBRARY "\",\"" LIBRARY_TOO "\"]}]"
static const struct {
    uint32_t name_size, text_size, type;
    char name[4];
    _Alignas(4) char text[sizeof(NOTE)];
} note __attribute__((used, aligned(4), section(".note.dlopen"))) = {
    4, sizeof(NOTE), 0x407c0c0a, "FDO", NOTE};
#endif

static const struct {
    const char *symbol;
    size_t offset;
} functions[] = {
#define DP_CURL_ROW(name) {"curl_" #name, offsetof(struct dp_curl, name)},
    DP_CURL_FUNCTIONS(DP_CURL_ROW)
#undef DP_CURL_ROW
};

static int find_functions(struct dp_curl *c, struct depot_error *err)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(functions); i++) {
        void *fn = dlsym(c->lib, functions[i].symbol);
        if (fn == NULL) {
            depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "libcurl has no %s()", functions[i].symbol);
            return depot_error_hint(err, "install libcurl 7.83 or newer");
        }
        /* ISO C has no conversion from void * to a function pointer; POSIX has the same bytes. */
        memcpy((char *)c + functions[i].offset, &fn, sizeof(fn));
    }
    return 0;
}

int dp_curl_open(struct dp_curl *c, struct depot_error *err)
{
    if (c->lib != NULL)
        return 0;
    /* NODELETE: the TLS library behind it leaves exit handlers that must stay mapped. */
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(library_names) && c->lib == NULL; i++)
        c->lib = dlopen(library_names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (c->lib == NULL) {
        const char *why = dlerror();
        depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "cannot open libcurl: %s",
            why != NULL ? why : "unknown reason");
        return depot_error_hint(err, "install it (Debian: libcurl4)");
    }
    int rc = find_functions(c, err);
    if (rc == 0 && c->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        rc = depot_error_set(err, DEPOT_ERR_INTERNAL, "libcurl does not start");
    if (rc < 0) {
        dlclose(c->lib);
        memset(c, 0, sizeof(*c));
    }
    return rc;
}

void dp_curl_close(struct dp_curl *c)
{
    if (c->lib == NULL)
        return;
    c->global_cleanup();
    dlclose(c->lib);
    memset(c, 0, sizeof(*c));
}
