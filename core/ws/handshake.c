/*
 * See handshake.h.
 */
#include "ws/handshake.h"

#include <depot/digest.h>

#include <string.h>
#include <strings.h>

enum { ACCEPT_LEN = 28 };

void dp_wsh_key(char out[DP_WSH_KEY_LEN + 1])
{
    uint8_t random[16];
    depot_random_bytes(random, sizeof(random));
    depot_base64_encode(out, random, sizeof(random));
}

void dp_wsh_request(struct depot_buf *out, const char *host, const char *path, const char *protocol,
    const char *token, const char *header, const char *key)
{
    depot_buf_addf(out,
        "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n",
        path, host, key, protocol);
    if (token != NULL)
        depot_buf_addf(out, "Authorization: Bearer %s\r\n", token);
    if (header != NULL)
        depot_buf_addf(out, "%s\r\n", header);
    depot_buf_adds(out, "\r\n");
}

/* What a server that read our key answers. */
static void accept_of(const char *key, char out[ACCEPT_LEN + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[DP_WSH_KEY_LEN + sizeof(guid) - 1], sha[DEPOT_SHA1_LEN];
    memcpy(text, key, DP_WSH_KEY_LEN);
    memcpy(text + DP_WSH_KEY_LEN, guid, sizeof(guid) - 1);
    depot_sha1(text, sizeof(text), sha);
    depot_base64_encode(out, sha, sizeof(sha));
}

/* The end of the head (after its empty line), or NULL. */
static const char *head_end(const char *text, size_t n)
{
    for (const char *p = text; (p = memchr(p, '\n', n - (size_t)(p - text))) != NULL; p++) {
        if ((size_t)(p - text) >= 3 && memcmp(p - 3, "\r\n\r\n", 4) == 0)
            return p + 1;
    }
    return NULL;
}

/* The value of a header in the head, blanks around it left out; *n is 0 when it is not there. */
static const char *header(const char *head, const char *end, const char *name, size_t *n)
{
    const size_t len = strlen(name);
    *n = 0;
    for (const char *line = head; line < end;) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        const char *stop = eol;
        if (eol == NULL)
            break;
        if ((size_t)(eol - line) > len && line[len] == ':' && strncasecmp(line, name, len) == 0) {
            line += len + 1;
            while (line < stop && (*line == ' ' || *line == '\t'))
                line++;
            while (stop > line && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r'))
                stop--;
            *n = (size_t)(stop - line);
            return line;
        }
        line = eol + 1;
    }
    return NULL;
}

static bool header_is(const char *head, const char *end, const char *name, const char *want)
{
    size_t n;
    const char *value = header(head, end, name, &n);
    return value != NULL && n == strlen(want) && strncasecmp(value, want, n) == 0;
}

const char *dp_wsh_protocol(const char *text, size_t n, const char *offered, size_t *len)
{
    const char *value = header(text, text + n, "sec-websocket-protocol", len);
    for (const char *p = offered; value != NULL && *p != '\0'; p += strspn(p, ", ")) {
        const size_t each = strcspn(p, ", ");
        if (each == *len && strncasecmp(p, value, each) == 0)
            return value;
        p += each;
    }
    return NULL;
}

static int status_of(const char *text, size_t n)
{
    int status = 0;
    if (n < 12 || memcmp(text, "HTTP/1.", 7) != 0 || text[8] != ' ')
        return 0;
    for (size_t i = 9; i < 12; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        status = status * 10 + (text[i] - '0');
    }
    return status;
}

ssize_t dp_wsh_answer(
    const char *text, size_t n, const char *protocol, const char *key, int *status)
{
    static const char begins[] = "HTTP/1.";
    char accept[ACCEPT_LEN + 1];
    const size_t prefix = n < sizeof(begins) - 1 ? n : sizeof(begins) - 1;
    *status = 0;
    /* What is not HTTP may never send an empty line. */
    if (memcmp(text, begins, prefix) != 0)
        return DEPOT_ERR_PROTOCOL;
    const char *end = n > 0 ? head_end(text, n) : NULL;
    if (end == NULL)
        return n < DP_WSH_ANSWER_MAX ? 0 : DEPOT_ERR_PROTOCOL;
    const int code = status_of(text, n);
    if (code != 101) {
        *status = code;
        return code != 0 ? DEPOT_ERR_DENIED : DEPOT_ERR_PROTOCOL;
    }
    accept_of(key, accept);
    size_t len;
    const char *value = header(text, end, "sec-websocket-accept", &len);
    if (value == NULL || len != ACCEPT_LEN || memcmp(value, accept, len) != 0 ||
        !header_is(text, end, "upgrade", "websocket") ||
        dp_wsh_protocol(text, (size_t)(end - text), protocol, &len) == NULL ||
        header(text, end, "sec-websocket-extensions", &len) != NULL)
        return DEPOT_ERR_PROTOCOL;
    return end - text;
}
