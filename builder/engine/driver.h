/*
 * How an engine is spoken to: the calls of depot/buildkit.h that the daemon makes, as a table, so
 * that tests can play an engine. See there for what each does.
 */
#ifndef DEPOT_BUILDER_DRIVER_H
#define DEPOT_BUILDER_DRIVER_H

#include <depot/addr.h>
#include <depot/buildkit.h>
#include <depot/loop.h>

struct engine_driver {
    int (*open)(struct depot_loop *l, const struct depot_addr *addr, const struct depot_tls *tls,
        struct depot_bk **out, struct depot_error *err);
    void (*close)(struct depot_bk *bk);
    void (*call_free)(struct depot_bk_call *c);
    int (*probe)(struct depot_bk *bk, depot_bk_info_fn *done, void *arg, struct depot_bk_call **out,
        struct depot_error *err);
    int (*solve)(struct depot_bk *bk, const struct depot_bk_solve *req, depot_bk_solve_fn *done,
        void *arg, struct depot_bk_call **out, struct depot_error *err);
    int (*bridge)(struct depot_bk *bk, const struct depot_bk_solve *req,
        const struct depot_bk_bridge_ops *ops, void *arg, struct depot_bk_call **out,
        struct depot_error *err);
    void (*bridge_go_on)(struct depot_bk_call *c);
    void (*bridge_fail)(struct depot_bk_call *c, int code, const char *message);
    int (*status)(struct depot_bk *bk, const char *ref, const struct depot_bk_status_ops *ops,
        void *arg, struct depot_bk_call **out, struct depot_error *err);
    void (*status_hurry)(struct depot_bk_call *c);
    int (*history)(struct depot_bk *bk, const char *ref, bool active_only, bool early_exit,
        const struct depot_bk_history_ops *ops, void *arg, struct depot_bk_call **out,
        struct depot_error *err);
    int (*provenance)(struct depot_bk *bk, const char *ref,
        const struct depot_bk_provenance_ops *ops, void *arg, struct depot_bk_call **out,
        struct depot_error *err);
    int (*content)(struct depot_bk *bk, const char *digest, depot_bk_content_fn *done, void *arg,
        struct depot_bk_call **out, struct depot_error *err);
    int (*disk_usage)(struct depot_bk *bk, const struct depot_bk_usage_ops *ops, void *arg,
        struct depot_bk_call **out, struct depot_error *err);
    int (*prune)(struct depot_bk *bk, bool all, int64_t keep_bytes, int64_t keep_ns,
        const struct depot_bk_usage_ops *ops, void *arg, struct depot_bk_call **out,
        struct depot_error *err);
    int (*session_open)(struct depot_bk *bk, const char *id, const char *shared_key,
        const struct depot_strv *methods, const struct depot_bk_session_ops *ops, void *arg,
        struct depot_bk_session **out, struct depot_error *err);
    void (*session_write)(struct depot_bk_session *s, const void *data, size_t n);
    size_t (*session_queued)(const struct depot_bk_session *s);
    void (*session_end)(struct depot_bk_session *s);
    void (*session_free)(struct depot_bk_session *s);
};

extern const struct engine_driver engine_buildkit; /* BuildKit over gRPC */

#endif
