/*
 * A push that a registry has lost something of is made once more: nothing is built again, and what
 * the registry has by now is not sent again.
 */
#ifndef DEPOT_BUILDER_PART_AGAIN_H
#define DEPOT_BUILDER_PART_AGAIN_H

#include <depot/base.h>

struct part;

enum { PART_AGAIN_MS = 1000 }; /* until then the other builders have pushed theirs */

/* Has the part, which has just failed, only failed to push, and is it worth another try? No when
 * it makes anything beside images, which would be made twice. */
bool part_again_worth(const struct part *p);
/* Says so on the feed, with what the registry said. */
void part_again_tell(const struct part *p);

#endif
