/* What the files of the graph share. */
#ifndef DEPOT_TUI_GRAPH_PRIV_H
#define DEPOT_TUI_GRAPH_PRIV_H

#include "graph.h"

/* Stages and their needs are known: order them, drop needs that follow from others, draw rails. */
void dp_graph_arrange(struct graph *g);

#endif
