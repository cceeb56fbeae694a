#include "attack/siege.h"

#include "../functions/hostile/secret.h"
#include "dispatcher/spares.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/mosquitto_broker.h"
#include "support/test.h"

#include <regex.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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
static const size_t waived_count[] = {[WHOLE_SEAL] = 0, [NO_USER_NAMESPACE] = 1, [NO_NAMESPACES] = 5};

bool siege_has_namespaces(struct siege_mode mode)
{
    return mode.seal == WHOLE_SEAL || (mode.seal == NO_USER_NAMESPACE && mode.user == AS_ROOT);
}

/* hark's own, if it is started by somebody else. */
static const char *give_to_hark(struct siege *s, const char *path)
{
    if (s->mode.user == AS_NOBODY)
        assert_int_equal(chown(path, NOBODY, NOBODY), 0);
    return path;
}

static const char *secret_file(struct siege *s, const char *name)
{
    const char *path = hark_file(s->hark, name);
    file_print(path, SECRET);
    assert_int_equal(chmod(path, 0600), 0);
    return give_to_hark(s, path);
}

/* The secret is all over hark: in its environment, in the URL of one broker, in the password of another, in
 * the config of the sibling, and in the files that two of these come from. */
static const char *write_config(struct siege *s)
{
    const char *folder = folder_create(), *path = path_in(folder, "hark.yaml");
    assert_int_equal(chmod(folder, 0755), 0);
    file_print(path,
               "broker: site\nbrokers:\n  other: { url: \"mqtt://" SIEGE_USER ":" SECRET
               "@localhost\" }\n  site:\n    url: mqtt://127.0.0.1:%u\n    username: " SIEGE_USER
               "\n    password_file: %s\n",
               s->port, secret_file(s, SECRET_PASSWORD_FILE));
    secret_file(s, SECRET_TOKEN_FILE);
    return give_to_hark(s, path);
}

static void start_hark(struct siege *s)
{
    struct hark *h = s->hark;
    const char *argv[20] = {hark_installed(), "run",     "--node",   TEST_NODE,      "--state",
                            h->state,         h->folder, "--config", write_config(s)};
    size_t n = 9;
    for (size_t i = 0; i < waived_count[s->mode.seal]; i++) {
        argv[n++] = "--insecure";
        argv[n++] = waived[i];
    }
    give_to_hark(s, h->state);
    h->process = process_start(&(struct process_options){.name = "hark",
                                                         .argv = argv,
                                                         .environment = "SOME_SECRET=" SECRET,
                                                         .as_nobody = s->mode.user == AS_NOBODY,
                                                         .cgroup = s->mode.cgroup});
}

static void install_sibling(struct hark *h)
{
    file_copy(path_in(TEST_FUNCTIONS, "relay.so"), hark_file(h, "sibling.so"));
    hark_manifest(h, "sibling",
                  "function: sibling\nhandler: sibling.so\ntriggers: [ { topic: steady/in } ]\n"
                  "publishes: [ \"out/#\" ]\ninstances: { min: 1 }\n"
                  "config: { token: { from_file: " SECRET_TOKEN_FILE " } }\n");
}

/* Somebody who may do what an attacker may, so that nothing is new when one comes. */
static void install_neighbour(struct hark *h, const char *name, const char *sandbox)
{
    char manifest[512];
    snprintf(manifest, sizeof manifest,
             "function: %s\nhandler: sibling.so\ntriggers: [ { topic: %s/in } ]\n"
             "instances: { idle: 0s }\nsandbox: { %s }\n",
             name, name, sandbox);
    hark_manifest(h, name, "%s", manifest);
}

static void install_neighbours(const struct siege *s)
{
    char files[256];
    snprintf(files, sizeof files, "files: [ %s/read, %s/" SECRET " ]", s->granted, s->granted);
    if (s->mode.has_grants)
        install_neighbour(s->hark, "reading", files);
    if (s->mode.has_network)
        install_neighbour(s->hark, "networked", "network: { tcp: [ 9 ] }");
}

static void close_listener(void *fd)
{
    close((int)(intptr_t)fd);
}

/* Nobody accepts: to be connected to is enough. */
static void listen_at(const char *name, bool is_abstract)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path + is_abstract, sizeof at.sun_path - 1, "%s", name);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + is_abstract + strlen(name));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    at_end_of_test(close_listener, (void *)(intptr_t)fd);
    if (!is_abstract)
        assert_int_equal(chmod(name, 0777), 0);
}

