/* record.c: `hark record`: live messages as lines of JSON, for invoke, replay, diff and test cases. */
#include "cli/commands.h"
#include "cli/message_json.h"
#include "cli/peer.h"
#include "mqtt/packet.h"
#include "shared/check.h"
#include "shared/log.h"
#include "shared/topic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct record {
    const struct options *options;
    char *filter; /* owned */
    struct peer peer;
    uint64_t count;
};

static void on_online(void *user, struct peer *p)
{
    const struct record *r = user;
    const struct mqtt_filter filter = {
        .filter = slice_of(r->filter), .qos = r->options->qos, .want_retained = true};
    if (mqtt_client_subscribe(p->client, &filter, 1, NULL, 0) == 0)
        return;
    log_error("out of memory");
    peer_close(p, EX_SOFTWARE);
}

static void on_subscribed(void *user, struct peer *p, unsigned reason)
{
    const struct record *r = user;
    if (reason < 0x80) {
        log_info("recording %s, until ^C", r->options->topic);
        return;
    }
    log_error("the broker refuses the subscription to '%s': %s (0x%02x)", r->options->topic,
              reason < 0x100 ? packet_reason_name((uint8_t)reason) : "it is too large", reason);
    peer_close(p, EX_NOPERM);
}

static void on_message(void *user, const struct mqtt_message *m)
{
    struct record *r = user;
    message_json_print(message_json_now(m));
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_error("standard output cannot be written: %s", strerror(errno));
        clearerr(stdout); /* or main() says it again */
        peer_close(&r->peer, EX_SOFTWARE);
    } else if (++r->count == r->options->count) {
        peer_close(&r->peer, 0);
    }
}

static void on_published(void *user, void *token, unsigned reason)
{
    (void)user, (void)token, (void)reason;
}

static void on_closing(void *user)
{
    (void)user;
}

static const struct peer_events events = {.online = on_online,
                                          .message = on_message,
                                          .published = on_published,
                                          .subscribed = on_subscribed,
                                          .closing = on_closing};

static int run(struct options *o)
{
    struct record r = {.options = o};
    struct diag diag;
    if (!o->topic) {
        log_error("--topic FILTER is needed: what is to be recorded, for instance --topic 'home/#'");
        return EX_USAGE;
    }
    if (topic_pattern_check(slice_of(o->topic), &diag) < 0) {
        log_error("--topic '%s': %s", o->topic, diag.text);
        return EX_USAGE;
    }
    r.filter = must_strdup(o->topic);
    topic_pattern_to_filter(slice_of(o->topic), r.filter); /* {names} as in a manifest */
    int code = peer_open(&r.peer, o, "record", &events, &r);
    if (code == 0) {
        code = peer_run(&r.peer);
        log_info("%llu message%s recorded", (unsigned long long)r.count, r.count == 1 ? "" : "s");
    }
    free(r.filter);
    return code;
}

const struct command command_record = {
    .name = "record",
    .arguments = "",
    .summary = "write messages as they come, as lines of JSON",
    .help = "Subscribes to --topic FILTER at the broker and writes each message to standard output, an "
            "object of\n"
            "JSON a line: when it came, its topic, payload (in base64 where it is no text) and properties. "
            "'hark\n"
            "replay', 'hark diff' and 'hark invoke' read it. Ends at ^C, or after --count messages.\n\n"
            "Exit codes: 0 done, 64 usage, 65 bad settings, 69 no broker, 70 internal, 77 not permitted.\n",
    .examples = "What a room says, for tests:\n"
                "  hark record --topic home/kitchen/# --count 100 > kitchen.jsonl\n",
    .takes = OPTION_TOPIC | OPTION_QOS | OPTION_COUNT | OPTION_BROKER | OPTION_CA_FILE | OPTION_CONFIG |
             OPTION_NODE | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 0,
    .run = run,
};
