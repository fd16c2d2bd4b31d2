/*
 * depotd's options: one row each, used for the command line, the file and the help.
 */
#include "config.h"

#include <depot/path.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MAX = 256 * 1024,
    BUILDERS_MAX = 256,
    LISTEN_MAX = 16,
    BUILDER_NAME_MAX = 64,
    CAPACITY_MAX = 1000,
    IDLE_MAX_S = 365 * 24 * 3600,
};

typedef int set_fn(struct config *c, const char *value, struct depot_error *err);

struct option {
    char short_name; /* '\0': none */
    const char *name;
    const char *value; /* what the help calls it; NULL: a switch */
    set_fn *set;
    void (*clear)(struct config *c); /* repeatable: the command line replaces the file's; or NULL */
    bool in_file;
    const char *help;
};

static int set_string(char **to, const char *value)
{
    depot_free(*to);
    *to = depot_strdup(value);
    return 0;
}

static int set_listen(struct config *c, const char *v, struct depot_error *err)
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

static void clear_listen(struct config *c)
{
    for (size_t i = 0; i < c->nlisten; i++)
        depot_addr_release(&c->listen[i]);
    depot_free(c->listen);
    c->listen = NULL;
    c->nlisten = 0;
}

static int set_builder(struct config *c, const char *v, struct depot_error *err)
{
    struct service_builder_config b = {0};
    if (c->nbuilders == BUILDERS_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "more than %d builders", BUILDERS_MAX);
    int rc = config_parse_builder(v, &b, err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < c->nbuilders; i++) {
        if (!depot_str_eq(c->builders[i].name, b.name))
            continue;
        config_builder_release(&b);
        return depot_error_set(
            err, DEPOT_ERR_EXISTS, "two builders are named \"%s\"", c->builders[i].name);
    }
    c->builders = depot_realloc(c->builders, (c->nbuilders + 1) * sizeof(*c->builders));
    c->builders[c->nbuilders++] = b;
    return 0;
}

static void clear_builders(struct config *c)
{
    for (size_t i = 0; i < c->nbuilders; i++)
        config_builder_release(&c->builders[i]);
    depot_free(c->builders);
    c->builders = NULL;
    c->nbuilders = 0;
}

static int set_tls_cert(struct config *c, const char *v, struct depot_error *err)
{
    DEPOT_UNUSED(err);
    return set_string(&c->tls_cert, v);
}

static int set_tls_key(struct config *c, const char *v, struct depot_error *err)
{
    DEPOT_UNUSED(err);
    return set_string(&c->tls_key, v);
}

static int set_token_file(struct config *c, const char *v, struct depot_error *err)
{
    DEPOT_UNUSED(err);
    return set_string(&c->token_file, v);
}

static int set_state_dir(struct config *c, const char *v, struct depot_error *err)
{
    DEPOT_UNUSED(err);
    return set_string(&c->state_dir, v);
}

static int set_log_file(struct config *c, const char *v, struct depot_error *err)
{
    DEPOT_UNUSED(err);
    return set_string(&c->log_file, v);
}

static int set_config(struct config *c, const char *v, struct depot_error *err)
{
    DEPOT_UNUSED(err);
    return set_string(&c->config_file, v);
}

static int set_idle(struct config *c, const char *v, struct depot_error *err)
{
    if (depot_str_to_int64(v, 0, IDLE_MAX_S, &c->idle_s) != 0)
        return depot_error_set(err, DEPOT_ERR_INVALID, "\"%s\" is not a number of seconds", v);
    return 0;
}

static int set_log_level(struct config *c, const char *v, struct depot_error *err)
{
    int level = depot_log_level_from_name(v);
    if (level < 0)
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "\"%s\" is not one of error, warn, info, debug", v);
    c->log_level = (enum depot_log_level)level;
    return 0;
}

static int set_ready_fd(struct config *c, const char *v, struct depot_error *err)
{
    int64_t fd;
    if (depot_str_to_int64(v, 0, 65535, &fd) != 0)
        return depot_error_set(err, DEPOT_ERR_INVALID, "\"%s\" is not a file descriptor", v);
    c->ready_fd = (int)fd;
    return 0;
}

static int set_version(struct config *c, const char *v, struct depot_error *err)
{
    DEPOT_UNUSED(v);
    DEPOT_UNUSED(err);
    c->version = true;
    return 0;
}

static int set_help(struct config *c, const char *v, struct depot_error *err)
{
    DEPOT_UNUSED(v);
    DEPOT_UNUSED(err);
    c->help = true;
    return 0;
}