/* To be granted: read/, write/ and socket, and to a neighbour a folder whose name is none of the others'
 * business. Beside them: a file, a socket, and an abstract one that is named like the folder. */
static const char *siege_lay_out(void)
{
    const char *folder = folder_create();
    assert_int_equal(mkdir(path_in(folder, "read"), 0755), 0);
    assert_int_equal(mkdir(path_in(folder, "write"), 0755), 0);
    assert_int_equal(mkdir(path_in(folder, SECRET), 0755), 0);
    file_print(path_in(folder, "beside"), "not granted\n");
    file_print(path_in(folder, "read/table"), "a table\n");
    file_copy(TEST_HARK_WORKER, path_in(folder, "read/program"));
    assert_int_equal(symlink("../beside", path_in(folder, "read/link")), 0);
    file_print(path_in(folder, "write/counter"), "1\n");
    static const char *const open_to_all[] = {".", "read", "read/table", "write", "write/counter"};
    for (size_t i = 0; i < sizeof open_to_all / sizeof *open_to_all; i++)
        assert_int_equal(chmod(path_in(folder, open_to_all[i]), 0777), 0);
    listen_at(path_in(folder, "socket"), false);
    listen_at(path_in(folder, "other-socket"), false);
    listen_at(folder, true);
    return folder;
}

struct siege siege_begin(struct siege_mode mode)
{
    traces_adopt_orphans();
    struct broker *broker =
        broker_start_with(&(struct broker_options){.username = SIEGE_USER, .password = SECRET});
    struct siege s = {.mode = mode, .port = broker_port(broker), .broker = broker_pid(broker)};
    s.hark = hark_prepare(NULL);
    s.granted = siege_lay_out();
    install_sibling(s.hark);
    install_neighbours(&s);
    start_hark(&s);
    hark_wait_line(s.hark, "^hark: ready: [123] functions");
    pid_t hark = s.hark->process->pid;
    s.zygote = traces_find(hark, "hark-zygote");
    s.sibling = traces_find(hark, "hark:sibling");
    assert_true(s.zygote && s.sibling);
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

/* With the folder for each @. */
static const char *lines_of(const struct siege *s, const struct attack *a)
{
    static char lines[1024];
    size_t used = 0;
    lines[0] = '\0';
    for (const char *c = a->manifest ? a->manifest : ""; *c && used < sizeof lines; c++)
        used += (size_t)(*c == '@' ? snprintf(lines + used, sizeof lines - used, "%s", s->granted)
                                   : snprintf(lines + used, sizeof lines - used, "%c", *c));
    assert_true(used < sizeof lines);
    return lines;
}

static void deploy_one(struct siege *s, const struct attack *a)
{
    char so[NAME_MAX_BYTES];
    snprintf(so, sizeof so, "%s.so", a->name);
    file_copy(path_in(TEST_FUNCTIONS "/hostile", so), hark_file(s->hark, so));
    hark_manifest(s->hark, a->name,
                  "function: %s\nhandler: %s\ntriggers: [ { topic: attack/%s } ]\npublishes: [ \"out/#\" ]\n"
                  "retry: { attempts: 1 }\n%s",
                  function_name(a), so, a->name, lines_of(s, a));
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
    char topic[NAME_MAX_BYTES + 8], victims[320];
    snprintf(topic, sizeof topic, "attack/%s", a->name);
    snprintf(victims, sizeof victims, "%d %d %d %s %s", s->hark->process->pid, s->zygote, s->sibling,
             s->hark->folder, s->granted);
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

/* The sum of all that hark says it dropped. */
static size_t count_dropped(struct siege *s, const struct attack *a)
{
    char *said = lines_text(s->hark->process->err), mark[NAME_MAX_BYTES + 16], lines[16];
    size_t sum = 0;
    snprintf(mark, sizeof mark, "function=%s ", function_name(a));
    for (char *at = said; (at = strstr(at, mark)); at++) {
        if (sscanf(at, "%*s worker=%*u it logs more than limits.log (%*[^)]): dropped %15[0-9] lines",
                   lines) == 1)
            sum += strtoul(lines, NULL, 10);
    }
    free(said);
    return sum;
}

size_t siege_logged(struct siege *s, const struct attack *a)
{
    char pattern[160];
    snprintf(pattern, sizeof pattern, "^hark: function=%s worker=[0-9]+ [0-9]+$", function_name(a));
    return hark_count_lines(s->hark, pattern) + count_dropped(s, a);
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
