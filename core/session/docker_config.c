/*
 * Reading Docker's config.json. No I/O.
 */
#include "session/docker_config.h"

#include <depot/path.h>

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* Docker Hub has one name for engines and another in the file. */
static const char hub_host[] = "registry-1.docker.io";
static const char hub_server[] = "https://index.docker.io/v1/";

void dp_credentials_release(struct dp_credentials *c)
{
    depot_free(c->username);
    depot_free(c->secret);
    *c = (struct dp_credentials){0};
}

void dp_docker_auth_release(struct dp_docker_auth *a)
{
    depot_free(a->server);
    depot_free(a->helper);
    dp_credentials_release(&a->own);
    *a = (struct dp_docker_auth){0};
}

static const char *string_of(struct json_object *o, const char *key)
{
    struct json_object *v;
    if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v) ||
        !json_object_is_type(v, json_type_string))
        return NULL;
    const char *s = json_object_get_string(v);
    return s != NULL && s[0] != '\0' ? s : NULL;
}

/* A name and nothing else: it becomes part of a program's name. */
static bool is_helper_name(const char *s)
{
    return s != NULL && strlen(s) <= 128 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
               strlen(s);
}

static struct json_object *parse(const char *json, size_t n)
{
    struct json_tokener *tok = json_tokener_new();
    struct json_object *o = NULL;
    if (tok != NULL && n <= DP_DOCKER_CONFIG_MAX)
        o = json_tokener_parse_ex(tok, json, (int)n);
    if (tok != NULL && o != NULL && json_tokener_get_error(tok) != json_tokener_success) {
        json_object_put(o);
        o = NULL;
    }
    json_tokener_free(tok);
    return o;
}

/* The host within a key of "auths", which may be a URL. */
static bool same_host(const char *key, const char *host)
{
    if (depot_str_starts(key, "https://"))
        key += 8;
    else if (depot_str_starts(key, "http://"))
        key += 7;
    size_t n = strcspn(key, "/");
    return strlen(host) == n && memcmp(key, host, n) == 0;
}

/* "user:password" in base64. */
static void decode_auth(const char *text, struct dp_credentials *out)
{
    size_t n = strlen(text), len;
    char *plain = depot_alloc(n / 4 * 3 + 4);
    if (depot_base64_decode(plain, &len, text, n) == 0) {
        plain[len] = '\0';
        char *colon = strchr(plain, ':');
        if (colon != NULL) {
            out->username = depot_strndup(plain, (size_t)(colon - plain));
            out->secret = depot_strdup(colon + 1); /* NULs that some tools pad with are cut */
        }
    }
    depot_free(plain);
}

static void read_entry(struct json_object *entry, struct dp_credentials *out)
{
    const char *token = string_of(entry, "identitytoken");
    const char *auth = string_of(entry, "auth");
    if (token != NULL) {
        out->username = depot_strdup("");
        out->secret = depot_strdup(token);
    } else if (auth != NULL) {
        decode_auth(auth, out);
    } else if (string_of(entry, "username") != NULL && string_of(entry, "password") != NULL) {
        out->username = depot_strdup(string_of(entry, "username"));
        out->secret = depot_strdup(string_of(entry, "password"));
    }
}

static void find_own(struct json_object *root, const char *host, struct dp_docker_auth *out)
{
    struct json_object *auths, *entry;
    if (!json_object_object_get_ex(root, "auths", &auths) ||
        !json_object_is_type(auths, json_type_object))
        return;
    if (json_object_object_get_ex(auths, out->server, &entry)) {
        read_entry(entry, &out->own);
    } else {
        bool hub = strcmp(host, hub_host) == 0;
        json_object_object_foreach(auths, key, value)
        {
            bool hit = same_host(key, host) ||
                       (hub && (same_host(key, "index.docker.io") || same_host(key, "docker.io")));
            if (hit && out->own.secret == NULL)
                read_entry(value, &out->own);
        }
    }
}

int dp_docker_config_find(const char *json, size_t n, const char *host, struct dp_docker_auth *out,
    struct depot_error *err)
{
    struct json_object *helpers;
    *out = (struct dp_docker_auth){
        .server = depot_strdup(strcmp(host, hub_host) == 0 ? hub_server : host)};
    if (n == 0)
        return 0;
    struct json_object *root = parse(json, n);
    if (!json_object_is_type(root, json_type_object)) {
        json_object_put(root);
        return depot_error_set(err, DEPOT_ERR_INVALID, "not a JSON object");
    }
    const char *helper = json_object_object_get_ex(root, "credHelpers", &helpers)
                             ? string_of(helpers, out->server)
                             : NULL;
    if (helper == NULL)
        helper = string_of(root, "credsStore");
    if (is_helper_name(helper))
        out->helper = depot_strdup(helper);
    find_own(root, host, out);
    json_object_put(root);
    return 0;
}

char *dp_docker_config_path(const char *dir)
{
    char *where = depot_path_docker_dir(dir);
    char *path = depot_path_join(where, "config.json");
    depot_free(where);
    return path;
}

int dp_docker_config_proxies(const char *json, size_t n, const char *docker_host,
    struct depot_kvs *out, struct depot_error *err)
{
    static const struct {
        const char *key, *variable;
    } rows[] = {
        {"httpProxy", "HTTP_PROXY"},
        {"httpsProxy", "HTTPS_PROXY"},
        {"noProxy", "NO_PROXY"},
        {"ftpProxy", "FTP_PROXY"},
        {"allProxy", "ALL_PROXY"},
    };
    struct json_object *root = n > 0 ? parse(json, n) : NULL, *proxies, *proxy;
    int rc = 0;
    if (n > 0 && !json_object_is_type(root, json_type_object))
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "not a JSON object");
    else if (root != NULL && json_object_object_get_ex(root, "proxies", &proxies) &&
             (json_object_object_get_ex(proxies, docker_host, &proxy) ||
                 json_object_object_get_ex(proxies, "default", &proxy)))
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
            if (string_of(proxy, rows[i].key) != NULL)
                depot_kvs_set(out, rows[i].variable, string_of(proxy, rows[i].key));
    json_object_put(root);
    return rc;
}

int dp_docker_helper_parse(const char *json, size_t n, struct dp_credentials *out)
{
    struct json_object *root = parse(json, n);
    const char *user = string_of(root, "Username"), *secret = string_of(root, "Secret");
    int rc = DEPOT_ERR_NOT_FOUND;
    *out = (struct dp_credentials){0};
    if (secret != NULL) {
        out->username = depot_strdup(user != NULL && strcmp(user, "<token>") != 0 ? user : "");
        out->secret = depot_strdup(secret);
        rc = 0;
    }
    json_object_put(root);
    return rc;
}
