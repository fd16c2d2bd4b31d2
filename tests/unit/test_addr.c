/*
 * Tests of address parsing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/addr.h>

static void test_addr__parses(void **state)
{
    static const struct {
        const char *text;
        int default_port;
        enum depot_addr_kind kind;
        bool tls, docker;
        const char *place; /* path or host */
        int port;
    } rows[] = {
        {"unix:///run/x.sock", 0, DEPOT_ADDR_UNIX, false, false, "/run/x.sock", 0},
        {"docker+unix:///v/d.sock", 0, DEPOT_ADDR_UNIX, false, true, "/v/d.sock", 0},
        {"tcp://h:1234", 0, DEPOT_ADDR_TCP, false, false, "h", 1234},
        {"tcp://h:1234/", 0, DEPOT_ADDR_TCP, false, false, "h", 1234},
        {"tcp://h", 99, DEPOT_ADDR_TCP, false, false, "h", 99},
        {"docker+tcp://h:2375", 0, DEPOT_ADDR_TCP, false, true, "h", 2375},
        {"http://build.example.org:8080", 0, DEPOT_ADDR_TCP, false, false, "build.example.org",
            8080},
        {"https://h/", 443, DEPOT_ADDR_TCP, true, false, "h", 443},
        {"tcp://[::1]:65535", 0, DEPOT_ADDR_TCP, false, false, "::1", 65535},
        {"tcp://[fe80::1%eth0]", 5, DEPOT_ADDR_TCP, false, false, "fe80::1%eth0", 5},
        {"tcp://127.0.0.1:1", 0, DEPOT_ADDR_TCP, false, false, "127.0.0.1", 1},
    };

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_addr a = {0}, copy;
        struct depot_error err = {0};

        assert_int_equal(depot_addr_parse(rows[i].text, rows[i].default_port, &a, &err), 0);
        depot_addr_copy(&copy, &a);
        depot_addr_release(&a);
        assert_int_equal(copy.kind, rows[i].kind);
        assert_int_equal(copy.tls, rows[i].tls);
        assert_int_equal(copy.docker, rows[i].docker);
        assert_string_equal(copy.kind == DEPOT_ADDR_UNIX ? copy.path : copy.host, rows[i].place);
        assert_int_equal(copy.port, rows[i].port);
        assert_string_equal(copy.text, rows[i].text);
        depot_addr_release(&copy);
        depot_addr_release(&copy);
    }
}

static void test_addr__refuses_with_a_reason(void **state)
{
    static const struct {
        const char *text;
        int rc;
        const char *word; /* in the message */
    } rows[] = {
        {NULL, DEPOT_ERR_INVALID, "empty"},
        {"", DEPOT_ERR_INVALID, "empty"},
        {"/run/x.sock", DEPOT_ERR_INVALID, "unix://PATH"},
        {"host:1234", DEPOT_ERR_INVALID, "scheme"},
        {"ssh://host", DEPOT_ERR_UNSUPPORTED, "'ssh'"},
        {"unix://run/x.sock", DEPOT_ERR_INVALID, "absolute"},
        {"unix://", DEPOT_ERR_INVALID, "absolute"},
        {"tcp://", DEPOT_ERR_INVALID, "host is missing"},
        {"tcp://:1234", DEPOT_ERR_INVALID, "host is missing"},
        {"tcp://h", DEPOT_ERR_INVALID, "port is missing"},
        {"tcp://h:", DEPOT_ERR_INVALID, "port is not"},
        {"tcp://h:0", DEPOT_ERR_INVALID, "port is not"},
        {"tcp://h:65536", DEPOT_ERR_INVALID, "port is not"},
        {"tcp://h:99999999999999999999", DEPOT_ERR_INVALID, "port is not"},
        {"tcp://h:12x", DEPOT_ERR_INVALID, "port is not"},
        {"tcp://[::1]x:12", DEPOT_ERR_INVALID, "port is not"},
        {"tcp://::1:12", DEPOT_ERR_INVALID, "brackets"},
        {"tcp://[::1:12", DEPOT_ERR_INVALID, "']'"},
        {"tcp://[host]:12", DEPOT_ERR_INVALID, "IPv6"},
        {"tcp://u:p@h:12", DEPOT_ERR_INVALID, "user name"},
        {"http://h:12/path", DEPOT_ERR_INVALID, "no path"},
        {"http://h:12?q", DEPOT_ERR_INVALID, "no path"},
        {"tcp://a b:12", DEPOT_ERR_INVALID, "spaces"},
        {"tcp://a\n:12", DEPOT_ERR_INVALID, "control"},
        {"unix:///"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxx",
            DEPOT_ERR_INVALID, "longer"},
    };

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_addr a = {.port = 7};
        struct depot_error err = {0};

        assert_int_equal(depot_addr_parse(rows[i].text, 0, &a, &err), rows[i].rc);
        assert_int_equal(err.code, rows[i].rc);
        assert_non_null(strstr(err.msg, rows[i].word));
        assert_int_equal(a.port, 7);
        assert_null(a.text);
    }
}

static void test_tls__copies(void **state)
{
    struct depot_tls t = {.ca = depot_strdup("ca"), .key = depot_strdup("k"), .enabled = true};
    struct depot_tls copy;

    DEPOT_UNUSED(state);
    depot_tls_copy(&copy, &t);
    depot_tls_release(&t);
    assert_string_equal(copy.ca, "ca");
    assert_null(copy.cert);
    assert_true(copy.enabled);
    depot_tls_release(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addr__parses),
        cmocka_unit_test(test_addr__refuses_with_a_reason),
        cmocka_unit_test(test_tls__copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
