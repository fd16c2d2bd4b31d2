/*
 * Enums that records have by their names.
 */
#include <depot/query.h>

#include "record/table.h"

static const char *state_name(int v)
{
    return depot_build_state_name((enum depot_build_state)v);
}

static bool state_value(const char *name, int *v)
{
    *v = depot_build_state_from_name(name);
    return *v >= 0;
}

const struct dp_names dp_state_names = {
    .name = state_name,
    .value = state_value,
    .want = "the name of a state",
    .code = DEPOT_ERR_INVALID,
};

/* A code that we do not know is an error all the same: INTERNAL. */
static bool code_value(const char *name, int *v)
{
    *v = depot_err_from_name(name);
    return true;
}

const struct dp_names dp_code_names = {
    .name = depot_err_name,
    .value = code_value,
    .want = "the name of an error",
    .code = DEPOT_ERR_INVALID,
};

static const char *ask_name(int v)
{
    return depot_query_kind_name((enum depot_query_kind)v);
}

static bool ask_value(const char *name, int *v)
{
    *v = depot_query_kind_from_name(name);
    return *v >= 0;
}

const struct dp_names dp_ask_names = {
    .name = ask_name,
    .value = ask_value,
    .want = "an op that this daemon knows",
    .code = DEPOT_ERR_UNSUPPORTED,
};
