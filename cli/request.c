/*
 * One HTTP request to the daemon, waited for.
 */
#include "cli.h"

#include <depot/query.h>
#include <depot/ci.h>
#include <depot/clock.h>
#include <depot/http.h>
#include <depot/text.h>

#include <stdio.h>
#include <string.h>

enum { REQUEST_TIMEOUT_MS = 30000 };

struct request {
    struct depot_loop *loop;
    struct depot_buf *answer; /* NULL: nobody wants it */
    int rc;
    struct depot_error *err;
};

void cli_say(const char *before, const char *text)
{
    struct depot_buf clean = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     safe = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_clean_string(&clean, text);
    depot_guard_string(&safe, depot_ci_detect(), depot_buf_str(&clean));
    fprintf(stderr, "%s%s\n", before, depot_buf_str(&safe));
    depot_buf_release(&clean);
    depot_buf_release(&safe);
}

static struct json_object *member(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    if (json_object_is_type(o, json_type_object))
        json_object_object_get_ex(o, key, &v);
    return v;
}

const char *cli_json_string(struct json_object *o, const char *key)
{
    struct json_object *v = member(o, key);
    return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

struct json_object *cli_json_list(struct json_object *o, const char *key, size_t *n)
{
    struct json_object *list = member(o, key);
    const bool is_list = json_object_is_type(list, json_type_array);
    *n = is_list ? json_object_array_length(list) : 0;
    return is_list ? list : NULL;
}

/* Takes out of a string what would steer a terminal or a CI system: before it is printed as text.
 */
static void clean_string(const char **s, void *arg)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     safe = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_clean_string(&text, *s);
    depot_guard_string(&safe, depot_ci_detect(), depot_buf_str(&text));
    *s = depot_arena_strdup(arg, depot_buf_str(&safe));
    depot_buf_release(&text);
    depot_buf_release(&safe);
}

int cli_read(const struct depot_buf *text, const struct depot_record *r, void *rec,
    struct depot_arena *arena, struct depot_error *err)
{
    const int rc = depot_record_decode(r, depot_buf_str(text), text->len, rec, arena, err);
    if (rc != 0)
        return depot_error_prefix(err, "the daemon's answer");
    depot_record_strings(r, rec, clean_string, arena);
    return 0;
}

const char *cli_text(const char *s)
{
    return s != NULL ? s : "";
}

/* json-c escapes C0; DEL and C1 (U+0080 to U+009F) are left, which stand in strings alone. */
void cli_json_print(struct json_object *o)
{
    const char *text =
        json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
    struct depot_buf safe = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_guard guard;
    depot_guard_init(&guard, depot_ci_detect(), true);
    depot_guard_feed(&guard, &safe, text, strlen(text));
    const unsigned char *c = (const unsigned char *)depot_buf_str(&safe);
    for (; *c != '\0'; c++) {
        const bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
        c += c1;
        if (c1 || *c == 0x7f)
            printf("\\u%04x", *c);
        else
            putchar(*c);
    }
    putchar('\n');
    depot_buf_release(&safe);
}

void cli_json_print_text(const struct depot_buf *text)
{
    struct json_object *o = json_tokener_parse(depot_buf_str(text));
    cli_json_print(o);
    json_object_put(o);
}

/* {"error":{...}} */
static int answer_error(const struct depot_buf *body, int status, struct depot_error *err)
{
    struct depot_error_response said = {0};
    struct depot_arena arena = {0};
    const int rc = body != NULL ? depot_record_decode(&depot_record_error_response,
                                      depot_buf_str(body), body->len, &said, &arena, NULL)
                                : DEPOT_ERR_INVALID;
    if (rc != 0 || said.error == NULL || said.error->code == DEPOT_OK) {
        depot_error_set(err, DEPOT_ERR_PROTOCOL, "the server answered HTTP %d", status);
        depot_error_hint(err, "is it the address of a depotd?");
    } else {
        *err = *said.error;
    }
    depot_arena_release(&arena);
    return err->code;
}

