/*
 * Project and source of a build, read from depot.json and git's own files: running git would cost
 * more than a cached build.
 */
#include <depot/app.h>
#include <depot/path.h>

#include <json-c/json.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOURCE_FILE_MAX = 1024 * 1024, PROJECT_MAX = 128 };

/* A small file's text without its last newlines, or NULL. */
static char *read_text(const char *dir, const char *name)
{
    char *path = depot_path_join(dir, name);
    char *text = NULL;
    size_t n = 0;
    if (depot_file_read(path, SOURCE_FILE_MAX, &text, &n, NULL) != 0)
        text = NULL;
    while (text != NULL && n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        text[--n] = '\0';
    depot_free(path);
    return text;
}

/* Walk from `dir` to the root; the first directory that has `name`. The caller frees. */
static char *find_upwards(const char *dir, const char *name)
{
    char real[PATH_MAX];
    if (realpath(dir, real) == NULL)
        return NULL;
    for (;;) {
        char *path = depot_path_join(real, name);
        struct stat st;
        int found = stat(path, &st) == 0;
        depot_free(path);
        if (found)
            return depot_strdup(real);
        char *slash = strrchr(real, '/');
        if (slash == NULL || real[1] == '\0')
            return NULL;
        slash[slash == real] = '\0';
    }
}

static bool project_ok(const char *s)
{
    return s[0] != '\0' && strlen(s) <= PROJECT_MAX &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-")] ==
               '\0';
}

static char *project_from_file(const char *dir)
{
    char *root = find_upwards(dir, "depot.json");
    char *text = root != NULL ? read_text(root, "depot.json") : NULL;
    struct json_object *obj = text != NULL ? json_tokener_parse(text) : NULL;
    struct json_object *id = NULL;
    char *out = NULL;
    if (json_object_is_type(obj, json_type_object) && json_object_object_get_ex(obj, "id", &id) &&
        json_object_is_type(id, json_type_string) && project_ok(json_object_get_string(id)))
        out = depot_strdup(json_object_get_string(id));
    json_object_put(obj);
    depot_free(text);
    depot_free(root);
    return out;
}

static char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    return project_ok(base) ? depot_strdup(base) : NULL;
}

static char *project_of(const char *dir)
{
    char *project = project_from_file(dir);
    if (project != NULL)
        return project;
    char *root = find_upwards(dir, ".git");
    char real[PATH_MAX];
    if (root != NULL)
        project = base_name(root);
    else if (realpath(dir, real) != NULL)
        project = base_name(real);
    depot_free(root);
    return project;
}

/* People choose what they like, but it stands in headers and on terminals. */
static int given_project(const char *from, const char *name, char **out, struct depot_error *err)
{
    if (depot_str_has_control(name)) {
        depot_error_set(err, DEPOT_ERR_INVALID, "%s holds a control character", from);
        return depot_error_hint(
            err, "a project is a name, like web or shop/api; is there a line break in %s?", from);
    }
    *out = depot_strdup(name);
    return 0;
}

int depot_project(const char *flag, const char *dir, char **out, struct depot_error *err)
{
    const char *env = getenv("DEPOT_PROJECT_ID");
    if (flag != NULL && *flag != '\0')
        return given_project("--project", flag, out, err);
    if (env != NULL && *env != '\0')
        return given_project("DEPOT_PROJECT_ID", env, out, err);
    *out = dir != NULL ? project_of(dir) : NULL;
    if (*out == NULL)
        *out = depot_strdup("default");
    return 0;
}

const char *depot_user(void)
{
    const char *user = getenv("USER");
    const struct passwd *pw = depot_str_empty(user) ? getpwuid(getuid()) : NULL;
    return pw != NULL ? pw->pw_name : user;
}

