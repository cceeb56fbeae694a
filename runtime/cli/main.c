/* main.c: `hark COMMAND`: which of the commands is meant, and what is said when none of them is. */
#include "cli/command_table.h"
#include "manifest/suggest.h"
#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

static int print_help(void)
{
    puts("usage: hark COMMAND [OPTION]... [ARGUMENT]...\n\n"
         "Functions that listen: MQTT topics run shared objects in processes of their own.\n");
    for (int i = 0; i < command_count; i++)
        printf("  %-10s %s\n", command_table[i]->name, command_table[i]->summary);
    puts("\nhark COMMAND --help tells more; hark --version tells the version.");
    return EX_OK;
}

static const struct command *find(const char *name)
{
    for (int i = 0; i < command_count; i++) {
        if (strcmp(command_table[i]->name, name) == 0)
            return command_table[i];
    }
    return NULL;
}

static int refuse(const char *name)
{
    struct suggest s = suggest_start(slice_of(name));
    for (int i = 0; i < command_count; i++)
        suggest_consider(&s, command_table[i]->name);
    const char *kind = name[0] == '-' ? "option" : "command";
    if (s.best)
        log_error("unknown %s '%s': did you mean '%s'? see 'hark --help'", kind, name, s.best);
    else
        log_error("unknown %s '%s': see 'hark --help'", kind, name);
    return EX_USAGE;
}

static int help(char **about)
{
    if (!about[0])
        return print_help();
    const struct command *command = find(about[0]);
    if (!command)
        return refuse(about[0]);
    options_help(command);
    return EX_OK;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct options options;
    struct diag diag = {0};
    if (options_parse(command, argc, argv, &options, &diag) < 0) {
        log_error("%s", diag.text);
        return EX_USAGE;
    }
    if (options.help) {
        options_help(command);
        return EX_OK;
    }
    if (options.verbose)
        log_set_level(LOG_DEBUG);
    return command->run(&options);
}

static int choose(int argc, char **argv)
{
    if (argc < 2) {
        log_error("no command given: see 'hark --help'");
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0)
        return help(argv + 2);
    if (strcmp(argv[1], "--version") == 0) {
        puts("hark " HARK_VERSION);
        return EX_OK;
    }
    const struct command *command = find(argv[1]);
    return command ? run(command, argc - 1, argv + 1) : refuse(argv[1]);
}

/* Descriptors 0 to 2 that came closed: the event loop would be given their numbers, and libuv aborts when it
 * closes one of those. Open for reading only: to write there is an error still. */
static bool open_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Lines were written as they came, so the error may be an earlier one's, and errno another's by now. */
static bool flush_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    log_error("standard output cannot be written: is the disk full, or its reader gone?");
    return false;
}

int main(int argc, char **argv)
{
    if (!open_standard_files()) {
        log_error("cannot open /dev/null: %s", strerror(errno));
        return EX_SOFTWARE;
    }
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_DUMPABLE, 0); /* no core dump, and no process of the same user reads the memory: passwords */
    setvbuf(stdout, NULL, _IOLBF, 0);
    int code = choose(argc, argv);
    bool written = flush_output();
    return code == EX_OK && !written ? EX_SOFTWARE : code;
}
