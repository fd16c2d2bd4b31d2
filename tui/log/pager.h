/*
 * A log on a canvas: scrolling, following, wrapping, times, search with its marks. It knows logs
 * and cells, no steps and no builds; the step view and any pane with a log own one.
 */
#ifndef DEPOT_TUI_LOG_PAGER_H
#define DEPOT_TUI_LOG_PAGER_H

#include "search.h"

enum log_times { LOG_TIMES_RELATIVE, LOG_TIMES_ABSOLUTE, LOG_TIMES_NONE, LOG_TIMES_COUNT };

/* A row of the screen: a line, and which of its rows when it is wrapped. */
struct log_place {
    uint64_t line;
    size_t row;
};

/* What was found out about a line; asking the store for a huge one costs. */
struct log_seen {
    uint64_t line, offset, total, revision;
    depot_time time;
    size_t rows; /* when wrapped at rows_w */
    int rows_w;
    bool valid;
};
enum { LOG_SEEN = 128 };

struct log_pager {
    struct logstore *store; /* borrowed; NULL: nothing has come */
    depot_time start;       /* relative times count from here */
    struct log_place top;
    size_t pan; /* first column shown when lines are not wrapped */
    bool follow, wrap, plain;
    bool live; /* more may come: following is worth telling */
    bool bare; /* text alone, for the terminal's own selection */
    enum log_times times;
    uint64_t current; /* the line that a search or a click chose */
    bool has_current;

    struct log_search search;
    int seek;           /* looking for a match: 1 on, -1 back, 0 not */
    uint64_t seek_from; /* from this line, itself included */
    bool seek_wrapped;
    bool typing; /* a pattern is being typed; what was before: */
    struct log_place origin;
    bool origin_follow;

    int h, w;           /* of the text, as it was drawn last */
    uint64_t seen_last; /* the last line on the screen */
    struct log_cells cells;
    struct log_text text;
    struct depot_buf raw;
    uint64_t cells_line, cells_revision; /* whose cells those are */
    bool cells_valid, cells_plain;
    struct log_seen seen[LOG_SEEN]; /* by line modulo LOG_SEEN */
};

void dp_pager_init(struct log_pager *p);
void dp_pager_release(struct log_pager *p);
/* Show another log, from its end; settings and the pattern stay. The same one again does nothing.
 */
void dp_pager_set_log(struct log_pager *p, struct logstore *store, depot_time start);

/* The rows of the log. `pane`: the wheel's; rows can be clicked: ACTION_SELECT with the line. */
void dp_pager_draw(struct log_pager *p, const struct canvas *c, int pane);
/* One row that tells how much there is, what was searched and what is shown. */
void dp_pager_status(struct log_pager *p, const struct canvas *c, int y);

/* True when the action was the pager's. */
bool dp_pager_action(struct log_pager *p, enum action a, intptr_t arg);
/* As view_ops.search. */
int dp_pager_search(struct log_pager *p, const char *text, bool done, struct depot_error *err);
/* A slice of search work; true: there is more to do. */
bool dp_pager_work(struct log_pager *p);

/* The line that "copy" means: the chosen one, or the newest one when following, else the first on
 * the screen. False: there is none. `text` gets it without colours. */
bool dp_pager_line(struct log_pager *p, uint64_t *line, struct log_text *text);

#endif
