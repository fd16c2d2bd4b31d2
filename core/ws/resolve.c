/*
 * See resolve.h. The thread sees only the job, which outlives a cancelled lookup.
 */
#include "ws/resolve.h"

#include <depot/base.h>

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct dp_lookup {
    char *host;
    dp_lookup_fn *done; /* NULL once cancelled */
    void *arg;
    struct dp_resolve result;
};

static void lookup_work(void *arg)
{
    struct dp_lookup *lk = arg;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    lk->result.error = getaddrinfo(lk->host, NULL, &hints, &list);
    if (lk->result.error != 0)
        return;
    for (struct addrinfo *ai = list; ai != NULL && lk->result.n < DP_RESOLVE_MAX;
         ai = ai->ai_next) {
        char *text = lk->result.text[lk->result.n];
        if (getnameinfo(ai->ai_addr, ai->ai_addrlen, text, DP_RESOLVE_TEXT_MAX, NULL, 0,
                NI_NUMERICHOST) == 0)
            lk->result.n++;
    }
    freeaddrinfo(list);
}

static void lookup_done(void *arg)
{
    struct dp_lookup *lk = arg;
    if (lk->done != NULL)
        lk->done(&lk->result, lk->arg);
    depot_free(lk->host);
    depot_free(lk);
}

int dp_lookup_start(
    struct depot_loop *l, const char *host, dp_lookup_fn *done, void *arg, struct dp_lookup **out)
{
    struct dp_lookup *lk = depot_calloc(1, sizeof(*lk));
    lk->host = depot_strdup(host);
    lk->done = done;
    lk->arg = arg;
    const int rc = depot_loop_work(l, lookup_work, lookup_done, lk);
    if (rc < 0) {
        depot_free(lk->host);
        depot_free(lk);
        return rc;
    }
    *out = lk;
    return 0;
}

void dp_lookup_cancel(struct dp_lookup *lk)
{
    if (lk != NULL)
        lk->done = NULL;
}
