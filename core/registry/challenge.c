/*
 * Challenges (RFC 9110 section 11) and URLs.
 */
#include "registry/challenge.h"

#include <string.h>
#include <strings.h>

static bool is_token(char c)
{
    return c != '\0' && (strchr("!#$%&'*+-.^_`|~", c) != NULL || (c >= '0' && c <= '9') ||
                            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

static const char *skip(const char *p, const char *what)
{
    return p + strspn(p, what);
}

static const char *token(const char *p, const char **start, size_t *n)
{
    *start = p;
    while (is_token(*p))
        p++;
    *n = (size_t)(p - *start);
    return p;
}

/* A token or a quoted string; NULL: neither. The caller frees *out. */
static const char *value(const char *p, char **out)
{
    const char *start;
    size_t n;
    if (*p != '"') {
        p = token(p, &start, &n);
        *out = depot_strndup(start, n);
        return p;
    }
    struct depot_buf b = DEPOT_BUF_INIT(DP_CHALLENGE_MAX);
    for (p++; *p != '"'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        if (*p == '\0') {
            depot_buf_release(&b);
            return NULL;
        }
        depot_buf_addc(&b, *p);
    }
    depot_buf_addc(&b, '\0');
    *out = depot_buf_detach(&b);
    return p + 1;
}

static void set_param(struct dp_challenge *c, const char *name, size_t n, char *take)
{
    const struct {
        const char *name;
        char **to;
    } rows[] = {{"realm", &c->realm}, {"service", &c->service}, {"scope", &c->scope}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        if (strlen(rows[i].name) == n && strncasecmp(rows[i].name, name, n) == 0 &&
            *rows[i].to == NULL) {
            *rows[i].to = take;
            return;
        }
    }
    depot_free(take);
}

/* The parameters of one challenge: up to the next word that no '=' follows. */
static const char *params(const char *p, struct dp_challenge *c)
{
    for (;;) {
        const char *name, *after, *before = p = skip(p, " \t,");
        char *text = NULL;
        size_t n;
        after = skip(token(p, &name, &n), " \t");
        if (n == 0 || *after != '=')
            return n == 0 ? p : before;
        p = value(skip(after + 1, "= \t"), &text); /* other schemes' tokens end in '=' */
        if (p == NULL)
            return NULL;
        set_param(c, name, n, text);
    }
}

static enum dp_auth_scheme scheme_of(const char *name, size_t n)
{
    if (n == 6 && strncasecmp(name, "bearer", n) == 0)
        return DP_AUTH_BEARER;
    return n == 5 && strncasecmp(name, "basic", n) == 0 ? DP_AUTH_BASIC : DP_AUTH_NONE;
}

void dp_challenge_parse(const char *header, struct dp_challenge *out)
{
    *out = (struct dp_challenge){0};
    if (header == NULL || strnlen(header, DP_CHALLENGE_MAX + 1) > DP_CHALLENGE_MAX)
        return;
    for (const char *p = skip(header, " \t,"); p != NULL && *p != '\0'; p = skip(p, " \t,")) {
        struct dp_challenge c = {0};
        const char *name;
        size_t n;
        p = token(p, &name, &n);
        if (n == 0)
            break;
        c.scheme = scheme_of(name, n);
        p = params(p, &c);
        if (c.scheme == DP_AUTH_BEARER && depot_str_empty(c.realm))
            c.scheme = DP_AUTH_NONE;
        if (p == NULL || c.scheme <= out->scheme) {
            dp_challenge_release(&c);
        } else {
            dp_challenge_release(out);
            *out = c;
        }
        if (p == NULL)
            break;
    }
}

void dp_challenge_release(struct dp_challenge *c)
{
    depot_free(c->realm);
    depot_free(c->service);
    depot_free(c->scope);
    *c = (struct dp_challenge){0};
}

/* ---- URLs ---- */

int dp_url_parse(const char *url, struct depot_addr *addr, char **path, struct depot_error *err)
{
    const bool tls = strncasecmp(url, "https://", 8) == 0;
    if (!tls && strncasecmp(url, "http://", 7) != 0)
        return depot_error_set(err, DEPOT_ERR_PROTOCOL, "\"%.80s\" is no http or https URL", url);
    if (strnlen(url, DP_URL_MAX + 1) > DP_URL_MAX || depot_str_has_control(url))
        return depot_error_set(
            err, DEPOT_ERR_PROTOCOL, "a URL is too long, or holds a control character");
    const char *host = url + (tls ? 8 : 7);
    const char *rest = host + strcspn(host, "/?#");
    char *base = depot_asprintf("%s://%.*s", tls ? "https" : "http", (int)(rest - host), host);
    int rc = depot_addr_parse(base, tls ? 443 : 80, addr, err);
    depot_free(base);
    if (rc == 0)
        *path = depot_asprintf("%s%.*s", *rest == '/' ? "" : "/", (int)strcspn(rest, "#"), rest);
    return rc;
}

bool dp_url_same_origin(const struct depot_addr *a, const struct depot_addr *b)
{
    return a->tls == b->tls && a->port == b->port && a->host != NULL && b->host != NULL &&
           strcasecmp(a->host, b->host) == 0;
}

void dp_url_escape(struct depot_buf *out, const char *s)
{
    for (; *s != '\0'; s++) {
        const unsigned char c = (unsigned char)*s;
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            strchr("-._~", c) != NULL)
            depot_buf_addc(out, (char)c);
        else
            depot_buf_addf(out, "%%%02X", c);
    }
}
