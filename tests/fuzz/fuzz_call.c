/*
 * Feeds bytes to what prints the linter's answer of a frontend.
 */
#include <depot/state.h>

#include "build/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *json = depot_strndup((const char *)data, size);
    struct depot_build *b = depot_build_new(NULL);
    struct depot_pair pairs[] = {{"result.json", json}};
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_RESULT, .build = "b"};
    ev.u.result = (struct depot_ev_result){.platform = "p",
        .builder = "b",
        .state = DEPOT_BUILD_SUCCEEDED,
        .response = pairs,
        .nresponse = 1};
    depot_build_apply(b, &ev);
    char method[] = "lint", file[] = "Dockerfile";
    struct depot_build_plan p = {.call = {.method = method, .file = file}};
    struct depot_call_result r = {0};
    int rc = depot_build_call_result(&p, b, &r, NULL);
    DEPOT_UNUSED(rc);
    depot_call_result_release(&r);
    depot_build_free(b);
    depot_free(json);
    return 0;
}
