/*
 * What an engine says of the image it exports before it has answered: its digest, which is believed
 * once the answer says the same, and until then lets what can be undone begin. No I/O.
 */
#ifndef DEPOT_BUILDER_PART_DIGEST_H
#define DEPOT_BUILDER_PART_DIGEST_H

#include <depot/digest.h>
#include <depot/status.h>

/* Zeroed at first. */
struct part_digest {
    struct part_digest_of {
        char text[DEPOT_DIGEST_LEN + 1];
        bool several;
    } manifest, index; /* an image that has an index is known by it */
    bool failed;
};

void part_digest_note(struct part_digest *d, const struct depot_status *st);
const char *part_digest_told(const struct part_digest *d); /* NULL: none, or not for sure */

#endif
