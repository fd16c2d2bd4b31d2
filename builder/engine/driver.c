/*
 * The driver that is no test's.
 */
#include "driver.h"

const struct engine_driver engine_buildkit = {
    .open = depot_bk_new,
    .close = depot_bk_free,
    .call_free = depot_bk_call_free,
    .probe = depot_bk_probe,
    .solve = depot_bk_solve,
    .bridge = depot_bk_bridge,
    .bridge_go_on = depot_bk_bridge_go_on,
    .bridge_fail = depot_bk_bridge_fail,
    .status = depot_bk_status,
    .status_hurry = depot_bk_status_hurry,
    .history = depot_bk_history,
    .provenance = depot_bk_provenance,
    .content = depot_bk_content,
    .disk_usage = depot_bk_disk_usage,
    .prune = depot_bk_prune,
    .session_open = depot_bk_session_open,
    .session_write = depot_bk_session_write,
    .session_queued = depot_bk_session_queued,
    .session_end = depot_bk_session_end,
    .session_free = depot_bk_session_free,
};
