/*
 * Where a build's results go: -o, --push, --load, -t.
 */
#include "build/plan_env.h"

#include <depot/file_writer.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An exporter type: what it becomes, and how its result comes to us. */
struct exporter {
    const char *name;
    const char *type;                 /* the engine's name of it */
    enum depot_output_kind with_dest; /* when dest is given */
    enum depot_output_kind without;   /* when it is not */
    bool named;                       /* takes the image names */
    enum depot_archive archive;       /* its result is one stream */
};

/* Asks for no result, and that none is made unasked. */
static const char cache_only[] = "cacheonly";

static const struct exporter exporters[] = {
    {"local", "local", DEPOT_OUTPUT_DIR, DEPOT_OUTPUT_DIR, false, DEPOT_ARCHIVE_NONE},
    {"tar", "tar", DEPOT_OUTPUT_FILE, DEPOT_OUTPUT_STDOUT, false, DEPOT_ARCHIVE_TAR},
    {"oci", "oci", DEPOT_OUTPUT_FILE, DEPOT_OUTPUT_STDOUT, true, DEPOT_ARCHIVE_OCI},
    {"docker", "docker", DEPOT_OUTPUT_FILE, DEPOT_OUTPUT_DOCKER, true, DEPOT_ARCHIVE_DOCKER},
    {"image", "image", DEPOT_OUTPUT_NONE, DEPOT_OUTPUT_NONE, true, DEPOT_ARCHIVE_NONE},
    {"registry", "image", DEPOT_OUTPUT_NONE, DEPOT_OUTPUT_NONE, true, DEPOT_ARCHIVE_NONE},
};

static const struct exporter *find_exporter(const char *name)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(exporters); i++)
        if (depot_str_eq(exporters[i].name, name))
            return &exporters[i];
    return NULL;
}

static bool pushes(const struct depot_output *out)
{
    return dp_spec_bool(depot_kvs_get(&out->attrs, "push")) == 1;
}

static int check_dest(const struct depot_output *out, struct depot_error *err)
{
    static const struct depot_file_opts file = {.what = "output", .flags = DEPOT_FILE_PARENTS};
    struct stat st;
    if (out->kind == DEPOT_OUTPUT_STDOUT && isatty(STDOUT_FILENO)) {
        depot_error_set(
            err, DEPOT_ERR_INVALID, "refusing to write a %s archive to the terminal", out->type);
        return depot_error_hint(err, "redirect standard output, or add dest=FILE");
    }
    if (out->kind == DEPOT_OUTPUT_FILE)
        return depot_file_check(out->dest, &file, err);
    if (out->kind == DEPOT_OUTPUT_DIR && out->dest != NULL && stat(out->dest, &st) == 0 &&
        !S_ISDIR(st.st_mode))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "the output %s is not a directory", out->dest);
    return 0;
}

/* Where the result comes out, from the exporter and the dest that was given. */
static int choose_kind(struct depot_build_plan *p, const char *word, const struct exporter *x,
    struct depot_output *out, struct depot_error *err)
{
    out->kind = x->without;
    if (x->with_dest == DEPOT_OUTPUT_DIR && (out->dest == NULL || depot_str_eq(out->dest, "-")))
        return dp_spec_refuse(err, "--output", word, "type=%s needs dest=DIRECTORY", x->name);
    if (out->dest != NULL && x->with_dest == DEPOT_OUTPUT_NONE)
        return dp_spec_refuse(err, "--output", word, "type=%s writes nothing to a dest", x->name);
    if (out->dest != NULL)
        out->kind = depot_str_eq(out->dest, "-") ? DEPOT_OUTPUT_STDOUT : x->with_dest;
    if (dp_plan_is_store(x->type, &out->attrs))
        out->kind = DEPOT_OUTPUT_STORE;
    return out->kind == DEPOT_OUTPUT_STORE ? dp_plan_store_output(p, out, err)
                                           : check_dest(out, err);
}

/* "registry" is an image that is pushed, and need not be unpacked for that. */
static void complete(const struct exporter *x, struct depot_output *out)
{
    depot_free(out->type);
    out->type = depot_strdup(x->type);
    if (!depot_str_eq(x->name, "registry"))
        return;
    depot_kvs_set(&out->attrs, "push", "true");
    if (depot_kvs_get(&out->attrs, "unpack") == NULL)
        depot_kvs_set(&out->attrs, "unpack", "false");
}

