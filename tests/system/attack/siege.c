#include "attack/siege.h"

#include "../functions/hostile/secret.h"
#include "dispatcher/spares.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/mosquitto_broker.h"
#include "support/test.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534, NAME_MAX_BYTES = 64 };

/* Names of functions have no underscore. */
static const char *function_name(const struct attack *a)
{
    static char name[NAME_MAX_BYTES];
    snprintf(name, sizeof name, "%s", a->name);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = '-';
    return name;
}

/* What an ordinary user loses together with user namespaces. */
static const char *const waived[] = {"user-namespace", "pid-namespace", "root", "network-namespace",
                                     "ipc-namespace"};

static void start_hark(struct siege *s)
{
    struct hark *h = s->hark;
    static char variable[160];
    snprintf(variable, sizeof variable, "HARK_BROKER=mqtt://" SIEGE_USER ":" SECRET "@127.0.0.1:%u", s->port);
    const char *argv[20] = {hark_installed(), "run", "--node", TEST_NODE, "--state", h->state, h->folder};
    size_t n = 7;
    for (size_t i = 0; s->mode.is_degraded && i < sizeof waived / sizeof *waived; i++) {
        argv[n++] = "--insecure";
        argv[n++] = waived[i];
    }
    if (s->mode.user == AS_NOBODY)
        assert_int_equal(chown(h->state, NOBODY, NOBODY), 0);
    h->process = process_start(&(struct process_options){
        .name = "hark", .argv = argv, .environment = variable, .as_nobody = s->mode.user == AS_NOBODY});
}

static void install_sibling(struct hark *h)
{
    file_copy(path_in(TEST_FUNCTIONS, "relay.so"), hark_file(h, "sibling.so"));
    hark_manifest(h, "sibling",
                  "function: sibling\nhandler: sibling.so\ntriggers: [ { topic: steady/in } ]\n"
                  "publishes: [ \"out/#\" ]\ninstances: { min: 1 }\n");
}

struct siege siege_begin(struct siege_mode mode)
{
    traces_adopt_orphans();
    struct broker *broker =
        broker_start_with(&(struct broker_options){.username = SIEGE_USER, .password = SECRET});
    struct siege s = {
        .mode = mode, .port = broker_port(broker), .broker = traces_find(getpid(), "mosquitto")};
    s.hark = hark_prepare(NULL);
    install_sibling(s.hark);
    start_hark(&s);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    pid_t hark = s.hark->process->pid;
    s.zygote = traces_find(hark, "hark-zygote");
    s.sibling = traces_find(hark, "hark:sibling");
    assert_true(s.broker && s.zygote && s.sibling);
    s.before = traces_at_rest(hark, SPARES_OF_LATEST);
    s.phone = device_connect_with(
        &(struct device_options){.port = s.port, .id = "phone", .username = SIEGE_USER, .password = SECRET});
    device_subscribe(s.phone, "out/+", 1);
    device_subscribe(s.phone, "hark/dead/+", 1);
    return s;
}

struct steady *siege_start_steady(const struct siege *s, unsigned per_second, size_t most)
{
    return steady_start(&(struct steady_options){.port = s->port,
                                                 .username = SIEGE_USER,
                                                 .password = SECRET,
                                                 .to = "steady/in",
                                                 .from = "out/steady/in",
                                                 .per_second = per_second,
                                                 .most = most});
}

static void deploy_one(struct siege *s, const struct attack *a)
{
    char so[NAME_MAX_BYTES];
    snprintf(so, sizeof so, "%s.so", a->name);
    file_copy(path_in(TEST_FUNCTIONS "/hostile", so), hark_file(s->hark, so));
    hark_manifest(s->hark, a->name,
                  "function: %s\nhandler: %s\ntriggers: [ { topic: attack/%s } ]\npublishes: [ \"out/#\" ]\n"
                  "retry: { attempts: 1 }\n%s",
                  function_name(a), so, a->name, a->manifest ? a->manifest : "");
}

void siege_deploy(struct siege *s, const struct attack *attacks)
{
    const struct attack *a;
    for (a = attacks; a->name; a++)
        deploy_one(s, a);
    for (a = attacks; a->name; a++)
        hark_wait_line(s->hark, "^hark: (deployed|error: refused) ");
}

