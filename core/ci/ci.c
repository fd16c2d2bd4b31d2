/*
 * The table of CI systems, by the variables that each documents.
 */
#include "ci/ci_priv.h"

#include <stdlib.h>
#include <string.h>

/* The first that matches is it: those that set a variable of another for its sake stand above. */
static const struct depot_ci systems[] = {
    {"GitHub Actions", "GITHUB_ACTIONS", NULL, "GITHUB_WORKSPACE", &dp_ci_github,
        {{"::", true}, {"##[", false}}},
    {"GitLab CI", "GITLAB_CI", "CI_JOB_URL", "CI_PROJECT_DIR", &dp_ci_gitlab,
        {{"section_start:0", false}, {"section_end:0", false}}},
    {"Buildkite", "BUILDKITE", "BUILDKITE_BUILD_URL", "BUILDKITE_BUILD_CHECKOUT_PATH",
        &dp_ci_buildkite, {{"--- ", true}, {"+++ ", true}, {"~~~ ", true}, {"^^^ +++", true}}},
    {"Azure Pipelines", "TF_BUILD", NULL, "BUILD_SOURCESDIRECTORY", &dp_ci_azure,
        {{"##vso[", false}, {"##[", false}}},
    {"TeamCity", "TEAMCITY_VERSION", NULL, NULL, NULL, {{"##teamcity[", false}}},
    {"CircleCI", "CIRCLECI", "CIRCLE_BUILD_URL", NULL, NULL, {{0}}},
    {"Drone", "DRONE", "DRONE_BUILD_LINK", NULL, NULL, {{0}}},
    {"Travis CI", "TRAVIS", "TRAVIS_BUILD_WEB_URL", NULL, NULL, {{0}}},
    {"AppVeyor", "APPVEYOR", NULL, NULL, NULL, {{0}}},
    {"Bitbucket Pipelines", "BITBUCKET_BUILD_NUMBER", NULL, NULL, NULL, {{0}}},
    {"AWS CodeBuild", "CODEBUILD_BUILD_ID", NULL, NULL, NULL, {{0}}},
    {"Jenkins", "JENKINS_URL", "BUILD_URL", NULL, NULL, {{0}}},
    {"Semaphore", "SEMAPHORE", NULL, NULL, NULL, {{0}}},
    {"Cirrus CI", "CIRRUS_CI", NULL, NULL, NULL, {{0}}},
    {"Woodpecker", "CI=woodpecker", "CI_PIPELINE_URL", NULL, NULL, {{0}}},
    {"Bamboo", "bamboo_buildKey", NULL, NULL, NULL, {{0}}},
    {"CI", "CI", NULL, NULL, NULL, {{0}}},
};

/* The variable's value, or NULL. */
static const char *value_of(const char *variable)
{
    const char *v = variable != NULL ? getenv(variable) : NULL;

    return depot_str_empty(v) ? NULL : v;
}

/* A variable that is set to anything but no, or, as "CI=woodpecker", to that. */
static bool is_on(const char *variable)
{
    const char *equals = strchr(variable, '='), *v;
    char *name = depot_strndup(variable, strcspn(variable, "="));

    v = value_of(name);
    depot_free(name);
    if (equals != NULL)
        return depot_str_eq(v, equals + 1);
    return v != NULL && !depot_str_eq(v, "false") && !depot_str_eq(v, "0");
}

const struct depot_ci *depot_ci_detect(void)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(systems); i++)
        if (is_on(systems[i].variable))
            return &systems[i];
    return NULL;
}

const char *depot_ci_root(const struct depot_ci *ci)
{
    return value_of(ci->root);
}

bool depot_ci_has_annotations(const struct depot_ci *ci)
{
    return ci != NULL && ci->speech != NULL && ci->speech->note != NULL;
}

bool depot_ci_has_groups(const struct depot_ci *ci)
{
    return ci != NULL && ci->speech != NULL && ci->speech->group != NULL;
}

/* ---- the link ---- */

/* Links that are made of several variables: the words between stand with them. */
static const struct {
    const char *head, *mid, *middle, *end, *tail;
} made_of[] = {
    {"GITHUB_SERVER_URL", "/", "GITHUB_REPOSITORY", "/actions/runs/", "GITHUB_RUN_ID"},
    {"SYSTEM_COLLECTIONURI", "", "SYSTEM_TEAMPROJECT", "/_build/results?buildId=", "BUILD_BUILDID"},
};

char *depot_ci_url(void)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(made_of); i++) {
        const char *a = value_of(made_of[i].head), *b = value_of(made_of[i].middle),
                   *c = value_of(made_of[i].tail);

        if (a != NULL && b != NULL && c != NULL)
            return depot_asprintf("%s%s%s%s%s", a, made_of[i].mid, b, made_of[i].end, c);
    }
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(systems); i++)
        if (value_of(systems[i].url) != NULL)
            return depot_strdup(value_of(systems[i].url));
    return NULL;
}
