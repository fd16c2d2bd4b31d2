/*
 * Small conversions between generated messages and our own types. Internal to this module.
 */
#ifndef DEPOT_CORE_BUILDKIT_CONVERT_H
#define DEPOT_CORE_BUILDKIT_CONVERT_H

#include <depot/buf.h>
#include <depot/buildkit.h>

#include "control.pb-c.h"

/* 0 for NULL and for what does not fit. */
depot_time dp_bk_time(const Google__Timestamp *t);
/* An array in the arena; the strings stay the message's. */
struct depot_pair *dp_bk_pairs(struct depot_arena *a, Bk__Pair **list, size_t n);

/* What follows is pure, and apart from the calls for the tests' sake. All strings stay borrowed. */

/* Pack a SolveRequest: both forms of the exporter list, and always a cache message. */
void dp_bk_pack_solve(const struct depot_bk_solve *req, struct depot_buf *to);
/* Pack the gateway's SolveRequest: frontend and attributes alone. */
void dp_bk_pack_ask(const struct depot_bk_solve *req, struct depot_buf *to);

/* Platforms, engine and store of a list of workers; `info` keeps its other members. */
void dp_bk_add_workers(const Bk__ListWorkersResponse *m, bool is_docker, struct depot_arena *a,
    struct depot_bk_info *info);

/* A record without its error, which may need a blob of its own. */
void dp_bk_convert_record(
    const Bk__HistoryEvent *ev, struct depot_arena *a, struct depot_bk_record *out);

#endif
