/*
 * Tests of streams: descriptors, pipes, connecting, TLS and the upgrade handshake. The peers are
 * threads of this program on real sockets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/buf.h>
#include <depot/os.h>

#include "fake_tls.h"
#include "net/stream.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/depot-test-net-XXXXXX";
static char *cert_path, *key_path;

/* What a test sees of a stream or a connect. */
struct seen {
    struct depot_loop *l;
    struct dp_connect *c;
    struct dp_stream *s;
    struct depot_error err;
    struct depot_buf got;
    size_t to_write, max_reads;
    int done, end, closed;
    size_t drained;
    bool ended, free_inside;
};

static int set_up(void **state)
{
    struct seen *w = depot_calloc(1, sizeof(*w));

    depot_buf_init(&w->got, DEPOT_BUF_NO_LIMIT);
    *state = w;
    return depot_loop_new(&w->l, NULL);
}

static int tear_down(void **state)
{
    struct seen *w = *state;

    dp_connect_free(w->c);
    dp_stream_close(w->s);
    depot_loop_free(w->l);
    depot_buf_release(&w->got);
    depot_free(w);
    return 0;
}

/* Reads all there is, in the odd sizes that find mistakes; ends the stream's interest at its end.
 */
static void on_ready(struct dp_stream *s, unsigned events, void *arg)
{
    struct seen *w = arg;

    if ((events & DEPOT_WRITE) && w->to_write > 0) {
        static char block[100000];
        struct iovec iov[2] = {{block, 9}, {block + 9, sizeof(block) - 9}};
        ssize_t put;

        if (iov[1].iov_len > w->to_write)
            iov[1].iov_len = w->to_write;
        if (w->to_write < 9)
            iov[0].iov_len = w->to_write, iov[1].iov_len = 0;
        else if (iov[0].iov_len + iov[1].iov_len > w->to_write)
            iov[1].iov_len = w->to_write - 9;
        put = dp_stream_writev(s, iov, 2);
        assert_true(put > 0 || put == DEPOT_ERR_AGAIN);
        if (put > 0)
            w->to_write -= (size_t)put;
        if (w->to_write == 0)
            dp_stream_want(s, DEPOT_READ);
    }
    if (events & DEPOT_READ) {
        size_t size = w->max_reads > 0 ? w->max_reads : 1000;
        ssize_t n = dp_stream_read(s, depot_buf_reserve(&w->got, size), size);

        if (n > 0) {
            w->got.len += (size_t)n;
        } else if (n != DEPOT_ERR_AGAIN) {
            w->ended = true;
            w->end = (int)n;
            dp_stream_want(s, 0);
            if (w->free_inside) {
                w->s = NULL;
                dp_stream_close(s);
            }
        }
    }
}

static void test_fd__carries_much_both_ways(void **state)
{
    enum { TOTAL = 3000000 };
    struct seen *w = *state, peer = {.to_write = TOTAL, .l = w->l};
    int fds[2];

    depot_buf_init(&peer.got, DEPOT_BUF_NO_LIMIT);
    assert_int_equal(depot_os_socketpair(fds, true), 0);
    assert_int_equal(dp_stream_fd_new_take(w->l, fds[0], &w->s, NULL), 0);
    assert_int_equal(dp_stream_fd_new_take(w->l, fds[1], &peer.s, NULL), 0);
    w->to_write = TOTAL;
    w->max_reads = peer.max_reads = 65536;
    dp_stream_listen(w->s, on_ready, w);
    dp_stream_listen(peer.s, on_ready, &peer);
    dp_stream_want(w->s, DEPOT_READ | DEPOT_WRITE);
    dp_stream_want(peer.s, DEPOT_READ | DEPOT_WRITE);
    while (w->got.len < TOTAL || peer.got.len < TOTAL)
        depot_loop_turn(w->l);
    w->free_inside = true;
    dp_stream_close(peer.s);
    depot_loop_run(w->l);
    assert_true(w->ended);
    assert_null(w->s);
    depot_buf_release(&peer.got);
}

