/*
 * What Docker's client and Engine leave us to read: a context's file, the chosen context, a stream
 * of messages in pieces, the Engine's description of itself.
 */
#include "docker/context.h"
#include "docker/docker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_message(const struct dp_docker_message *m, void *arg)
{
    *(size_t *)arg += strlen(m->id) + strlen(m->status) + strlen(m->error) + strlen(m->digest);
}

static void feed(const uint8_t *data, size_t size)
{
    size_t sum = 0, step = size > 0 ? data[0] % 16 + 1 : 1;
    struct dp_docker_messages *m = dp_docker_messages_new(on_message, &sum);
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < size; at += step)
        rc = dp_docker_messages_feed(m, data + at, size - at < step ? size - at : step, NULL);
    dp_docker_messages_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct dp_context context;
    struct depot_docker_store store;
    char *name = NULL;
    int rc = dp_context_parse(text, size, &context, NULL);
    dp_context_release(&context);
    rc = dp_context_current(text, size, &name, NULL);
    if (name != NULL && dp_context_name_valid(name))
        depot_free(dp_context_dir("meta", name));
    depot_free(name);
    rc = dp_docker_store_parse(text, size, &store, NULL);
    DEPOT_UNUSED(rc);
    feed(data, size);
    return 0;
}
