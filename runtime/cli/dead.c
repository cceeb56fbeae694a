/* dead.c: `hark dead`: the dead letters of this machine. */
#include "cli/dead.h"

#include "cli/commands.h"
#include "manifest/suggest.h"
#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- what it is about ---- */

static int exit_code_of(int error)
{
    return error == -EACCES || error == -EPERM || error == -EROFS ? EX_NOPERM : EX_SOFTWARE;
}

static int open_folder(struct dead *d)
{
    char *path = NULL;
    int code = 0;
    if (asprintf(&path, "%s/%s/dead", d->settings.state, d->settings.node) < 0)
        return EX_SOFTWARE;
    d->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->folder < 0 && errno == ENOENT) {
        log_warn("there is no %s: %s", path,
                 d->settings.dead_letters_max == 0
                     ? "dead_letters.max is 0"
                     : "--state, --node and --config have to be those of hark run");
    } else if (d->folder < 0) {
        code = exit_code_of(-errno);
        log_error("%s cannot be opened: %s", path, strerror(errno));
    }
    free(path);
    return code;
}

static const struct dead_name *find(const struct dead_name *names, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i].id, id) == 0)
            return &names[i];
    }
    return NULL;
}

/* `all` becomes those that the arguments name, in their order. */
static int pick(struct dead *d, struct dead_name *all, size_t count)
{
    size_t wanted = d->options->argument_count - 1;
    d->names = calloc(wanted + 1, sizeof *d->names);
    for (size_t i = 0; d->names && i < wanted; i++) {
        const struct dead_name *name = find(all, count, d->options->arguments[i + 1]);
        if (!name) {
            log_error("there is no dead letter '%s': see hark dead list", d->options->arguments[i + 1]);
            return EX_DATAERR;
        }
        d->names[d->count++] = *name;
    }
    return d->names ? 0 : EX_SOFTWARE;
}

static int choose(struct dead *d)
{
    struct dead_name *all = NULL;
    size_t count = 0;
    int error = d->folder >= 0 ? dead_store_list(d->folder, d->options->function, &all, &count) : 0;
    if (error) {
        log_error("the dead letters cannot be listed: %s", strerror(-error));
        return exit_code_of(error);
    }
    if (d->options->argument_count < 2) {
        d->names = all;
        d->count = count;
        return 0;
    }
    int code = pick(d, all, count);
    free(all);
    return code;
}

int dead_read(const struct dead *d, const struct dead_name *name, bool with_payload,
              struct dead_record *ret_record)
{
    int error = dead_store_read(d->folder, name, with_payload, ret_record);
    if (error == 0 || error == -ENOENT)
        return error;
    log_error("dead letter %s cannot be read: %s", name->id,
              error == -EBADMSG ? "its file is damaged" : strerror(-error));
    return error == -EBADMSG ? EX_DATAERR : exit_code_of(error);
}

/* ---- purge ---- */

static int dead_purge(struct dead *d)
{
    size_t removed = 0;
    int error = 0;
    for (size_t i = 0; i < d->count && error == 0; i++) {
        error = dead_store_remove(d->folder, &d->names[i]);
        removed += error == 0;
    }
    if (error == 0 && removed)
        error = dead_store_sync(d->folder);
    if (error) {
        log_error("dead letters cannot be removed: %s", strerror(-error));
        return exit_code_of(error);
    }
    printf("%zu removed\n", removed);
    return EX_OK;
}

/* ---- the actions ---- */

static const struct action {
    const char *name;
    int (*run)(struct dead *d);
    uint64_t takes; /* beside what says which node */
    enum { ANY, ONE, CHOSEN } needs;
} actions[] = {
    {"list", dead_list, OPTION_FUNCTION | OPTION_JSON, ANY},
    {"show", dead_show, OPTION_JSON, ONE},
    {"redrive", dead_redrive, OPTION_FUNCTION | OPTION_ALL | OPTION_RATE, CHOSEN},
    {"purge", dead_purge, OPTION_FUNCTION | OPTION_ALL, CHOSEN},
};

