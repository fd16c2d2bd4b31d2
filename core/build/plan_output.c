/*
 * Where a build's results go: -o, --push, --load, -t.
 */
#include "build/plan.h"

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
    return depot_str_eq(depot_kvs_get(&out->attrs, "push"), "true");
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
    if (out->kind == DEPOT_OUTPUT_DIR && stat(out->dest, &st) == 0 && !S_ISDIR(st.st_mode))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "the output %s is not a directory", out->dest);
    return 0;
}

static int add_output(struct depot_build_plan *p, struct depot_kvs *fields, struct depot_error *err)
{
    const char *type = depot_kvs_get(fields, "type");
    const struct exporter *x = find_exporter(type);
    if (x == NULL) {
        depot_error_set(
            err, DEPOT_ERR_INVALID, "unknown output type \"%s\"", type != NULL ? type : "");
        return depot_error_hint(err, "use local, tar, oci, docker, image or registry");
    }
    const char *dest = depot_kvs_get(fields, "dest");
    struct depot_output out = {.type = depot_strdup(x->type), .kind = x->without};
    if (!depot_str_empty(dest))
        out.kind = depot_str_eq(dest, "-") && x->with_dest == DEPOT_OUTPUT_FILE
                       ? DEPOT_OUTPUT_STDOUT
                       : x->with_dest;
    out.dest = depot_strdup(dest);
    depot_kvs_copy(&out.attrs, fields);
    depot_kvs_unset(&out.attrs, "type");
    depot_kvs_unset(&out.attrs, "dest");
    if (depot_str_eq(x->name, "registry"))
        depot_kvs_set(&out.attrs, "push", "true");
    depot_vec_push(&p->outputs, out);
    if (out.kind == DEPOT_OUTPUT_DIR && depot_str_empty(dest))
        return depot_error_set(err, DEPOT_ERR_INVALID, "output type=local needs dest=DIRECTORY");
    return check_dest(&out, err);
}

/* "-o DIR" and "-o -" are short for local and tar. */
static int parse_output(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    struct depot_kvs fields = {0};
    int rc = 0;
    if (strchr(spec, '=') == NULL && strchr(spec, ',') == NULL) {
        depot_kvs_set(&fields, "type", depot_str_eq(spec, "-") ? "tar" : "local");
        depot_kvs_set(&fields, "dest", spec);
    } else {
        rc = dp_csv_fields("--output", spec, &fields, err);
    }
    if (rc == 0)
        rc = add_output(p, &fields, err);
    depot_kvs_release(&fields);
    return rc;
}

static int add_short(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    for (size_t i = 0; i < p->outputs.len; i++) {
        struct depot_output *out = &p->outputs.items[i];
        if (depot_str_eq(out->type, "image") && strcmp(spec, "type=image,push=true") == 0) {
            depot_kvs_set(&out->attrs, "push", "true");
            return 0;
        }
    }
    return parse_output(p, spec, err);
}

static void give_names(struct depot_build_plan *p)
{
    char *names = depot_strv_join(&p->names, ",");
    for (size_t i = 0; i < p->outputs.len; i++) {
        struct depot_output *out = &p->outputs.items[i];
        const struct exporter *x = find_exporter(out->type);
        if (x->named && names[0] != '\0' && depot_kvs_get(&out->attrs, "name") == NULL)
            depot_kvs_set(&out->attrs, "name", names);
    }
    depot_free(names);
}

/* "[TYPE:]KEY=VALUE"; the exporter takes annotation.KEY, or annotation-TYPE.KEY. */
static int annotate(struct depot_output *out, const char *spec, struct depot_error *err)
{
    static const char *const types[] = {
        "index", "manifest", "index-descriptor", "manifest-descriptor"};
    const char *eq = strchr(spec, '='), *colon = strchr(spec, ':');
    const char *key = spec, *type = "manifest";
    if (eq == NULL || eq == spec)
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "invalid --annotation \"%s\": expected key=value", spec);
    for (size_t i = 0; colon != NULL && colon < eq && i < DEPOT_ARRAY_LEN(types); i++) {
        size_t n = (size_t)(colon - spec);
        if (strlen(types[i]) == n && strncmp(types[i], spec, n) == 0) {
            type = types[i];
            key = colon + 1;
        }
    }
    char *attr = depot_asprintf("annotation%s%s.%.*s", depot_str_eq(type, "manifest") ? "" : "-",
        depot_str_eq(type, "manifest") ? "" : type, (int)(eq - key), key);
    depot_kvs_set(&out->attrs, attr, eq + 1);
    depot_free(attr);
    return 0;
}

