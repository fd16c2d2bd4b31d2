/*
 * Keys that --ssh names, behind the socket of an agent that is ours alone.
 */
#ifndef DEPOT_CORE_BUILD_SSH_KEYS_H
#define DEPOT_CORE_BUILD_SSH_KEYS_H

#include <depot/base.h>

struct dp_ssh_keys;

/* Starts ssh-agent with these files' keys. It may ask for passphrases on the terminal. */
int dp_ssh_keys_new(const struct depot_strv *keys, struct dp_ssh_keys **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
const char *dp_ssh_keys_socket(const struct dp_ssh_keys *k);
void dp_ssh_keys_free(struct dp_ssh_keys *k); /* ends the agent; NULL is fine */

#endif
