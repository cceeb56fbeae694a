#include "cli/command_table.h"
#include "cli/completion.h"
#include "cli/value_kind.h"

static void write_text(FILE *f, const char *text)
{
    fputs(" -d '", f);
    completion_quote(f, text, "\\", "\\'");
    fputs("'\n", f);
}

/* With -f of the whole command, what is not said is completed to nothing. */
static void write_candidates(FILE *f, const struct value_kind *k)
{
    if (k->words[0])
        fprintf(f, " -a '%s'", k->words);
    else if (k->folder)
        fputs(" -a '(__fish_complete_directories)'", f);
    else if (k->file)
        fputs(" -F", f);
}

static void write_option(FILE *f, const struct command *command, const struct option_row *row)
{
    fprintf(f, "complete -c hark -n '__hark_is %s' -l %s", command->name, row->name);
    if (row->value) {
        struct value_kind k = value_kind_of(row->value);
        fputs(k.file ? " -r" : " -x", f);
        write_candidates(f, &k);
    }
    write_text(f, row->help);
}

/* Words are only its first argument: __hark_is tells when one of them was given. */
static void write_arguments(FILE *f, const struct command *command)
{
    struct value_kind k = value_kind_of(command->arguments);
    fprintf(f, "complete -c hark -n '__hark_is %s %s'", command->name, k.words);
    write_candidates(f, &k);
    write_text(f, command->arguments);
}

static void write_command(FILE *f, const struct command *command)
{
    fprintf(f, "complete -c hark -n __hark_wants_command -a %s", command->name);
    write_text(f, command->summary);
    fprintf(f, "complete -c hark -n '__hark_is help' -a %s", command->name);
    write_text(f, command->summary);
    for (int i = 0; i < option_count; i++) {
        if (completion_takes(command, i))
            write_option(f, command, &option_table[i]);
    }
    if (command->arguments[0])
        write_arguments(f, command);
}

void completion_fish(FILE *f)
{
    fputs("# fish completion of hark: what `hark completion fish` prints.\n"
          "function __hark_wants_command\n"
          "    test (count (commandline -opc)) -eq 1\n"
          "end\n"
          "# Is it that command, and has none of these words been given?\n"
          "function __hark_is\n"
          "    set -l given (commandline -opc)\n"
          "    test (count $given) -ge 2; and test $given[2] = $argv[1]; or return 1\n"
          "    for word in $given[3..-1]\n"
          "        contains -- $word $argv[2..-1]; and return 1\n"
          "    end\n"
          "    return 0\n"
          "end\n"
          "complete -c hark -f\n",
          f);
    for (int i = 0; i < command_count; i++)
        write_command(f, command_table[i]);
}