/* The git directory of a checkout; ".git" may be a file that points to it (worktrees). */
static char *git_dir(const char *root)
{
    char *dot = depot_path_join(root, ".git");
    struct stat st;
    if (stat(dot, &st) == 0 && S_ISDIR(st.st_mode))
        return dot;
    char *text = read_text(root, ".git");
    char *dir = NULL;
    if (text != NULL && depot_str_starts(text, "gitdir: "))
        dir = depot_path_join(root, text + strlen("gitdir: "));
    depot_free(text);
    depot_free(dot);
    return dir;
}

/* Refs of a worktree live in the directory that "commondir" names. */
static char *common_dir(const char *git)
{
    char *text = read_text(git, "commondir");
    char *dir = text != NULL ? depot_path_join(git, text) : depot_strdup(git);
    depot_free(text);
    return dir;
}

static char *packed_ref(const char *common, const char *ref)
{
    char *packed = read_text(common, "packed-refs");
    char *out = NULL;
    size_t n = strlen(ref);
    for (char *line = packed; line != NULL && out == NULL;) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        char *space = strchr(line, ' ');
        if (space != NULL && strlen(space + 1) == n && strcmp(space + 1, ref) == 0)
            out = depot_strndup(line, (size_t)(space - line));
        line = end != NULL ? end + 1 : NULL;
    }
    depot_free(packed);
    return out;
}

static void read_head(struct depot_source *s, const char *git, const char *common)
{
    char *head = read_text(git, "HEAD");
    if (head == NULL)
        return;
    if (!depot_str_starts(head, "ref: ")) {
        s->commit = head;
        return;
    }
    const char *ref = head + strlen("ref: ");
    s->commit = read_text(common, ref);
    if (s->commit == NULL)
        s->commit = packed_ref(common, ref);
    s->branch =
        depot_strdup(depot_str_starts(ref, "refs/heads/") ? ref + strlen("refs/heads/") : ref);
    depot_free(head);
}

char *depot_url_shown(const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *host = scheme != NULL ? scheme + 3 : url;
    const char *at = NULL;
    /* A password may hold an '@' of its own. */
    for (size_t i = 0, n = strcspn(host, "/?#"); i < n; i++)
        if (host[i] == '@')
            at = host + i;
    if (scheme == NULL || at == NULL)
        return depot_strdup(url);
    return depot_asprintf("%.*s%s", (int)(host - url), url, at + 1);
}

static void read_remote(struct depot_source *s, const char *common)
{
    char *config = read_text(common, "config");
    bool in_origin = false;
    for (char *line = config; line != NULL;) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        line += strspn(line, " \t");
        if (line[0] == '[')
            in_origin = strcmp(line, "[remote \"origin\"]") == 0;
        char *eq = strchr(line, '=');
        if (in_origin && s->remote == NULL && strncmp(line, "url", 3) == 0 && eq != NULL)
            s->remote = depot_url_shown(eq + 1 + strspn(eq + 1, " \t"));
        line = end != NULL ? end + 1 : NULL;
    }
    depot_free(config);
}

static bool is_set(const char *name)
{
    bool on = false;
    return depot_str_to_bool(getenv(name), &on) == 0 && on;
}

static bool is_dirty(const char *root)
{
    if (!is_set("DEPOT_GIT_DIRTY") && !is_set("BUILDX_GIT_CHECK_DIRTY"))
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        execlp("git", "git", "-C", root, "diff", "--quiet", "HEAD", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 1;
}

void depot_source_read(struct depot_source *s, const char *dir)
{
    memset(s, 0, sizeof(*s));
    char *root = find_upwards(dir, ".git");
    char *git = root != NULL ? git_dir(root) : NULL;
    if (git != NULL) {
        char *common = common_dir(git);
        read_head(s, git, common);
        read_remote(s, common);
        s->dirty = is_dirty(root);
        depot_free(common);
    }
    depot_free(git);
    s->root = root;
}

void depot_source_release(struct depot_source *s)
{
    depot_free(s->remote);
    depot_free(s->commit);
    depot_free(s->branch);
    depot_free(s->root);
    memset(s, 0, sizeof(*s));
}