static const struct option options[] = {
    {'l', "listen", "URL", set_listen, clear_listen, true,
        "listen on unix://PATH or tcp://HOST:PORT (repeatable; default: a socket of this user)"},
    {'\0', "tls-cert", "FILE", set_tls_cert, NULL, true, "serve TLS on TCP with this certificate"},
    {'\0', "tls-key", "FILE", set_tls_key, NULL, true, "the certificate's private key"},
    {'\0', "token-file", "FILE", set_token_file, NULL, true,
        "file with the tokens that clients on TCP may use, one a line"},
    {'b', "builder", "NAME=ADDR", set_builder, clear_builders, true,
        "drive this BuildKit (repeatable; default: one found on this machine); after the address "
        "may follow ,ca=FILE ,cert=FILE ,key=FILE ,server-name=NAME ,max=BUILDS"},
    {'\0', "state-dir", "DIR", set_state_dir, NULL, true, "where builds are remembered"},
    {'\0', "idle", "SECONDS", set_idle, NULL, true,
        "leave when nothing ran and nobody was connected for so long (0: never)"},
    {'\0', "log-level", "LEVEL", set_log_level, NULL, true, "error, warn, info or debug"},
    {'\0', "log-file", "FILE", set_log_file, NULL, true, "append the log to this file"},
    {'c', "config", "FILE", set_config, NULL, false,
        "read options from this file, as lines of `name = value`"},
    {'\0', "ready-fd", "N", set_ready_fd, NULL, false,
        "write one byte to this descriptor when clients can connect"},
    {'V', "version", NULL, set_version, NULL, false, "print the version and leave"},
    {'h', "help", NULL, set_help, NULL, false, "print this help and leave"},
};
enum { NOPTIONS = DEPOT_ARRAY_LEN(options) };

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

static int builder_setting(
    struct service_builder_config *b, const char *text, struct depot_error *err)
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
        return set_string(rows[i].to, text + strlen(rows[i].prefix));
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

int config_parse_builder(
    const char *text, struct service_builder_config *out, struct depot_error *err)
{
    struct service_builder_config b = {0};
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
        config_builder_release(&b);
    else
        *out = b;
    return rc;
}

void config_builder_release(struct service_builder_config *b)
{
    depot_free(b->name);
    depot_addr_release(&b->addr);
    depot_tls_release(&b->tls);
    *b = (struct service_builder_config){0};
}

/* ---- the command line ---- */
/* Values given on the command line, in order, before they are applied. */
struct given {
    struct {
        const struct option *option;
        const char *value; /* of argv */
    } * items;
    size_t len, cap;
};

static const struct option *by_name(const char *name, size_t n)
{
    for (size_t i = 0; i < NOPTIONS; i++)
        if (strlen(options[i].name) == n && strncmp(options[i].name, name, n) == 0)
            return &options[i];
    return NULL;
}

static const struct option *by_letter(char c)
{
    for (size_t i = 0; i < NOPTIONS; i++)
        if (options[i].short_name != '\0' && options[i].short_name == c)
            return &options[i];
    return NULL;
}

/* One argument: "--name", "--name=value", "-n" or "-nvalue"; `*value` NULL when it stands next. */
static const struct option *match(const char *arg, const char **value)
{
    *value = NULL;
    if (arg[0] == '-' && arg[1] == '-') {
        size_t n = strcspn(arg + 2, "=");
        if (arg[2 + n] == '=')
            *value = arg + 2 + n + 1;
        return by_name(arg + 2, n);
    }
    if (arg[0] == '-' && arg[1] != '\0') {
        if (arg[2] != '\0')
            *value = arg + 2;
        return by_letter(arg[1]);
    }
    return NULL;
}

static int read_args(int argc, char *const *argv, struct given *g, struct depot_error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *value;
        const struct option *o = match(argv[i], &value);
        if (o == NULL || (o->value == NULL && value != NULL)) {
            depot_error_set(err, DEPOT_ERR_INVALID,
                o == NULL ? "unknown option \"%.100s\"" : "option \"%.100s\" takes no value",
                argv[i]);
            return depot_error_hint(err, "depotd --help lists the options");
        }
        if (o->value != NULL && value == NULL) {
            if (i + 1 == argc)
                return depot_error_set(err, DEPOT_ERR_INVALID, "option \"--%s\" needs a value (%s)",
                    o->name, o->value);
            value = argv[++i];
        }
        depot_vec_grow_((void **)&g->items, &g->cap, g->len + 1, sizeof(*g->items));
        g->items[g->len].option = o;
        g->items[g->len++].value = value;
    }
    return 0;
}

