/*
 * Which failures of a push a repeat mends, and how it is told: as a step with a warning.
 */
#include "part_again.h"

#include <depot/digest.h>

#include <string.h>

#include "part.h"

/* Of registries' answers those that another try may well turn: two pushes of one blob met, or an
 * upload was forgotten. What answers with a status above 500 the engine asks again by itself. */
static const char *const passing[] = {
    "provided digest did not match uploaded content",
    "blob unknown to registry",
    "blob upload unknown",
    "blob upload invalid",
    "429 Too Many Requests",
};

static const char push_failed[] = "failed to push ";
/* A context that was sent along with the request: it may be a pipe, which is read once. */
static const char uploaded[] = "http://buildkit-session/";

static bool is_passing(const struct depot_build_error *e)
{
    if (e == NULL || e->vertex != NULL || e->file != NULL ||
        !depot_str_starts(e->message, push_failed))
        return false;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(passing); i++)
        if (strstr(e->message, passing[i]) != NULL)
            return true;
    return false;
}

static bool makes_images_alone(const struct part *p)
{
    const struct depot_build_request *req = &p->scope->req;
    for (size_t i = 0; i < req->nexports; i++)
        if (p->exports & 1u << i && !depot_str_eq(req->exports[i].type, "image"))
            return false;
    return true;
}

bool part_again_worth(const struct part *p)
{
    const char *context = depot_kvs_get(&p->scope->req.attrs, "context");
    if (context != NULL && depot_str_starts(context, uploaded))
        return false;
    return is_passing(p->outcome.error) && makes_images_alone(p);
}

void part_again_tell(const struct part *p)
{
    char digest[DEPOT_DIGEST_LEN + 1];
    const char *reason = p->outcome.error->message;
    const char *of = *p->platform != '\0' ? p->platform : "the image";
    char *text = depot_asprintf(
        "%s is pushed once more, as the registry lost something of it: %s", of, reason);
    depot_time now = depot_time_now();
    depot_digest_of(p->ref, strlen(p->ref), digest);
    struct depot_vertex vertex = {
        .digest = digest, .name = "pushing once more", .started = now, .completed = now};
    struct depot_vertex_warning warning = {.vertex = digest, .level = 1, .short_text = text};
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    ev.u.status = (struct depot_ev_status){.platform = p->platform,
        .builder = engine_name(p->engine),
        .status = {.vertexes = &vertex, .nvertexes = 1, .warnings = &warning, .nwarnings = 1}};
    journal_append(p->scope->env->store, p->scope->id, &ev);
    depot_free(text);
}
