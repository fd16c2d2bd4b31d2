/*
 * BuildKit's progress, as its Control.Status sends it and as `--progress=rawjson` prints it:
 * full snapshots of vertexes, counters of what they move, log bytes, warnings.
 *
 * All strings of a status live in the arena of whoever decoded it; a consumer copies what it keeps.
 */
#ifndef DEPOT_STATUS_H
#define DEPOT_STATUS_H

#include <depot/base.h>
#include <depot/clock.h>
#include <depot/export.h>

DEPOT_API_BEGIN

struct depot_vertex_group {
    const char *id, *name;
    bool weak;
};

struct depot_vertex {
    const char *digest; /* "sha256:..."; identifies the vertex in this build only */
    const char **inputs;
    size_t ninputs;
    const char *name;
    depot_time started, completed; /* 0: not yet */
    bool cached;
    const char *error;                /* NULL: none */
    struct depot_vertex_group *group; /* NULL: none */
    /* The daemon's own: another build runs it, for this one as well. Its id, "" when that is a
     * stranger's; NULL: this build's own. */
    const char *shared;
};

struct depot_vertex_status {
    const char *id; /* unique within its vertex */
    const char *vertex;
    const char *name; /* may be empty */
    int64_t total, current;
    depot_time timestamp, started, completed;
};

struct depot_vertex_log {
    const char *vertex;
    int stream;          /* 1 stdout, 2 stderr */
    const uint8_t *data; /* raw: split anywhere, any bytes */
    size_t len;
    depot_time timestamp;
};

struct depot_range {
    int start_line, start_char, end_line, end_char; /* lines from 1 */
};

struct depot_source_info {
    const char *filename;
    const uint8_t *data; /* the whole file */
    size_t len;
    const char *language;
    const char
        *definition; /* JSON text of how it was made, passed through as it came; NULL: none */
};

struct depot_vertex_warning {
    const char *vertex;
    int level;
    const char *short_text;
    const char **detail;
    size_t ndetail;
    const char *url;
    struct depot_source_info *info; /* NULL: none */
    struct depot_range *ranges;
    size_t nranges;
};

struct depot_status {
    struct depot_vertex *vertexes;
    size_t nvertexes;
    struct depot_vertex_status *statuses;
    size_t nstatuses;
    struct depot_vertex_log *logs;
    size_t nlogs;
    struct depot_vertex_warning *warnings;
    size_t nwarnings;
};

DEPOT_API_END

#endif
