/*
 * Parses a command line by an option table. Knows no option of its own but --help.
 */
#include <depot/app.h>

#include <string.h>

enum { OPT_SUGGEST_MAX_DISTANCE = 3, OPT_NAME_MAX = 64 };

struct parse {
    const struct depot_command *cmd;
    void *target;
    struct depot_strv *args;
    struct depot_error *err;
    char **argv;
    int argc, i;
};

/* How the command is called: "depot build", "depotd". */
static const char *prefix_of(const struct depot_command *cmd)
{
    return cmd->standalone ? "" : "depot ";
}

static void *target_of(const struct depot_opt *opt, void *target)
{
    return (char *)target + opt->offset;
}

static bool takes_value(const struct depot_opt *opt)
{
    if (opt->type == DEPOT_OPT_IGNORED)
        return (opt->flags & DEPOT_OPT_NO_ARG) == 0;
    return opt->type != DEPOT_OPT_BOOL;
}

static const struct depot_opt *find_long(
    const struct depot_command *cmd, const char *name, size_t n)
{
    for (size_t i = 0; i < cmd->nopts; i++)
        if (strlen(cmd->opts[i].name) == n && strncmp(cmd->opts[i].name, name, n) == 0)
            return &cmd->opts[i];
    return NULL;
}

static const struct depot_opt *find_letter(const struct depot_command *cmd, char letter)
{
    for (size_t i = 0; i < cmd->nopts; i++)
        if (cmd->opts[i].letter == letter)
            return &cmd->opts[i];
    return NULL;
}

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edit distance, for "did you mean". */
static int distance(const char *a, const char *b)
{
    int row[OPT_NAME_MAX + 1];
    int nb = (int)strlen(b);
    if (nb > OPT_NAME_MAX || strlen(a) > OPT_NAME_MAX)
        return OPT_NAME_MAX;
    for (int j = 0; j <= nb; j++)
        row[j] = j;
    for (int i = 1; a[i - 1] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            int above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[nb];
}

static int unknown_flag(struct parse *p, const char *name)
{
    const char *best = NULL;
    /* A short word is near to many. */
    const int most = (int)(strlen(name) + 1) / 3;
    int best_distance = (most < OPT_SUGGEST_MAX_DISTANCE ? most : OPT_SUGGEST_MAX_DISTANCE) + 1;
    for (size_t i = 0; i < p->cmd->nopts; i++) {
        const struct depot_opt *opt = &p->cmd->opts[i];
        int d = distance(name, opt->name);
        if ((opt->flags & DEPOT_OPT_HIDDEN) == 0 && d < best_distance) {
            best = opt->name;
            best_distance = d;
        }
    }
    depot_error_set(p->err, DEPOT_ERR_INVALID, "unknown flag: --%s", name);
    if (best != NULL)
        depot_error_hint(p->err, "did you mean --%s?", best);
    else
        depot_error_hint(p->err, "see \"%s%s --help\"", prefix_of(p->cmd), p->cmd->name);
    return DEPOT_ERR_INVALID;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t n = strlen(value);
    for (const char *c = choices; c != NULL;) {
        const char *end = strchr(c, '|');
        size_t len = end != NULL ? (size_t)(end - c) : strlen(c);
        if (len == n && strncmp(c, value, n) == 0)
            return true;
        c = end != NULL ? end + 1 : NULL;
    }
    return false;
}

static int read_bool(struct parse *p, const struct depot_opt *opt, const char *value, bool *out)
{
    *out = true;
    if (value == NULL || depot_str_to_bool(value, out) == 0)
        return 0;
    return depot_error_set(p->err, DEPOT_ERR_INVALID,
        "invalid value \"%.80s\" for --%s: expected true or false", value, opt->name);
}

static int set_bool(struct parse *p, const struct depot_opt *opt, const char *value)
{
    bool b;
    int rc = read_bool(p, opt, value, &b);
    if (rc == 0)
        *(bool *)target_of(opt, p->target) = b;
    return rc;
}

static int ignore(struct parse *p, const struct depot_opt *opt, const char *value)
{
    bool b;
    int rc = (opt->flags & DEPOT_OPT_NO_ARG) != 0 ? read_bool(p, opt, value, &b) : 0;
    if (rc == 0 && !(opt->flags & DEPOT_OPT_SILENT))
        fprintf(stderr, "WARNING: --%s has no effect: %s\n", opt->name,
            opt->help != NULL ? opt->help : "BuildKit has no such setting");
    return rc;
}

/* One of several words may be empty, as a variable that is not set: then it was not said. */
static int set_string(struct parse *p, const struct depot_opt *opt, const char *value)
{
    const bool unsaid = opt->choices != NULL && *value == '\0';
    if (opt->choices != NULL && !unsaid && !is_choice(opt->choices, value)) {
        depot_error_set(
            p->err, DEPOT_ERR_INVALID, "invalid value \"%.80s\" for --%s", value, opt->name);
        return depot_error_hint(p->err, "use one of %s", opt->choices);
    }
    char **s = target_of(opt, p->target);
    depot_free(*s);
    *s = unsaid ? NULL : depot_strdup(value);
    return 0;
}

static int set_value(struct parse *p, const struct depot_opt *opt, const char *value)
{
    switch (opt->type) {
    case DEPOT_OPT_BOOL:
        return set_bool(p, opt, value);
    case DEPOT_OPT_STRING:
        return set_string(p, opt, value);
    case DEPOT_OPT_LIST:
        depot_strv_push(target_of(opt, p->target), value);
        return 0;
    case DEPOT_OPT_CSV:
        depot_strv_split(target_of(opt, p->target), value, ',');
        return 0;
    case DEPOT_OPT_INT:
        if (depot_str_to_int64(value, 0, INT64_MAX, target_of(opt, p->target)) != 0)
            return depot_error_set(p->err, DEPOT_ERR_INVALID,
                "invalid value \"%.80s\" for --%s: expected a number", value, opt->name);
        return 0;
    case DEPOT_OPT_IGNORED:
        return ignore(p, opt, value);
    }
    return DEPOT_ERR_INTERNAL;
}

/* The value after the flag: what stands behind '=' or the next argument. */
static int take_value(struct parse *p, const struct depot_opt *opt, const char *inline_value)
{
    if (!takes_value(opt) || inline_value != NULL)
        return set_value(p, opt, inline_value);
    if (p->i + 1 >= p->argc)
        return depot_error_set(
            p->err, DEPOT_ERR_INVALID, "flag needs an argument: --%s", opt->name);
    return set_value(p, opt, p->argv[++p->i]);
}

static int parse_long(struct parse *p, const char *arg)
{
    const char *eq = strchr(arg, '=');
    size_t n = eq != NULL ? (size_t)(eq - arg) : strlen(arg);
    if (n == 4 && strncmp(arg, "help", 4) == 0)
        return DEPOT_ERR_EOF;
    const struct depot_opt *opt = find_long(p->cmd, arg, n);
    if (opt == NULL) {
        char *name = depot_strndup(arg, n);
        unknown_flag(p, name);
        depot_free(name);
        return DEPOT_ERR_INVALID;
    }
    return take_value(p, opt, eq != NULL ? eq + 1 : NULL);
}

/* "-qf FILE", "-fFILE", "-f=FILE". */
static int parse_letters(struct parse *p, const char *letters)
{
    for (const char *c = letters; *c != '\0'; c++) {
        const struct depot_opt *opt = find_letter(p->cmd, *c);
        if (opt == NULL && *c == 'h')
            return DEPOT_ERR_EOF;
        if (opt == NULL) {
            depot_error_set(p->err, DEPOT_ERR_INVALID, "unknown flag: -%c", *c);
            return depot_error_hint(p->err, "see \"%s%s --help\"", prefix_of(p->cmd), p->cmd->name);
        }
        if (takes_value(opt)) {
            const char *rest = c[1] == '=' ? c + 2 : c + 1;
            return take_value(p, opt, *rest != '\0' ? rest : NULL);
        }
        int rc = set_value(p, opt, NULL);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int check_args(struct parse *p)
{
    int n = (int)p->args->len;
    const struct depot_command *cmd = p->cmd;
    if (n >= cmd->min_args && n <= cmd->max_args)
        return 0;
    if (cmd->max_args == 0)
        depot_error_set(p->err, DEPOT_ERR_INVALID, "\"%s\" takes no arguments, got \"%s\"",
            cmd->name, p->args->items[0]);
    else
        depot_error_set(p->err, DEPOT_ERR_INVALID, "\"%s\" requires %s %d argument%s, got %d",
            cmd->name,
            cmd->min_args == cmd->max_args ? "exactly"
            : n < cmd->min_args            ? "at least"
                                           : "at most",
            n < cmd->min_args ? cmd->min_args : cmd->max_args,
            (n < cmd->min_args ? cmd->min_args : cmd->max_args) == 1 ? "" : "s", n);
    return depot_error_hint(p->err, "usage: %s%s [OPTIONS]%s%s", prefix_of(cmd), cmd->name,
        cmd->args[0] != '\0' ? " " : "", cmd->args);
}

int depot_opts_parse(const struct depot_command *cmd, int argc, char **argv, void *target,
    struct depot_strv *args, struct depot_error *err)
{
    struct parse p = {
        .cmd = cmd, .target = target, .args = args, .err = err, .argv = argv, .argc = argc};
    bool only_args = false;
    for (p.i = 0; p.i < argc; p.i++) {
        const char *arg = argv[p.i];
        int rc = 0;
        if (only_args || arg[0] != '-' || arg[1] == '\0')
            depot_strv_push(args, arg);
        else if (strcmp(arg, "--") == 0)
            only_args = true;
        else if (arg[1] == '-')
            rc = parse_long(&p, arg + 2);
        else
            rc = parse_letters(&p, arg + 1);
        if (rc != 0)
            return rc;
    }
    return check_args(&p);
}

void depot_opts_release(const struct depot_command *cmd, void *target)
{
    for (size_t i = 0; i < cmd->nopts; i++) {
        void *t = target_of(&cmd->opts[i], target);
        switch (cmd->opts[i].type) {
        case DEPOT_OPT_STRING:
            depot_free(*(char **)t);
            *(char **)t = NULL;
            break;
        case DEPOT_OPT_LIST:
        case DEPOT_OPT_CSV:
            depot_strv_release(t);
            break;
        default:
            break;
        }
    }
}
