/*
 * Feeds bytes to the decoder of definitions and reads all that it made of them.
 */
#include <depot/definition.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum;

static void touch(const struct depot_definition *d, const struct depot_op *op)
{
    sum += strlen(op->digest) + strlen(op->platform) + strlen(op->name) + strlen(op->source);
    sum += op->len > 0 ? ((const uint8_t *)op->bytes)[op->len - 1] : 0;
    for (size_t i = 0; i < op->ninputs; i++)
        sum += d->ops[op->inputs[i]].ninputs;
    for (size_t i = 0; i < op->nargs; i++)
        sum += strlen(op->args[i]);
    for (size_t i = 0; i < op->nplaces; i++)
        sum += strlen(d->files[op->places[i].file].text) + (size_t)op->places[i].range.start_line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_definition d = {0};
    if (depot_definition_decode(data, size, &d, NULL) != 0)
        return 0;
    for (size_t i = 0; i < d.nops; i++)
        touch(&d, &d.ops[i]);
    depot_step_id *ids = depot_calloc(d.nops + 1, sizeof(*ids));
    depot_definition_ids(&d, ids);
    for (size_t i = 0; i < d.nops; i++)
        sum += strlen(ids[i]);
    depot_free(ids);
    depot_definition_release(&d);
    return 0;
}
