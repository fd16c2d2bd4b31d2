/*
 * What is asked at the bottom: opened by views and by the core, typed into by prompt.c.
 */
#include "tui_priv.h"

#include <stdio.h>

void dp_prompt_init(struct prompt *p)
{
    depot_buf_init(&p->text, PROMPT_MAX);
}

void dp_prompt_release(struct prompt *p)
{
    depot_buf_release(&p->text);
    depot_free(p->arg);
    depot_free(p->draft);
    dp_completion_end(&p->completion);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(p->history); i++)
        depot_strv_release(&p->history[i]);
}

void dp_prompt_forget_draft(struct prompt *p)
{
    depot_free(p->draft);
    p->draft = NULL;
    p->back = 0;
}

void dp_prompt_close(struct tui *t)
{
    struct prompt *p = &t->prompt;
    dp_completion_end(&p->completion);
    dp_prompt_forget_draft(p);
    p->kind = PROMPT_NONE;
    p->typed = false;
    p->text_fn = NULL;
    p->yes_fn = NULL;
    depot_free(p->arg);
    p->arg = NULL;
    t->dirty = true;
}

void dp_prompt_open(struct tui *t, enum prompt_kind kind, const char *label, const char *initial)
{
    struct prompt *p = &t->prompt;
    dp_prompt_close(t);
    p->kind = kind;
    snprintf(p->label, sizeof(p->label), "%s", label);
    depot_buf_clear(&p->text);
    depot_buf_adds(&p->text, initial != NULL ? initial : "");
    p->cursor = p->text.len;
    p->error[0] = '\0';
    t->said[0] = '\0';
    t->dirty = true;
}
