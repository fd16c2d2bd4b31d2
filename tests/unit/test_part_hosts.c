/*
 * "host-gateway" among added hosts, where the engine tells the address and where it does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builder/build/part_hosts.h"

static void test_hosts__get_the_engine_s_address(void **state)
{
    static const struct {
        const char *given, *gateway, *filled; /* filled NULL: refused */
    } rows[] = {
        {"a=1.2.3.4", NULL, "a=1.2.3.4"},
        {"a=host-gateway", "172.17.0.1", "a=172.17.0.1"},
        {"a=1.2.3.4,b=host-gateway,c=::1,d=host-gateway", "172.17.0.1",
            "a=1.2.3.4,b=172.17.0.1,c=::1,d=172.17.0.1"},
        {"host-gateway=1.2.3.4", NULL, "host-gateway=1.2.3.4"},
        {"a=host-gateway", NULL, NULL},
        {"a=1.2.3.4,b=host-gateway", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_kvs attrs = {0};
        struct depot_error err = {0};
        depot_kvs_set(&attrs, "add-hosts", rows[i].given);
        int rc = part_hosts_fill(&attrs, rows[i].gateway, "amd64", &err);
        assert_int_equal(rc, rows[i].filled != NULL ? 0 : DEPOT_ERR_UNSUPPORTED);
        if (rows[i].filled != NULL)
            assert_string_equal(depot_kvs_get(&attrs, "add-hosts"), rows[i].filled);
        else
            assert_non_null(strstr(err.msg, "builder amd64 tells no host-gateway"));
        depot_kvs_release(&attrs);
    }
}

static void test_hosts__may_be_none(void **state)
{
    struct depot_kvs attrs = {0};
    (void)state;
    assert_int_equal(part_hosts_fill(&attrs, NULL, "amd64", NULL), 0);
    assert_int_equal(attrs.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts__get_the_engine_s_address),
        cmocka_unit_test(test_hosts__may_be_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
