/*
 * The caches: asks the daemons what they hold, sums it by builder and type, and asks them to make
 * room.
 */
#include "tui/app/command.h"
#include "cache_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_AGAIN_MS = 60 * 1000 };

static void ask(struct cache_view *v)
{
    const struct depot_query q = {.ask = DEPOT_QUERY_CACHE};
    v->asked_ms = depot_mono_ms();
    v->asked = dp_fleet_ask(dp_tui_fleet(v->base.tui), NULL, &q);
}

/* ---- what is shown ---- */

const char *dp_cache_type_word(const char *type)
{
    static const struct {
        const char *type, *word;
    } words[] = {{"regular", "layer"}, {"exec.cachemount", "cache mount"},
        {"source.local", "local files"}, {"source.git.checkout", "git checkout"}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(words); i++)
        if (depot_str_eq(words[i].type, type))
            return words[i].word;
    return type != NULL ? type : "";
}

static void add_type(struct cache_view *v, const struct depot_cache_type *t)
{
    for (size_t i = 0; i < v->types.len; i++) {
        struct depot_cache_type *have = &v->types.items[i];
        if (!depot_str_eq(have->type, t->type))
            continue;
        have->bytes += t->bytes;
        have->reclaimable += t->reclaimable;
        have->records += t->records;
        return;
    }
    depot_vec_push(&v->types, *t);
}

const char *dp_cache_builder(const struct cache_held *h)
{
    const char *label = dp_fleet_builder_label(h->source, h->use->builder);
    return label != NULL ? label : "";
}

static bool passes(struct filter *f, const struct cache_held *h, const struct depot_cache_record *r)
{
    dp_filter_row(f);
    dp_filter_say(f, FIELD_WHAT, r->description);
    dp_filter_say(f, FIELD_TYPE, dp_cache_type_word(r->type));
    dp_filter_say(f, FIELD_TYPE, r->type);
    dp_filter_say(f, FIELD_BUILD, r->id);
    dp_filter_say(f, FIELD_BUILDER, dp_cache_builder(h));
    dp_filter_say(f, FIELD_STATE, r->in_use ? "in use" : "");
    dp_filter_say(f, FIELD_STATE, r->shared ? "shared" : "");
    return dp_filter_passes(f);
}

static void add_use(struct cache_view *v, const struct cache_held *h)
{
    const struct depot_cache_use *u = h->use;
    v->sum.bytes += u->bytes;
    v->sum.reclaimable += u->reclaimable;
    v->sum.records += u->records;
    v->sum.limit += u->limit > 0 ? u->limit : 0;
    for (size_t i = 0; i < u->ntypes; i++)
        add_type(v, &u->types[i]);
    for (size_t i = 0; i < u->nlist; i++) {
        const struct depot_cache_record *r = &u->list[i];
        if (passes(&v->filter, h, r)) {
            const struct cache_row row = {.record = r, .of = *h};
            depot_vec_push(&v->shown, row);
            v->held |= r->in_use || r->shared;
        }
    }
}

