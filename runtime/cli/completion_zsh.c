#include "cli/command_table.h"
#include "cli/completion.h"
#include "cli/value_kind.h"

#include <string.h>

static const char quote[] = "'\\''";

/* `:FILE:_files`: what comes, and how it is completed. */
static void write_value(FILE *f, const char *usage)
{
    struct value_kind k = value_kind_of(usage);
    fputs(":", f);
    completion_quote(f, usage, ":\\", quote);
    if (k.words[0])
        fprintf(f, ":(%s)", k.words);
    else
        fprintf(f, ":%s", k.file ? "_files" : k.folder ? "_files -/" : "");
}

static void write_option(FILE *f, const struct option_row *row)
{
    fprintf(f, "      '%s--%s%s[", strstr(row->help, "may be repeated") ? "*" : "", row->name,
            row->value ? "=" : "");
    completion_quote(f, row->help, "[]:\\", quote);
    fputs("]", f);
    if (row->value)
        write_value(f, row->value);
    fputs("' \\\n", f);
}

/* Words are only its first argument. */
static void write_arguments(FILE *f, const struct command *command)
{
    if (command->arguments[0]) {
        fprintf(f, "      '%s", command->arguments_max == 1 || strchr(command->arguments, '|') ? "1" : "*");
        write_value(f, command->arguments);
        fputs("' \\\n", f);
    }
    fputs("      && return 0\n    ;;\n", f);
}

static void write_command(FILE *f, const struct command *command)
{
    fprintf(f, "  %s)\n    _arguments \\\n", command->name);
    for (int i = 0; i < option_count; i++) {
        if (completion_takes(command, i))
            write_option(f, &option_table[i]);
    }
    write_arguments(f, command);
}

static void write_commands(FILE *f)
{
    fputs("  local -a commands=(\n", f);
    for (int i = 0; i < command_count; i++) {
        fprintf(f, "    '%s:", command_table[i]->name);
        completion_quote(f, command_table[i]->summary, "\\", quote);
        fputs("'\n", f);
    }
    fputs("  )\n", f);
}

void completion_zsh(FILE *f)
{
    fputs("#compdef hark\n# zsh completion of hark: what `hark completion zsh` prints.\n_hark() {\n", f);
    write_commands(f);
    fputs("  if ((CURRENT == 2)) || [[ CURRENT -eq 3 && $words[2] == help ]]; then\n"
          "    _describe command commands\n"
          "    return\n"
          "  fi\n"
          "  shift words\n"
          "  ((CURRENT--))\n"
          "  case $words[1] in\n",
          f);
    for (int i = 0; i < command_count; i++)
        write_command(f, command_table[i]);
    fputs("  esac\n"
          "  return 1\n"
          "}\n"
          "if [[ $funcstack[1] == _hark ]]; then\n"
          "  _hark \"$@\"\n"
          "else\n"
          "  compdef _hark hark\n"
          "fi\n",
          f);
}
