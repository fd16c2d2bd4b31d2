/* What log_pager.c and log_draw.c share. */
#ifndef DEPOT_TUI_LOG_PAGER_PRIV_H
#define DEPOT_TUI_LOG_PAGER_PRIV_H

#include "pager.h"

uint64_t dp_pager_lines(const struct log_pager *p);
/* About a line that exists; valid until the next call. */
struct log_seen *dp_pager_seen(struct log_pager *p, uint64_t line);
/* A line that exists, as cells; valid until the next call. */
const struct log_cells *dp_pager_cells(struct log_pager *p, uint64_t line);
/* Where the row of a wrapped line that begins at column `from` ends. */
size_t dp_pager_row_end(const struct log_pager *p, const struct log_cells *l, size_t from);
/* Before drawing: hold the place within the log, go to its end when following. */
void dp_pager_settle(struct log_pager *p);

#endif
