/*
 * Where things live, and files read whole. Writing them is file_writer.h.
 */
#ifndef DEPOT_PATH_H
#define DEPOT_PATH_H

#include <depot/base.h>

#include <sys/types.h>

/* "a/b" from "a" and "b"; an absolute `b` wins. The caller frees. */
char *depot_path_join(const char *a, const char *b);

/*
 * Per-user directories, without a trailing slash; the caller frees.
 *   config   $XDG_CONFIG_HOME/depot, ~/.config/depot
 *   state    $XDG_STATE_HOME/depot, ~/.local/state/depot
 *   runtime  $XDG_RUNTIME_DIR/depot, /run/user/UID/depot, /tmp/depot-UID
 */
char *depot_path_config_dir(void);
char *depot_path_state_dir(void);
char *depot_path_runtime_dir(void);
/* Where Docker's client has its configuration: `given`, $DOCKER_CONFIG, ~/.docker. The caller
 * frees.
 */
char *depot_path_docker_dir(const char *given);

/* mkdir -p; the last component gets `mode`, those above 0755. */
int depot_path_mkdirs(const char *path, mode_t mode, struct depot_error *err) DEPOT_MUST_CHECK;
/* As mkdirs with 0700, and an error when the directory is not ours or others may enter it. */
int depot_path_private_dir(const char *path, struct depot_error *err) DEPOT_MUST_CHECK;
/* The whole file, no longer than `max`; the caller frees *out, which ends in a NUL. */
int depot_file_read(const char *path, size_t max, char **out, size_t *len,
    struct depot_error *err) DEPOT_MUST_CHECK;

#endif
