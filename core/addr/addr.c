/*
 * Addresses as people write them, read into their parts. Nothing is resolved or opened here.
 */
#include <depot/addr.h>

#include <sys/un.h>

enum { HOST_MAX = 253, PORT_MAX = 65535 };

/* The longest path that fits a socket address with its NUL. */
#define UNIX_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

static const struct {
    const char *prefix;
    enum depot_addr_kind kind;
    bool tls, docker;
} schemes[] = {
    {.prefix = "unix://", .kind = DEPOT_ADDR_UNIX},
    {.prefix = "tcp://", .kind = DEPOT_ADDR_TCP},
    {.prefix = "http://", .kind = DEPOT_ADDR_TCP},
    {.prefix = "https://", .kind = DEPOT_ADDR_TCP, .tls = true},
    {.prefix = "docker+unix://", .kind = DEPOT_ADDR_UNIX, .docker = true},
    {.prefix = "docker+tcp://", .kind = DEPOT_ADDR_TCP, .docker = true},
};

static int bad(struct depot_error *err, const char *s, const char *why)
{
    depot_error_set(err, DEPOT_ERR_INVALID, "address '%.200s': %s", s, why);
    depot_error_hint(err, "write it as unix:///path, tcp://host:port or https://host:port");
    return DEPOT_ERR_INVALID;
}

static bool has_control(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return true;
    }
    return false;
}

static int parse_unix(
    const char *s, const char *path, struct depot_addr *a, struct depot_error *err)
{
    if (*path != '/')
        return bad(err, s, "the socket's path is not absolute");
    if (strlen(path) > UNIX_PATH_MAX)
        return bad(err, s, "the socket's path is longer than 107 bytes");
    a->path = depot_strdup(path);
    return 0;
}

/* Cuts `rest` into host and what follows it, which is empty or ":port". */
static int parse_host(const char *s, const char *rest, struct depot_addr *a, const char **after,
    struct depot_error *err)
{
    const char *end;

    if (*rest == '[') {
        end = strchr(++rest, ']');
        if (end == NULL)
            return bad(err, s, "']' is missing");
        *after = end + 1;
        if (memchr(rest, ':', (size_t)(end - rest)) == NULL)
            return bad(err, s, "only an IPv6 address stands in brackets");
    } else {
        end = rest + strcspn(rest, ":");
        *after = end;
        if (*end == ':' && strchr(end + 1, ':') != NULL)
            return bad(err, s, "an IPv6 address needs brackets, as in tcp://[::1]:1234");
    }
    if (end == rest)
        return bad(err, s, "the host is missing");
    if (end - rest > HOST_MAX)
        return bad(err, s, "the host name is too long");
    if (memchr(rest, ' ', (size_t)(end - rest)) != NULL)
        return bad(err, s, "a host name has no spaces");
    a->host = depot_strndup(rest, (size_t)(end - rest));
    return 0;
}

static int parse_tcp(const char *s, const char *rest, int default_port, struct depot_addr *a,
    struct depot_error *err)
{
    size_t len = strlen(rest);
    const char *after;
    char *bare;
    int64_t port = default_port;
    int rc;

    /* A URL that was copied from a browser ends in a slash. */
    if (len > 0 && rest[len - 1] == '/')
        len--;
    bare = depot_strndup(rest, len);
    if (strpbrk(bare, "/?#") != NULL)
        rc = bad(err, s, "only a host and a port can stand here, no path");
    else if (strchr(bare, '@') != NULL)
        rc = bad(err, s, "it holds a user name; tokens are given apart from the address");
    else
        rc = parse_host(s, bare, a, &after, err);
    if (rc != 0)
        goto out;
    if (*after == '\0' && default_port == 0)
        rc = bad(err, s, "the port is missing");
    else if (*after != '\0' &&
             (*after != ':' || depot_str_to_int64(after + 1, 1, PORT_MAX, &port) != 0))
        rc = bad(err, s, "the port is not a number from 1 to 65535");
    else
        a->port = (int)port;
out:
    depot_free(bare);
    return rc;
}

static int unknown_scheme(const char *s, struct depot_error *err)
{
    const char *sep = strstr(s, "://");

    if (sep == NULL)
        return bad(err, s, *s == '/' ? "a socket is written unix://PATH" : "it has no scheme");
    depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "address '%.200s': the scheme '%.*s' is not known",
        s, (int)(sep - s > 32 ? 32 : sep - s), s);
    depot_error_hint(err, "known are unix, tcp, http, https, docker+unix and docker+tcp");
    return DEPOT_ERR_UNSUPPORTED;
}

int depot_addr_parse(
    const char *s, int default_port, struct depot_addr *out, struct depot_error *err)
{
    struct depot_addr a = {0};
    const char *rest = NULL;
    int rc;

    if (depot_str_empty(s)) {
        depot_error_set(err, DEPOT_ERR_INVALID, "the address is empty");
        depot_error_hint(err, "write it as unix:///path or tcp://host:port");
        return DEPOT_ERR_INVALID;
    }
    if (has_control(s))
        return depot_error_set(err, DEPOT_ERR_INVALID, "an address holds a control character");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(schemes) && rest == NULL; i++) {
        if (!depot_str_starts(s, schemes[i].prefix))
            continue;
        rest = s + strlen(schemes[i].prefix);
        a.kind = schemes[i].kind;
        a.tls = schemes[i].tls;
        a.docker = schemes[i].docker;
    }
    if (rest == NULL)
        return unknown_scheme(s, err);
    if (a.kind == DEPOT_ADDR_UNIX)
        rc = parse_unix(s, rest, &a, err);
    else
        rc = parse_tcp(s, rest, default_port, &a, err);
    if (rc != 0) {
        depot_addr_release(&a);
        return rc;
    }
    a.text = depot_strdup(s);
    *out = a;
    return 0;
}

void depot_addr_copy(struct depot_addr *to, const struct depot_addr *from)
{
    struct depot_addr copy = *from;

    copy.path = depot_strdup(from->path);
    copy.host = depot_strdup(from->host);
    copy.text = depot_strdup(from->text);
    *to = copy;
}

int depot_addr_hint_token(struct depot_error *err, bool given)
{
    return depot_error_hint(err, given ? "check DEPOT_TOKEN: the daemon does not know this token"
                                       : "set DEPOT_TOKEN to a token of this daemon");
}

void depot_addr_release(struct depot_addr *a)
{
    depot_free(a->path);
    depot_free(a->host);
    depot_free(a->text);
    *a = (struct depot_addr){0};
}

void depot_tls_copy(struct depot_tls *to, const struct depot_tls *from)
{
    struct depot_tls copy = {.enabled = from->enabled};

    copy.ca = depot_strdup(from->ca);
    copy.cert = depot_strdup(from->cert);
    copy.key = depot_strdup(from->key);
    copy.server_name = depot_strdup(from->server_name);
    *to = copy;
}

void depot_tls_release(struct depot_tls *t)
{
    depot_free(t->ca);
    depot_free(t->cert);
    depot_free(t->key);
    depot_free(t->server_name);
    *t = (struct depot_tls){0};
}
