/*
 * The signs, and which sign and style a step's outcome or a build's state has.
 */
#include <depot/style.h>

static const struct {
    uint32_t utf8;
    unsigned char ascii;
} signs[] = {
#define SIGN_ROW(id, utf8, ascii) {utf8, ascii},
    DEPOT_SIGNS(SIGN_ROW)
#undef SIGN_ROW
};

uint32_t depot_sign_char(bool ascii, enum depot_sign s)
{
    return ascii ? signs[s].ascii : signs[s].utf8;
}

/* ---- meanings ---- */

struct meaning {
    enum depot_sign sign;
    enum depot_style style;
};

static const struct meaning outcomes[DEPOT_OUTCOME_COUNT] = {
    [DEPOT_OUTCOME_WAITING] = {DEPOT_SIGN_WAIT, DEPOT_STYLE_WAIT},
    [DEPOT_OUTCOME_RUNNING] = {DEPOT_SIGN_RUN, DEPOT_STYLE_RUN},
    [DEPOT_OUTCOME_HIT] = {DEPOT_SIGN_HIT, DEPOT_STYLE_HIT},
    [DEPOT_OUTCOME_SKIPPED] = {DEPOT_SIGN_SKIP, DEPOT_STYLE_SKIP},
    [DEPOT_OUTCOME_RAN] = {DEPOT_SIGN_RAN, DEPOT_STYLE_RAN},
    [DEPOT_OUTCOME_FAILED] = {DEPOT_SIGN_FAIL, DEPOT_STYLE_FAIL},
    [DEPOT_OUTCOME_CANCELLED] = {DEPOT_SIGN_CANC, DEPOT_STYLE_CANC},
    [DEPOT_OUTCOME_SHARED] = {DEPOT_SIGN_SHARED, DEPOT_STYLE_SHARED},
    [DEPOT_OUTCOME_UNREACHED] = {DEPOT_SIGN_NONE, DEPOT_STYLE_SKIP},
};

static const struct meaning *meaning_of(enum depot_build_state s)
{
    static const enum depot_outcome as[DEPOT_BUILD_STATE_COUNT] = {
        [DEPOT_BUILD_CREATED] = DEPOT_OUTCOME_WAITING,
        [DEPOT_BUILD_QUEUED] = DEPOT_OUTCOME_WAITING,
        [DEPOT_BUILD_RUNNING] = DEPOT_OUTCOME_RUNNING,
        [DEPOT_BUILD_SUCCEEDED] = DEPOT_OUTCOME_RAN,
        [DEPOT_BUILD_FAILED] = DEPOT_OUTCOME_FAILED,
        [DEPOT_BUILD_CANCELLED] = DEPOT_OUTCOME_CANCELLED,
    };
    return &outcomes[as[s]];
}

enum depot_sign depot_outcome_sign(enum depot_outcome v)
{
    return outcomes[v].sign;
}

enum depot_style depot_outcome_style(enum depot_outcome v)
{
    return outcomes[v].style;
}

enum depot_sign depot_state_sign(enum depot_build_state s)
{
    return meaning_of(s)->sign;
}

enum depot_style depot_state_style(enum depot_build_state s)
{
    return meaning_of(s)->style;
}