enum { ACTION_COUNT = sizeof actions / sizeof *actions };

static const struct action *find_action(const char *name)
{
    struct suggest s = suggest_start(slice_of(name));
    for (int i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
        suggest_consider(&s, actions[i].name);
    }
    if (s.best)
        log_error("hark dead: unknown action '%s': did you mean '%s'?", name, s.best);
    else
        log_error("hark dead: unknown action '%s': list, show, redrive or purge is needed", name);
    return NULL;
}

static int refuse(const struct action *a, const char *what)
{
    log_error("hark dead %s: %s: see 'hark dead --help'", a->name, what);
    return EX_USAGE;
}

static int check_options(const struct action *a, const struct options *o)
{
    size_t ids = o->argument_count - 1;
    if (o->all && !(a->takes & OPTION_ALL))
        return refuse(a, "--all is not for it");
    if (o->rate && !(a->takes & OPTION_RATE))
        return refuse(a, "--rate is not for it");
    if (o->json && !(a->takes & OPTION_JSON))
        return refuse(a, "--json is not for it");
    if (o->function && !(a->takes & OPTION_FUNCTION))
        return refuse(a, "--function is not for it");
    if (a->needs == ANY && ids)
        return refuse(a, "it takes no ID");
    if (a->needs == ONE && ids != 1)
        return refuse(a, "one ID is needed");
    if (a->needs == CHOSEN && (ids != 0) + o->all + (o->function != NULL) != 1)
        return refuse(a, "IDs, --function NAME or --all is needed, one of them");
    return 0;
}

static int run_on(const struct action *a, struct dead *d)
{
    int code = open_folder(d);
    if (code == 0)
        code = choose(d);
    if (code == 0)
        code = a->run(d);
    free(d->names);
    if (d->folder >= 0)
        close(d->folder);
    settings_finish(&d->settings);
    return code;
}

static int run(struct options *o)
{
    struct dead d = {.options = o, .folder = -1};
    const struct action *a = o->argument_count ? find_action(o->arguments[0]) : NULL;
    if (!o->argument_count)
        log_error("hark dead: list, show, redrive or purge is needed: see 'hark dead --help'");
    if (!a)
        return EX_USAGE;
    int code = check_options(a, o);
    if (code != 0)
        return code;
    struct options node = *o; /* the arguments are no folder of manifests */
    node.argument_count = 0;
    code = settings_load(&node, &d.settings);
    return code != 0 ? code : run_on(a, &d);
}

const struct command command_dead = {
    .name = "dead",
    .arguments = "list|show|redrive|purge [ID]...",
    .summary = "look at dead letters, publish them again, throw them away",
    .help =
        "Dead letters are kept in the state folder of the node, so it has to be the same here as for 'hark "
        "run':\n"
        "--node, --state and --config. hark may run meanwhile or not.\n\n"
        "  list       one line each: ID, time, function, reason, attempts, topic, bytes of payload\n"
        "  show ID    all that is known of it, and its payload\n"
        "  redrive    publishes to the original topic with the original properties, QoS 1; each is removed "
        "when the\n"
        "             broker has it. Everybody who is subscribed to the topic gets it again\n"
        "  purge      removes\n\n"
        "redrive and purge want IDs, --function NAME or --all.\n\n"
        "Exit codes: 0 done, 64 usage, 65 no such dead letter or a damaged one, 69 no broker, 70 internal, "
        "77 not\n"
        "permitted, or the broker did not take some.\n",
    .examples = "Look, then try again all of one function:\n"
                "  hark dead list\n"
                "  hark dead redrive --function thermostat --rate 5/s\n",
    .takes = OPTION_BROKER | OPTION_CA_FILE | OPTION_CONFIG | OPTION_NODE | OPTION_STATE | OPTION_FUNCTION |
             OPTION_ALL | OPTION_RATE | OPTION_JSON | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = SIZE_MAX,
    .run = run,
};