static int parse_output(struct depot_build_plan *p, const char *word, struct depot_error *err)
{
    struct depot_output out = {0};
    int rc = dp_spec_output(word, &out, err);
    const struct exporter *x = rc == 0 ? find_exporter(out.type) : NULL;
    if (rc == 0 && depot_str_eq(out.type, cache_only)) {
        p->cache_only = true;
    } else if (rc == 0 && x == NULL) {
        rc = dp_spec_refuse(err, "--output", word, "there is no type \"%.100s\"", out.type);
    } else if (rc == 0) {
        rc = choose_kind(p, word, x, &out, err);
        complete(x, &out);
        depot_vec_push(&p->outputs, out);
        return rc;
    }
    dp_spec_output_release(&out);
    return rc;
}

/* --push makes every image that is asked for a pushed one, and asks for one if there is none. */
static int add_push(struct depot_build_plan *p, struct depot_error *err)
{
    bool found = false;
    for (size_t i = 0; i < p->outputs.len; i++) {
        struct depot_output *out = &p->outputs.items[i];
        if (!depot_str_eq(out->type, "image"))
            continue;
        depot_kvs_set(&out->attrs, "push", "true");
        if (depot_kvs_get(&out->attrs, "unpack") == NULL)
            depot_kvs_set(&out->attrs, "unpack", "false");
        found = true;
    }
    return found ? 0 : parse_output(p, "type=registry", err);
}

/* --load asks for one image in the Engine of this machine, unless an output does already. */
static int add_load(struct depot_build_plan *p, struct depot_error *err)
{
    for (size_t i = 0; i < p->outputs.len; i++)
        if (p->outputs.items[i].kind == DEPOT_OUTPUT_DOCKER)
            return 0;
    return parse_output(p, "type=docker", err);
}

/* Those of --tag count for all images, as in docker build. */
static void give_names(struct depot_build_plan *p)
{
    if (p->names.len == 0)
        return;
    char *names = depot_strv_join(&p->names, ",");
    for (size_t i = 0; i < p->outputs.len; i++) {
        struct depot_output *out = &p->outputs.items[i];
        const char *name = depot_kvs_get(&out->attrs, "name");
        if (!find_exporter(out->type)->named)
            continue;
        if (!depot_str_empty(name) && !depot_str_eq(name, names))
            depot_strv_push_take(&p->warnings,
                depot_asprintf("--output name=%s is not used: --tag names the image", name));
        depot_kvs_set(&out->attrs, "name", names);
    }
    depot_free(names);
}

/* Names that an output brings along; "*" is the engine's word for what it knows itself. */
static int check_names(const struct depot_output *out, struct depot_error *err)
{
    const char *all = depot_kvs_get(&out->attrs, "name");
    struct depot_strv names = {0};
    int rc = 0;
    if (all != NULL && find_exporter(out->type)->named)
        depot_strv_split(&names, all, ',');
    for (size_t i = 0; rc == 0 && i < names.len; i++) {
        char *name = NULL;
        if (!depot_str_eq(names.items[i], "*"))
            rc = dp_image_short_name("--output name", names.items[i], &name, err);
        depot_free(name);
    }
    depot_strv_release(&names);
    return rc;
}

static int give_annotations(struct depot_build_plan *p, struct depot_error *err)
{
    struct depot_kvs attrs = {0};
    const struct depot_strv *words = &p->args->annotations;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < words->len; i++)
        if (*words->items[i] != '\0')
            rc = dp_spec_annotation(words->items[i], &attrs, err);
    for (size_t i = 0; rc == 0 && i < p->outputs.len; i++)
        for (size_t k = 0; k < attrs.len && find_exporter(p->outputs.items[i].type)->named; k++)
            depot_kvs_set(&p->outputs.items[i].attrs, attrs.items[k].key, attrs.items[k].value);
    depot_kvs_release(&attrs);
    return rc;
}

/* Engines write Docker's format for one platform only, and with attestations without what Docker
 * reads of it: we make it of an OCI layout. As a directory it is nothing else. */
static void take_docker(struct depot_output *out)
{
    if (out->kind != DEPOT_OUTPUT_STORE)
        out->archive = DEPOT_ARCHIVE_DOCKER;
    depot_free(out->type);
    out->type = depot_strdup("oci");
}

