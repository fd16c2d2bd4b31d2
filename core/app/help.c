/*
 * Help texts, printed from the command and option tables.
 */
#include <depot/app.h>

#include <string.h>

enum { HELP_FLAG_COLUMN = 2, HELP_TEXT_COLUMN = 30, HELP_WIDTH = 80 };

/* Words of `text` from the column on, folded at the width. */
static void print_folded(FILE *out, const char *text, int column, int indent)
{
    int at = column;
    for (const char *word = text; *word != '\0';) {
        int n = (int)strcspn(word, " ");
        if (at > indent && at + 1 + n > HELP_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fwrite(word, 1, (size_t)n, out);
        at += n;
        word += n;
        while (*word == ' ')
            word++;
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct depot_opt *opt)
{
    char left[128];
    const char *value = opt->value != NULL ? opt->value : "";
    int n;
    if (opt->letter != 0)
        n = snprintf(left, sizeof(left), "%*s-%c, --%s %s", HELP_FLAG_COLUMN, "", opt->letter,
            opt->name, value);
    else
        n = snprintf(left, sizeof(left), "%*s    --%s %s", HELP_FLAG_COLUMN, "", opt->name, value);
    fputs(left, out);
    if (n >= HELP_TEXT_COLUMN)
        fputc('\n', out);
    fprintf(out, "%*s", n >= HELP_TEXT_COLUMN ? HELP_TEXT_COLUMN : HELP_TEXT_COLUMN - n, "");
    if (opt->choices == NULL) {
        print_folded(out, opt->help, HELP_TEXT_COLUMN, HELP_TEXT_COLUMN);
        return;
    }
    char *text = depot_asprintf("%s (%s)", opt->help, opt->choices);
    print_folded(out, text, HELP_TEXT_COLUMN, HELP_TEXT_COLUMN);
    depot_free(text);
}

void depot_help_command(FILE *out, const char *program, const struct depot_command *cmd)
{
    fprintf(out, "Usage:  %s%s%s%s%s%s\n\n%s\n", program, cmd->standalone ? "" : " ",
        cmd->standalone ? "" : cmd->name, cmd->nopts > 0 ? " [OPTIONS]" : "",
        cmd->args[0] != '\0' ? " " : "", cmd->args, cmd->summary);
    if (cmd->alias != NULL)
        fprintf(out, "\nAliases:\n  %s %s, %s %s\n", program, cmd->name, program, cmd->alias);
    static const struct depot_opt help = {
        "help", 'h', DEPOT_OPT_BOOL, 0, NULL, "Print this help and leave", NULL, 0};
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < cmd->nopts; i++)
        if ((cmd->opts[i].flags & DEPOT_OPT_HIDDEN) == 0)
            print_option(out, &cmd->opts[i]);
    print_option(out, &help);
    if (cmd->text != NULL) {
        fputc('\n', out);
        print_folded(out, cmd->text, 0, 0);
    }
}

void depot_help_program(
    FILE *out, const char *program, const char *summary, const struct depot_command *cmds, size_t n)
{
    fprintf(out, "Usage:  %s COMMAND [OPTIONS]\n\n%s\n\nCommands:\n", program, summary);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "  %-14s %s\n", cmds[i].name, cmds[i].summary);
    fprintf(out, "\nRun \"%s COMMAND --help\" for more about a command.\n", program);
}