static void note_version(const char *daemon)
{
    char *text = depot_str_empty(daemon) ? NULL : depot_version_note(daemon, NULL);
    if (text != NULL)
        cli_say("depot: ", text);
    depot_free(text);
}

static void on_done(struct depot_http_request *r, int status, const struct depot_buf *body,
    const struct depot_error *err, void *arg)
{
    struct request *q = arg;
    note_version(depot_http_header(r, "Depot-Version"));
    if (status == 0) {
        *q->err = *err;
        q->rc = err->code;
    } else {
        q->rc = status / 100 == 2 ? 0 : answer_error(body, status, q->err);
        if (q->rc == 0 && q->answer != NULL && body != NULL)
            depot_buf_add(q->answer, depot_buf_str(body), body->len);
    }
    depot_loop_stop(q->loop);
}

static int perform(
    struct request *q, const struct depot_endpoint *at, const struct depot_http_opts *what)
{
    static const struct depot_http_ops ops = {.done = on_done};
    struct depot_http_opts opts = *what;
    opts.addr = &at->addr;
    opts.tls = &at->tls;
    opts.token = at->token;
    struct depot_http *http = depot_http_new(q->loop);
    struct depot_http_request *r = NULL;
    int rc = depot_http_start(http, &opts, &ops, q, &r, q->err);
    if (rc == 0) {
        depot_loop_run(q->loop);
        rc = q->rc;
    }
    depot_http_free(http);
    if (rc == DEPOT_ERR_UNAUTHENTICATED) {
        depot_error_prefix(q->err, "%s", at->addr.text);
        depot_addr_hint_token(q->err, !depot_str_empty(at->token));
    }
    return rc;
}

static int request(const struct cli_remote *remote, const struct depot_http_opts *what,
    struct depot_buf *out, struct depot_error *err)
{
    struct depot_endpoint at;
    struct request q = {.answer = out, .err = err};
    int rc = depot_endpoint_resolve(remote->url, remote->token, !remote->no_start, &at, err);
    if (rc != 0)
        return rc;
    rc = depot_loop_new(&q.loop, err);
    if (rc == 0)
        rc = perform(&q, &at, what);
    depot_loop_free(q.loop);
    depot_endpoint_release(&at);
    return rc;
}

int cli_request(const struct cli_remote *remote, const char *method, const char *path,
    struct depot_buf *out, struct depot_error *err)
{
    const struct depot_http_opts what = {
        .method = method, .path = path, .timeout_ms = REQUEST_TIMEOUT_MS};
    return request(remote, &what, out, err);
}

int cli_post(const struct cli_remote *remote, const char *path, const struct depot_record *r,
    const void *body, struct depot_buf *out, struct depot_error *err)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_record_encode(&text, r, body);
    const struct depot_http_opts what = {.method = "POST",
        .path = path,
        .content_type = "application/json",
        .body = text.data,
        .body_len = text.len};
    const int rc = request(remote, &what, out, err);
    depot_buf_release(&text);
    return rc;
}

void cli_add_query(struct depot_buf *path, const char *key, const char *value)
{
    if (depot_str_empty(value))
        return;
    depot_buf_addf(path, "%c%s=", strchr(depot_buf_str(path), '?') != NULL ? '&' : '?', key);
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
        bool plain = (*c >= '0' && *c <= '9') || ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') ||
                     strchr("-._~/", *c) != NULL;
        depot_buf_addf(path, plain ? "%c" : "%%%02X", *c);
    }
}

void cli_put_column(struct depot_buf *out, const char *s, int width, int most)
{
    struct depot_buf cell = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_text_fit(&cell, s, most, DEPOT_CUT_MIDDLE, !depot_text_is_utf8());
    const int w = depot_text_width(depot_buf_str(&cell));
    depot_buf_addf(out, "%s%*s ", depot_buf_str(&cell), width > w ? width - w : 0, "");
    depot_buf_release(&cell);
}

void cli_age(char out[DEPOT_TEXT_MAX], depot_time when)
{
    out[0] = '\0';
    if (when != 0)
        depot_text_ago(out, when, depot_time_now());
}