static bool was_refused(struct siege *s, const struct attack *a)
{
    char pattern[160];
    snprintf(pattern, sizeof pattern, "^hark: error: refused .*/%s\\.yaml: ", a->name);
    return hark_count_lines(s->hark, pattern) > 0;
}

void siege_undeploy(struct siege *s, const struct attack *attacks)
{
    const struct attack *a;
    for (a = attacks; a->name; a++) {
        char yaml[NAME_MAX_BYTES];
        snprintf(yaml, sizeof yaml, "%s.yaml", a->name);
        file_remove(hark_file(s->hark, yaml));
    }
    for (a = attacks; a->name; a++)
        if (!was_refused(s, a))
            hark_wait_line(s->hark, "^hark: undeployed ");
}

/* What hark says of an end, in the words of the tables. */
static const char *translate(const char *reason)
{
    static char outcome[256];
    char word[64];
    int code;
    if (sscanf(reason, "crash: killed by %63[A-Z0-9+]", word) == 1)
        snprintf(outcome, sizeof outcome, "%s", word);
    else if (sscanf(reason, "crash: exited with status %d", &code) == 1)
        snprintf(outcome, sizeof outcome, "exit %d", code);
    else if (strncmp(reason, "timeout: ", strlen("timeout: ")) == 0)
        snprintf(outcome, sizeof outcome, "timeout");
    else
        snprintf(outcome, sizeof outcome, "%s", reason);
    return outcome;
}

/* The line that refuses it, from the reason on. */
static const char *reason_of_refusal(struct siege *s, const struct attack *a)
{
    static char outcome[256];
    char mark[NAME_MAX_BYTES + 16];
    snprintf(mark, sizeof mark, "/%s.yaml: ", a->name);
    char *said = lines_text(s->hark->process->err), *at = said;
    while ((at = strstr(at, "error: refused ")) && !strstr(at, mark))
        at++;
    at = at ? strstr(at, mark) : NULL;
    snprintf(outcome, sizeof outcome, "refused: %.*s", at ? (int)strcspn(at + strlen(mark), "\n") : 0,
             at ? at + strlen(mark) : "");
    free(said);
    return outcome;
}

void siege_provoke(struct siege *s, const struct attack *a)
{
    char topic[NAME_MAX_BYTES + 8], victims[160];
    snprintf(topic, sizeof topic, "attack/%s", a->name);
    snprintf(victims, sizeof victims, "%d %d %d %s", s->hark->process->pid, s->zygote, s->sibling,
             s->hark->folder);
    device_publish(s->phone, topic, victims, 1);
}

/* What hark says of its worker's end, where no message tells. */
static const char *await_last_words(struct siege *s, const struct attack *a)
{
    static char outcome[256];
    char pattern[160];
    snprintf(pattern, sizeof pattern, "^hark: warning: .*function=%s worker=[0-9]+ ", function_name(a));
    const char *line = hark_wait_line(s->hark, pattern), *words = strstr(line, " worker=");
    snprintf(outcome, sizeof outcome, "said: %s", words + strcspn(words + 1, " ") + 2);
    return outcome;
}

const char *siege_attack(struct siege *s, const struct attack *a, bool is_silent)
{
    if (was_refused(s, a))
        return reason_of_refusal(s, a);
    if (is_silent) {
        siege_provoke(s, a);
        return await_last_words(s, a);
    }
    char dead[NAME_MAX_BYTES + 16], out[NAME_MAX_BYTES + 8];
    snprintf(dead, sizeof dead, "hark/dead/%s", function_name(a));
    snprintf(out, sizeof out, "out/%s", a->name);
    siege_provoke(s, a);
    const struct message *m = device_wait(s->phone, "#");
    if (strcmp(m->topic, dead) == 0)
        return translate(message_property(m, "hark-reason"));
    if (strcmp(m->topic, out) != 0)
        fail_msg("%s: a message on %s comes instead", a->name, m->topic);
    return m->payload;
}

size_t siege_deaths(struct siege *s, const struct attack *a)
{
    char pattern[200];
    snprintf(pattern, sizeof pattern,
             "function=%s worker=[0-9]+ (killed by|exited with|did not|it sent|it said|it "
             "answered|it stopped|it failed|it published)",
             function_name(a));
    return hark_count_lines(s->hark, pattern);
}

void siege_end(struct siege *s)
{
    assert_int_equal(hark_stop(s->hark), 0);
    assert_int_equal(traces_orphans(s->broker), 0);
}
