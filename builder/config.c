/*
 * depotd's options: rows of the option table that every program of ours uses; the file is read as
 * the same options, a line each.
 */
#include "config.h"

#include <depot/path.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MAX = 256 * 1024,
    BUILDERS_MAX = 256,
    REGISTRIES_MAX = 256,
    LISTEN_MAX = 16,
    BUILDER_NAME_MAX = 64,
    CAPACITY_MAX = 1000,
    IDLE_MAX_S = 365 * 24 * 3600,
    NOT_GIVEN = -1,
};

/* What was written, before it is understood. */
struct given {
    struct depot_strv listen, builders, registries;
    char *tls_cert, *tls_key, *token_file, *state_dir, *log_level, *log_file, *config_file;
    int64_t idle_s, ready_fd;
    bool version, man;
};

#define OPT(field) offsetof(struct given, field)

static const struct depot_opt options[] = {
    {"listen", 'l', DEPOT_OPT_LIST, OPT(listen), "URL",
        "Listen on unix://PATH or tcp://HOST:PORT (repeatable; default: a socket of this user)",
        NULL, 0},
    {"tls-cert", 0, DEPOT_OPT_STRING, OPT(tls_cert), "FILE",
        "Serve TLS on TCP with this certificate", NULL, 0},
    {"tls-key", 0, DEPOT_OPT_STRING, OPT(tls_key), "FILE", "The certificate's private key", NULL,
        0},
    {"token-file", 0, DEPOT_OPT_STRING, OPT(token_file), "FILE",
        "File with the tokens that clients on TCP may use, one a line", NULL, 0},
    {"builder", 'b', DEPOT_OPT_LIST, OPT(builders), "NAME=ADDR",
        "Drive this BuildKit (repeatable; default: one found on this machine); after the address "
        "may follow ,ca=FILE ,cert=FILE ,key=FILE ,server-name=NAME ,max=BUILDS",
        NULL, 0},
    {"registry", 0, DEPOT_OPT_LIST, OPT(registries), "HOST",
        "How to speak to a registry when what several builders pushed is joined (repeatable); "
        "after "
        "the host may follow ,http ,insecure ,ca=FILE ,cert=FILE ,key=FILE",
        NULL, 0},
    {"state-dir", 0, DEPOT_OPT_STRING, OPT(state_dir), "DIR", "Where builds are remembered", NULL,
        0},
    {"idle", 0, DEPOT_OPT_INT, OPT(idle_s), "SECONDS",
        "Leave when nothing ran and nobody was connected for so long (0: never)", NULL, 0},
    {"log-level", 0, DEPOT_OPT_STRING, OPT(log_level), "LEVEL", "How much is logged",
        "error|warn|info|debug", 0},
    {"log-file", 0, DEPOT_OPT_STRING, OPT(log_file), "FILE", "Append the log to this file", NULL,
        0},
    {"config", 'c', DEPOT_OPT_STRING, OPT(config_file), "FILE",
        "Read options from this file, as lines of name = value", NULL, DEPOT_OPT_NOT_IN_FILE},
    {"ready-fd", 0, DEPOT_OPT_INT, OPT(ready_fd), "N",
        "Write one byte to this descriptor when clients can connect", NULL, DEPOT_OPT_NOT_IN_FILE},
    {"version", 'V', DEPOT_OPT_BOOL, OPT(version), NULL, "Print the version and leave", NULL,
        DEPOT_OPT_NOT_IN_FILE},
    {"man", 0, DEPOT_OPT_BOOL, OPT(man), NULL, "Print the manual page and leave", NULL,
        DEPOT_OPT_NOT_IN_FILE},
};

