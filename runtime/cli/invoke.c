/* invoke.c: `hark invoke`: one message through a real worker, without a broker. */
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/host.h"
#include "cli/invoke_message.h"
#include "cli/invoke_print.h"
#include "cli/load.h"
#include "dispatcher/outbox.h"
#include "shared/log.h"

#include <errno.h>
#include <sysexits.h>

enum { EXIT_RETRY = 1, EXIT_REJECT = 2, EXIT_CRASH = 3, EXIT_TIMEOUT = 4 };

struct invocation {
    const struct revision *revision;
    const struct invoke_message *message;
    struct outbox_rules rules;
    struct outbox outbox;
    struct call call;
    bool has_result, over;
    enum wire_result result;
    struct worker_end end; /* without `left` */
};

static void on_ready(void *user, struct worker *w)
{
    struct invocation *i = user;
    const struct mqtt_message *m = &i->message->mqtt;
    const struct wire_invoke invoke = {.timeout_ns = i->revision->manifest->timeout_ns,
                                       .attempt = 1,
                                       .captures = i->message->captures,
                                       .message = {.topic = m->topic,
                                                   .payload = m->payload,
                                                   .response_topic = m->response_topic,
                                                   .correlation = m->correlation,
                                                   .properties = m->properties,
                                                   .property_count = m->property_count,
                                                   .qos = m->qos,
                                                   .retained = m->retained}};
    worker_invoke(w, &i->call, &invoke);
}

static int on_output(void *user, struct worker *w, struct call *call, const struct wire_header *header,
                     struct slice body, struct diag *diag)
{
    struct invocation *i = user;
    (void)w, (void)call;
    return outbox_add(&i->outbox, &i->rules, header, body, diag);
}

static void on_result(void *user, struct worker *w, struct call *call, enum wire_result result)
{
    struct invocation *i = user;
    (void)call;
    i->result = result;
    i->has_result = true;
    worker_stop(w);
}

static void on_log(void *user, struct worker *w, int level, struct slice text)
{
    (void)user;
    load_log(w, level, text);
}

static void on_ended(void *user, struct worker *w, struct worker_end *end)
{
    struct invocation *i = user;
    (void)w;
    i->end = *end;
    i->over = true;
}

static const struct worker_events events = {
    .ready = on_ready, .output = on_output, .result = on_result, .log = on_log, .ended = on_ended};

static int exit_code_of_end(const struct invocation *i)
{
    struct diag diag;
    revision_place(i->revision, i->end.text, &diag);
    if (diag.line > 0)
        complain(&diag);
    else
        log_error("%s: %s", i->revision->manifest->function, i->end.text);
    if (i->end.cause == WORKER_NO_FORK || i->end.cause == WORKER_LOST)
        return EX_SOFTWARE;
    if (!i->end.was_ready)
        return EX_DATAERR;
    return i->end.cause == WORKER_LATE ? EXIT_TIMEOUT : EXIT_CRASH;
}

static int exit_code_of_result(const struct invocation *i)
{
    const char *function = i->revision->manifest->function;
    if (i->end.cause != WORKER_STOPPED)
        log_warn("%s: after the message: %s", function, i->end.text);
    switch (i->result) {
    case WIRE_RESULT_OK:
        return EX_OK;
    case WIRE_RESULT_REJECT:
        log_info("%s: rejected the message: it would become a dead letter", function);
        return EXIT_REJECT;
    case WIRE_RESULT_RETRY:
    case WIRE_RESULT_SKIPPED:
        break;
    }
    log_info("%s: asked for a retry", function);
    return EXIT_RETRY;
}

static int execute(struct host *h, struct invocation *i)
{
    struct diag diag = {0};
    if (!worker_start(h->io, i->revision, &events, i, &diag)) {
        complain(&diag);
        return EX_SOFTWARE;
    }
    while (!i->over)
        uv_run(&h->loop, UV_RUN_ONCE);
    return i->has_result ? exit_code_of_result(i) : exit_code_of_end(i);
}

static int invoke(const struct revision *r, const struct invoke_message *message, const struct options *o)
{
    struct host host;
    struct invocation i = {.revision = r,
                           .message = message,
                           .rules = {.manifest = r->manifest,
                                     .publish_anywhere = r->publish_anywhere,
                                     .captures = &message->captures,
                                     .response_topic = message->mqtt.response_topic}};
    int code = host_init(&host, o);
    if (code != 0)
        return code;
    code = host_needs_workers(&host);
    if (code == 0)
        code = execute(&host, &i);
    host_finish(&host);
    if (code == EX_OK)
        invoke_print(&i.outbox, &message->mqtt, o->json);
    outbox_clear(&i.outbox);
    return code;
}

static int run(struct options *o)
{
    struct diags diags = {0};
    struct revision *r;
    if (o->argument_count == 0) {
        log_error("no function given: see 'hark invoke --help'");
        return EX_USAGE;
    }
    int error = load_revision(o->arguments[0], o->functions, &r, &diags);
    complain_all(&diags);
    diags_finish(&diags);
    if (error < 0)
        return EX_DATAERR;
    struct invoke_message message;
    int code = invoke_message_init(&message, o, r);
    if (code == 0) {
        code = invoke(r, &message, o);
        invoke_message_finish(&message);
    }
    revision_drop(r);
    return code;
}

const struct command command_invoke = {
    .name = "invoke",
    .arguments = "FUNCTION.yaml or FILE.so",
    .summary = "run one message through a function, without a broker",
    .help = "Runs the function in a worker as 'hark run' would, with one message. What it publishes is "
            "printed on\n"
            "standard output when it succeeds, one line a message: TOPIC PAYLOAD (with --json an object a "
            "line).\n"
            "Its log goes to standard error. A manifest's rules hold: publishes, limits, timeout. A FILE.so "
            "alone\n"
            "takes any topic and may publish anywhere. Where the first trigger is a timer and no option says "
            "anything\n"
            "of a message, it is a tick of that timer.\n\n"
            "Exit codes: 0 ok, 1 retry, 2 reject, 3 crash, 4 timeout, 64 usage, 65 bad manifest or .so (it "
            "does not\n"
            "get ready), or a payload that cannot be read, 70 internal, 77 the seal does not hold.\n",
    .takes = OPTION_FUNCTIONS | OPTION_TOPIC | OPTION_PAYLOAD | OPTION_PAYLOAD_FILE | OPTION_QOS |
             OPTION_RETAINED | OPTION_PROPERTY | OPTION_RESPONSE_TOPIC | OPTION_CORRELATION | OPTION_TIMER |
             OPTIONS_SEAL | OPTION_JSON | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 1,
    .run = run,
};
