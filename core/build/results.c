/*
 * What is left on disk of a build that went well: --iidfile, --metadata-file.
 */
#include "build/metadata.h"
#include "build/plan_env.h"

#include <depot/file_writer.h>

#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>

static const struct depot_file_opts iidfile = {.what = "image ID file", .mode = 0644};
static const struct depot_file_opts metadata_file = {.what = "metadata file", .mode = 0644};

/* Two files of the same name would come one after the other, and the first be lost. */
static int check_alone(
    const struct depot_build_plan *p, const struct depot_output *out, struct depot_error *err)
{
    struct stat st;
    for (const struct depot_output *o = p->outputs.items; o < out; o++) {
        if (o->kind != DEPOT_OUTPUT_FILE || !depot_str_eq(o->dest, out->dest) ||
            (stat(out->dest, &st) == 0 && !S_ISREG(st.st_mode)))
            continue;
        depot_error_set(err, DEPOT_ERR_INVALID, "two outputs go to %s", out->dest);
        return depot_error_hint(err, "give each -o a dest= of its own");
    }
    return 0;
}

int dp_plan_files(const struct depot_build_plan *p, struct depot_error *err)
{
    for (size_t i = 0; i < p->outputs.len; i++) {
        const struct depot_output *out = &p->outputs.items[i];
        if (!depot_str_empty(p->args->iidfile) &&
            (depot_str_eq(out->type, "local") || depot_str_eq(out->type, "tar"))) {
            depot_error_set(err, DEPOT_ERR_INVALID,
                "--iidfile has no ID to take from an output of type=%s", out->type);
            return depot_error_hint(err, "drop one of the two, or use -o type=image or type=oci");
        }
        int rc = out->kind == DEPOT_OUTPUT_FILE ? check_alone(p, out, err) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

static const struct depot_part *first_part(const struct depot_build *state)
{
    return state->parts.len > 0 ? state->parts.items[0] : NULL;
}

/* The part whose image is loaded alone; NULL: none is. */
static const struct depot_part *lone_part(
    const struct depot_build_plan *plan, const struct depot_build *state)
{
    for (size_t i = 0; i < plan->outputs.len; i++)
        if (plan->outputs.items[i].platform != NULL)
            return depot_build_part(state, plan->outputs.items[i].platform);
    return NULL;
}

/* The image id is the config's digest where the engine tells it; docker prints that one. */
const char *depot_build_digest(const struct depot_build_plan *plan, const struct depot_build *state)
{
    static const char config_digest[] = "containerimage.config.digest";
    const struct depot_part *lone = lone_part(plan, state);
    const struct depot_part *part = lone != NULL ? lone : first_part(state);
    const char *config = depot_kvs_get(&state->response, config_digest);
    if (state->digest != NULL || part == NULL)
        return lone != NULL && config != NULL ? config : state->digest;
    config = depot_kvs_get(&part->response, config_digest);
    const bool has_id = config != NULL && (lone != NULL || state->parts.len == 1);
    return has_id && !plan->id_is_manifest ? config : part->digest;
}

const char *depot_build_unkept(const struct depot_build_plan *plan, const struct depot_build *state)
{
    if (plan->call.method != NULL || !plan->default_image ||
        depot_build_digest(plan, state) != NULL)
        return NULL;
    return "No output specified: the build result will only remain in the build cache. To push it "
           "use --push, to load it into Docker use --load, to get files use -o DIR";
}

int depot_build_begin_results(const struct depot_build_args *args, struct depot_error *err)
{
    int rc = 0;
    if (!depot_str_empty(args->iidfile))
        rc = depot_file_remove(args->iidfile, &iidfile, err);
    if (rc == 0 && !depot_str_empty(args->iidfile))
        rc = depot_file_check(args->iidfile, &iidfile, err);
    if (rc != 0)
        return depot_error_prefix(err, "--iidfile");
    if (!depot_str_empty(args->metadata_file))
        rc = depot_file_check(args->metadata_file, &metadata_file, err);
    return rc != 0 ? depot_error_prefix(err, "--metadata-file") : 0;
}

static int write_metadata(
    const struct depot_build_plan *plan, const struct depot_build *state, struct depot_error *err)
{
    struct json_object *o = dp_build_metadata(plan, state);
    const char *text = json_object_to_json_string_ext(
        o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
    int rc = depot_file_write(plan->args->metadata_file, &metadata_file, text, strlen(text), err);
    json_object_put(o);
    return rc;
}

int depot_build_write_results(
    const struct depot_build_plan *plan, const struct depot_build *state, struct depot_error *err)
{
    const struct depot_build_args *a = plan->args;
    const char *digest = depot_build_digest(plan, state);
    int rc = dp_plan_prune(plan, err);
    if (rc == 0 && !depot_str_empty(a->iidfile) && digest != NULL)
        rc = depot_file_write(a->iidfile, &iidfile, digest, strlen(digest), err);
    if (rc == 0 && !depot_str_empty(a->metadata_file))
        rc = write_metadata(plan, state, err);
    return rc;
}
