/*
 * Outputs of a build: what an exporter is told, and where on this machine its result goes.
 */
#ifndef DEPOT_CORE_BUILD_OUTPUT_H
#define DEPOT_CORE_BUILD_OUTPUT_H

#include <depot/base.h>

/* Where one exporter's result goes on this machine. */
enum depot_output_kind {
    DEPOT_OUTPUT_NONE, /* stays with the engine, or is pushed by it */
    DEPOT_OUTPUT_DIR,  /* local */
    DEPOT_OUTPUT_FILE, /* tar, oci, docker */
    DEPOT_OUTPUT_STDOUT,
    DEPOT_OUTPUT_STORE,  /* oci, docker with tar=false: a directory, as an OCI layout */
    DEPOT_OUTPUT_DOCKER, /* loaded into the Docker Engine of this machine */
};
struct depot_docker_host;
/* What kind of archive comes of it where several builders may make the platforms: each sends one of
 * its own, and they become one. */
enum depot_archive {
    DEPOT_ARCHIVE_NONE,
    DEPOT_ARCHIVE_TAR,
    DEPOT_ARCHIVE_OCI,
    DEPOT_ARCHIVE_DOCKER
};
struct depot_output {
    enum depot_output_kind kind;
    enum depot_archive archive;
    char *type; /* exporter: image, local, tar, oci, docker */
    struct depot_kvs attrs;
    char *dest;
    struct depot_docker_host *docker; /* DEPOT_OUTPUT_DOCKER: which one */
    char *platform;                   /* the one platform that is made for it; NULL: all of them */
    struct depot_map *keep; /* DIR: paths of the result, when all others are to go; NULL */
};

/* Does each platform get a directory of its own? As engines read the attribute. */
bool dp_output_is_split(const struct depot_output *out);

#endif