static int apply_args(struct config *c, const struct given *g, struct depot_error *err)
{
    bool seen[NOPTIONS] = {false};
    for (size_t i = 0; i < g->len; i++) {
        const struct option *o = g->items[i].option;
        if (!seen[o - options] && o->clear != NULL)
            o->clear(c);
        seen[o - options] = true;
        int rc = o->set(c, g->items[i].value, err);
        if (rc != 0) {
            depot_error_prefix(err, "--%s", o->name);
            return rc;
        }
    }
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

static int apply_line(struct config *c, char *line, struct depot_error *err)
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
    const struct option *o = by_name(key, strlen(key));
    if (o == NULL || !o->in_file)
        return depot_error_set(err, DEPOT_ERR_INVALID, "unknown option \"%.100s\"", key);
    if (*value == '\0')
        return depot_error_set(err, DEPOT_ERR_INVALID, "option \"%s\" has no value", key);
    int rc = o->set(c, value, err);
    if (rc != 0)
        depot_error_prefix(err, "%s", o->name);
    return rc;
}

static int apply_file(struct config *c, const char *path, bool required, struct depot_error *err)
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
        rc = apply_line(c, line, err);
        if (rc != 0)
            depot_error_prefix(err, "%s:%d", path, number);
    }
    depot_free(text);
    return rc;
}

/* ---- all together ---- */
static void set_defaults(struct config *c, struct depot_error *err, int *rc)
{
    if (c->nlisten == 0) {
        char *dir = depot_path_runtime_dir();
        char *url = depot_asprintf("unix://%s/depotd.sock", dir);
        *rc = set_listen(c, url, err);
        depot_free(url);
        depot_free(dir);
    }
    if (c->state_dir == NULL)
        c->state_dir = depot_path_state_dir();
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

static int load_file(struct config *c, const struct given *g, struct depot_error *err)
{
    const char *path = NULL;
    for (size_t i = 0; i < g->len; i++)
        if (g->items[i].option->set == set_config)
            path = g->items[i].value;
    if (path != NULL)
        return apply_file(c, path, true, err);
    char *dir = depot_path_config_dir();
    char *file = depot_path_join(dir, "depotd.conf");
    int rc = apply_file(c, file, false, err);
    depot_free(file);
    depot_free(dir);
    return rc;
}

static bool asks_only(const struct given *g)
{
    for (size_t i = 0; i < g->len; i++)
        if (g->items[i].option->set == set_help || g->items[i].option->set == set_version)
            return true;
    return false;
}

int config_load(int argc, char *const *argv, struct config *out, struct depot_error *err)
{
    struct config c = {.log_level = DEPOT_LOG_INFO, .ready_fd = -1};
    struct given g = {0};
    int rc = read_args(argc, argv, &g, err);
    if (rc == 0 && asks_only(&g)) {
        rc = apply_args(&c, &g, err);
        goto out;
    }
    if (rc == 0)
        rc = load_file(&c, &g, err);
    if (rc == 0)
        rc = apply_args(&c, &g, err);
    if (rc == 0)
        set_defaults(&c, err, &rc);
    if (rc == 0)
        rc = check(&c, err);
out:
    depot_free(g.items);
    if (rc != 0)
        config_release(&c);
    else
        *out = c;
    return rc;
}

void config_release(struct config *c)
{
    clear_listen(c);
    clear_builders(c);
    depot_free(c->tls_cert);
    depot_free(c->tls_key);
    depot_free(c->token_file);
    depot_free(c->state_dir);
    depot_free(c->log_file);
    depot_free(c->config_file);
    *c = (struct config){.ready_fd = -1};
}

void config_print_help(FILE *f)
{
    fprintf(f, "Usage: depotd [OPTIONS]\n\nThe builder service of Depot: an HTTP and WebSocket "
               "server in front of BuildKit engines.\n\nOptions:\n");
    for (size_t i = 0; i < NOPTIONS; i++) {
        const struct option *o = &options[i];
        char letter[5] = "    ";
        if (o->short_name != '\0')
            snprintf(letter, sizeof(letter), "-%c, ", o->short_name);
        fprintf(f, "  %s--%s%s%s\n          %s\n", letter, o->name, o->value != NULL ? " " : "",
            o->value != NULL ? o->value : "", o->help);
    }
    fprintf(f, "\nThe file is depotd.conf in the user's configuration directory for Depot; its "
               "names are those of the long options.\n");
}
