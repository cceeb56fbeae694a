#include "cli/command_table.h"
#include "cli/completion.h"
#include "cli/value_kind.h"

static void write_commands(FILE *f)
{
    fputs("  local commands='", f);
    for (int i = 0; i < command_count; i++)
        fprintf(f, "%s%s", i ? " " : "", command_table[i]->name);
    fputs("'\n", f);
}

/* What follows an option, by its name. */
static void write_option(FILE *f, const struct option_row *row)
{
    struct value_kind k = value_kind_of(row->value);
    fprintf(f, "  --%s) takes_value=1 words='%s' files='%s' ;;\n", row->name, k.words,
            k.file     ? "-f"
            : k.folder ? "-d"
                       : "");
}

static void write_options(FILE *f)
{
    fputs("  case $option in\n", f);
    for (int i = 0; i < option_count; i++) {
        if (option_table[i].value)
            write_option(f, &option_table[i]);
    }
    fputs("  esac\n", f);
}

static void write_command(FILE *f, const struct command *command)
{
    struct value_kind k = value_kind_of(command->arguments);
    fprintf(f, "  %s)\n    words='%s' files='%s'\n    options='", command->name, k.words,
            k.file     ? "-f"
            : k.folder ? "-d"
                       : "");
    for (int i = 0; i < option_count; i++) {
        if (completion_takes(command, i))
            fprintf(f, " --%s", option_table[i].name);
    }
    fputs(" '\n    ;;\n", f);
}

/* `--config=x` is three words to bash: `--config`, `=` and `x`. */
static const char start[] = "# bash completion of hark: what `hark completion bash` prints.\n"
                            "_hark() {\n"
                            "  local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}\n"
                            "  local takes_value='' words='' files='' options='' given\n";

static const char middle[] = "  COMPREPLY=()\n"
                             "  if ((COMP_CWORD == 1)); then\n"
                             "    mapfile -t COMPREPLY < <(compgen -W \"$commands help --help --version\" -- "
                             "\"$cur\")\n"
                             "    return\n"
                             "  fi\n"
                             "  if [[ $cur == = ]]; then\n"
                             "    cur=''\n"
                             "  elif [[ $option == = ]]; then\n"
                             "    option=${COMP_WORDS[COMP_CWORD - 2]}\n"
                             "  fi\n";

static const char before_commands[] = "  [[ $takes_value ]] || case ${COMP_WORDS[1]} in\n"
                                      "  help) ((COMP_CWORD == 2)) && words=$commands ;;\n";

/* A command's word, such as `list` of `hark dead list`, comes once. */
static const char end[] = "  esac\n"
                          "  for given in ${options:+\"${COMP_WORDS[@]:2:COMP_CWORD-2}\"}; do\n"
                          "    [[ \" $words \" != *\" $given \"* ]] || words=''\n"
                          "  done\n"
                          "  if [[ $cur == -* && $options ]]; then\n"
                          "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
                          "  elif [[ $words ]]; then\n"
                          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                          "  elif [[ $files ]]; then\n"
                          "    compopt -o filenames 2>/dev/null\n"
                          "    mapfile -t COMPREPLY < <(compgen \"$files\" -- \"$cur\")\n"
                          "  fi\n"
                          "}\n"
                          "complete -F _hark hark\n";

void completion_bash(FILE *f)
{
    fputs(start, f);
    write_commands(f);
    fputs(middle, f);
    write_options(f);
    fputs(before_commands, f);
    for (int i = 0; i < command_count; i++)
        write_command(f, command_table[i]);
    fputs(end, f);
}
