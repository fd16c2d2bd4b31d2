/*
 * Shell completions, printed from the command and option tables.
 */
#include <depot/app.h>

#include <string.h>

struct shell {
    const char *name;
    void (*print)(FILE *out, const char *program, const struct depot_command *cmds, size_t n);
};

static bool shown(const struct depot_opt *opt)
{
    return (opt->flags & DEPOT_OPT_HIDDEN) == 0;
}

static void print_words(FILE *out, const char *choices)
{
    for (; *choices != '\0'; choices++)
        fputc(*choices == '|' ? ' ' : *choices, out);
}

static void bash_command(FILE *out, const struct depot_command *cmd)
{
    fprintf(out, "    %s%s%s)\n        case \"$prev\" in\n", cmd->name,
        cmd->alias != NULL ? "|" : "", cmd->alias != NULL ? cmd->alias : "");
    for (size_t i = 0; i < cmd->nopts; i++) {
        if (cmd->opts[i].choices == NULL || !shown(&cmd->opts[i]))
            continue;
        fprintf(out, "        --%s) COMPREPLY=($(compgen -W \"", cmd->opts[i].name);
        print_words(out, cmd->opts[i].choices);
        fputs("\" -- \"$cur\")); return ;;\n", out);
    }
    fputs("        esac\n        words=\"--help", out);
    for (size_t i = 0; i < cmd->nopts; i++)
        if (shown(&cmd->opts[i]))
            fprintf(out, " --%s", cmd->opts[i].name);
    fputs("\" ;;\n", out);
}

static void print_bash(FILE *out, const char *program, const struct depot_command *cmds, size_t n)
{
    fprintf(out,
        "_%s() {\n    local cur prev words\n    cur=\"${COMP_WORDS[COMP_CWORD]}\"\n"
        "    prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"",
        program);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", cmds[i].name);
    fputs("\" -- \"$cur\"))\n        return\n    fi\n    case \"${COMP_WORDS[1]}\" in\n", out);
    for (size_t i = 0; i < n; i++)
        bash_command(out, &cmds[i]);
    fprintf(out,
        "    esac\n    case \"$cur\" in\n    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) "
        ";;\n"
        "    *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n    esac\n}\n"
        "complete -o filenames -F _%s %s\n",
        program, program);
}

/* Single quotes as the shells want them inside single quotes; brackets and colons as zsh does. */
static void quoted(FILE *out, const char *s, const char *escape)
{
    for (; *s != '\0'; s++) {
        if (*s == '\'')
            fputs("'\\''", out);
        else if (strchr(escape, *s) != NULL)
            fprintf(out, "\\%c", *s);
        else
            fputc(*s, out);
    }
}

static void zsh_option(FILE *out, const struct depot_opt *opt)
{
    bool value = opt->type != DEPOT_OPT_BOOL;
    fprintf(out, "            '*--%s%s[", opt->name, value ? "=" : "");
    quoted(out, opt->help, "[]:");
    fputc(']', out);
    if (opt->choices != NULL) {
        fprintf(out, ":%s:(", opt->name);
        print_words(out, opt->choices);
        fputc(')', out);
    } else if (value) {
        fprintf(out, ":%s:_files", opt->value != NULL ? opt->value : "value");
    }
    fputs("' \\\n", out);
}

static void print_zsh(FILE *out, const char *program, const struct depot_command *cmds, size_t n)
{
    fprintf(out, "#compdef %s\n_%s() {\n    local -a commands\n    commands=(\n", program, program);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "        '%s:", cmds[i].name);
        quoted(out, cmds[i].summary, ":");
        fputs("'\n", out);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n"
          "        return\n    fi\n    case \"$words[2]\" in\n",
        out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "    %s)\n        shift words; (( CURRENT-- ))\n        _arguments \\\n",
            cmds[i].name);
        for (size_t j = 0; j < cmds[i].nopts; j++)
            if (shown(&cmds[i].opts[j]))
                zsh_option(out, &cmds[i].opts[j]);
        fputs("            '*:file:_files' ;;\n", out);
    }
    fprintf(out, "    esac\n}\n_%s \"$@\"\n", program);
}

static void fish_option(
    FILE *out, const char *program, const char *command, const struct depot_opt *opt)
{
    fprintf(out, "complete -c %s -n '__fish_seen_subcommand_from %s' -l %s", program, command,
        opt->name);
    if (opt->letter != 0)
        fprintf(out, " -s %c", opt->letter);
    if (opt->choices != NULL) {
        fputs(" -x -a '", out);
        print_words(out, opt->choices);
        fputc('\'', out);
    } else if (opt->type != DEPOT_OPT_BOOL) {
        fputs(" -r", out);
    }
    fputs(" -d '", out);
    quoted(out, opt->help, "");
    fputs("'\n", out);
}

static void print_fish(FILE *out, const char *program, const struct depot_command *cmds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fprintf(
            out, "complete -c %s -n __fish_use_subcommand -f -a %s -d '", program, cmds[i].name);
        quoted(out, cmds[i].summary, "");
        fputs("'\n", out);
        for (size_t j = 0; j < cmds[i].nopts; j++)
            if (shown(&cmds[i].opts[j]))
                fish_option(out, program, cmds[i].name, &cmds[i].opts[j]);
    }
}

static const struct shell shells[] = {
    {"bash", print_bash},
    {"zsh", print_zsh},
    {"fish", print_fish},
};

int depot_completion(FILE *out, const char *shell, const char *program,
    const struct depot_command *cmds, size_t n, struct depot_error *err)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(shells); i++) {
        if (depot_str_eq(shells[i].name, shell)) {
            shells[i].print(out, program, cmds, n);
            return 0;
        }
    }
    depot_error_set(err, DEPOT_ERR_INVALID, "no completions for shell \"%s\"", shell);
    return depot_error_hint(err, "use bash, zsh or fish");
}
