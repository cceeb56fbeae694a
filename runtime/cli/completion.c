/* completion.c: `hark completion`. */
#include "cli/completion.h"

#include "cli/commands.h"
#include "shared/log.h"

#include <string.h>
#include <sysexits.h>

static const struct {
    const char *name;
    void (*write)(FILE *f);
} shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};

bool completion_takes(const struct command *command, int option)
{
    return command->takes & (UINT64_C(1) << option);
}

void completion_quote(FILE *f, const char *text, const char *special, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs(quote, f);
        else
            fprintf(f, "%s%c", strchr(special, *text) ? "\\" : "", *text);
    }
}

static int run(struct options *o)
{
    for (size_t i = 0; o->argument_count && i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(o->arguments[0], shells[i].name) == 0) {
            shells[i].write(stdout);
            return EX_OK;
        }
    }
    log_error("hark completion: bash, zsh or fish is needed: see 'hark completion --help'");
    return EX_USAGE;
}

const struct command command_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "what a shell needs to complete commands, options and files",
    .help =
        "Prints a script for that shell. An installation has all three where shells look for them; else,\n"
        "for this user:\n\n"
        "  hark completion bash > ~/.local/share/bash-completion/completions/hark\n"
        "  hark completion zsh  > FOLDER/_hark      FOLDER is one of $fpath\n"
        "  hark completion fish > ~/.config/fish/completions/hark.fish\n\n"
        "bash needs the package bash-completion for that; without it, source the script in ~/.bashrc.\n\n"
        "Exit codes: 0 printed, 64 usage, 70 standard output cannot be written.\n",
    .examples = "For this shell alone:\n"
                "  source <(hark completion bash)\n",
    .takes = OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 1,
    .run = run,
};
