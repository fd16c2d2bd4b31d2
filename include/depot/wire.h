/*
 * Feed events as JSON lines, both ways. Input is never trusted: each limit is named here.
 */
#ifndef DEPOT_WIRE_H
#define DEPOT_WIRE_H

#include <depot/buf.h>
#include <depot/event.h>
#include <depot/export.h>

DEPOT_API_BEGIN

enum { DEPOT_WIRE_LINE_MAX = DEPOT_RECORD_MAX }; /* a longer line is refused before it is parsed */

/* Append the event as one JSON object without a newline. */
void depot_wire_encode(struct depot_buf *out, const struct depot_event *ev);
/* Append a status alone: the object that `--progress=rawjson` of buildx prints, byte for byte. */
void depot_wire_encode_status(struct depot_buf *out, const struct depot_status *st);

/*
 * Decode one line. Unknown types give DEPOT_EVENT_UNKNOWN and 0; unknown fields are skipped. A raw
 * status line (no envelope) gives a BUILD_STATUS event with seq 0 and platform "". On failure `out`
 * needs no release. Errors: DEPOT_ERR_INVALID, DEPOT_ERR_TOO_BIG.
 */
int depot_wire_decode(
    const char *line, size_t n, struct depot_event *out, struct depot_error *err) DEPOT_MUST_CHECK;

/*
 * Cuts a byte stream into lines and decodes each; errors name the line's number.
 */
struct depot_wire_reader;
typedef int depot_wire_event_fn(struct depot_event *ev, void *arg); /* the callee takes the event;
                                                                       nonzero stops the feeding */
/* A bad line: `err` names it. Return 0 to go on with the next line. */
typedef int depot_wire_error_fn(const struct depot_error *err, void *arg);
struct depot_wire_reader *depot_wire_reader_new(
    depot_wire_event_fn *on_event, depot_wire_error_fn *on_error, void *arg);
int depot_wire_reader_feed(
    struct depot_wire_reader *r, const void *data, size_t n) DEPOT_MUST_CHECK;
int depot_wire_reader_end(
    struct depot_wire_reader *r) DEPOT_MUST_CHECK; /* a last line without LF */
/*
 * Tools that print rawjson print their own text on the same stream: warnings before, the error
 * after. With this set, a line of a stream without envelopes that is no object is given here
 * (borrowed, without its newline), and is no error. A recording of ours has no such lines.
 */
typedef int depot_wire_text_fn(const char *line, size_t n, void *arg);
void depot_wire_reader_on_text(struct depot_wire_reader *r, depot_wire_text_fn *fn);
void depot_wire_reader_free(struct depot_wire_reader *r);

DEPOT_API_END

#endif
