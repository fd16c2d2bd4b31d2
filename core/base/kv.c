/*
 * The ordered list of key=value pairs. Lists are short (options, labels), so a look-up is a walk;
 * for many keys there is the map.
 */
#include <depot/base.h>

static struct depot_kv *find(const struct depot_kvs *m, const char *key)
{
    for (size_t i = 0; i < m->len; i++) {
        if (depot_str_eq(m->items[i].key, key))
            return &m->items[i];
    }
    return NULL;
}

void depot_kvs_set(struct depot_kvs *m, const char *key, const char *value)
{
    struct depot_kv *kv = find(m, key);
    char *copy = depot_strdup(value);

    if (kv == NULL) {
        kv = depot_vec_add(m);
        kv->key = depot_strdup(key);
    }
    depot_free(kv->value);
    kv->value = copy;
}

void depot_kvs_unset(struct depot_kvs *m, const char *key)
{
    struct depot_kv *kv = find(m, key);

    if (kv == NULL)
        return;
    depot_free(kv->key);
    depot_free(kv->value);
    depot_vec_remove(m, (size_t)(kv - m->items));
}

const char *depot_kvs_get(const struct depot_kvs *m, const char *key)
{
    const struct depot_kv *kv = find(m, key);

    return kv != NULL ? kv->value : NULL;
}

void depot_kvs_copy(struct depot_kvs *to, const struct depot_kvs *from)
{
    struct depot_kvs copy = {0};

    for (size_t i = 0; i < from->len; i++) {
        struct depot_kv *kv = depot_vec_add(&copy);

        kv->key = depot_strdup(from->items[i].key);
        kv->value = depot_strdup(from->items[i].value);
    }
    *to = copy;
}

void depot_kvs_release(struct depot_kvs *m)
{
    for (size_t i = 0; i < m->len; i++) {
        depot_free(m->items[i].key);
        depot_free(m->items[i].value);
    }
    depot_vec_free(m);
}
