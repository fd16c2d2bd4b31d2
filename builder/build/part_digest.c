/*
 * Reads the digest out of an exporter's progress, in the words that BuildKit has for it.
 */
#include "part_digest.h"

#include <string.h>

static const char manifest[] = "exporting manifest ", list[] = "exporting manifest list ";

static void keep(struct part_digest_of *of, const char *digest)
{
    if (!depot_digest_valid(digest))
        return;
    of->several |= *of->text != '\0' && !depot_str_eq(of->text, digest);
    memcpy(of->text, digest, sizeof(of->text));
}

void part_digest_note(struct part_digest *d, const struct depot_status *st)
{
    for (size_t i = 0; i < st->nvertexes; i++)
        d->failed |= !depot_str_empty(st->vertexes[i].error);
    for (size_t i = 0; i < st->nstatuses; i++) {
        const char *id = st->statuses[i].id;
        if (id == NULL || st->statuses[i].completed == 0)
            continue;
        if (depot_str_starts(id, list))
            keep(&d->index, id + strlen(list));
        else if (depot_str_starts(id, manifest))
            keep(&d->manifest, id + strlen(manifest));
    }
}

const char *part_digest_told(const struct part_digest *d)
{
    const struct part_digest_of *of = *d->index.text != '\0' ? &d->index : &d->manifest;
    return d->failed || of->several || *of->text == '\0' ? NULL : of->text;
}
