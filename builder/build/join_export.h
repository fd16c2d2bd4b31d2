/*
 * What an export of a build with several parts is for one of them.
 */
#ifndef DEPOT_BUILDER_JOIN_EXPORT_H
#define DEPOT_BUILDER_JOIN_EXPORT_H

#include <depot/base.h>

/* Of an export's attributes those that are for the platforms of a part (several with commas). */
void join_keep_own(struct depot_kvs *attrs, const char *platform);
/* The attributes of the joined export as a part is asked to make it: pushed by digest alone, to
 * each repository. */
void join_rewrite(struct depot_kvs *attrs);

#endif
