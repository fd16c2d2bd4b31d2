/*
 * What depotd is told to do: the command line over a file of the same names. One table holds every
 * option; the file's keys, help and manual page are read from it.
 */
#ifndef DEPOT_BUILDER_CONFIG_H
#define DEPOT_BUILDER_CONFIG_H

#include "builder/engine/engine.h"

#include <depot/app.h>
#include <depot/log.h>
#include <depot/registry.h>

#include <stdio.h>

struct config {
    struct depot_addr *listen; /* unix or tcp */
    size_t nlisten;
    char *tls_cert, *tls_key, *token_file;
    struct engine_config *builders; /* none: to be discovered */
    size_t nbuilders;
    struct depot_registry_host *registries;
    size_t nregistries;
    char *state_dir;
    int64_t idle_s; /* 0: never leave */
    enum depot_log_level log_level;
    char *log_file; /* NULL: stderr */
    int ready_fd;   /* -1: none */
    bool version, help, man;
};

/*
 * Options of `argv`, then the file for what they leave open, then defaults; checked as a whole.
 * With --help, --version or --man nothing else is looked at.
 */
int config_load(
    int argc, char *const *argv, struct config *out, struct depot_error *err) DEPOT_MUST_CHECK;
void config_release(struct config *c);
void config_print_help(FILE *f);
void config_print_man(FILE *f);

#endif
