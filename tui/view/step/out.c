/*
 * A log leaves the step view: into a file, a command, the clipboard.
 */
#include "step_priv.h"

#include <depot/text.h>

#include "tui/app/app.h"
#include "tui/app/save.h"
#include "tui/log/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { COPY_MAX = 1024 * 1024, PIECE = 64 * 1024 };

/* All of the log to a descriptor; 0 or errno. */
static int write_log(struct logstore *l, int fd)
{
    char piece[PIECE];
    size_t n;
    for (uint64_t at = 0; (n = dp_logstore_read(l, at, piece, sizeof(piece))) > 0; at += n) {
        for (size_t done = 0; done < n;) {
            const ssize_t w = write(fd, piece + done, n - done);
            if (w < 0 && errno != EINTR)
                return errno;
            done += w > 0 ? (size_t)w : 0;
        }
    }
    return 0;
}

/* ---- save ---- */

/* "b7k2q9-arm64-deps-4.log" */
static void file_name(struct depot_buf *out, const struct step_view *v)
{
    const struct depot_step_name *p = &v->step->parsed;
    struct depot_buf raw = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_buf_adds(&raw, v->build->id);
    if (*v->step->platform != '\0')
        depot_buf_addf(&raw, "-%s", depot_text_platform(v->step->platform));
    if (p->ordinal > 0 && *p->stage != '\0')
        depot_buf_addf(&raw, "-%s", p->stage);
    if (p->ordinal > 0)
        depot_buf_addf(&raw, "-%d", p->ordinal);
    else
        depot_buf_addf(&raw, "-%.40s", p->instruction);
    dp_save_name(out, depot_buf_str(&raw), ".log");
    depot_buf_release(&raw);
}

static int save_to(struct logstore *l, const char *path, struct depot_error *err)
{
    char piece[PIECE];
    struct depot_file_writer *w;
    size_t n;
    int rc = dp_file_open(path, &w, err);
    if (rc != 0)
        return rc;
    for (uint64_t at = 0; rc == 0 && (n = dp_logstore_read(l, at, piece, sizeof(piece))) > 0;
         at += n)
        rc = depot_file_writer_write(w, piece, n, err);
    if (rc == 0)
        return depot_file_writer_commit(w, err);
    depot_file_writer_abandon(w);
    return rc;
}

static void save(struct tui *t, struct logstore *l, const char *path)
{
    char bytes[DEPOT_TEXT_MAX];
    struct depot_error err = {0};
    if (save_to(l, path, &err) != 0)
        dp_tui_say(t, DEPOT_STYLE_ERROR, "%s; nothing was written", err.msg);
    else
        dp_tui_say(t, DEPOT_STYLE_RAN, "saved %s to %s",
            depot_text_bytes(bytes, (int64_t)dp_logstore_bytes(l)), path);
}

/* The view whose log was asked for, when it is still there. */
static struct step_view *top_step(struct tui *t)
{
    struct view *top = dp_tui_top(t);
    struct step_view *v = (struct step_view *)top;
    if (top == NULL || top->ops->id != VIEW_STEP)
        return NULL;
    top->ops->refresh(top);
    return v->pager.store != NULL ? v : NULL;
}

static void on_overwrite(struct tui *t, const char *path)
{
    struct step_view *v = top_step(t);
    if (v != NULL)
        save(t, v->pager.store, path);
}

static void on_save_name(struct tui *t, const char *text, const char *arg)
{
    char *path = dp_save_path(text);
    struct step_view *v = top_step(t);
    DEPOT_UNUSED(arg);
    if (v == NULL || *path == '\0')
        dp_tui_say(t, DEPOT_STYLE_DIM, "nothing was saved");
    else if (dp_save_may(t, path, on_overwrite, path))
        save(t, v->pager.store, path);
    depot_free(path);
}

/* ---- pipe ---- */

static void feed_log(int fd, void *arg)
{
    (void)write_log(arg, fd); /* the command may have read enough */
}

static void on_command(struct tui *t, const char *text, const char *arg)
{
    struct step_view *v = top_step(t);
    DEPOT_UNUSED(arg);
    if (v != NULL && *text != '\0')
        dp_tui_run(t, text, feed_log, v->pager.store);
}

/* ---- copy ---- */

static void copy_line(struct step_view *v)
{
    struct log_text text = {0};
    uint64_t line;
    if (dp_pager_line(&v->pager, &line, &text)) {
        dp_tui_copy(v->base.tui, depot_buf_str(&text.text), text.text.len);
        dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "copied line %llu", (unsigned long long)line + 1);
    }
    dp_log_text_release(&text);
}

/* The log as text; of a huge one the end, from the start of a line. */
static void copy_log(struct step_view *v)
{
    struct logstore *l = v->pager.store;
    struct depot_buf out = DEPOT_BUF_INIT(COPY_MAX);
    struct depot_clean clean = {0};
    char piece[PIECE], size[DEPOT_TEXT_MAX];
    const uint64_t bytes = dp_logstore_bytes(l);
    uint64_t at = bytes > COPY_MAX ? bytes - COPY_MAX : 0;
    struct log_line line;
    if (at > 0 && dp_logstore_line(l, dp_logstore_line_at(l, at) + 1, &line))
        at = line.offset;
    const bool cut = at > 0;
    for (size_t n; (n = dp_logstore_read(l, at, piece, sizeof(piece))) > 0; at += n)
        depot_clean_feed(&clean, &out, piece, n);
    dp_tui_copy(v->base.tui, depot_buf_str(&out), out.len);
    if (cut)
        dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "copied the last %s of the log",
            depot_text_bytes(size, (int64_t)out.len));
    depot_buf_release(&out);
}

enum view_result dp_step_out_action(struct step_view *v, enum action a)
{
    struct tui *t = v->base.tui;
    if (a != ACTION_COPY && a != ACTION_COPY_LOG && a != ACTION_SAVE && a != ACTION_PIPE)
        return VIEW_IGNORED;
    if (v->pager.store == NULL) {
        dp_tui_say(t, DEPOT_STYLE_DIM, "this step has no log");
    } else if (a == ACTION_COPY) {
        copy_line(v);
    } else if (a == ACTION_COPY_LOG) {
        copy_log(v);
    } else if (a == ACTION_PIPE) {
        dp_tui_ask(t, on_command, NULL, "pipe the log to: ", "less -R");
    } else {
        struct depot_buf name = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        file_name(&name, v);
        dp_tui_ask(t, on_save_name, NULL, "save the log as: ", depot_buf_str(&name));
        depot_buf_release(&name);
    }
    return VIEW_HANDLED;
}
