/*
 * GitLab's report of code quality, which stands beside a merge request's lines: the one way in
 * which it takes errors and warnings of a job. docs.gitlab.com, "Code Quality", "Report format".
 */
#include "ci/ci_priv.h"

#include <json-c/json.h>
#include <string.h>

static void add(struct json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, json_object_new_string(value != NULL ? value : ""));
}

/* The same as long as the finding is the same, wherever its line moves. */
static void add_fingerprint(struct json_object *o, const struct depot_ci_note *n)
{
    char *all = depot_asprintf("%s\n%s\n%s", n->file != NULL ? n->file : "",
        n->title != NULL ? n->title : "", n->text != NULL ? n->text : "");
    char *hex = depot_asprintf("%016llx", (unsigned long long)depot_hash(all, strlen(all)));

    add(o, "fingerprint", hex);
    depot_free(hex);
    depot_free(all);
}

void depot_ci_put_quality(struct depot_buf *out, const struct depot_ci_note *n)
{
    struct json_object *o = json_object_new_object(), *location = json_object_new_object(),
                       *lines = json_object_new_object();

    add(o, "check_name", n->title);
    add(o, "description", n->text);
    add_fingerprint(o, n);
    add(o, "severity", n->level == DEPOT_CI_ERROR ? "major" : "minor");
    add(location, "path", n->file != NULL ? n->file : "Dockerfile");
    json_object_object_add(lines, "begin", json_object_new_int(n->line > 0 ? n->line : 1));
    json_object_object_add(location, "lines", lines);
    json_object_object_add(o, "location", location);
    depot_buf_adds(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(o);
}