static const struct depot_command command = {
    .name = "depotd",
    .standalone = true,
    .args = "",
    .summary = "The builder service: an HTTP and WebSocket server in front of BuildKit engines",
    .text =
        "The options may also stand in depotd.conf in the user's configuration directory for "
        "Depot, as lines of name = value; the names are those of the long options, and # begins "
        "a comment. The command line wins.",
    .opts = options,
    .nopts = DEPOT_ARRAY_LEN(options),
    .args_size = sizeof(struct given),
};

static void set_string(char **to, const char *value)
{
    depot_free(*to);
    *to = depot_strdup(value);
}

/* ---- builders ---- */
static bool name_ok(const char *s, size_t n)
{
    if (n == 0 || n > BUILDER_NAME_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && strchr("._-", s[i]) == NULL)
            return false;
    return true;
}

static int builder_setting(struct engine_config *b, const char *text, struct depot_error *err)
{
    const struct {
        const char *prefix;
        char **to;
    } rows[] = {{"ca=", &b->tls.ca}, {"cert=", &b->tls.cert}, {"key=", &b->tls.key},
        {"server-name=", &b->tls.server_name}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        if (!depot_str_starts(text, rows[i].prefix))
            continue;
        b->tls.enabled = true;
        set_string(rows[i].to, text + strlen(rows[i].prefix));
        return 0;
    }
    int64_t max;
    if (!depot_str_starts(text, "max="))
        return depot_error_set(err, DEPOT_ERR_INVALID,
            "builder %s: \"%s\" is not one of ca=, cert=, key=, server-name=, max=", b->name, text);
    if (depot_str_to_int64(text + 4, 1, CAPACITY_MAX, &max) != 0)
        return depot_error_set(err, DEPOT_ERR_INVALID, "builder %s: \"%s\" is not 1 to %d builds",
            b->name, text + 4, CAPACITY_MAX);
    b->capacity = (int)max;
    return 0;
}

/* "NAME=ADDR[,ca=F][,cert=F][,key=F][,server-name=S][,max=N]" */
static int parse_builder(const char *text, struct engine_config *out, struct depot_error *err)
{
    struct engine_config b = {0};
    struct depot_strv fields = {0};
    const char *eq = strchr(text, '=');
    int rc = 0;
    if (eq == NULL || !name_ok(text, (size_t)(eq - text))) {
        depot_error_set(err, DEPOT_ERR_INVALID, "\"%.200s\" is not NAME=ADDRESS", text);
        return depot_error_hint(err,
            "such as amd64=unix:///run/buildkit/buildkitd.sock; a name has letters, digits, . _ -");
    }
    b.name = depot_strndup(text, (size_t)(eq - text));
    depot_strv_split(&fields, eq + 1, ',');
    rc = depot_addr_parse(fields.len > 0 ? fields.items[0] : "", 0, &b.addr, err);
    if (rc != 0)
        depot_error_prefix(err, "builder %s", b.name);
    for (size_t i = 1; rc == 0 && i < fields.len; i++)
        rc = builder_setting(&b, fields.items[i], err);
    if (rc == 0 && (b.tls.cert == NULL) != (b.tls.key == NULL))
        rc = depot_error_set(
            err, DEPOT_ERR_INVALID, "builder %s: cert= and key= belong together", b.name);
    depot_strv_release(&fields);
    if (rc != 0)
        engine_config_release(&b);
    else
        *out = b;
    return rc;
}

/* ---- registries ---- */
static void registry_release(struct depot_registry_host *r)
{
    depot_free(r->name);
    depot_tls_release(&r->tls);
}

static int registry_setting(
    struct depot_registry_host *r, const char *text, struct depot_error *err)
{
    const struct {
        const char *word;
        bool *on;
        char **to;
    } rows[] = {{"http", &r->http, NULL}, {"insecure", &r->insecure, NULL},
        {"ca=", NULL, &r->tls.ca}, {"cert=", NULL, &r->tls.cert}, {"key=", NULL, &r->tls.key}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        if (rows[i].on != NULL && depot_str_eq(text, rows[i].word)) {
            *rows[i].on = true;
            return 0;
        }
        if (rows[i].to != NULL && depot_str_starts(text, rows[i].word)) {
            set_string(rows[i].to, text + strlen(rows[i].word));
            return 0;
        }
    }
    return depot_error_set(err, DEPOT_ERR_INVALID,
        "registry %s: \"%s\" is not one of http, insecure, ca=, cert=, key=", r->name, text);
}