static void test_fd__writing_to_a_closed_peer_is_no_signal(void **state)
{
    struct seen *w = *state;
    char byte[] = "x";
    struct iovec iov = {byte, 1};
    int fds[2];

    assert_int_equal(depot_os_socketpair(fds, true), 0);
    assert_int_equal(dp_stream_fd_new_take(w->l, fds[0], &w->s, NULL), 0);
    close(fds[1]);
    assert_int_equal(dp_stream_writev(w->s, &iov, 1), DEPOT_ERR_UNAVAILABLE);
}

/* Pipes. */

static ssize_t far_write(void *arg, const struct iovec *iov, int n)
{
    struct seen *w = arg;
    size_t done = 0;

    if (w->to_write == 0)
        return DEPOT_ERR_AGAIN;
    for (int i = 0; i < n && done < w->to_write; i++) {
        size_t part = iov[i].iov_len < w->to_write - done ? iov[i].iov_len : w->to_write - done;

        depot_buf_add(&w->got, iov[i].iov_base, part);
        done += part;
    }
    w->to_write -= done;
    return (ssize_t)done;
}

static void far_drained(void *arg, size_t queued)
{
    struct seen *w = arg;

    w->done++;
    w->drained = queued;
}

static void far_closed(void *arg)
{
    struct seen *w = arg;

    w->closed++;
}

static const struct dp_pipe_ops far_ops = {
    .write = far_write, .drained = far_drained, .closed = far_closed};

static void test_pipe__delivers_in_order_whatever_the_sizes(void **state)
{
    struct seen *w = *state, far = {0};
    struct dp_pipe *p = dp_pipe_new(w->l, &far_ops, &far);
    struct depot_buf all = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    static const size_t sizes[] = {1, 0, 5, 65535, 1, 65536, 3, 300000, 7};

    w->s = dp_pipe_stream(p);
    dp_stream_listen(w->s, on_ready, w);
    dp_stream_want(w->s, DEPOT_READ);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(sizes); i++) {
        char *data = depot_alloc(sizes[i]);

        depot_random_bytes(data, sizes[i]);
        dp_pipe_push(p, data, sizes[i]);
        depot_buf_add(&all, data, sizes[i]);
        depot_free(data);
        depot_loop_turn(w->l);
    }
    assert_true(w->got.len <= 2 * 9 * 1000); /* once inside a push, once in the turn */
    assert_int_equal(dp_pipe_queued(p), all.len - w->got.len);
    w->max_reads = 70001;
    dp_pipe_push_eof(p, DEPOT_ERR_CANCELLED);
    dp_pipe_push(p, "late", 4);
    w->free_inside = true;
    depot_loop_run(w->l);
    assert_true(w->ended);
    assert_int_equal(w->end, DEPOT_ERR_CANCELLED);
    assert_int_equal(w->got.len, all.len);
    assert_memory_equal(w->got.data, all.data, all.len);
    assert_int_equal(far.drained, 0);
    assert_int_equal(far.closed, 1);
    depot_buf_release(&all);
}

/* Who waits is told inside the push, and reads what is pushed where it lies. */
struct greedy {
    struct dp_pipe *p;
    struct dp_stream *s;
    struct depot_buf got;
    size_t max;
    const char *more; /* pushed from inside */
    bool close;
};

static void on_greedy(struct dp_stream *s, unsigned events, void *arg)
{
    struct greedy *g = arg;
    ssize_t n = dp_stream_read(s, depot_buf_reserve(&g->got, g->max), g->max);

    DEPOT_UNUSED(events);
    if (n > 0)
        g->got.len += (size_t)n;
    g->got.data[g->got.len] = '\0';
    if (g->more != NULL) {
        const char *more = g->more;

        g->more = NULL;
        dp_pipe_push(g->p, more, strlen(more));
    }
    if (g->close)
        dp_stream_close(s);
}

static void greedy_init(struct seen *w, struct greedy *g, struct seen *far, size_t max)
{
    *g = (struct greedy){.p = dp_pipe_new(w->l, &far_ops, far), .max = max};
    g->s = dp_pipe_stream(g->p);
    depot_buf_init(&g->got, DEPOT_BUF_NO_LIMIT);
    dp_stream_listen(g->s, on_greedy, g);
    dp_stream_want(g->s, DEPOT_READ);
}

