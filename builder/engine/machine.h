/*
 * What this machine uses: processors and memory of the whole of it, and the file system that an
 * engine keeps its cache on. Reads /proc; remembers one sample.
 */
#ifndef DEPOT_BUILDER_MACHINE_H
#define DEPOT_BUILDER_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct machine {
    const char *proc; /* where /proc is; tests bring their own */
    uint64_t busy, total;
};

enum { MACHINE_PATH_MAX = 512 };

/* Busy share of all processors since the call before; -1 for the first, and when not known. */
double machine_cpu(struct machine *m);
/* False when not known. `used` is what is not available to programs. */
bool machine_memory(const struct machine *m, int64_t *used, int64_t *total);
/*
 * Where the engine behind a unix socket keeps its data, as a path that this process can look at.
 * By the process that listens and the databases it has open; where that may not be seen, the usual
 * places, then "/". False when it does not run on this machine: nobody listens, or a forwarder.
 */
bool machine_engine_dir(const struct machine *m, const char *unix_path, char out[MACHINE_PATH_MAX]);
bool machine_disk(const char *dir, int64_t *used, int64_t *total);

/* The process that listens on a unix socket; 0: none, or not of this machine. */
pid_t machine_listener(const char *unix_path);
/* The directory of the cache databases that a process has open. */
bool machine_process_dir(const struct machine *m, pid_t pid, char out[MACHINE_PATH_MAX]);

#endif
