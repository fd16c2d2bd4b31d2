/*
 * FileSend/DiffCopy: which output an engine's call is for.
 */
#include "session/internal.h"

void dp_session_open_filesend(struct dp_grpc_call *call, void *arg)
{
    struct dp_session *s = arg;
    const char *id = dp_grpc_md_get(call, "buildkit-attachable-exporter-id", 0);
    int64_t index = 0; /* older engines have one exporter and do not say */
    bool known = id == NULL || depot_str_to_int64(id, 0, INT32_MAX, &index) == 0;
    if (!known || (size_t)index >= s->cfg->noutputs ||
        s->cfg->outputs[index].kind == DP_OUTPUT_NONE) {
        dp_grpc_respond(call, DP_GRPC_NOT_FOUND, "no output was asked for from this exporter");
        return;
    }
    if (s->cfg->outputs[index].kind == DP_OUTPUT_DIR)
        dp_session_open_receive(s, call, &s->cfg->outputs[index]);
    else
        dp_session_open_output(s, call, (size_t)index);
}