static void test_pipe__offers_what_is_pushed(void **state)
{
    struct seen *w = *state, far = {0};
    struct greedy g;

    greedy_init(w, &g, &far, 4);
    dp_pipe_push(g.p, "abcd", 4);
    assert_string_equal(depot_buf_str(&g.got), "abcd");
    assert_int_equal(dp_pipe_queued(g.p), 0);
    for (int i = 0; i < 3; i++)
        depot_loop_turn(w->l);
    assert_int_equal(far.done, 0); /* nothing was queued, so nothing was drained */
    /* What is left, and what is pushed from inside, keep their order. */
    g.more = "klm";
    dp_pipe_push(g.p, "efghij", 6);
    assert_string_equal(depot_buf_str(&g.got), "abcdefgh");
    assert_int_equal(dp_pipe_queued(g.p), 5);
    dp_pipe_push(g.p, "n", 1);
    for (int i = 0; i < 10; i++)
        depot_loop_turn(w->l);
    assert_string_equal(depot_buf_str(&g.got), "abcdefghijklmn");
    dp_stream_want(g.s, 0);
    dp_pipe_push(g.p, "o", 1);
    assert_int_equal(dp_pipe_queued(g.p), 1);
    dp_stream_close(g.s);
    depot_loop_run(w->l);
    assert_int_equal(far.closed, 1);
    depot_buf_release(&g.got);
}

static void test_pipe__is_closed_inside_an_offer(void **state)
{
    struct seen *w = *state, far = {0};
    struct greedy g;

    greedy_init(w, &g, &far, 4);
    g.close = true;
    dp_pipe_push(g.p, "abcdefgh", 8);
    dp_pipe_push(g.p, "never", 5);
    assert_int_equal(far.closed, 0);
    depot_loop_run(w->l);
    assert_int_equal(far.closed, 1);
    assert_string_equal(depot_buf_str(&g.got), "abcd");
    depot_buf_release(&g.got);
}

static void test_pipe__holds_back_writes(void **state)
{
    struct seen *w = *state, far = {.to_write = 4};
    struct dp_pipe *p = dp_pipe_new(w->l, &far_ops, &far);
    char text[] = "abcdef";
    struct iovec iov[2] = {{text, 3}, {text + 3, 3}};

    depot_buf_init(&far.got, DEPOT_BUF_NO_LIMIT);
    w->s = dp_pipe_stream(p);
    assert_int_equal(dp_stream_writev(w->s, iov, 2), 4);
    assert_int_equal(dp_stream_writev(w->s, iov, 2), DEPOT_ERR_AGAIN);
    w->to_write = 20;
    dp_stream_listen(w->s, on_ready, w);
    dp_stream_want(w->s, DEPOT_WRITE);
    depot_loop_run(w->l);
    assert_int_equal(far.got.len, 4);
    far.to_write = 100;
    dp_pipe_writable(p);
    depot_loop_run(w->l);
    assert_int_equal(far.got.len, 24);
    depot_buf_release(&far.got);
    dp_pipe_detach(p);
    assert_int_equal(dp_stream_writev(w->s, iov, 2), DEPOT_ERR_UNAVAILABLE);
    depot_loop_run(w->l);
    assert_true(w->ended);
    assert_int_equal(w->end, 0);
    dp_stream_close(w->s);
    w->s = NULL;
    depot_loop_run(w->l);
    assert_int_equal(far.closed, 0);
}

/* Peers. */

struct peer {
    pthread_t thread;
    int fd;
    struct depot_addr addr;
    const char *answer;                          /* sent byte by byte after the request */
    bool tls, client_cert, silent, joined, rude; /* rude: answers before it is asked */
    size_t bytes;
    struct depot_buf request;
    char *text;
};

static void peer_plain(struct peer *p, int fd)
{
    char c;

    depot_buf_init(&p->request, 10000);
    while (
        !p->rude && !depot_str_ends(depot_buf_str(&p->request), "\r\n\r\n") && read(fd, &c, 1) == 1)
        depot_buf_addc(&p->request, c);
    usleep(p->rude ? 20000 : 0);
    for (const char *s = p->answer; *s != '\0'; s++) {
        if (send(fd, s, 1, MSG_NOSIGNAL) != 1)
            break;
        if ((s - p->answer) % 16 == 0)
            usleep(500);
    }
}

