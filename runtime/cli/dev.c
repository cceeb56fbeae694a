/* dev.c: `hark dev`: the same as `hark run`, with a broker of its own and every message in sight. */
#include "cli/commands.h"
#include "cli/dev_broker.h"
#include "cli/dev_build.h"
#include "cli/dev_print.h"
#include "cli/dev_record.h"
#include "cli/reader.h"
#include "cli/serve.h"
#include "shared/check.h"
#include "shared/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

struct dev {
    struct serve serve;
    struct dev_broker broker;
    struct dev_build build;
    struct dev_record record;
    struct dev_print print;
    struct reader reader;
    bool has_no_reader;
};

/* Before anything is started, and a recording emptied. A folder of handlers may be what the build makes. */
static int check_folder(const struct options *o)
{
    struct settings folders = {0};
    struct diag diag = {0};
    int code = settings_resolve_folders(o, NULL, &folders, &diag);
    if (code != 0 || runtime_check_folder(folders.manifests, &diag, &code) < 0)
        log_error("%s", diag.text);
    settings_finish(&folders);
    return code;
}

static void on_broker_ended(void *user)
{
    struct dev *d = user;
    char words[512];
    log_error("the private broker has ended: %s", dev_broker_last_words(&d->broker, words, sizeof words));
    serve_stop(&d->serve, 0, EX_UNAVAILABLE);
}

/* It may have had enough, as head(1) has: nobody is left to show messages to. */
static void on_reader_gone(void *user)
{
    struct dev *d = user;
    log_error("standard output cannot be written: its reader is gone");
    d->has_no_reader = true;
    serve_stop(&d->serve, d->serve.drain_ns, EX_SOFTWARE);
}

/* The private broker is the only one, so nothing of the surroundings or hark.yaml counts. */
static int make_settings(const struct dev *d, const struct options *o, struct settings *ret_settings)
{
    struct diag diag = {0};
    char url[64];
    struct options own = *o;
    snprintf(url, sizeof url, "mqtt://127.0.0.1:%u", (unsigned)d->broker.port);
    own.broker = url;
    own.node = "dev";
    own.state = d->broker.folder;
    int code = settings_resolve(&own, &(struct surroundings){0}, NULL, ret_settings, &diag);
    if (code != 0) {
        log_error("%s", diag.text);
        return code;
    }
    ret_settings->one_for_all = true;
    log_info("broker %s", url);
    return 0;
}

/* What the build makes may lie beside the manifest, or where CMake puts it unless it is told otherwise: a
 * folder that has to be there when hark begins to watch it. */
static void look_for_handlers_in(const char *output, struct settings *settings)
{
    if (!output || settings->functions)
        return;
    if (mkdir(output, 0755) == 0 || errno == EEXIST)
        settings->functions = must_strdup(output);
}

/* The first build is over before functions are served: what is not there yet is nothing to complain of. */
static void build(struct dev *d, struct settings *settings)
{
    if (!dev_build_start(&d->build, &d->serve.host.loop, settings->manifests))
        return;
    look_for_handlers_in(dev_build_output(&d->build), settings);
    while (dev_build_is_busy(&d->build) && !serve_is_stopping(&d->serve))
        uv_run(&d->serve.host.loop, UV_RUN_ONCE);
}

static int serve(struct dev *d, const struct options *o)
{
    struct settings settings;
    int code = dev_broker_start(&d->broker, &d->serve.host.loop, o->port, &d->serve.stops);
    if (code != 0)
        return code;
    if (serve_is_stopping(&d->serve))
        return d->serve.exit_code;
    code = make_settings(d, o, &settings);
    if (code != 0)
        return code;
    dev_broker_watch(&d->broker, on_broker_ended, d);
    dev_record_start(&d->record, &d->serve.host.loop, d->broker.port, &d->serve.stops);
    if (!o->no_build)
        build(d, &settings);
    if (serve_is_stopping(&d->serve)) {
        settings_finish(&settings);
        return d->serve.exit_code;
    }
    return serve_run(&d->serve, &settings, &dev_print_observer, &d->print);
}

static void on_dying(void *user)
{
    struct dev *d = user;
    dev_build_kill(&d->build);
    dev_broker_kill(&d->broker);
}

static void finish(struct dev *d)
{
    reader_close(&d->reader);
    dev_build_finish(&d->build);
    dev_record_finish(&d->record);
    dev_print_finish(&d->print);
    dev_broker_finish(&d->broker);
    serve_finish(&d->serve);
    if (d->has_no_reader)
        clearerr(stdout); /* or main() says it again */
}

static int run(struct options *o)
{
    struct dev d = {0};
    int code = check_folder(o);
    if (code == 0)
        code = serve_init(&d.serve, o);
    if (code != 0)
        return code;
    d.serve.dying = on_dying;
    d.serve.dying_user = &d;
    reader_watch(&d.reader, &d.serve.host.loop, on_reader_gone, &d);
    dev_print_init(&d.print);
    code = dev_record_open(&d.record, o->record);
    if (code == 0)
        code = serve(&d, o);
    finish(&d);
    return code;
}

const struct command command_dev = {
    .name = "dev",
    .arguments = "[DIR]",
    .summary = "the same with a private broker, showing every message",
    .help =
        "Starts a mosquitto of its own on a free port of 127.0.0.1, says 'hark: broker\n"
        "mqtt://127.0.0.1:PORT' on standard error, serves DIR (default: the current folder) like 'hark "
        "run',\n"
        "and prints a line on standard output when an attempt at a message is over: its topic and payload,\n"
        "function, time, result, and what was published. At a terminal lines are cut to its width.\n\n"
        "The broker keeps everything in memory, accepts everybody on this machine, and ends with hark; so\n"
        "does what it remembers. It stands for every broker that a manifest names; hark.yaml is not read.\n\n"
        "Where DIR has a CMakeLists.txt with a project(), or a Makefile, it is built first, and again\n"
        "whenever a source is saved: C, C++, assembler, Rust, CMake files, Makefiles, also in the folders\n"
        "in DIR. CMake builds in DIR/build, with the settings that are there if it was run before, and\n"
        "handlers are looked for there too, unless --functions names a folder. A build that fails shows\n"
        "what the compiler said, and what was deployed stays. --no-build leaves all that to you.\n\n"
        "--record FILE keeps what devices publish, as 'hark record' does: for invoke, replay, diff. What\n"
        "functions publish is left out. The file is emptied first.\n\n"
        "Exit codes: 0 stopped, 64 usage, 65 no such folder, 69 no mosquitto, or it ended, 70 internal, or\n"
        "the reader of its output is gone, 77 the seal does not hold, or FILE may not be written.\n",
    .examples = "Serve the current folder beside a broker of its own, and see each message:\n"
                "  hark dev --port 1883\n"
                "A function's folder, built whenever a source is saved:\n"
                "  hark new hello && hark dev hello\n",
    .takes = OPTION_PORT | OPTION_NO_BUILD | OPTION_RECORD | OPTION_MANIFESTS | OPTION_FUNCTIONS |
             OPTIONS_SEAL | OPTION_DRAIN | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 1,
    .run = run,
};
