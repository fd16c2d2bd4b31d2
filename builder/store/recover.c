/*
 * After a start: torn lines are cut, builds that a dead daemon left running are finished as failed,
 * logs without a row (a lost index) are indexed again by reducing them.
 */
#include "store_priv.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <depot/log.h>
#include <depot/wire.h>

#define DEPOT_LOG_MODULE "store"

struct replay {
    struct store *s;
    struct store_build *b;
    bool indexed;
    bool finished;
};

static void replay_line(struct store_line *line, void *arg)
{
    struct replay *r = arg;
    struct store_build *b = r->b;
    struct depot_event ev;

    b->seq = line->seq;
    if (depot_wire_decode(line->data, line->len, &ev, NULL) != 0)
        return; /* a damaged line is a line still: seq counts them */
    depot_build_apply(b->reduced, &ev);
    if (ev.type == DEPOT_EVENT_BUILD_CREATED) {
        ev.build = b->id; /* the file's name decides, not what stands in it */
        b->created = ev.time;
        if (!r->indexed)
            r->indexed = store_db_insert(&r->s->db, &ev, line, NULL) == 0;
    } else if (ev.type == DEPOT_EVENT_BUILD_ASSIGNED && ev.u.assigned.builder != NULL) {
        if (!depot_strv_has(&b->builders, ev.u.assigned.builder))
            depot_strv_push(&b->builders, ev.u.assigned.builder);
    } else if (ev.type == DEPOT_EVENT_BUILD_FINISHED) {
        r->finished = true;
        ev.build = b->id;
        store_fill_failed_step(b, &ev.u.finished); /* daemons of before did not say */
        store_db_finish(&r->s->db, b, &ev);
    }
    depot_event_release(&ev);
}

static int append_failed(struct store *s, struct store_build *b, struct depot_error *err)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_FINISHED};
    int r;

    ev.u.finished.state = DEPOT_BUILD_FAILED;
    ev.u.finished.message = "the daemon stopped while the build ran";
    r = store_append(s, b->id, &ev, err);
    depot_event_release(&ev);
    return r;
}

static int recover_build(struct store *s, const char *id, bool indexed, struct depot_error *err)
{
    struct store_build *b = NULL;
    struct replay replay = {.s = s, .indexed = indexed};
    int r = store_build_load(s, id, &b, err);

    if (r != 0)
        return r;
    r = log_file_mend(&b->log, err);
    b->reduced = depot_build_new(NULL);
    replay.b = b;
    while (r == 0) {
        int n = log_file_read(&b->log, &s->scratch, b->seq, 256, replay_line, &replay, err);
        if (n <= 0) {
            r = n;
            break;
        }
    }
    if (r != 0 || replay.finished || b->seq == 0 || !replay.indexed) {
        if (r == 0 && !replay.indexed)
            depot_log_warn("the log of %s does not begin with build.created: left alone", id);
        store_build_drop(b);
        return r;
    }
    depot_log_info("build %s was running when the daemon stopped", id);
    return append_failed(s, b, err);
}

/* Logs that the index does not know. */
static int recover_unindexed(struct store *s, struct depot_error *err)
{
    char *path = depot_asprintf("%s/builds", s->dir);
    DIR *dir = opendir(path);
    struct dirent *e;
    int r = 0;

    if (dir == NULL)
        r = depot_error_errno(err, errno, "%s", path);
    while (dir != NULL && r == 0 && (e = readdir(dir)) != NULL) {
        char id[STORE_ID_MAX + 1];
        size_t n = strcspn(e->d_name, ".");
        uint64_t seq;
        bool over;
        if (n == 0 || n > STORE_ID_MAX || strcmp(e->d_name + n, ".ndjson") != 0)
            continue;
        memcpy(id, e->d_name, n);
        id[n] = '\0';
        if (!store_id_valid(id) || store_db_head(&s->db, id, &seq, &over))
            continue;
        r = recover_build(s, id, false, err);
    }
    if (dir != NULL)
        closedir(dir);
    depot_free(path);
    return r;
}

int store_recover(struct store *s, struct depot_error *err)
{
    struct depot_strv ids = {0};
    int r = 0;

    store_db_open_builds(&s->db, &ids);
    for (size_t i = 0; r == 0 && i < ids.len; i++) {
        struct depot_error why;
        r = store_id_valid(ids.items[i]) ? recover_build(s, ids.items[i], true, &why)
                                         : DEPOT_ERR_NOT_FOUND;
        if (r == DEPOT_ERR_NOT_FOUND) {
            store_db_delete(&s->db, ids.items[i]);
            r = 0;
        } else if (r != 0 && err != NULL) {
            *err = why;
        }
    }
    depot_strv_release(&ids);
    return r == 0 ? recover_unindexed(s, err) : r;
}