/* Sends `bytes` bytes, then gives back what it gets until the end. */
static void peer_tls(struct peer *p, int fd)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *ssl;
    char block[5000];
    int n;

    SSL_CTX_use_certificate_chain_file(ctx, cert_path);
    SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM);
    if (p->client_cert) {
        SSL_CTX_load_verify_locations(ctx, cert_path, NULL);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    memset(block, 'b', sizeof(block));
    if (SSL_accept(ssl) == 1) {
        for (size_t left = p->bytes; left > 0; left -= (size_t)n) {
            n = SSL_write(ssl, block, (int)(left < sizeof(block) ? left : sizeof(block)));
            if (n <= 0)
                break;
        }
        p->bytes = 0;
        while ((n = SSL_read(ssl, block, sizeof(block))) > 0)
            p->bytes += (size_t)n;
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

static void *peer_run(void *arg)
{
    struct peer *p = arg;
    int fd = accept(p->fd, NULL, NULL);
    sigset_t set;
    char c;

    /* In this thread alone: OpenSSL's own sockets raise it, ours must not. */
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);

    if (p->tls && fd >= 0)
        peer_tls(p, fd);
    else if (!p->silent && fd >= 0)
        peer_plain(p, fd);
    while ((p->silent || p->rude) && fd >= 0 && read(fd, &c, 1) > 0)
        ;
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void peer_start(struct peer *p, const char *host)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);

    p->fd = depot_os_socket(AF_INET, SOCK_STREAM, 0, false);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(p->fd, 5), 0);
    getsockname(p->fd, (struct sockaddr *)&sa, &len);
    p->text = depot_asprintf("tcp://%s:%d", host, ntohs(sa.sin_port));
    assert_int_equal(depot_addr_parse(p->text, 0, &p->addr, NULL), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, peer_run, p), 0);
}

static void peer_join(struct peer *p)
{
    /* A peer nobody came to waits in accept(). */
    shutdown(p->fd, SHUT_RDWR);
    if (!p->joined)
        pthread_join(p->thread, NULL);
    p->joined = true;
}

static void peer_stop(struct peer *p)
{
    peer_join(p);
    close(p->fd);
    depot_addr_release(&p->addr);
    depot_buf_release(&p->request);
    depot_free(p->text);
}

static void on_connect(
    struct dp_connect *c, struct dp_stream *s, const struct depot_error *err, void *arg)
{
    struct seen *w = arg;

    w->done++;
    w->s = s;
    if (err != NULL)
        w->err = *err;
    assert_ptr_equal(c, w->c);
    dp_connect_free(c);
    w->c = NULL;
}

static void start(struct seen *w, const struct dp_connect_opts *opts)
{
    struct depot_error err = {0};

    assert_int_equal(dp_connect(w->l, opts, on_connect, w, &w->c, &err), 0);
    assert_int_equal(w->done, 0);
    depot_loop_run(w->l);
    assert_int_equal(w->done, 1);
}

static void start_text(struct seen *w, const char *text, uint64_t timeout_ms)
{
    struct depot_addr a;
    struct dp_connect_opts opts = {.addr = &a, .timeout_ms = timeout_ms};

    assert_int_equal(depot_addr_parse(text, 0, &a, NULL), 0);
    start(w, &opts);
    depot_addr_release(&a);
}

static void test_connect__a_missing_socket_says_so(void **state)
{
    struct seen *w = *state;

    start_text(w, "unix:///no/such.sock", 0);
    assert_null(w->s);
    assert_int_equal(w->err.code, DEPOT_ERR_UNAVAILABLE);
    assert_string_equal(
        w->err.msg, "cannot connect to unix:///no/such.sock: No such file or directory");
    assert_string_equal(w->err.hint, "is it running?");
}

static void test_connect__a_dead_socket_says_so(void **state)
{
    struct seen *w = *state;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char *text;

    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/dead", dir);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    close(fd);
    text = depot_asprintf("unix://%s", sa.sun_path);
    start_text(w, text, 0);
    depot_free(text);
    assert_int_equal(w->err.code, DEPOT_ERR_UNAVAILABLE);
    assert_non_null(strstr(w->err.msg, "refused"));
    assert_non_null(strstr(w->err.hint, "nothing listens"));
}

