/*
 * The core's own struct, shared by its files, from below to above: what views may ask (shell.c),
 * the line at the bottom (prompt_state.c), what is done to builds (build_actions.c), actions
 * (dispatch.c), commands (command.c), what is typed (prompt.c), frames (frame.c), input (tui.c).
 */
#ifndef DEPOT_TUI_PRIV_H
#define DEPOT_TUI_PRIV_H

#include "app.h"
#include "command.h"

enum prompt_kind {
    PROMPT_NONE,
    PROMPT_COMMAND,
    PROMPT_FILTER,
    PROMPT_SEARCH,
    PROMPT_ASK, /* a view's question */
    PROMPT_YES, /* y or n */
};

enum { PROMPT_MAX = 1024, SAY_MAX = 512, PROMPT_HISTORY = 50 };

struct prompt {
    enum prompt_kind kind;
    char label[SAY_MAX];
    struct depot_buf text;
    size_t cursor; /* byte */
    dp_tui_text_fn *text_fn;
    dp_tui_yes_fn *yes_fn;
    char *arg;
    char error[SAY_MAX];
    struct depot_strv history[PROMPT_ASK + 1];
    size_t back; /* entries gone back in the history */
    char *draft; /* what was typed before going back; NULL: nothing */
    bool typed;  /* the view has not been given the text yet */
    struct completion completion;
};

/* A key and what it does, at the bottom. */
struct hint {
    enum action action;
    char key[64];
    int key_w, w; /* w 0: no key does it */
};

struct tui {
    struct fleet *fleet;
    const struct view_ops *const *views; /* by their numbers */
    struct keymaps *keys;
    const struct depot_styles *styles;
    struct tui_ops ops;
    void *arg;
    struct grid grid;
    int h, w;
    DEPOT_VEC(struct view *) stack;
    DEPOT_VEC(struct view *) gone; /* left while one of their functions ran */
    depot_time now;
    char *opening;       /* a command for when the data is there; NULL */
    unsigned generation; /* the fleet's, when the view was last refreshed */
    bool renew;          /* the view was moved or opened: refresh it even if frozen */
    bool dirty, data_changed, frozen, mouse, hide_keys, busy, quit;
    bool escaped;                 /* the key that is being acted on is Esc */
    DEPOT_VEC(struct hint) hints; /* of the view `hinted`; bindings do not change */
    enum view_id hinted;
    struct prompt prompt;
    char said[SAY_MAX];
    uint32_t said_style;
    uint64_t said_until_ms; /* UINT64_MAX: until a key */
    char mark[64];
    int click_y;
    uint64_t click_ms;
};

/* shell.c */
void dp_tui_size_view(struct tui *t, struct view *v);
/* What views know is as new as the data: before they act, and before they draw. A frozen one too
 * when it was moved, or when states that it may point to are gone. */
void dp_tui_freshen(struct tui *t);

/* build_actions.c: in a few words why an action would do nothing here, where nothing is selected or
 * what is cannot be acted on; NULL: it does something, as far as the core knows. */
const char *dp_act_refusal(const struct view *v, enum action a);

/* prompt_state.c */
void dp_prompt_init(struct prompt *p);
void dp_prompt_release(struct prompt *p);
void dp_prompt_open(struct tui *t, enum prompt_kind kind, const char *label, const char *initial);
void dp_prompt_close(struct tui *t);
void dp_prompt_forget_draft(struct prompt *p); /* back to the end of the history */

/* prompt.c */
void dp_prompt_key(struct tui *t, const struct key *k);
/* Before a frame: the view gets what was typed since the last one, once, for it may be long work.
 */
void dp_prompt_heed(struct tui *t);
/* In the row `y`; candidates in the one above it. */
void dp_prompt_draw(const struct tui *t, const struct canvas *c, int y);

#endif
