/*
 * What surroundings we run in: CI system, colour.
 */
#include <depot/app.h>

#include <stdlib.h>
#include <unistd.h>

struct ci_vendor {
    const char *variable, *name;
};

static const struct ci_vendor ci_vendors[] = {
    {"GITHUB_ACTIONS", "GitHub Actions"},
    {"GITLAB_CI", "GitLab CI"},
    {"CIRCLECI", "CircleCI"},
    {"BUILDKITE", "Buildkite"},
    {"DRONE", "Drone"},
    {"TF_BUILD", "Azure Pipelines"},
    {"TRAVIS", "Travis CI"},
    {"APPVEYOR", "AppVeyor"},
    {"BITBUCKET_BUILD_NUMBER", "Bitbucket Pipelines"},
    {"CODEBUILD_BUILD_ID", "AWS CodeBuild"},
    {"JENKINS_URL", "Jenkins"},
    {"TEAMCITY_VERSION", "TeamCity"},
    {"SEMAPHORE", "Semaphore"},
    {"CIRRUS_CI", "Cirrus CI"},
    {"WOODPECKER", "Woodpecker"},
    {"bamboo_buildKey", "Bamboo"},
    {"CI", "CI"},
};

bool depot_in_ci(const char **name)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(ci_vendors); i++) {
        const char *v = getenv(ci_vendors[i].variable);
        if (depot_str_empty(v) || depot_str_eq(v, "false") || depot_str_eq(v, "0"))
            continue;
        if (name != NULL)
            *name = ci_vendors[i].name;
        return true;
    }
    return false;
}

char *depot_ci_url(void)
{
    static const char *const direct[] = {
        "CI_JOB_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL", "BUILD_URL", "DRONE_BUILD_LINK"};
    const char *server = getenv("GITHUB_SERVER_URL");
    const char *repo = getenv("GITHUB_REPOSITORY");
    const char *run = getenv("GITHUB_RUN_ID");
    if (!depot_str_empty(server) && !depot_str_empty(repo) && !depot_str_empty(run))
        return depot_asprintf("%s/%s/actions/runs/%s", server, repo, run);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(direct); i++)
        if (!depot_str_empty(getenv(direct[i])))
            return depot_strdup(getenv(direct[i]));
    return NULL;
}

static bool env_on(const char *name)
{
    const char *v = getenv(name);
    return !depot_str_empty(v) && !depot_str_eq(v, "0");
}

bool depot_use_colour(const char *flag, int fd)
{
    if (depot_str_eq(flag, "always"))
        return true;
    if (depot_str_eq(flag, "never") || !depot_str_empty(getenv("NO_COLOR")))
        return false;
    if (env_on("FORCE_COLOR") || env_on("CLICOLOR_FORCE"))
        return true;
    if (depot_str_eq(getenv("CLICOLOR"), "0") || depot_str_eq(getenv("TERM"), "dumb"))
        return false;
    return isatty(fd) == 1;
}