static void test_connect__a_full_backlog_times_out(void **state)
{
    struct seen *w = *state;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), others[2], n = 0;
    char *text;

    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/full", dir);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(fd, 0), 0);
    for (n = 0; n < 2; n++) {
        others[n] = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, true);
        (void)!connect(others[n], (struct sockaddr *)&sa, sizeof(sa));
    }
    text = depot_asprintf("unix://%s", sa.sun_path);
    start_text(w, text, 100);
    depot_free(text);
    assert_int_equal(w->err.code, DEPOT_ERR_TIMEOUT);
    assert_non_null(strstr(w->err.msg, "0.1 s"));
    close(others[0]);
    close(others[1]);
    close(fd);
}

static void test_connect__nobody_on_the_port(void **state)
{
    struct seen *w = *state;

    start_text(w, "tcp://127.0.0.1:1", 0);
    assert_int_equal(w->err.code, DEPOT_ERR_UNAVAILABLE);
    assert_non_null(strstr(w->err.hint, "port"));
}

static void test_connect__a_host_that_does_not_exist(void **state)
{
    struct seen *w = *state;

    start_text(w, "tcp://no-such-host.invalid:1", 3000);
    assert_true(w->err.code == DEPOT_ERR_UNAVAILABLE || w->err.code == DEPOT_ERR_TIMEOUT);
    assert_true(w->err.hint[0] != '\0');
}

static void test_connect__can_be_freed_at_any_moment(void **state)
{
    struct seen *w = *state;
    static const char *const places[] = {
        "tcp://localhost:1", "tcp://127.0.0.1:1", "unix:///no/such.sock"};

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(places); i++) {
        for (int turns = 0; turns < 4; turns++) {
            struct depot_addr a;
            struct dp_connect_opts opts = {.addr = &a};

            assert_int_equal(depot_addr_parse(places[i], 0, &a, NULL), 0);
            assert_int_equal(dp_connect(w->l, &opts, on_connect, w, &w->c, NULL), 0);
            for (int k = 0; k < turns && w->c != NULL; k++)
                depot_loop_turn(w->l);
            dp_connect_free(w->c);
            w->c = NULL;
            depot_addr_release(&a);
        }
    }
    depot_loop_run(w->l);
}

/* The upgrade. */

static void test_upgrade__leaves_what_follows_to_the_reader(void **state)
{
    struct seen *w = *state;
    struct peer p = {.answer =
                         "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
                         "first bytes of the next protocol"};
    struct dp_connect_opts opts = {.addr = &p.addr, .upgrade = "/grpc"};

    peer_start(&p, "localhost");
    start(w, &opts);
    assert_string_equal(w->err.msg, "");
    assert_non_null(w->s);
    dp_stream_listen(w->s, on_ready, w);
    dp_stream_want(w->s, DEPOT_READ);
    depot_loop_run(w->l);
    assert_string_equal(depot_buf_str(&w->got), "first bytes of the next protocol");
    peer_join(&p);
    assert_string_equal(depot_buf_str(&p.request),
        "POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    peer_stop(&p);
}

static void test_upgrade__refusals_say_why(void **state)
{
    static const struct {
        const char *answer;
        int code;
        const char *word;
    } rows[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 30\r\n\r\n{\"message\":\"page\x1b not "
         "found\"}\n",
            DEPOT_ERR_UNSUPPORTED, "answered 404: {\"message\":\"page  not found\"}"},
        {"HTTP/1.1 403 Forbidden\r\ncontent-length:500\r\n\r\ncut short", DEPOT_ERR_DENIED,
            "403: cut short"},
        {"HTTP/1.1 500 Oops\r\n\r\n", DEPOT_ERR_UNAVAILABLE, "answered 500"},
        {"HTTP/1.1 200 OK\r\n\r\n", DEPOT_ERR_PROTOCOL, "answered 200"},
        {"HTTP/1.1 xxx\r\n\r\n", DEPOT_ERR_PROTOCOL, "HTTP"},
        {"\x15\x03\x01\x02\x02\x02\x16", DEPOT_ERR_PROTOCOL, "does not answer in HTTP"},
        {"HTTP/1.1 101 Swi", DEPOT_ERR_UNAVAILABLE, "closed the connection"},
        {"", DEPOT_ERR_UNAVAILABLE, "closed the connection"},
    };
    struct seen *w = *state;

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct peer p = {.answer = rows[i].answer};
        struct dp_connect_opts opts = {.addr = &p.addr, .upgrade = "/grpc"};

        w->done = 0;
        peer_start(&p, "127.0.0.1");
        start(w, &opts);
        assert_null(w->s);
        assert_int_equal(w->err.code, rows[i].code);
        assert_non_null(strstr(w->err.msg, rows[i].word));
        assert_true(w->err.hint[0] != '\0');
        peer_stop(&p);
    }
}