static int give_annotations(struct depot_build_plan *p, struct depot_error *err)
{
    for (size_t i = 0; i < p->outputs.len; i++)
        for (size_t j = 0; j < p->args->annotations.len; j++) {
            struct depot_output *out = &p->outputs.items[i];
            int rc = find_exporter(out->type)->named
                         ? annotate(out, p->args->annotations.items[j], err)
                         : 0;
            if (rc != 0)
                return rc;
        }
    return 0;
}

/* What several builders make of one output is joined: a push by the daemon, a stream by us. */
static void join_output(struct depot_build_plan *p, struct depot_output *out)
{
    const enum depot_archive archive = find_exporter(out->type)->archive;
    const bool stream = out->kind != DEPOT_OUTPUT_NONE && out->kind != DEPOT_OUTPUT_DIR;
    if (archive == DEPOT_ARCHIVE_NONE && !pushes(out))
        return;
    p->join = (stream || pushes(out)) && (p->join || !p->single_builder);
    p->single_builder = true;
    if (!stream)
        return;
    out->archive = archive;
    if (archive == DEPOT_ARCHIVE_DOCKER) {
        /* Engines write Docker's format for one platform only; we make it of the other. */
        depot_free(out->type);
        out->type = depot_strdup("oci");
    }
}

static int check_output(
    struct depot_build_plan *p, struct depot_output *out, struct depot_error *err)
{
    bool several = p->platforms.len + p->args->join_with.len > 1;
    if (!depot_str_empty(p->args->iidfile) &&
        (depot_str_eq(out->type, "local") || depot_str_eq(out->type, "tar"))) {
        depot_error_set(err, DEPOT_ERR_INVALID,
            "--iidfile has no ID to take from an output of type=%s", out->type);
        return depot_error_hint(err, "drop one of the two, or use -o type=image or type=oci");
    }
    if (pushes(out) && depot_str_empty(depot_kvs_get(&out->attrs, "name"))) {
        depot_error_set(err, DEPOT_ERR_INVALID, "pushing needs a name");
        return depot_error_hint(err, "add -t REGISTRY/REPOSITORY:TAG");
    }
    int rc = dp_plan_load(p, out, err);
    if (rc != 0 || out->platform != NULL)
        return rc;
    if (several)
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

/* The words that Docker's programs take for true. */
static bool is_true(const char *word)
{
    static const char *const words[] = {"1", "t", "T", "true", "TRUE", "True"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(words); i++)
        if (depot_str_eq(word, words[i]))
            return true;
    return false;
}

static bool sends_to_stdout(const struct depot_build_plan *p, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < p->outputs.len; i++)
        *count += p->outputs.items[i].kind == DEPOT_OUTPUT_STDOUT;
    return *count > 0;
}

int dp_plan_outputs(struct depot_build_plan *p, struct depot_error *err)
{
    int rc = 0;
    size_t to_stdout;
    for (size_t i = 0; rc == 0 && i < p->args->outputs.len; i++)
        rc = parse_output(p, p->args->outputs.items[i], err);
    if (rc == 0 && p->args->push)
        rc = add_short(p, "type=image,push=true", err);
    if (rc == 0 && p->args->load)
        rc = add_short(p, "type=docker", err);
    if (rc != 0)
        return rc;
    give_names(p);
    rc = give_annotations(p, err);
    for (size_t i = 0; rc == 0 && i < p->outputs.len; i++)
        rc = check_output(p, &p->outputs.items[i], err);
    if (rc == 0 && sends_to_stdout(p, &to_stdout) && (to_stdout > 1 || p->args->quiet))
        rc = depot_error_set(err, DEPOT_ERR_INVALID,
            "standard output can take one thing: one archive, or the digest that -q prints");
    p->default_image = p->args->outputs.len == 0 && p->outputs.len == 0 &&
                       !is_true(getenv("BUILDX_NO_DEFAULT_LOAD"));
    return rc;
}

bool depot_build_plan_resumes(const struct depot_build_plan *p)
{
    for (size_t i = 0; i < p->outputs.len; i++)
        if (!pushes(&p->outputs.items[i]) && p->outputs.items[i].kind != DEPOT_OUTPUT_DIR)
            return false;
    return p->outputs.len > 0;
}
