/*
 * Exit codes and the one way the programs print an error. Nothing here exits.
 */
#include <depot/app.h>
#include <depot/ci.h>
#include <depot/text.h>

#include <stdio.h>
#include <string.h>

int depot_exit_from_err(int err)
{
    switch (err) {
    case DEPOT_OK:
        return DEPOT_EXIT_OK;
    case DEPOT_ERR_INVALID:
        return DEPOT_EXIT_USAGE;
    case DEPOT_ERR_CANCELLED:
        return DEPOT_EXIT_INTERRUPTED;
    default:
        return DEPOT_EXIT_FAILED;
    }
}

/* Errors quote what a file, a daemon or an engine says. */
static void add_clean(struct depot_buf *out, const char *text)
{
    struct depot_clean clean = {0};
    depot_clean_feed(&clean, out, text, strlen(text));
}

void depot_error_print(const char *name, const struct depot_error *err)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     safe = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_buf_addf(&out, "%s: ", name);
    add_clean(&out, err->msg[0] != '\0' ? err->msg : depot_err_text(err->code));
    depot_buf_addc(&out, '\n');
    if (err->hint[0] != '\0') {
        depot_buf_adds(&out, "  hint: ");
        add_clean(&out, err->hint);
        depot_buf_addc(&out, '\n');
    }
    depot_guard_string(&safe, depot_ci_detect(), depot_buf_str(&out));
    fputs(depot_buf_str(&safe), stderr);
    depot_buf_release(&out);
    depot_buf_release(&safe);
}