static void test_upgrade__an_endless_header_is_cut_off(void **state)
{
    struct seen *w = *state;
    char *answer = depot_calloc(1, 10001);
    struct peer p = {.answer = answer};
    struct dp_connect_opts opts = {.addr = &p.addr, .upgrade = "/grpc"};

    memset(answer, 'x', 10000);
    memcpy(answer, "HTTP/1.1 101 ", 13);
    peer_start(&p, "127.0.0.1");
    start(w, &opts);
    assert_non_null(strstr(w->err.msg, "8 KiB"));
    peer_stop(&p);
    depot_free(answer);
}

static void test_connect__a_silent_peer_times_out(void **state)
{
    static const bool with_tls[] = {false, true};
    struct seen *w = *state;

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(with_tls); i++) {
        struct peer p = {.silent = true};
        struct depot_tls tls = {.enabled = with_tls[i]};
        struct dp_connect_opts opts = {
            .addr = &p.addr, .upgrade = "/grpc", .tls = &tls, .timeout_ms = 100};

        w->done = 0;
        peer_start(&p, "127.0.0.1");
        start(w, &opts);
        assert_null(w->s);
        assert_int_equal(w->err.code, DEPOT_ERR_TIMEOUT);
        assert_non_null(strstr(w->err.hint, "it accepted"));
        peer_stop(&p);
    }
}

/* TLS. */

static void test_tls__carries_much_both_ways(void **state)
{
    enum { TOTAL = 2000000 };
    struct seen *w = *state;
    struct peer p = {.tls = true, .bytes = TOTAL, .client_cert = true};
    struct depot_tls tls = {.enabled = true, .ca = cert_path, .cert = cert_path, .key = key_path};
    struct dp_connect_opts opts = {.addr = &p.addr, .tls = &tls, .alpn_h2 = true};

    peer_start(&p, "localhost");
    start(w, &opts);
    assert_string_equal(w->err.msg, "");
    assert_non_null(w->s);
    w->to_write = TOTAL;
    /* Less than a record at a time: what OpenSSL holds is not announced by the socket again. */
    w->max_reads = 777;
    dp_stream_listen(w->s, on_ready, w);
    dp_stream_want(w->s, DEPOT_READ | DEPOT_WRITE);
    while (w->got.len < TOTAL || w->to_write > 0)
        depot_loop_turn(w->l);
    /* The last record may still wait for room. */
    for (int i = 0; i < 50; i++) {
        depot_loop_turn(w->l);
        usleep(1000);
    }
    dp_stream_close(w->s);
    w->s = NULL;
    peer_join(&p);
    assert_int_equal(p.bytes, TOTAL);
    assert_int_equal(w->got.len, TOTAL);
    peer_stop(&p);
}

/* A stream that nobody wants to read is not read; what OpenSSL took from the socket with the last
 * record, and which the socket will not announce again, is there when it is wanted again, and is
 * read as well without waiting for that. */
static void test_tls__bytes_above_a_socket_that_is_not_watched(void **state)
{
    enum { TOTAL = 40000 }; /* several records, and less than is read ahead */
    struct seen *w = *state;
    struct peer p = {.tls = true, .bytes = TOTAL};
    struct depot_tls tls = {.enabled = true, .ca = cert_path};
    struct dp_connect_opts opts = {.addr = &p.addr, .tls = &tls};
    char some[100];

    peer_start(&p, "localhost");
    start(w, &opts);
    assert_non_null(w->s);
    usleep(50000); /* all of it has come */
    while (dp_stream_read(w->s, some, sizeof(some)) == DEPOT_ERR_AGAIN)
        usleep(1000);
    dp_stream_listen(w->s, on_ready, w);
    dp_stream_want(w->s, DEPOT_READ);
    dp_stream_want(w->s, 0);
    for (int i = 0; i < 10; i++)
        depot_loop_turn(w->l);
    assert_int_equal(w->got.len, 0);
    assert_int_equal(dp_stream_read(w->s, some, sizeof(some)), sizeof(some));
    w->max_reads = 777;
    dp_stream_want(w->s, DEPOT_READ);
    while (w->got.len < TOTAL - 2 * sizeof(some))
        depot_loop_turn(w->l);
    dp_stream_close(w->s);
    w->s = NULL;
    peer_join(&p);
    peer_stop(&p);
}

