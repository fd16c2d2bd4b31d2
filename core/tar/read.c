/*
 * Walks the headers of an archive. Everything that could make another reader see other entries than
 * this one does is an error: links with content, sparse files, attributes that hold for all that
 * follows.
 */
#include "tar/tar.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tar/block.h"

enum {
    OCTAL_BITS = 3,
    DECIMAL_MAX = 20, /* digits of a pax record's length */
};

/* What the headers before an entry's own say of it. */
struct said {
    bool has_name, has_size;
    uint64_t size;
};

void dp_tar_init(struct dp_tar *t, int fd, uint64_t len)
{
    *t = (struct dp_tar){.fd = fd, .len = len};
    depot_buf_init(&t->name, DP_TAR_EXTRA_MAX);
    depot_buf_init(&t->extra, DP_TAR_EXTRA_MAX);
}

void dp_tar_release(struct dp_tar *t)
{
    depot_buf_release(&t->name);
    depot_buf_release(&t->extra);
}

int dp_tar_read(int fd, uint64_t at, void *out, size_t n, struct depot_error *err)
{
    char *to = out;
    while (n > 0) {
        ssize_t k = pread(fd, to, n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return depot_error_errno(err, errno, "cannot read back a temporary file");
        if (k == 0)
            return depot_error_set(err, DEPOT_ERR_IO, "a temporary file has become shorter");
        to += k;
        at += (uint64_t)k;
        n -= (size_t)k;
    }
    return 0;
}

static int bad(const struct dp_tar *t, const char *what, struct depot_error *err)
{
    return depot_error_set(err, DEPOT_ERR_PROTOCOL, "the archive is broken at byte %llu: %s",
        (unsigned long long)t->at, what);
}

/* ---- fields of a header ---- */

static bool is_zero(const uint8_t *p, size_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
}

/* Octal digits, with blanks before and a blank or NUL behind; empty is 0. */
static bool octal(const uint8_t *p, size_t n, uint64_t *out)
{
    size_t i = 0;
    uint64_t v = 0;
    while (i < n && p[i] == ' ')
        i++;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
        if (v >> (64 - OCTAL_BITS) != 0)
            return false;
        v = v << OCTAL_BITS | (uint64_t)(p[i] - '0');
    }
    for (; i < n; i++)
        if (p[i] != ' ' && p[i] != '\0')
            return false;
    *out = v;
    return true;
}

/* Octal, or with the top bit set the number itself, as GNU writes what is larger. */
static bool number(const uint8_t *p, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    if ((p[0] & 0x80) == 0)
        return octal(p, n, out);
    if (p[0] != 0x80)
        return false; /* negative, or beyond all measure */
    for (size_t i = 1; i < n; i++) {
        if (v >> 56 != 0)
            return false;
        v = v << 8 | p[i];
    }
    *out = v;
    return true;
}

static bool sum_is_right(const struct dp_tar_block *b)
{
    uint64_t sum = 0;
    return octal(b->sum, sizeof(b->sum), &sum) && sum == dp_tar_sum(b);
}

static void name_of(const struct dp_tar_block *b, struct depot_buf *to)
{
    const char *name = (const char *)b->name, *prefix = (const char *)b->prefix;
    depot_buf_clear(to);
    if (memcmp(b->magic, DP_TAR_MAGIC, sizeof(b->magic)) == 0 && prefix[0] != '\0') {
        depot_buf_add(to, prefix, strnlen(prefix, sizeof(b->prefix)));
        depot_buf_addc(to, '/');
    }
    depot_buf_add(to, name, strnlen(name, sizeof(b->name)));
}

/* Drops the slashes at the end; what is left must be names between single slashes. */
static bool clean_name(struct depot_buf *name)
{
    while (name->len > 1 && name->data[name->len - 1] == '/')
        depot_buf_truncate(name, name->len - 1);
    if (name->overflow || name->len == 0 || memchr(name->data, '\0', name->len) != NULL)
        return false;
    for (const char *p = name->data; p != NULL;) {
        const char *slash = strchr(p, '/');
        size_t n = slash != NULL ? (size_t)(slash - p) : strlen(p);
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        p = slash != NULL ? slash + 1 : NULL;
    }
    return true;
}

/* ---- headers that belong to the next one ---- */

/* "LENGTH KEY=VALUE\n", LENGTH being that of all of it. */
static int pax_record(
    struct dp_tar *t, const char **at, const char *end, struct said *said, struct depot_error *err)
{
    const char *p = *at, *blank = memchr(p, ' ', (size_t)(end - p));
    char digits[DECIMAL_MAX];
    int64_t len = 0, size = 0;
    if (blank == NULL || blank - p >= DECIMAL_MAX)
        return bad(t, "an attribute has no length", err);
    memcpy(digits, p, (size_t)(blank - p));
    digits[blank - p] = '\0';
    if (depot_str_to_int64(digits, blank - p + 3, end - p, &len) != 0 || p[len - 1] != '\n')
        return bad(t, "an attribute has a wrong length", err);
    const char *key = blank + 1, *last = p + len - 1;
    const char *eq = memchr(key, '=', (size_t)(last - key));
    if (eq == NULL)
        return bad(t, "an attribute has no value", err);
    size_t key_len = (size_t)(eq - key), value_len = (size_t)(last - eq - 1);
    *at = p + len;
    if (key_len == 4 && memcmp(key, "path", 4) == 0) {
        depot_buf_clear(&t->name);
        depot_buf_add(&t->name, eq + 1, value_len);
        said->has_name = true;
    } else if (key_len == 4 && memcmp(key, "size", 4) == 0) {
        char text[DECIMAL_MAX];
        if (value_len >= sizeof(text))
            return bad(t, "a size is no number", err);
        memcpy(text, eq + 1, value_len);
        text[value_len] = '\0';
        if (depot_str_to_int64(text, 0, INT64_MAX, &size) != 0)
            return bad(t, "a size is no number", err);
        said->size = (uint64_t)size;
        said->has_size = true;
    } else if (key_len >= 11 && memcmp(key, "GNU.sparse.", 11) == 0) {
        return bad(t, "it has a sparse file", err);
    }
    return 0;
}

