#include "audit/options.h"

#include "audit/faults.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS_MAX = 30 * 24 * 3600, RATE_MAX = 100000 };

static void print_help(void)
{
    printf("audit: numbered messages through a hark to which things happen, and a count of what came back\n"
           "  --seed N        which faults, in which order (1)\n"
           "  --seconds N     how long messages are sent (60)\n"
           "  --rate N        messages a second (300)\n"
           "  --faults A,B    only these; '' for none. All: ");
    faults_print_names(stdout);
    printf("\n  --tls           hark and the broker speak TLS\n"
           "  --patience N    seconds without an answer until what is missing is lost (60)\n"
           "  --sabotage S    a function that misbehaves: forget, double, swap\n"
           "  --log FILE      the faults, and all that hark and the broker said; `sort -n` puts it in order\n"
           "  --trace FILE    every packet between hark and the broker, a line each\n"
           "The exit code is 0 when nothing was lost, doubled without an excuse, or out of order; else 1.\n");
}

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end || *text == '-' || value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

static bool read_unsigned(const char *text, unsigned max, unsigned *ret_value)
{
    uint64_t value;
    if (!read_number(text, 1, max, &value))
        return false;
    *ret_value = (unsigned)value;
    return true;
}

static bool read_sabotage(const char *text, const char **ret_config)
{
    static const struct {
        const char *name, *config;
    } known[] = {
        {"forget", ", forget_at: \"20\""}, {"double", ", double_at: \"20\""}, {"swap", ", swap_at: \"20\""}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, text) == 0) {
            *ret_config = known[i].config;
            return true;
        }
    return false;
}

static bool read_one(struct options *o, int option, const char *text)
{
    switch (option) {
    case 'n':
        return read_number(text, 0, UINT64_MAX, &o->seed);
    case 's':
        return read_unsigned(text, SECONDS_MAX, &o->seconds);
    case 'r':
        return read_unsigned(text, RATE_MAX, &o->rate);
    case 'p':
        return read_unsigned(text, SECONDS_MAX, &o->patience);
    case 'b':
        return read_sabotage(text, &o->sabotage);
    case 'f':
        o->faults = text;
        return true;
    case 'l':
        o->log = text;
        return true;
    case 't':
        o->trace = text;
        return true;
    case 'T':
        o->has_tls = true;
        return true;
    default:
        return false;
    }
}

bool options_read(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"seed", required_argument, NULL, 'n'},
        {"seconds", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},
        {"patience", required_argument, NULL, 'p'},
        {"sabotage", required_argument, NULL, 'b'},
        {"faults", required_argument, NULL, 'f'},
        {"log", required_argument, NULL, 'l'},
        {"trace", required_argument, NULL, 't'},
        {"tls", no_argument, NULL, 'T'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    *o = (struct options){.seed = 1, .seconds = 60, .rate = 300, .patience = 60, .sabotage = ""};
    for (int option, at = 0; (option = getopt_long(argc, argv, "", known, &at)) != -1;) {
        if (option == 'h') {
            print_help();
            exit(0);
        }
        if (!read_one(o, option, optarg)) {
            if (option != '?')
                fprintf(stderr, "audit: --%s: '%s' is not possible; --help says what is\n", known[at].name,
                        optarg);
            return false;
        }
    }
    if (optind < argc)
        fprintf(stderr, "audit: '%s' is not expected; --help lists the options\n", argv[optind]);
    return optind == argc;
}
