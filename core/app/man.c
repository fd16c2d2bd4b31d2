/*
 * Manual pages in roff, printed from the command and option tables.
 */
#include <depot/app.h>

#include <ctype.h>
#include <string.h>

/* Text with roff's special characters made plain; a line may not begin with a dot or a quote. */
static void roff_text(FILE *out, const char *s)
{
    bool line_start = true;
    for (; *s != '\0'; s++) {
        if (line_start && (*s == '.' || *s == '\''))
            fputs("\\&", out);
        if (*s == '\\')
            fputs("\\e", out);
        else if (*s == '-')
            fputs("\\-", out);
        else
            fputc(*s, out);
        line_start = *s == '\n';
    }
}

static void roff_upper(FILE *out, const char *s)
{
    for (; *s != '\0'; s++)
        fputc(toupper((unsigned char)*s), out);
}

/* Blank lines part paragraphs. */
static void roff_paragraphs(FILE *out, const char *text)
{
    while (text != NULL && *text != '\0') {
        const char *end = strstr(text, "\n\n");
        char *one = end != NULL ? depot_strndup(text, (size_t)(end - text)) : depot_strdup(text);
        fputs(".PP\n", out);
        roff_text(out, one);
        fputc('\n', out);
        depot_free(one);
        text = end != NULL ? end + 2 : NULL;
    }
}

static void man_options(FILE *out, const struct depot_command *cmd)
{
    for (size_t i = 0; i < cmd->nopts; i++) {
        const struct depot_opt *opt = &cmd->opts[i];
        if ((opt->flags & DEPOT_OPT_HIDDEN) != 0)
            continue;
        fputs(".TP\n", out);
        if (opt->letter != 0)
            fprintf(out, "\\fB\\-%c\\fR, ", opt->letter);
        fputs("\\fB\\-\\-", out);
        roff_text(out, opt->name);
        fprintf(out, "\\fR %s%s%s\n", opt->value != NULL ? "\\fI" : "",
            opt->value != NULL ? opt->value : "", opt->value != NULL ? "\\fR" : "");
        roff_text(out, opt->help);
        if (opt->choices != NULL) {
            fputs(" (", out);
            roff_text(out, opt->choices);
            fputc(')', out);
        }
        fputs(".\n", out);
    }
}

static void man_title(FILE *out, const char *program, const char *command, const char *summary)
{
    fputs(".TH ", out);
    roff_upper(out, program);
    if (command != NULL) {
        fputc('-', out);
        roff_upper(out, command);
    }
    fprintf(out, " 1 \"\" \"Depot %s\"\n.SH NAME\n%s%s%s \\- ", DEPOT_VERSION, program,
        command != NULL ? "\\-" : "", command != NULL ? command : "");
    roff_text(out, summary);
    fputc('\n', out);
}

void depot_man_command(FILE *out, const char *program, const struct depot_command *cmd)
{
    man_title(out, program, cmd->standalone ? NULL : cmd->name, cmd->summary);
    fprintf(out, ".SH SYNOPSIS\n\\fB%s%s%s\\fR", program, cmd->standalone ? "" : " ",
        cmd->standalone ? "" : cmd->name);
    fputs(cmd->nopts > 0 ? " [\\fIOPTIONS\\fR] " : " ", out);
    roff_text(out, cmd->args);
    fputs("\n.SH DESCRIPTION\n", out);
    roff_text(out, cmd->summary);
    fputs(".\n", out);
    roff_paragraphs(out, cmd->text);
    if (cmd->nopts > 0)
        fputs(".SH OPTIONS\n", out);
    man_options(out, cmd);
    fputs(".SH SEE ALSO\n\\fBdepot\\fR(1), \\fBdepotd\\fR(1)\n", out);
}

void depot_man_program(FILE *out, const char *program, const char *summary, const char *text,
    const struct depot_command *cmds, size_t n)
{
    man_title(out, program, NULL, summary);
    fprintf(out, ".SH SYNOPSIS\n\\fB%s\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n",
        program);
    roff_text(out, summary);
    fputs(".\n", out);
    roff_paragraphs(out, text);
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, ".TP\n\\fB%s %s\\fR ", program, cmds[i].name);
        roff_text(out, cmds[i].args);
        fputc('\n', out);
        roff_text(out, cmds[i].summary);
        fputs(".\n", out);
    }
}
