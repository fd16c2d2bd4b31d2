/*
 * What the files of the fleet model share.
 */
#ifndef DEPOT_TUI_DATA_PRIV_H
#define DEPOT_TUI_DATA_PRIV_H

#include "fleet.h"

struct fleet_private {
    struct fleet_ops ops;
    void *arg;
    struct depot_map *build_by_key;
    struct depot_map *stats; /* step key -> struct step_stats */
    struct depot_map *projects;
    size_t order;
    bool told_lost;                       /* that logs find no room */
    size_t turn;                          /* of the builds that nobody watches */
    DEPOT_VEC(struct fleet_build *) gone; /* rows that made room; small, and kept */
};

/* Copy what an event or a snapshot says of a builder; unset fields keep what they were. */
void dp_fleet_upsert_builder(struct fleet_source *s, const struct depot_ev_builder *info, bool up,
    depot_time time, bool metrics);
void dp_fleet_set_summary(struct fleet_build *b, const struct depot_build_summary *sum);
void dp_fleet_touch(struct fleet *f);
/* Take from the state what the row shows. */
void dp_fleet_sync_summary(struct fleet_build *b);
void dp_fleet_free_stats(struct fleet_private *p);

#endif
