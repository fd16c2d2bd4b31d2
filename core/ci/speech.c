/*
 * How each CI system is spoken to: commands in the log, and where a report goes.
 *
 * GitHub:    docs.github.com, "Workflow commands for GitHub Actions"
 * Azure:     learn.microsoft.com, "Logging commands"
 * GitLab:    docs.gitlab.com, "CI/CD job logs", custom collapsible sections
 * Buildkite: buildkite.com/docs, "Managing log output" and "buildkite-agent annotate"
 */
#include "ci/ci_priv.h"

#include <depot/file_writer.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TITLE_MAX = 160, NOTE_TEXT_MAX = 4096 };

static const char *escaped(const struct depot_ci *ci, char c, bool data)
{
    const struct dp_ci_escape *e = ci->speech->escapes;

    for (; e != NULL && e->c; e++)
        if (e->c == c && (e->in_data || !data))
            return e->as;
    return NULL;
}

/* Text inside of a command, its lines' ends and the command's own signs escaped, controls left
 * out. `data`: behind the command, not in a property. */
static void put_inside(
    struct depot_buf *out, const struct depot_ci *ci, const char *text, bool data)
{
    struct depot_buf plain = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    /* No command inside of one either. */
    depot_guard_string(&plain, ci, text != NULL ? text : "");
    for (const char *p = depot_buf_str(&plain); *p; p++) {
        const char *as = escaped(ci, *p, data);

        if (as != NULL)
            depot_buf_adds(out, as);
        else if ((unsigned char)*p >= 0x20 && *p != 0x7f)
            depot_buf_addc(out, *p);
        else if (*p == '\t' || *p == '\n')
            depot_buf_addc(out, ' ');
    }
    depot_buf_release(&plain);
}

/* One line of a title; a long one is cut, between characters. */
static void put_title(struct depot_buf *out, const struct depot_ci *ci, const char *title)
{
    size_t n = strcspn(title, "\n");

    if (n > TITLE_MAX)
        for (n = TITLE_MAX; n > 0 && ((unsigned char)title[n] & 0xc0) == 0x80;)
            n--;
    char *line = depot_strndup(title, n);

    put_inside(out, ci, line, true);
    if (title[n] && title[n] != '\n')
        depot_buf_adds(out, "...");
    depot_free(line);
}