static int extension(struct dp_tar *t, char type, struct said *said, struct depot_error *err)
{
    const char *p = t->extra.data, *end = p + t->extra.len;
    int rc = 0;
    if (type == DP_TAR_TYPE_PAX) {
        while (rc == 0 && p < end)
            rc = pax_record(t, &p, end, said, err);
    } else if (type == DP_TAR_TYPE_GNU_NAME) {
        depot_buf_clear(&t->name);
        depot_buf_add(&t->name, p, strnlen(p, t->extra.len));
        said->has_name = true;
    }
    return rc;
}

/* ---- entries ---- */

static int read_block(struct dp_tar *t, uint64_t at, void *out, size_t n, struct depot_error *err)
{
    if (at > t->len || n > t->len - at)
        return bad(t, "it ends early", err);
    return dp_tar_read(t->fd, at, out, n, err);
}

/* A header at t->at; EOF at the end of all. */
static int read_head(struct dp_tar *t, struct dp_tar_block *b, struct depot_error *err)
{
    uint8_t end[DP_TAR_END];
    *b = (struct dp_tar_block){0};
    int rc = read_block(t, t->at, b, sizeof(*b), err);
    if (rc != 0)
        return rc;
    if (is_zero((const uint8_t *)b, sizeof(*b))) {
        rc = read_block(t, t->at, end, sizeof(end), err);
        if (rc != 0)
            return rc;
        return is_zero(end, sizeof(end)) ? DEPOT_ERR_EOF : bad(t, "it goes on after its end", err);
    }
    return sum_is_right(b) ? 0 : bad(t, "a header's checksum is wrong", err);
}

static int find_end(struct dp_tar *t, uint64_t size, uint64_t *end, struct depot_error *err)
{
    const uint64_t data = t->at + DP_TAR_BLOCK;
    if (size > t->len - data || dp_tar_padding(size) > t->len - data - size)
        return bad(t, "a size leads beyond its end", err);
    *end = data + size + dp_tar_padding(size);
    return 0;
}

static int read_extension(
    struct dp_tar *t, const struct dp_tar_block *b, struct said *said, struct depot_error *err)
{
    uint64_t size, end = 0;
    if (!number(b->size, sizeof(b->size), &size))
        return bad(t, "a size is no number", err);
    if (size > DP_TAR_EXTRA_MAX)
        return bad(t, "the attributes of an entry are too long", err);
    int rc = find_end(t, size, &end, err);
    if (rc != 0)
        return rc;
    depot_buf_clear(&t->extra);
    char *to = depot_buf_reserve(&t->extra, size > 0 ? (size_t)size : 1);
    if (to == NULL)
        return bad(t, "the attributes of an entry are too long", err);
    rc = dp_tar_read(t->fd, t->at + DP_TAR_BLOCK, to, (size_t)size, err);
    t->extra.len = (size_t)size;
    if (rc == 0)
        rc = extension(t, b->type, said, err);
    t->at = end;
    return rc;
}

static int entry(struct dp_tar *t, const struct dp_tar_block *b, const struct said *said,
    struct dp_tar_entry *out, struct depot_error *err)
{
    static const char links[] = "123456";
    if (b->type == DP_TAR_TYPE_DIR)
        out->type = DP_TAR_DIR;
    else if (b->type != '\0' && strchr(links, b->type) != NULL)
        out->type = DP_TAR_LINK;
    else if (b->type == DP_TAR_TYPE_FILE || b->type == '\0')
        out->type = DP_TAR_FILE;
    else
        return bad(t, "an entry is of an unknown kind", err);
    out->size = said->size;
    if (!said->has_size && !number(b->size, sizeof(b->size), &out->size))
        return bad(t, "a size is no number", err);
    if (out->type != DP_TAR_FILE && out->size > 0)
        return bad(t, "what is no file has content", err);
    if (!said->has_name)
        name_of(b, &t->name);
    if (!clean_name(&t->name))
        return bad(t, "a name is no clean path below its folder", err);
    out->name = depot_buf_str(&t->name);
    out->data = t->at + DP_TAR_BLOCK;
    return find_end(t, out->size, &out->end, err);
}

static bool is_extension(char type)
{
    return type == DP_TAR_TYPE_PAX || type == DP_TAR_TYPE_GNU_NAME || type == DP_TAR_TYPE_GNU_LINK;
}

int dp_tar_next(struct dp_tar *t, struct dp_tar_entry *out, struct depot_error *err)
{
    struct dp_tar_block b;
    struct said said = {0};
    struct dp_tar_entry e = {.at = t->at};
    int rc = read_head(t, &b, err);
    while (rc == 0 && is_extension(b.type)) {
        rc = read_extension(t, &b, &said, err);
        if (rc == 0)
            rc = read_head(t, &b, err);
        if (rc == DEPOT_ERR_EOF)
            rc = bad(t, "attributes stand before no entry", err);
    }
    if (rc == 0)
        rc = entry(t, &b, &said, &e, err);
    if (rc != 0)
        return rc;
    t->at = e.end;
    *out = e;
    return 0;
}
