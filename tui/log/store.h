/*
 * The logs of steps, every byte of them: append-only, indexed by line, spilled to disk.
 *
 * A spill is one unlinked file that many logs share in blocks; a log keeps its newest block, the
 * place of every 64th line and of every 64th chunk's time in memory. So ten million lines take a
 * few megabytes, and any line is one or two block reads away. Lines are cut at '\n' alone: carriage
 * returns, escape sequences and bad UTF-8 are for whoever draws them.
 */
#ifndef DEPOT_TUI_LOGSTORE_H
#define DEPOT_TUI_LOGSTORE_H

#include <depot/buf.h>
#include <depot/clock.h>

struct spill;
/* The file is made when first needed. Where the disk is full, blocks stay in memory up to a
 * ceiling; those past it are lost and read as zeros. */
struct spill *dp_spill_new(void);
void dp_spill_free(struct spill *s); /* after all logs in it */
/* Bytes for which there was no room, neither on disk nor in memory: they read as NULs. */
uint64_t dp_spill_lost(const struct spill *s);

struct logstore;
struct logstore *dp_logstore_new(struct spill *s); /* borrowed */
void dp_logstore_free(struct logstore *l);

/* `stream` 1 stdout, 2 stderr, 0 ours. */
void dp_logstore_append(
    struct logstore *l, const void *data, size_t n, int stream, depot_time time);

uint64_t dp_logstore_bytes(const struct logstore *l);
/* A last line without newline counts. */
uint64_t dp_logstore_lines(const struct logstore *l);
uint64_t dp_logstore_revision(const struct logstore *l); /* changes with each append */

/* The engine says "[output clipped, log limit 2MiB reached]" in the log itself. */
struct log_clip {
    uint64_t line;
    int64_t limit; /* bytes the engine kept; -1: not told */
};
size_t dp_logstore_clips(const struct logstore *l, const struct log_clip **out);

enum { LOG_LINE_SHOWN = 64 * 1024 }; /* of a longer line, dp_logstore_line gives this much */
struct log_line {
    const char *data; /* without the newline; valid until the next call on this store */
    size_t len;       /* at most LOG_LINE_SHOWN */
    uint64_t total;   /* the line's true length */
    uint64_t offset;  /* of its first byte in the log */
    depot_time time;  /* of the chunk that holds its first byte */
    int stream;
};
/* False when there is no such line. */
bool dp_logstore_line(struct logstore *l, uint64_t line, struct log_line *out);
/* Raw bytes from an offset, for search, save and pipe; returns how many, 0 at the end. */
size_t dp_logstore_read(struct logstore *l, uint64_t offset, void *out, size_t n);
/* The line that holds the byte. */
uint64_t dp_logstore_line_at(struct logstore *l, uint64_t offset);

#endif