/* "HOST[:PORT][,http][,insecure][,ca=F][,cert=F][,key=F]" */
static int add_registry(struct config *c, const char *text, struct depot_error *err)
{
    struct depot_registry_host r = {0};
    struct depot_strv fields = {0};
    int rc = 0;
    depot_strv_split(&fields, text, ',');
    if (fields.len == 0 || fields.items[0][0] == '\0' || strpbrk(fields.items[0], "/@ ") != NULL) {
        depot_error_set(err, DEPOT_ERR_INVALID, "\"%.200s\" names no registry", text);
        rc = depot_error_hint(err, "such as registry.example.com:5000,http");
    } else if (c->nregistries == REGISTRIES_MAX) {
        rc = depot_error_set(err, DEPOT_ERR_TOO_BIG, "more than %d registries", REGISTRIES_MAX);
    } else {
        r.name = depot_strdup(fields.items[0]);
    }
    for (size_t i = 1; rc == 0 && i < fields.len; i++)
        rc = registry_setting(&r, fields.items[i], err);
    depot_strv_release(&fields);
    if (rc != 0) {
        registry_release(&r);
        return rc;
    }
    c->registries = depot_realloc(c->registries, (c->nregistries + 1) * sizeof(*c->registries));
    c->registries[c->nregistries++] = r;
    return 0;
}

/* ---- from what was written to what it means ---- */
static int add_listen(struct config *c, const char *v, struct depot_error *err)
{
    struct depot_addr a = {0};
    if (c->nlisten == LISTEN_MAX)
        return depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "more than %d addresses to listen on", LISTEN_MAX);
    int rc = depot_addr_parse(v, 0, &a, err);
    if (rc != 0)
        return rc;
    if (a.docker) {
        depot_addr_release(&a);
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "\"%s\": listen on unix://PATH or tcp://HOST:PORT", v);
    }
    c->listen = depot_realloc(c->listen, (c->nlisten + 1) * sizeof(*c->listen));
    c->listen[c->nlisten++] = a;
    return 0;
}

static int add_builder(struct config *c, const char *v, struct depot_error *err)
{
    struct engine_config b = {0};
    if (c->nbuilders == BUILDERS_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "more than %d builders", BUILDERS_MAX);
    int rc = parse_builder(v, &b, err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < c->nbuilders; i++) {
        if (!depot_str_eq(c->builders[i].name, b.name))
            continue;
        engine_config_release(&b);
        return depot_error_set(
            err, DEPOT_ERR_EXISTS, "two builders are named \"%s\"", c->builders[i].name);
    }
    c->builders = depot_realloc(c->builders, (c->nbuilders + 1) * sizeof(*c->builders));
    c->builders[c->nbuilders++] = b;
    return 0;
}

/* A list of texts, each understood by `add`. */
static int add_all(struct config *c, const char *option, const struct depot_strv *values,
    int (*add)(struct config *c, const char *value, struct depot_error *err),
    struct depot_error *err)
{
    for (size_t i = 0; i < values->len; i++) {
        int rc = add(c, values->items[i], err);
        if (rc != 0) {
            depot_error_prefix(err, "--%s", option);
            return rc;
        }
    }
    return 0;
}