static int sign(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_size(const void *a, const void *b)
{
    const struct cache_row *x = a, *y = b;
    const int d = sign(y->record->bytes, x->record->bytes);
    return d != 0 ? d : strcmp(x->record->id, y->record->id);
}

static int by_used(const void *a, const void *b)
{
    const struct depot_cache_record *x = ((const struct cache_row *)a)->record,
                                    *y = ((const struct cache_row *)b)->record;
    const int d = sign(x->last_used != 0 ? x->last_used : x->created,
        y->last_used != 0 ? y->last_used : y->created);
    return d != 0 ? d : by_size(a, b);
}

static int by_uses(const void *a, const void *b)
{
    const struct cache_row *x = a, *y = b;
    const int d = sign(y->record->uses, x->record->uses);
    return d != 0 ? d : by_size(a, b);
}

static int by_type(const void *a, const void *b)
{
    const struct cache_row *x = a, *y = b;
    const int d = strcmp(x->record->type, y->record->type);
    return d != 0 ? d : by_size(a, b);
}

static int by_bytes(const void *a, const void *b)
{
    return sign(
        ((const struct depot_cache_type *)b)->bytes, ((const struct depot_cache_type *)a)->bytes);
}

static void sort_shown(struct cache_view *v)
{
    static int (*const orders[CACHE_SORTS])(const void *, const void *) = {
        [CACHE_BY_SIZE] = by_size,
        [CACHE_BY_USED] = by_used,
        [CACHE_BY_USES] = by_uses,
        [CACHE_BY_TYPE] = by_type};
    const size_t n = v->shown.len;
    if (n < 2)
        return;
    qsort(v->shown.items, n, sizeof(*v->shown.items), orders[v->order.by]);
    for (size_t i = 0; v->order.inverted && i < n / 2; i++) {
        const struct cache_row r = v->shown.items[i];
        v->shown.items[i] = v->shown.items[n - 1 - i];
        v->shown.items[n - 1 - i] = r;
    }
}

static void rebuild(struct cache_view *v)
{
    v->uses.len = v->types.len = v->shown.len = 0;
    v->sum = (struct depot_cache_use){0};
    v->held = false;
    for (size_t i = 0; i < v->kept.len; i++) {
        const struct depot_response *a = &v->kept.items[i].answer;
        for (size_t k = 0; k < a->u.cache.nbuilders; k++) {
            const struct depot_cache_use *u = &a->u.cache.builders[k];
            const struct cache_held h = {.source = v->kept.items[i].source, .use = u};
            depot_vec_push(&v->uses, h);
            if (v->only[0] == '\0' || depot_str_eq(dp_cache_builder(&h), v->only)) {
                v->sum.error = u->error != NULL ? u->error : v->sum.error;
                add_use(v, &h);
            }
        }
    }
    if (v->types.len > 1)
        qsort(v->types.items, v->types.len, sizeof(*v->types.items), by_bytes);
    sort_shown(v);
    dp_rows_layout(&v->rows, v->shown.len, v->rows.page);
}

/* The answer is borrowed. */
static void keep(struct cache_view *v, struct fleet_source *s, const struct depot_response *a)
{
    struct cache_kept *k = NULL;
    struct depot_response copy = {.ask = a->ask};
    depot_record_copy(depot_record_of_response(a->ask), &copy.u, &a->u, &copy.arena);
    for (size_t i = 0; i < v->kept.len; i++)
        if (v->kept.items[i].source == s)
            k = &v->kept.items[i];
    if (k == NULL)
        k = depot_vec_add(&v->kept);
    depot_response_release(&k->answer);
    *k = (struct cache_kept){.source = s, .answer = copy};
    rebuild(v);
}

static void tell_pruned(struct cache_view *v, const struct depot_response *a)
{
    char size[DEPOT_TEXT_MAX];
    int64_t bytes = 0;
    for (size_t i = 0; i < a->u.prune.nbuilders; i++) {
        const struct depot_pruned *p = &a->u.prune.builders[i];
        bytes += p->bytes;
        if (p->error != NULL) {
            dp_tui_say(v->base.tui, DEPOT_STYLE_ERROR, "%s: %s", p->builder, p->error);
            return;
        }
    }
    dp_tui_say(v->base.tui, DEPOT_STYLE_RAN, "freed %s", depot_text_bytes(size, bytes));
}

static void cache_answer(struct view *base, struct fleet_source *s, const struct depot_response *a)
{
    struct cache_view *v = (struct cache_view *)base;
    if (a->ask == DEPOT_QUERY_CACHE) {
        keep(v, s, a);
    } else if (a->ask == DEPOT_QUERY_PRUNE) {
        tell_pruned(v, a);
        ask(v);
    }
}

/* ---- pruning ---- */

/* `arg`: '1' or '0' for all, then the builder's label or nothing. */
static void prune(struct tui *t, const char *arg)
{
    struct fleet *f = dp_tui_fleet(t);
    struct depot_query q = {.ask = DEPOT_QUERY_PRUNE, .all = arg[0] == '1'};
    bool asked = false;
    if (arg[1] != '\0') {
        const struct fleet_builder *b = dp_fleet_builder(f, arg + 1);
        q.builder = b != NULL ? b->name : NULL;
        asked = b != NULL && b->source->feed != NULL && depot_feed_query(b->source->feed, &q);
    } else {
        asked = dp_fleet_ask(f, NULL, &q);
    }
    if (asked)
        dp_tui_say(t, DEPOT_STYLE_TEXT, "making room...");
    else
        dp_tui_say(t, DEPOT_STYLE_ERROR, "there is no daemon to ask now");
}

static void confirm_prune(struct cache_view *v, bool all)
{
    char arg[sizeof(v->only) + 1], size[DEPOT_TEXT_MAX];
    const char *whose = v->only[0] != '\0' ? v->only : "all builders";
    snprintf(arg, sizeof(arg), "%c%s", all ? '1' : '0', v->only);
    if (all)
        dp_tui_confirm(v->base.tui, prune, arg,
            "Remove all that is not in use from the cache of %s? y/N", whose);
    else
        dp_tui_confirm(v->base.tui, prune, arg,
            "Remove %s, neither in use nor shared, from the cache of %s? y/N",
            depot_text_bytes(size, v->sum.reclaimable), whose);
}

/* ---- actions ---- */

static void choose(struct cache_view *v, size_t tab)
{
    const char *name =
        tab == 0 || tab > v->uses.len ? "" : dp_cache_builder(&v->uses.items[tab - 1]);
    snprintf(v->only, sizeof(v->only), "%s", name);
    v->rows = (struct rows){.page = v->rows.page};
    rebuild(v);
}

static size_t tab_of(const struct cache_view *v)
{
    for (size_t i = 0; v->only[0] != '\0' && i < v->uses.len; i++)
        if (depot_str_eq(dp_cache_builder(&v->uses.items[i]), v->only))
            return i + 1;
    return 0;
}

static enum view_result sort_action(struct cache_view *v, enum action a, intptr_t arg)
{
    static const struct table_order_key keys[] = {
        {ACTION_SORT_AGE, CACHE_BY_USED}, {ACTION_SORT_NAME, CACHE_BY_TYPE}};
    if (!dp_table_sort(&v->order, a, arg, CACHE_SORTS, keys, DEPOT_ARRAY_LEN(keys)))
        return VIEW_IGNORED;
    rebuild(v);
    return VIEW_HANDLED;
}

static const char *cache_no_row(const struct view *base)
{
    const struct cache_view *v = (const struct cache_view *)base;
    return v->rows.selected < v->shown.len ? NULL : "no record is selected";
}

static void copy_id(const struct cache_view *v)
{
    const char *id = v->shown.items[v->rows.selected].record->id;
    dp_tui_copy(v->base.tui, id, strlen(id));
}

static enum view_result cache_action(struct view *base, enum action a, intptr_t arg)
{
    struct cache_view *v = (struct cache_view *)base;
    const size_t tabs = v->uses.len + 1;
    if (dp_rows_action(&v->rows, a, arg) || sort_action(v, a, arg) == VIEW_HANDLED)
        return VIEW_HANDLED;
    switch (a) {
    case ACTION_NEXT:
    case ACTION_RIGHT:
        choose(v, (tab_of(v) + 1) % tabs);
        break;
    case ACTION_PREV:
    case ACTION_LEFT:
        choose(v, (tab_of(v) + tabs - 1) % tabs);
        break;
    case ACTION_TAB_SELECT:
        choose(v, (size_t)arg);
        break;
    case ACTION_PRUNE:
    case ACTION_PRUNE_ALL:
        confirm_prune(v, a == ACTION_PRUNE_ALL);
        break;
    case ACTION_COPY:
        copy_id(v);
        break;
    case ACTION_CACHE: /* anew */
        ask(v);
        break;
    default:
        return VIEW_IGNORED;
    }
    return VIEW_HANDLED;
}

static int cache_filter(struct view *base, const char *text, bool done, struct depot_error *err)
{
    struct cache_view *v = (struct cache_view *)base;
    DEPOT_UNUSED(done);
    const int rc = dp_filter_set(&v->filter, text, err);
    rebuild(v);
    return rc;
}

/* ---- the rest ---- */

static int cache_open(struct view *base, const char *arg, struct depot_error *err)
{
    struct cache_view *v = (struct cache_view *)base;
    DEPOT_UNUSED(err);
    snprintf(v->only, sizeof(v->only), "%s", arg != NULL ? arg : "");
    ask(v);
    return 0;
}

static void cache_close(struct view *base)
{
    struct cache_view *v = (struct cache_view *)base;
    for (size_t i = 0; i < v->kept.len; i++)
        depot_response_release(&v->kept.items[i].answer);
    depot_vec_free(&v->kept);
    depot_vec_free(&v->uses);
    depot_vec_free(&v->types);
    depot_vec_free(&v->shown);
    dp_filter_release(&v->filter);
}

static void cache_refresh(struct view *base)
{
    struct cache_view *v = (struct cache_view *)base;
    const uint64_t since = depot_mono_ms() - v->asked_ms;
    if (since >= ASK_AGAIN_MS || (!v->asked && since >= 1000))
        ask(v);
}

static void cache_title(struct view *base, struct depot_buf *left, struct depot_buf *right)
{
    const struct cache_view *v = (const struct cache_view *)base;
    char used[DEPOT_TEXT_MAX], most[DEPOT_TEXT_MAX];
    depot_buf_adds(left, "cache");
    if (v->only[0] != '\0')
        depot_buf_addf(left, " %s", v->only);
    if (v->filter.on)
        depot_buf_addf(left, " /%s", v->filter.text);
    if (v->kept.len == 0)
        return;
    depot_buf_adds(right, depot_text_bytes(used, v->sum.bytes));
    if (v->sum.limit > 0)
        depot_buf_addf(right, " of %s", depot_text_bytes(most, v->sum.limit));
}

static const enum action cache_hints[] = {
    ACTION_NEXT, ACTION_SORT_NEXT, ACTION_FILTER, ACTION_PRUNE, ACTION_PRUNE_ALL, ACTION_NONE};

static const char *const cache_orders[] = {[CACHE_BY_SIZE] = "size",
    [CACHE_BY_USED] = "used",
    [CACHE_BY_USES] = "uses",
    [CACHE_BY_TYPE] = "type",
    [CACHE_SORTS] = NULL};

static const struct view_note cache_notes[] = {
    {"filter", FILTER_NOTE "type: builder: state: what:"},
    {"can go", "what prune removes: neither in use nor shared"},
    {"in use", "a build or the engine holds it now"},
    {"shared", "an image or another record holds it too"},
    {"used", "how long ago a build last used it"},
    {"list", "the 100 biggest of each builder, and the 100 not used for longest"}, {NULL, NULL}};

const struct view_ops view_cache = {
    .id = VIEW_CACHE,
    .size = sizeof(struct cache_view),
    .offer = dp_offer_builders,
    .open = cache_open,
    .close = cache_close,
    .refresh = cache_refresh,
    .draw = dp_cache_view_draw,
    .action = cache_action,
    .title = cache_title,
    .hints = cache_hints,
    .orders = cache_orders,
    .no_row = cache_no_row,
    .filter = cache_filter,
    .answer = cache_answer,
    .notes = cache_notes,
};
