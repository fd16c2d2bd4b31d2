/*
 * The credentials file of AWS: sections in brackets, and key = value lines in them.
 */
#ifndef DEPOT_CORE_BUILD_AWS_H
#define DEPOT_CORE_BUILD_AWS_H

#include <depot/base.h>

struct dp_aws_keys {
    char *id, *secret, *session; /* NULL where there is none */
};
void dp_aws_keys_release(struct dp_aws_keys *k);

/* What the profile's section says; changes `text`. */
void dp_aws_profile(struct dp_aws_keys *k, char *text, const char *profile);

#endif