static int understand(const struct given *g, struct config *c, struct depot_error *err)
{
    int rc = add_all(c, "listen", &g->listen, add_listen, err);
    if (rc == 0)
        rc = add_all(c, "builder", &g->builders, add_builder, err);
    if (rc == 0)
        rc = add_all(c, "registry", &g->registries, add_registry, err);
    if (rc == 0 && g->idle_s > IDLE_MAX_S)
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "--idle: more than a year");
    if (rc != 0)
        return rc;
    set_string(&c->tls_cert, g->tls_cert);
    set_string(&c->tls_key, g->tls_key);
    set_string(&c->token_file, g->token_file);
    set_string(&c->state_dir, g->state_dir);
    set_string(&c->log_file, g->log_file);
    c->idle_s = g->idle_s == NOT_GIVEN ? 0 : g->idle_s;
    c->ready_fd = (int)g->ready_fd;
    if (g->log_level != NULL)
        c->log_level = (enum depot_log_level)depot_log_level_from_name(g->log_level);
    return 0;
}

/* ---- the file ---- */
static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
    return s;
}

static const struct depot_opt *in_file(const char *name)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(options); i++)
        if (depot_str_eq(options[i].name, name) && (options[i].flags & DEPOT_OPT_NOT_IN_FILE) == 0)
            return &options[i];
    return NULL;
}

/* "name = value" is "--name=value". */
static int read_line(struct given *g, char *line, struct depot_error *err)
{
    char *key = trim(line);
    if (*key == '\0' || *key == '#')
        return 0;
    char *eq = strchr(key, '=');
    if (eq == NULL)
        return depot_error_set(err, DEPOT_ERR_INVALID, "\"%.100s\" is not `name = value`", key);
    *eq = '\0';
    key = trim(key);
    char *value = trim(eq + 1);
    if (in_file(key) == NULL)
        return depot_error_set(err, DEPOT_ERR_INVALID, "unknown option \"%.100s\"", key);
    if (*value == '\0')
        return depot_error_set(err, DEPOT_ERR_INVALID, "option \"%s\" has no value", key);
    char *arg = depot_asprintf("--%s=%s", key, value);
    struct depot_strv rest = {0};
    int rc = depot_opts_parse(&command, 1, &arg, g, &rest, err);
    /* Each line is understood together with those before it, so that the error has its number. */
    struct config sofar = {.log_level = DEPOT_LOG_INFO};
    if (rc == 0)
        rc = understand(g, &sofar, err);
    config_release(&sofar);
    depot_strv_release(&rest);
    depot_free(arg);
    return rc;
}

static int read_file(struct given *g, const char *path, bool required, struct depot_error *err)
{
    char *text = NULL;
    size_t len = 0;
    struct depot_error local = {0};
    int rc = depot_file_read(path, FILE_MAX, &text, &len, &local);
    if (rc == DEPOT_ERR_NOT_FOUND && !required)
        return 0;
    if (rc != 0) {
        if (err != NULL)
            *err = local;
        return rc;
    }
    if (strlen(text) != len)
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "%s: has a NUL byte", path);
    int number = 1;
    for (char *line = text, *next; rc == 0 && line != NULL; line = next, number++) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        rc = read_line(g, line, err);
        if (rc != 0)
            depot_error_prefix(err, "%s:%d", path, number);
    }
    depot_free(text);
    return rc;
}

static int find_file(struct given *g, const char *path, struct depot_error *err)
{
    if (path != NULL)
        return read_file(g, path, true, err);
    char *dir = depot_path_config_dir();
    char *file = depot_path_join(dir, "depotd.conf");
    int rc = read_file(g, file, false, err);
    depot_free(file);
    depot_free(dir);
    return rc;
}

/* ---- all together ---- */
/* What the command line leaves open is the file's. */
static void take_from_file(struct given *g, struct given *file)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(options); i++) {
        void *to = (char *)g + options[i].offset, *from = (char *)file + options[i].offset;
        if (options[i].type == DEPOT_OPT_STRING && *(char **)to == NULL)
            *(char **)to = depot_strdup(*(char **)from);
        else if (options[i].type == DEPOT_OPT_LIST && ((struct depot_strv *)to)->len == 0)
            depot_strv_copy(to, from);
        else if (options[i].type == DEPOT_OPT_INT && *(int64_t *)to == NOT_GIVEN)
            *(int64_t *)to = *(int64_t *)from;
    }
}

