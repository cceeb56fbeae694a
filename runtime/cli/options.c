#include "cli/options_internal.h"

#include "manifest/suggest.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_CODE = 256, HELP_COLUMN = 27 /* where the words of an option begin */ };

static const uint64_t DRAIN_DEFAULT_NS = 10 * NS_PER_S;

/* getopt_long's view of the options that the command takes. */
static void long_options(const struct command *command, struct option rows[OPTION_COUNT_MAX + 1])
{
    int count = 0;
    for (int i = 0; i < option_count; i++) {
        if (command->takes & (UINT64_C(1) << i))
            rows[count++] =
                (struct option){option_table[i].name, option_table[i].value ? required_argument : no_argument,
                                NULL, FIRST_CODE + i};
    }
    rows[count] = (struct option){0};
}

static const char *suggestion(const struct command *command, const char *given)
{
    struct suggest s = suggest_start(slice_make(given, strcspn(given, "=")));
    for (int i = 0; i < option_count; i++) {
        if (command->takes & (UINT64_C(1) << i))
            suggest_consider(&s, option_table[i].name);
    }
    return s.best;
}

int option_refuse(const struct command *command, struct diag *diag, const char *format, ...)
{
    char text[DIAG_TEXT_MAX - 64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *stop = text[strlen(text) - 1] == '?' ? "" : ":";
    diag_set(diag, NULL, 0, 0, "%s%s see 'hark %s --help'", text, stop, command->name);
    return -EINVAL;
}

static int refuse_unknown(const struct command *command, const char *given, struct diag *diag)
{
    const char *best = strncmp(given, "--", 2) == 0 ? suggestion(command, given + 2) : NULL;
    if (best)
        return option_refuse(command, diag, "unknown option '%s': did you mean '--%s'?", given, best);
    return option_refuse(command, diag, "unknown option '%s'", given);
}

static int take(const struct command *command, const struct option_row *row, char *value, struct options *o,
                struct diag *diag)
{
    o->given |= UINT64_C(1) << (row - option_table);
    if (row->take)
        return row->take(command, value, o, diag);
    if (row->text)
        *(const char **)((char *)o + row->text) = value;
    else
        *(bool *)((char *)o + row->flag) = true;
    return 0;
}

/* Such as an unset variable of a script leaves it: an empty --state would be the root folder. */
static int refuse_no_value(const struct command *command, int code, struct diag *diag)
{
    const char *name = option_table[code - FIRST_CODE].name;
    return option_refuse(command, diag, "--%s needs a value: --%s %s", name, name,
                         option_table[code - FIRST_CODE].value);
}

static int take_or_refuse(const struct command *command, int code, char **argv, struct options *o,
                          struct diag *diag)
{
    if (code == ':' && optopt >= FIRST_CODE)
        return refuse_no_value(command, optopt, diag);
    if (code == '?' && optopt >= FIRST_CODE)
        return option_refuse(command, diag, "--%s takes no value", option_table[optopt - FIRST_CODE].name);
    if (code == '?' && optopt != 0)
        return option_refuse(command, diag, "unknown option '-%c'", optopt);
    if (code == '?')
        return refuse_unknown(command, argv[optind - 1], diag);
    CHECK(code >= FIRST_CODE);
    const struct option_row *row = &option_table[code - FIRST_CODE];
    if (optarg && !*optarg && !row->may_be_empty)
        return refuse_no_value(command, code, diag);
    static char nothing[1]; /* of a flag without a value */
    return take(command, row, optarg ? optarg : nothing, o, diag);
}

int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
                  struct diag *diag)
{
    struct options o = {.qos = 1, .repeat = 1, .speed = 1, .drain_ns = DRAIN_DEFAULT_NS};
    struct option rows[OPTION_COUNT_MAX + 1];
    int code, error = 0;
    long_options(command, rows);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    while (error == 0 && (code = getopt_long(argc, argv, ":", rows, NULL)) != -1)
        error = take_or_refuse(command, code, argv, &o, diag);
    if (error < 0)
        return error;
    o.arguments = argv + optind;
    o.argument_count = (size_t)(argc - optind);
    if (!o.help && o.argument_count > command->arguments_max)
        return option_refuse(command, diag, "unexpected argument '%s'", o.arguments[command->arguments_max]);
    *ret_options = o;
    return 0;
}

void options_help(const struct command *command)
{
    printf("usage: hark %s [OPTION]...%s%s\n\n%s\noptions:\n", command->name,
           command->arguments[0] ? " " : "", command->arguments, command->help);
    for (int i = 0; i < option_count; i++) {
        if (!(command->takes & (UINT64_C(1) << i)))
            continue;
        int width =
            printf("  --%s %s", option_table[i].name, option_table[i].value ? option_table[i].value : "");
        printf("%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "", option_table[i].help);
    }
}
