/*
 * What a builder is asked to make of a part: the request's exports, as that engine takes them.
 */
#include "part_export.h"

#include <string.h>

#include "join_export.h"
#include "part.h"

/* What a Docker Engine keeps is made by an exporter of its own, which in front of the containerd
 * store is BuildKit's; in front of the classic one it knows a name and nothing else. */
static void docker_export(struct depot_bk_export *e, bool load, bool classic)
{
    if (!depot_str_eq(e->type, "image") && !load)
        return;
    depot_free(e->type);
    e->type = depot_strdup("moby");
    if (!classic)
        return;
    struct depot_kvs attrs = {0};
    const char *name = depot_kvs_get(&e->attrs, "name");
    if (name != NULL)
        depot_kvs_set(&attrs, "name", name);
    depot_kvs_release(&e->attrs);
    e->attrs = attrs;
}

static bool is_true(const struct depot_request_export *e, const char *key)
{
    return depot_str_eq(depot_kvs_get(&e->attrs, key), "true");
}

/* Those that are wanted wherever they fit, as a default is, may be left out. */
static bool asks_attestations(const struct depot_kvs *attrs)
{
    for (size_t i = 0; i < attrs->len; i++)
        if (depot_str_starts(attrs->items[i].key, "attest:") &&
            strstr(attrs->items[i].value, "disabled=true") == NULL &&
            strstr(attrs->items[i].value, "inline-only=true") == NULL)
            return true;
    return false;
}

static bool keeps_image(const struct part *p)
{
    const struct depot_build_request *req = &p->scope->req;
    for (size_t i = 0; i < req->nexports; i++)
        if (p->exports & 1u << i &&
            (req->exports[i].load || depot_str_eq(req->exports[i].type, "image")))
            return true;
    return req->nexports == 0 && req->default_image;
}

/* What Docker's classic image store cannot do, said before the engine fails in its own words. */
static int check_exports(const struct part *p, struct depot_error *err)
{
    const struct depot_build_request *req = &p->scope->req;
    const char *name = engine_name(p->engine);
    if (keeps_image(p) && strchr(p->platform, ',') != NULL)
        return depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
            "builder %s is a Docker Engine that cannot keep an image of several platforms; ask for "
            "one, use another builder, or turn on its containerd image store",
            name);
    if (asks_attestations(&req->attrs))
        return depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
            "builder %s is a Docker Engine that cannot make attestations; leave out --provenance, "
            "--sbom and --attest, use another builder, or turn on its containerd image store",
            name);
    for (size_t i = 0; i < req->nexports; i++) {
        const struct depot_request_export *e = &req->exports[i];
        const bool load = req->exports[i].load;
        if (!(p->exports & 1u << i))
            continue;
        if (depot_str_eq(e->type, "oci") && !load)
            return depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
                "builder %s is a Docker Engine that cannot make outputs of type oci; "
                "use another builder, or an output of type image, local or tar",
                name);
        if (depot_str_eq(e->type, "docker") && !load)
            return depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
                "builder %s is a Docker Engine that cannot write an image to a file (type "
                "docker); use --load and docker save, or another builder, or an output of type "
                "local or tar",
                name);
        if (depot_str_eq(e->type, "image") && is_true(e, "push") &&
            (is_true(e, "push-by-digest") || p->scope->joins))
            return depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
                "builder %s is a Docker Engine that cannot push an image by its digest, %s", name,
                is_true(e, "push-by-digest")
                    ? "without a tag; use another builder, or leave out push-by-digest"
                    : "to be joined with what other builders made; use other builders, or ask for "
                      "one platform");
    }
    return 0;
}

/* A Docker Engine keeps what it builds, as `docker build` has always left it there; elsewhere the
 * result of a build that names no output is its cache. */
static void add_default(struct part_exports *x, const struct part *p)
{
    const struct depot_build_request *req = &p->scope->req;
    if (req->nexports > 0 || !req->default_image || !engine_is_docker(p->engine))
        return;
    struct depot_bk_export *to = &x->items[x->len++];
    to->type = depot_strdup("moby");
    if (req->info.ntags > 0) {
        const struct depot_strv tags = {.items = (char **)req->info.tags, .len = req->info.ntags};
        char *names = depot_strv_join(&tags, ",");
        depot_kvs_set(&to->attrs, "name", names);
        depot_free(names);
    }
}

static int check_count(const struct part_exports *x, const struct part *p, struct depot_error *err)
{
    if (x->len < 2 || (engine_caps(p->engine) & DEPOT_BK_CAP_MULTI_EXPORTER) != 0)
        return 0;
    return depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
        "builder %s is a %s that cannot make more than one output of a build; ask for one at a "
        "time, "
        "or use a builder with BuildKit 0.13 or newer",
        engine_name(p->engine), engine_is_docker(p->engine) ? "Docker Engine" : "BuildKit");
}

int part_exports_fill(struct part_exports *x, const struct part *p, struct depot_error *err)
{
    const struct depot_build_request *req = &p->scope->req;
    const bool docker = engine_is_docker(p->engine);
    const bool classic = (engine_caps(p->engine) & DEPOT_BK_CAP_MOBY) != 0;
    if (classic && check_exports(p, err) != 0)
        return err->code;
    x->items = depot_calloc(req->nexports + 1, sizeof(*x->items));
    for (size_t i = 0; i < req->nexports; i++) {
        if (!(p->exports & 1u << i))
            continue;
        struct depot_bk_export *to = &x->items[x->len++];
        to->type = depot_strdup(req->exports[i].type);
        depot_kvs_copy(&to->attrs, &req->exports[i].attrs);
        if (p->scope->joins && (int)i == request_join_export(req))
            join_rewrite(&to->attrs);
        if (p->scope->nparts + req->join_with.len > 1)
            join_keep_own(&to->attrs, p->platform);
        if (docker)
            docker_export(to, req->exports[i].load, classic);
    }
    add_default(x, p);
    return check_count(x, p, err);
}

bool part_is_lone_image(const struct part *p)
{
    const struct depot_build_request *req = &p->scope->req;
    if (req->info.nplatforms < 2 || strchr(p->platform, ',') != NULL)
        return false;
    for (size_t i = 0; i < req->nexports; i++)
        if (p->exports & 1u << i && depot_str_eq(req->exports[i].type, "docker"))
            return true;
    return false;
}

void part_exports_release(struct part_exports *x)
{
    for (size_t i = 0; i < x->len; i++) {
        depot_free(x->items[i].type);
        depot_kvs_release(&x->items[i].attrs);
    }
    depot_free(x->items);
    *x = (struct part_exports){0};
}