static int set_defaults(struct config *c, struct depot_error *err)
{
    if (c->state_dir == NULL)
        c->state_dir = depot_path_state_dir();
    if (c->nlisten > 0)
        return 0;
    char *dir = depot_path_runtime_dir();
    char *url = depot_asprintf("unix://%s/depotd.sock", dir);
    int rc = add_listen(c, url, err);
    depot_free(url);
    depot_free(dir);
    return rc;
}

static int check(const struct config *c, struct depot_error *err)
{
    if ((c->tls_cert == NULL) != (c->tls_key == NULL))
        return depot_error_set(err, DEPOT_ERR_INVALID, "--tls-cert and --tls-key belong together");
    for (size_t i = 0; i < c->nlisten; i++) {
        if (c->listen[i].kind != DEPOT_ADDR_TCP)
            continue;
        if (c->token_file == NULL) {
            depot_error_set(err, DEPOT_ERR_INVALID,
                "%s: refusing to listen on TCP without a token: whoever reaches it could build",
                c->listen[i].text);
            return depot_error_hint(err, "write a long random token into a file that only you can "
                                         "read and give it as --token-file FILE");
        }
        if (c->listen[i].tls && c->tls_cert == NULL)
            return depot_error_set(
                err, DEPOT_ERR_INVALID, "%s needs --tls-cert and --tls-key", c->listen[i].text);
    }
    return 0;
}

static int load(struct given *g, struct config *c, struct depot_error *err)
{
    struct given file = {.idle_s = NOT_GIVEN, .ready_fd = NOT_GIVEN};
    int rc = find_file(&file, g->config_file, err);
    if (rc == 0) {
        take_from_file(g, &file);
        rc = understand(g, c, err);
    }
    if (rc == 0)
        rc = set_defaults(c, err);
    if (rc == 0)
        rc = check(c, err);
    depot_opts_release(&command, &file);
    return rc;
}

int config_load(int argc, char *const *argv, struct config *out, struct depot_error *err)
{
    struct config c = {.log_level = DEPOT_LOG_INFO, .ready_fd = -1};
    struct given g = {.idle_s = NOT_GIVEN, .ready_fd = NOT_GIVEN};
    struct depot_strv rest = {0};
    int rc = depot_opts_parse(&command, argc - 1, (char **)argv + 1, &g, &rest, err);
    if (rc == DEPOT_ERR_EOF || g.version || g.man) {
        c.help = rc == DEPOT_ERR_EOF;
        c.version = g.version;
        c.man = g.man;
        rc = 0;
    } else if (rc == 0) {
        rc = load(&g, &c, err);
    }
    depot_opts_release(&command, &g);
    depot_strv_release(&rest);
    if (rc != 0)
        config_release(&c);
    else
        *out = c;
    return rc;
}

void config_release(struct config *c)
{
    for (size_t i = 0; i < c->nlisten; i++)
        depot_addr_release(&c->listen[i]);
    for (size_t i = 0; i < c->nbuilders; i++)
        engine_config_release(&c->builders[i]);
    for (size_t i = 0; i < c->nregistries; i++)
        registry_release(&c->registries[i]);
    depot_free(c->listen);
    depot_free(c->registries);
    depot_free(c->builders);
    depot_free(c->tls_cert);
    depot_free(c->tls_key);
    depot_free(c->token_file);
    depot_free(c->state_dir);
    depot_free(c->log_file);
    *c = (struct config){.ready_fd = -1};
}

void config_print_help(FILE *f)
{
    depot_help_command(f, "depotd", &command);
}

void config_print_man(FILE *f)
{
    depot_man_command(f, "depotd", &command);
}
