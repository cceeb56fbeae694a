/* options.h: the options of all commands, in one table: names, values, help text, and which command takes
 * which.
 *
 * In hark's main, before anything else runs. getopt_long(3) underneath. A mistake is one line on standard
 * error and exit code 64. */
#ifndef HARK_CLI_OPTIONS_H
#define HARK_CLI_OPTIONS_H

#include "shared/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTION_PROPERTIES_MAX = 64 };

/* One bit an option: a command names those that it takes. Wider than an int, which gcc and clang allow. */
enum option_bit {
    OPTION_BROKER = UINT64_C(1) << 0,
    OPTION_CONFIG = UINT64_C(1) << 1,
    OPTION_NODE = UINT64_C(1) << 2,
    OPTION_STATE = UINT64_C(1) << 3,
    OPTION_MANIFESTS = UINT64_C(1) << 4,
    OPTION_FUNCTIONS = UINT64_C(1) << 5,
    OPTION_PORT = UINT64_C(1) << 6,
    OPTION_TOPIC = UINT64_C(1) << 7,
    OPTION_PAYLOAD = UINT64_C(1) << 8,
    OPTION_PAYLOAD_FILE = UINT64_C(1) << 9,
    OPTION_QOS = UINT64_C(1) << 10,
    OPTION_RETAINED = UINT64_C(1) << 11,
    OPTION_PROPERTY = UINT64_C(1) << 12,
    OPTION_RESPONSE_TOPIC = UINT64_C(1) << 13,
    OPTION_CORRELATION = UINT64_C(1) << 14,
    OPTION_USER = UINT64_C(1) << 15,
    OPTION_INSECURE = UINT64_C(1) << 16,
    OPTION_JSON = UINT64_C(1) << 17,
    OPTION_VERBOSE = UINT64_C(1) << 18,
    OPTION_DRAIN = UINT64_C(1) << 19,
    OPTION_TIMER = UINT64_C(1) << 20,
    OPTION_FUNCTION = UINT64_C(1) << 21,
    OPTION_ALL = UINT64_C(1) << 22,
    OPTION_RATE = UINT64_C(1) << 23,
    OPTION_CA_FILE = UINT64_C(1) << 24,
    OPTION_REPEAT = UINT64_C(1) << 25,
    OPTION_STATS = UINT64_C(1) << 26,
    OPTION_JUNIT = UINT64_C(1) << 27,
    OPTION_LANGUAGE = UINT64_C(1) << 28,
    OPTION_COUNT = UINT64_C(1) << 29,
    OPTION_SPEED = UINT64_C(1) << 30,
    OPTION_MANIFEST = UINT64_C(1) << 31,
    OPTION_TAP = UINT64_C(1) << 32,
    OPTION_UPDATE = UINT64_C(1) << 33,
    OPTION_WATCH = UINT64_C(1) << 34,
    OPTION_NO_BUILD = UINT64_C(1) << 35,
    OPTION_GDB = UINT64_C(1) << 36,
    OPTION_VALGRIND = UINT64_C(1) << 37,
    OPTION_UNSEALED = UINT64_C(1) << 38,
    OPTION_RECORD = UINT64_C(1) << 39,
    OPTION_HELP = UINT64_C(1) << 40
};

/* What every command takes that runs functions. */
enum { OPTIONS_SEAL = OPTION_USER | OPTION_INSECURE };

/* What looks into a function, which leaves the seal for it. */
enum { OPTIONS_UNSEALED = OPTION_GDB | OPTION_VALGRIND | OPTION_UNSEALED };

/* What describes a message. */
enum {
    OPTIONS_MESSAGE = OPTION_TOPIC | OPTION_PAYLOAD | OPTION_PAYLOAD_FILE | OPTION_QOS | OPTION_RETAINED |
                      OPTION_PROPERTY | OPTION_RESPONSE_TOPIC | OPTION_CORRELATION
};

/* What was given. All strings are borrowed from argv; NULL: not given. */
struct options {
    uint64_t given; /* enum option_bit of every option that was */
    char *broker;   /* may hold a password: wipe it once it is read */
    const char *ca_file, *config, *node, *state, *manifests, *functions;
    uint16_t port; /* 0: not given */
    const char *topic, *payload, *payload_file, *response_topic, *correlation, *timer;
    const char *user;
    const char *record, *function, *junit, *language, *manifest;
    uint64_t count;    /* 0: not given */
    double speed;      /* 1 unless given; 0: as fast as it goes */
    uint32_t repeat;   /* 1 unless given */
    uint32_t rate;     /* a second; 0: not given */
    uint64_t drain_ns; /* 10 s unless given */
    uint32_t insecure; /* bit 1 << n: enum layer n is waived */
    uint8_t qos;
    bool retained, json, all, stats, verbose, tap, update, watch, no_build, gdb, valgrind, unsealed, help;
    const char *properties[OPTION_PROPERTIES_MAX]; /* KEY=VALUE, checked for the '=' */
    size_t property_count;
    char **arguments; /* what is no option, in order */
    size_t argument_count;
};

/* A command as it describes itself; what its functions are, main.c knows. */
struct command {
    const char *name;
    const char *arguments; /* of the usage line: "[DIR]" */
    const char *summary;   /* one line of `hark --help` */
    const char *help;      /* what `hark NAME --help` says beside the options; ends in a newline */
    const char *examples;  /* of its man page, with what they do; each line ends in a newline. NULL: none */
    uint64_t takes;        /* enum option_bit */
    size_t arguments_max;
    int (*run)(struct options *options); /* the exit code */
};

/* argv[0] is the command's name. 0 and *ret_options, or -EINVAL and diag->text (no file). May reorder argv.
 */
__attribute__((warn_unused_result)) int options_parse(const struct command *command, int argc, char **argv,
                                                      struct options *ret_options, struct diag *diag);

/* Usage, description and options of one command, on standard output. */
void options_help(const struct command *command);

#endif