/* To the end of a file that other steps have written to. */
static int append_report(const char *path, const char *markdown, struct depot_error *err)
{
    struct stat st;
    assert(markdown);
    int fd = open(path, O_APPEND | O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
    size_t n = strlen(markdown), done = 0;
    int rc = 0;

    if (fd < 0)
        return depot_error_errno(err, errno, "cannot write the report to %s", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        rc = depot_error_set(
            err, DEPOT_ERR_INVALID, "cannot write the report to %s: it is not a file", path);
    while (rc == 0 && done < n) {
        ssize_t got = write(fd, markdown + done, n - done);

        if (got < 0 && errno != EINTR)
            rc = depot_error_errno(err, errno, "cannot write the report to %s", path);
        done += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return rc;
}

/* ---- GitHub ---- */

static const struct dp_ci_escape github_escapes[] = {{'%', true, "%25"}, {'\r', true, "%0D"},
    {'\n', true, "%0A"}, {':', false, "%3A"}, {',', false, "%2C"}, {0}};

static void github_note(
    struct depot_buf *out, const struct depot_ci *ci, const struct depot_ci_note *n)
{
    const char *sep = " ";

    depot_buf_adds(out, n->level == DEPOT_CI_ERROR ? "::error" : "::warning");
    if (n->file != NULL) {
        depot_buf_adds(out, " file=");
        put_inside(out, ci, n->file, false);
        sep = ",";
    }
    if (n->file != NULL && n->line > 0)
        depot_buf_addf(out, ",line=%d", n->line);
    if (n->file != NULL && n->end_line > n->line)
        depot_buf_addf(out, ",endLine=%d", n->end_line);
    if (n->title != NULL) {
        depot_buf_addf(out, "%stitle=", sep);
        put_inside(out, ci, n->title, false);
    }
    depot_buf_adds(out, "::");
    put_inside(out, ci, n->text, true);
    depot_buf_addc(out, '\n');
}

static void github_group(struct depot_buf *out, const struct depot_ci *ci, const char *title,
    const char *key, int64_t unix_time)
{
    DEPOT_UNUSED(key);
    DEPOT_UNUSED(unix_time);
    depot_buf_adds(out, "::group::");
    put_title(out, ci, title);
    depot_buf_addc(out, '\n');
}

static void github_group_end(
    struct depot_buf *out, const struct depot_ci *ci, const char *key, int64_t unix_time)
{
    DEPOT_UNUSED(ci);
    DEPOT_UNUSED(key);
    DEPOT_UNUSED(unix_time);
    depot_buf_adds(out, "::endgroup::\n");
}

static int github_report(const char *markdown, const char *context, const char *style,
    struct depot_buf *out, struct depot_error *err)
{
    const char *path = getenv("GITHUB_STEP_SUMMARY");

    DEPOT_UNUSED(context);
    DEPOT_UNUSED(style);
    DEPOT_UNUSED(out);
    return path == NULL || *path == '\0' ? 0 : append_report(path, markdown, err);
}

const struct dp_ci_speech dp_ci_github = {
    .escapes = github_escapes,
    .note = github_note,
    .group = github_group,
    .group_end = github_group_end,
    .report = github_report,
};

/* ---- Azure ---- */

static const struct dp_ci_escape azure_escapes[] = {{'%', true, "%AZP25"}, {'\r', true, "%0D"},
    {'\n', true, "%0A"}, {';', false, "%3B"}, {']', false, "%5D"}, {0}};

static void azure_note(
    struct depot_buf *out, const struct depot_ci *ci, const struct depot_ci_note *n)
{
    depot_buf_addf(
        out, "##vso[task.logissue type=%s", n->level == DEPOT_CI_ERROR ? "error" : "warning");
    if (n->file != NULL) {
        depot_buf_adds(out, ";sourcepath=");
        put_inside(out, ci, n->file, false);
    }
    if (n->file != NULL && n->line > 0)
        depot_buf_addf(out, ";linenumber=%d", n->line);
    if (n->title != NULL) {
        depot_buf_adds(out, ";code=");
        put_inside(out, ci, n->title, false);
    }
    depot_buf_addc(out, ']');
    put_inside(out, ci, n->text, true);
    depot_buf_addc(out, '\n');
}

static void azure_group(struct depot_buf *out, const struct depot_ci *ci, const char *title,
    const char *key, int64_t unix_time)
{
    DEPOT_UNUSED(key);
    DEPOT_UNUSED(unix_time);
    depot_buf_adds(out, "##[group]");
    put_title(out, ci, title);
    depot_buf_addc(out, '\n');
}

static void azure_group_end(
    struct depot_buf *out, const struct depot_ci *ci, const char *key, int64_t unix_time)
{
    DEPOT_UNUSED(ci);
    DEPOT_UNUSED(key);
    DEPOT_UNUSED(unix_time);
    depot_buf_adds(out, "##[endgroup]\n");
}

/* The agent reads the file when the job goes on, so it stays; the agent empties its directory. */
static int azure_report(const char *markdown, const char *context, const char *style,
    struct depot_buf *out, struct depot_error *err)
{
    const struct depot_file_opts how = {.what = "report", .mode = 0644};
    const char *dir = getenv("AGENT_TEMPDIRECTORY");
    char *path;
    int rc;

    DEPOT_UNUSED(style);
    if (depot_str_empty(dir))
        return 0;
    path = depot_asprintf("%s/depot-%s.md", dir, context);
    rc = depot_file_write(path, &how, markdown, strlen(markdown), err);
    if (rc == 0)
        depot_buf_addf(out, "##vso[task.uploadsummary]%s\n", path);
    depot_free(path);
    return rc;
}

const struct dp_ci_speech dp_ci_azure = {
    .escapes = azure_escapes,
    .note = azure_note,
    .group = azure_group,
    .group_end = azure_group_end,
    .report = azure_report,
};

/* ---- GitLab: sections, and neither annotations nor a summary that a log could give ---- */

static void gitlab_group(struct depot_buf *out, const struct depot_ci *ci, const char *title,
    const char *key, int64_t unix_time)
{
    depot_buf_addf(
        out, "\033[0Ksection_start:%lld:%s[collapsed=true]\r\033[0K", (long long)unix_time, key);
    put_title(out, ci, title);
    depot_buf_addc(out, '\n');
}

static void gitlab_group_end(
    struct depot_buf *out, const struct depot_ci *ci, const char *key, int64_t unix_time)
{
    DEPOT_UNUSED(ci);
    depot_buf_addf(out, "\033[0Ksection_end:%lld:%s\r\033[0K\n", (long long)unix_time, key);
}

const struct dp_ci_speech dp_ci_gitlab = {
    .group = gitlab_group,
    .group_end = gitlab_group_end,
};

/* ---- Buildkite: a group ends where the next begins ---- */

static void buildkite_group(struct depot_buf *out, const struct depot_ci *ci, const char *title,
    const char *key, int64_t unix_time)
{
    DEPOT_UNUSED(key);
    DEPOT_UNUSED(unix_time);
    depot_buf_adds(out, "--- ");
    put_title(out, ci, title);
    depot_buf_addc(out, '\n');
}

static void buildkite_open(struct depot_buf *out, const struct depot_ci *ci, const char *title)
{
    depot_buf_adds(out, "+++ ");
    put_title(out, ci, title);
    depot_buf_addc(out, '\n');
}

enum { AGENT_POLL_MS = 20, AGENT_MAX_MS = 20000 };

/* In the child: the agent with the report on its standard input. */
static void run_agent(int in, const char *context, const char *style)
{
    int null = open("/dev/null", O_WRONLY);

    if (null < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0)
        _exit(126);
    execlp("buildkite-agent", "buildkite-agent", "annotate", "--style", style, "--context", context,
        (char *)NULL);
    _exit(127);
}

static int wait_for(pid_t pid, int *status)
{
    const struct timespec poll = {.tv_nsec = (long)AGENT_POLL_MS * 1000000};

    for (int ms = 0; ms < AGENT_MAX_MS; ms += AGENT_POLL_MS) {
        pid_t got = waitpid(pid, status, WNOHANG);

        if (got == pid)
            return 0;
        if (got < 0 && errno != EINTR)
            return -1;
        nanosleep(&poll, NULL);
    }
    kill(pid, SIGKILL);
    return waitpid(pid, status, 0) == pid ? 0 : -1;
}

/* Without an agent in PATH, as in a container of a job, there is no report. */
static int buildkite_report(const char *markdown, const char *context, const char *style,
    struct depot_buf *out, struct depot_error *err)
{
    FILE *text = tmpfile();
    char *named = depot_asprintf("depot-%s", context);
    int status = 0, rc = 0;
    pid_t pid = -1;

    DEPOT_UNUSED(out);
    if (text == NULL || fputs(markdown, text) < 0 || fflush(text) != 0) {
        rc = depot_error_errno(err, errno, "cannot write the report");
    } else {
        rewind(text);
        pid = fork();
        if (pid == 0)
            run_agent(fileno(text), named, style);
        if (pid < 0 || wait_for(pid, &status) != 0)
            rc = depot_error_errno(err, errno, "cannot run buildkite-agent");
        else if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 127))
            rc = depot_error_set(err, DEPOT_ERR_FAILED, "buildkite-agent did not take the report");
    }
    if (text != NULL)
        fclose(text);
    depot_free(named);
    return rc;
}

const struct dp_ci_speech dp_ci_buildkite = {
    .group = buildkite_group,
    .open = buildkite_open,
    .report = buildkite_report,
};

/* ---- from outside ---- */

void depot_ci_put_note(
    struct depot_buf *out, const struct depot_ci *ci, const struct depot_ci_note *n)
{
    struct depot_ci_note cut = *n;
    char *text = depot_strndup(n->text != NULL ? n->text : "", NOTE_TEXT_MAX);

    cut.text = text;
    if (depot_ci_has_annotations(ci))
        ci->speech->note(out, ci, &cut);
    depot_free(text);
}

void depot_ci_put_group(struct depot_buf *out, const struct depot_ci *ci, const char *title,
    const char *key, int64_t unix_time)
{
    if (depot_ci_has_groups(ci))
        ci->speech->group(out, ci, title, key, unix_time);
}

void depot_ci_put_group_end(
    struct depot_buf *out, const struct depot_ci *ci, const char *key, int64_t unix_time)
{
    if (depot_ci_has_groups(ci) && ci->speech->group_end != NULL)
        ci->speech->group_end(out, ci, key, unix_time);
}

void depot_ci_put_open(struct depot_buf *out, const struct depot_ci *ci, const char *title)
{
    if (ci != NULL && ci->speech != NULL && ci->speech->open != NULL)
        ci->speech->open(out, ci, title);
}

int depot_ci_report(const struct depot_ci *ci, const char *markdown, const char *context,
    enum depot_ci_level worst, struct depot_buf *out, struct depot_error *err)
{
    static const char *const styles[] = {
        [DEPOT_CI_GOOD] = "success", [DEPOT_CI_WARNING] = "warning", [DEPOT_CI_ERROR] = "error"};

    if (ci == NULL || ci->speech == NULL || ci->speech->report == NULL)
        return 0;
    return ci->speech->report(markdown, context, styles[worst], out, err);
}