static void test_tls__failures_say_why(void **state)
{
    struct seen *w = *state;
    char name[] = "builder.test", other[] = "other.test", nowhere[] = "/no/such/ca.pem";
    struct depot_tls plain = {.enabled = true, .ca = cert_path};
    struct depot_tls no_ca = {.enabled = true};
    struct depot_tls named = {.enabled = true, .ca = cert_path, .server_name = name};
    struct depot_tls wrong = {.enabled = true, .ca = cert_path, .server_name = other};
    struct depot_tls missing = {.enabled = true, .ca = nowhere};
    const struct {
        const struct depot_tls *tls;
        const char *host;
        bool peer_tls;
        int code;
        const char *word;
    } rows[] = {
        {&named, "127.0.0.1", true, 0, ""},
        {&plain, "127.0.0.1", true, DEPOT_ERR_UNAUTHENTICATED, "IP address mismatch"},
        {&wrong, "localhost", true, DEPOT_ERR_UNAUTHENTICATED, "ostname mismatch"},
        {&no_ca, "localhost", true, DEPOT_ERR_UNAUTHENTICATED, "self"},
        {&missing, "localhost", true, DEPOT_ERR_INVALID, "/no/such/ca.pem: No such file"},
        {&plain, "localhost", false, DEPOT_ERR_PROTOCOL, "does not speak TLS"},
    };

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct peer p = {
            .tls = rows[i].peer_tls, .rude = !rows[i].peer_tls, .answer = "HTTP/1.1 400 ?"};
        struct dp_connect_opts opts = {.addr = &p.addr, .tls = rows[i].tls};

        w->done = 0;
        depot_error_clear(&w->err);
        peer_start(&p, rows[i].host);
        start(w, &opts);
        assert_int_equal(w->err.code, rows[i].code);
        assert_non_null(strstr(w->err.msg, rows[i].word));
        dp_stream_close(w->s);
        w->s = NULL;
        peer_stop(&p);
    }
}

static int make_files(void **state)
{
    DEPOT_UNUSED(state);
    if (mkdtemp(dir) == NULL)
        return -1;
    cert_path = depot_asprintf("%s/cert.pem", dir);
    key_path = depot_asprintf("%s/key.pem", dir);
    fake_certificate(cert_path, key_path);
    return 0;
}

static int remove_files(void **state)
{
    char *command = depot_asprintf("rm -rf %s", dir);
    int rc = system(command);

    DEPOT_UNUSED(state);
    depot_free(command);
    depot_free(cert_path);
    depot_free(key_path);
    return rc;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fd__carries_much_both_ways),
        TEST(test_fd__writing_to_a_closed_peer_is_no_signal),
        TEST(test_pipe__delivers_in_order_whatever_the_sizes),
        TEST(test_pipe__offers_what_is_pushed),
        TEST(test_pipe__is_closed_inside_an_offer),
        TEST(test_pipe__holds_back_writes),
        TEST(test_connect__a_missing_socket_says_so),
        TEST(test_connect__a_dead_socket_says_so),
        TEST(test_connect__a_full_backlog_times_out),
        TEST(test_connect__nobody_on_the_port),
        TEST(test_connect__a_host_that_does_not_exist),
        TEST(test_connect__can_be_freed_at_any_moment),
        TEST(test_upgrade__leaves_what_follows_to_the_reader),
        TEST(test_upgrade__refusals_say_why),
        TEST(test_upgrade__an_endless_header_is_cut_off),
        TEST(test_connect__a_silent_peer_times_out),
        TEST(test_tls__carries_much_both_ways),
        TEST(test_tls__bytes_above_a_socket_that_is_not_watched),
        TEST(test_tls__failures_say_why),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
