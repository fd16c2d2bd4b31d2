/*
 * OCI registries, as far as joining images needs them: manifests are read and written, layers never
 * move. The distribution API v2 with its token and basic authentication, over HTTP on the loop.
 *
 * A join makes one image index of what several builders have pushed by digest, and puts it under
 * every name, all or nothing: no tag is written before each repository has taken the index by its
 * digest, and when the writing of a tag fails, those written before are put back.
 */
#ifndef DEPOT_REGISTRY_H
#define DEPOT_REGISTRY_H

#include <depot/addr.h>
#include <depot/digest.h>
#include <depot/loop.h>

/* ---- registries: connections, credentials, tokens; shared by joins ---- */
struct depot_registry;
struct depot_registry_ops {
    /* A registry wants to know who we are: answer with depot_registry_credentials(), now or later.
     * Asked once for each host; `host` is what engines call it ("registry-1.docker.io"). */
    void (*credentials)(struct depot_registry *r, const char *host, void *arg);
};
/* How one registry is to be spoken to. Others: over plain HTTP on this machine, over TLS elsewhere,
 * with what Docker keeps of them in /etc/docker/certs.d. */
struct depot_registry_host {
    char *name;           /* as in image names: "registry.example.com:5000" */
    bool http;            /* no TLS */
    bool insecure;        /* any certificate will do */
    struct depot_tls tls; /* ca, cert, key */
};
/* `hosts` is borrowed as long as it lives. */
struct depot_registry *depot_registry_new(struct depot_loop *l,
    const struct depot_registry_host *hosts, size_t nhosts, const struct depot_registry_ops *ops,
    void *arg);
/* Both NULL: there are none. An empty user with a secret: an identity token. */
void depot_registry_credentials(
    struct depot_registry *r, const char *host, const char *user, const char *secret);
void depot_registry_free(struct depot_registry *r); /* after its joins */

/* ---- joining ---- */
enum {
    DEPOT_MANIFEST_MAX = 4 * 1024 * 1024, /* bytes of a manifest or index; registries' own limit */
    DEPOT_JOIN_CHILDREN_MAX = 1024,       /* manifests of one index */
    DEPOT_JOIN_NAMES_MAX = 256,
};

/* What one builder pushed by digest. */
struct depot_join_part {
    const char *platform; /* "linux/arm64"; used where the builder's manifest is no index */
    const char *digest;
    const char *manifest; /* its bytes; NULL: they are read from the registry */
    size_t len;
};

struct depot_join_opts {
    const char *const *names; /* "docker.io/library/app:1" */
    size_t nnames;
    const struct depot_join_part *parts; /* in the order that the index is to have */
    size_t nparts;
    const struct depot_kvs *annotations; /* of the index; may be NULL */
    bool insecure;                       /* certificates are not checked, and plain HTTP will do */
    bool held;                           /* not further than the index until depot_join_go() */
};

struct depot_join_result {
    const char *digest, *media_type;
    size_t size;
    unsigned requests; /* what it took, without those for tokens */
};

struct depot_join;
/* Exactly once, never from inside depot_join_start(). On failure all tags are as they were, or
 * `err` names those that are not. Cancelled: DEPOT_ERR_CANCELLED, likewise. */
typedef void depot_join_fn(struct depot_join *j, const struct depot_join_result *res,
    const struct depot_error *err, void *arg);
int depot_join_start(struct depot_loop *l, struct depot_registry *r,
    const struct depot_join_opts *opts, depot_join_fn *done, void *arg, struct depot_join **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* A join that was started `held` may look at the tags and move them. Not twice. */
void depot_join_go(struct depot_join *j);
/* `done` follows, once tags that were moved are back. */
void depot_join_cancel(struct depot_join *j);
/* The tags that have moved by now, or may have: "a:1, a:2"; "" none. The caller frees. */
char *depot_join_moved(const struct depot_join *j);
/* Without `done`, tags stay as they are at that moment: for a program that ends. */
void depot_join_free(struct depot_join *j);

/* ---- pieces of it, for others ---- */

/* The index that joins `parts`, all of which have their bytes: as BuildKit writes one for several
 * platforms, images in the order of the parts, attestations behind. `text` is the caller's. */
int depot_index_join(const struct depot_join_part *parts, size_t nparts,
    const struct depot_kvs *annotations, char **text, const char **media_type,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* JSON as Go's encoder writes it, which leaves no '<', '>' and '&' in strings. The caller frees. */
char *depot_json_as_go(const char *json);

#endif
