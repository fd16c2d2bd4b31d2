/*
 * A WebSocket server for tests that does what it is told, also what no good server does: blocking
 * calls on plain sockets, to be used from a thread of the test. Not for anything but tests.
 */
#ifndef DEPOT_TESTS_FAKE_WS_H
#define DEPOT_TESTS_FAKE_WS_H

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <depot/os.h>

enum { FAKE_TEXT = 1, FAKE_BINARY = 2, FAKE_CLOSE = 8, FAKE_PING = 9, FAKE_PONG = 10 };

static inline int fake_listen(char *path, size_t n)
{
    static int counter;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(path, n, "/tmp/depot-test-%d-%d.sock", (int)getpid(), counter++);
    unlink(path);
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
    const int fd = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, false);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 16) < 0)
        return -1;
    return fd;
}

static inline bool fake_read_all(int fd, void *buf, size_t n)
{
    for (size_t got = 0; got < n;) {
        const ssize_t r = read(fd, (char *)buf + got, n - got);
        if (r <= 0)
            return false;
        got += (size_t)r;
    }
    return true;
}

static inline bool fake_write_all(int fd, const void *buf, size_t n)
{
    for (size_t put = 0; put < n;) {
        const ssize_t r = send(fd, (const char *)buf + put, n - put, MSG_NOSIGNAL);
        if (r <= 0)
            return false;
        put += (size_t)r;
    }
    return true;
}

static inline bool fake_puts(int fd, const char *s)
{
    return fake_write_all(fd, s, strlen(s));
}

/* strcasestr(), which POSIX has not. */
static inline const char *fake_find(const char *s, const char *needle)
{
    for (const size_t n = strlen(needle); *s != '\0'; s++) {
        if (strncasecmp(s, needle, n) == 0)
            return s;
    }
    return NULL;
}

static inline void fake_read_head(int fd, char *head, size_t cap)
{
    const struct timeval limit = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    size_t n = 0;
    head[0] = '\0';
    while (n + 1 < cap && strstr(head, "\r\n\r\n") == NULL && read(fd, head + n, 1) == 1)
        head[++n] = '\0';
}

/* The next connection and the head of its request. */
static inline int fake_accept(int lfd, char *head, size_t cap)
{
    const int fd = accept(lfd, NULL, NULL);
    if (fd >= 0)
        fake_read_head(fd, head, cap);
    return fd;
}

/* The answer to the handshake whose head was read. */
static inline bool fake_answer(char *answer, size_t cap, const char *head, const char *protocol)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const char name[] = "Sec-WebSocket-Key: ";
    char key[128], accept_key[64];
    unsigned char sha[20];
    const char *p = fake_find(head, name);
    if (p == NULL)
        return false;
    p += sizeof(name) - 1;
    snprintf(key, sizeof(key), "%.*s%s", (int)strcspn(p, "\r\n"), p, guid);
    SHA1((unsigned char *)key, strlen(key), sha);
    EVP_EncodeBlock((unsigned char *)accept_key, sha, sizeof(sha));
    snprintf(answer, cap,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
        accept_key, protocol);
    return true;
}

static inline bool fake_upgrade(int fd, const char *head, const char *protocol)
{
    char answer[512];
    return fake_answer(answer, sizeof(answer), head, protocol) && fake_puts(fd, answer);
}

/* One frame into buf; its opcode, or -1 at the end or when it does not fit. */
static inline int fake_recv(int fd, void *buf, size_t cap, size_t *n)
{
    uint8_t h[2], ext[8], key[4];
    if (!fake_read_all(fd, h, 2))
        return -1;
    uint64_t len = h[1] & 0x7f;
    const size_t next = len == 126 ? 2 : len == 127 ? 8 : 0;
    if (next > 0) {
        if (!fake_read_all(fd, ext, next))
            return -1;
        len = 0;
        for (size_t i = 0; i < next; i++)
            len = len << 8 | ext[i];
    }
    if (!(h[1] & 0x80) || !fake_read_all(fd, key, 4) || len > cap || !fake_read_all(fd, buf, len))
        return -1;
    uint8_t *p = buf;
    for (size_t i = 0; i < len && i < cap; i++)
        p[i] ^= key[i & 3];
    *n = (size_t)len;
    return h[0] & 0x0f;
}

static inline bool fake_send_part(int fd, int op, bool fin, const void *data, size_t n)
{
    uint8_t h[10];
    size_t hn = 0;
    h[hn++] = (uint8_t)((fin ? 0x80 : 0) | op);
    if (n < 126) {
        h[hn++] = (uint8_t)n;
    } else if (n <= 0xffff) {
        h[hn++] = 126;
        h[hn++] = (uint8_t)(n >> 8);
        h[hn++] = (uint8_t)n;
    } else {
        h[hn++] = 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            h[hn++] = (uint8_t)((uint64_t)n >> shift);
    }
    return fake_write_all(fd, h, hn) && fake_write_all(fd, data, n);
}

static inline bool fake_send(int fd, int op, const void *data, size_t n)
{
    return fake_send_part(fd, op, true, data, n);
}

static inline bool fake_text(int fd, const char *s)
{
    return fake_send(fd, FAKE_TEXT, s, strlen(s));
}

static inline bool fake_close(int fd, int code)
{
    const uint8_t body[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    return fake_send(fd, FAKE_CLOSE, body, sizeof(body));
}

#endif