/* What several builders make of one output is joined: a push by the daemon, a stream by us. */
static void join_output(struct depot_build_plan *p, struct depot_output *out)
{
    const enum depot_archive archive = find_exporter(out->type)->archive;
    const bool stream = out->kind != DEPOT_OUTPUT_NONE && out->kind != DEPOT_OUTPUT_DIR;
    const bool several = p->platforms.len + p->args->join_with.len > 1;
    if (archive == DEPOT_ARCHIVE_DOCKER && out->kind != DEPOT_OUTPUT_DOCKER &&
        (several || dp_plan_attests(p)))
        take_docker(out);
    if (out->kind == DEPOT_OUTPUT_STORE)
        return;
    if (!several || (archive == DEPOT_ARCHIVE_NONE && !pushes(out)))
        return;
    if (stream)
        out->archive = archive;
    p->join = (stream || pushes(out)) && (p->join || !p->single_builder);
    p->single_builder = true;
}

static int check_output(
    struct depot_build_plan *p, struct depot_output *out, struct depot_error *err)
{
    int rc = check_names(out, err);
    if (rc != 0)
        return rc;
    if (pushes(out) && depot_str_empty(depot_kvs_get(&out->attrs, "name"))) {
        depot_error_set(err, DEPOT_ERR_INVALID, "pushing needs a name");
        return depot_error_hint(err, "add -t REGISTRY/REPOSITORY:TAG");
    }
    rc = dp_plan_load(p, out, err);
    if (rc != 0 || out->platform != NULL)
        return rc;
    join_output(p, out);
    return 0;
}

int dp_plan_names(struct depot_build_plan *p, struct depot_error *err)
{
    for (size_t i = 0; i < p->args->tags.len; i++) {
        char *name = NULL;
        int rc = dp_image_name(p->args->tags.items[i], &name, err);
        if (rc != 0)
            return rc;
        depot_strv_push_take(&p->names, name);
    }
    return 0;
}

static bool sends_to_stdout(const struct depot_build_plan *p, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < p->outputs.len; i++)
        *count += p->outputs.items[i].kind == DEPOT_OUTPUT_STDOUT;
    return *count > 0;
}

/* An engine that makes Docker's format is told of no other platforms, and then has no folder of the
 * platform in a tar beside it. */
static void take_loads_beside_tar(struct depot_build_plan *p)
{
    bool has_tar = false;
    for (size_t i = 0; i < p->outputs.len; i++)
        has_tar |= p->outputs.items[i].archive == DEPOT_ARCHIVE_TAR;
    for (size_t i = 0; has_tar && i < p->outputs.len; i++)
        if (p->outputs.items[i].platform != NULL)
            take_docker(&p->outputs.items[i]);
}

int dp_plan_outputs(struct depot_build_plan *p, struct depot_error *err)
{
    int rc = 0;
    size_t to_stdout;
    for (size_t i = 0; rc == 0 && i < p->args->outputs.len; i++)
        if (*p->args->outputs.items[i] != '\0')
            rc = parse_output(p, p->args->outputs.items[i], err);
    if (rc == 0 && p->args->push)
        rc = add_push(p, err);
    if (rc == 0 && p->args->load)
        rc = add_load(p, err);
    if (rc != 0)
        return rc;
    give_names(p);
    rc = give_annotations(p, err);
    for (size_t i = 0; rc == 0 && i < p->outputs.len; i++)
        rc = check_output(p, &p->outputs.items[i], err);
    if (rc == 0)
        take_loads_beside_tar(p);
    if (rc == 0)
        rc = dp_plan_files(p, err);
    if (rc == 0 && sends_to_stdout(p, &to_stdout) && (to_stdout > 1 || p->args->quiet))
        rc = depot_error_set(err, DEPOT_ERR_INVALID,
            "standard output can take one thing: one archive, or the digest that -q prints");
    p->default_image = p->outputs.len == 0 && !p->cache_only &&
                       dp_spec_bool(getenv("BUILDX_NO_DEFAULT_LOAD")) != 1;
    return rc;
}

bool depot_build_plan_resumes(const struct depot_build_plan *p)
{
    for (size_t i = 0; i < p->outputs.len; i++) {
        const struct depot_output *out = &p->outputs.items[i];
        if (!pushes(out) && out->kind != DEPOT_OUTPUT_DIR && out->kind != DEPOT_OUTPUT_STORE)
            return false;
    }
    return p->outputs.len > 0;
}
