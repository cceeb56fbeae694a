/* granted_test.c: a function uses what its manifest's `sandbox` grants it, and what cannot be granted is
 * refused with words. In every mode: hark started by root and by nobody, or as who runs the test, with and
 * without user namespaces. What functions do that mean harm is in attack_test. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/port.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 24, TEXT_BYTES = 2048 };

struct mode {
    const char *name;
    bool as_nobody, is_degraded;
};

/* A folder with all that there is to grant, and a manifest beside. */
struct scene {
    const struct mode *mode;
    const char *folder, *manifest;
};

/* ---- a server for whoever comes ---- */

static void *greet(void *listener)
{
    char heard[64];
    int fd;
    while ((fd = accept(*(int *)listener, NULL, NULL)) >= 0) {
        if (recv(fd, heard, sizeof heard, 0) > 0)
            (void)!send(fd, "welcome\n", strlen("welcome\n"), MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

struct greeter {
    pthread_t thread;
    int listener;
};

static void stop_greeter(void *thing)
{
    struct greeter *g = thing;
    shutdown(g->listener, SHUT_RDWR);
    pthread_join(g->thread, NULL);
    close(g->listener);
    free(g);
}

static void start_greeter(int listener)
{
    struct greeter *g = calloc(1, sizeof *g);
    assert_non_null(g);
    g->listener = listener;
    assert_int_equal(pthread_create(&g->thread, NULL, greet, &g->listener), 0);
    at_end_of_test(stop_greeter, g);
}

static int listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* ---- a scene ---- */

static struct scene set(const struct mode *mode)
{
    struct scene s = {.mode = mode, .folder = folder_create()};
    s.manifest = path_in(s.folder, "granted.yaml");
    file_copy(path_in(TEST_FUNCTIONS, "granted.so"), path_in(s.folder, "granted.so"));
    file_print(path_in(s.folder, "table"), "a table\n");
    file_print(path_in(s.folder, "other"), "not granted\n");
    assert_int_equal(mkdir(path_in(s.folder, "shelf"), 0755), 0);
    file_print(path_in(s.folder, "shelf/book"), "a book\n");
    assert_int_equal(mkdir(path_in(s.folder, "counters"), 0755), 0);
    assert_int_equal(chmod(path_in(s.folder, "counters"), 0777), 0);
    return s;
}

/* The manifest's sandbox; each @ is the folder. */
static void grant(const struct scene *s, const char *sandbox)
{
    char text[TEXT_BYTES] = "";
    for (const char *c = sandbox; *c; c++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%.*s", *c == '@' ? 1000 : 1, *c == '@' ? s->folder : c);
    }
    file_print(
        s->manifest,
        "function: granted\nhandler: granted.so\ntriggers: [ { topic: use } ]\npublishes: [ out/granted ]\n"
        "sandbox: %s\n",
        text);
}

static struct outcome run(const struct scene *s, const char *command, const char *payload)
{
    static const char *const waived[] = {"user-namespace", "pid-namespace", "root", "network-namespace",
                                         "ipc-namespace"};
    const char *argv[ARGUMENTS_MAX] = {s->mode->as_nobody ? hark_installed() : TEST_HARK, command,
                                       s->manifest};
    size_t n = 3;
    if (payload) {
        argv[n++] = "--payload";
        argv[n++] = payload;
    }
    for (size_t i = 0; s->mode->is_degraded && i < sizeof waived / sizeof *waived; i++) {
        argv[n++] = "--insecure";
        argv[n++] = waived[i];
    }
    return command_run(
        &(struct process_options){.name = "hark", .argv = argv, .as_nobody = s->mode->as_nobody});
}

/* What comes of `use` and a path in the folder, or a number. */
static void it_gets(const struct scene *s, const char *use, const char *what, const char *expected)
{
    char payload[TEXT_BYTES], line[TEXT_BYTES];
    snprintf(payload, sizeof payload, "%s %s", use,
             what[0] >= '0' && what[0] <= '9' ? what : path_in(s->folder, what));
    snprintf(line, sizeof line, "out/granted %s\n", expected);
    struct outcome o = run(s, "invoke", payload);
    if (o.code != 0 || strcmp(o.out, line) != 0)
        fail_msg("%s, %s: exit %d, %s%s", s->mode->name, payload, o.code, o.out, o.err);
}

/* What is out of its reach is out of its sight, where it has a root of its own. */
static const char *unreachable(const struct scene *s)
{
    return s->mode->is_degraded ? "EACCES" : "ENOENT";
}

/* `hark check` says exactly this; each @ is the folder. */
static void it_is_refused(const struct scene *s, const char *sandbox, const char *place, const char *why)
{
    char line[TEXT_BYTES] = "";
    grant(s, sandbox);
    struct outcome o = run(s, "check", NULL);
    snprintf(line, sizeof line, "%s:%s: ", s->manifest, place);
    for (const char *c = why; *c; c++) {
        size_t len = strlen(line);
        snprintf(line + len, sizeof line - len, "%.*s", *c == '@' ? 1000 : 1, *c == '@' ? s->folder : c);
    }
    strcat(line, "\n");
    assert_string_equal(o.out, line);
    assert_int_equal(o.code, 1);
}

/* What the filter says before anybody else is asked; a sanitized worker has none. */
static void the_filter_refuses(const struct scene *s, const char *use, const char *what)
{
#ifdef HARK_SANITIZED
    (void)s, (void)use, (void)what;
#else
    it_gets(s, use, what, "EPERM");
#endif
}

/* ---- what works ---- */

static void it_reads_what_it_was_granted(void **state)
{
    struct scene s = set(*state);
    grant(&s, "{ files: [ @/table, { read: @/shelf } ] }");
    it_gets(&s, "read", "table", "a table");
    it_gets(&s, "read", "shelf/book", "a book");
    it_gets(&s, "list", "shelf", ". .. book");
    it_gets(&s, "read", "other", unreachable(&s));
    the_filter_refuses(&s, "count", "shelf/book");
}

static void it_keeps_a_counter(void **state)
{
    struct scene s = set(*state);
    grant(&s, "{ files: [ { write: @/counters }, @/table ] }");
    it_gets(&s, "count", "counters/n", "1");
    it_gets(&s, "count", "counters/n", "2");
    it_gets(&s, "list", "counters", ". .. n");
    it_gets(&s, "read", "table", "a table");
    it_gets(&s, "count", "table", s.mode->is_degraded ? "EACCES" : "EROFS");
}

static void it_talks_to_a_server_on_its_port(void **state)
{
    struct scene s = set(*state);
    char port[8], other[8], sandbox[80];
    uint16_t at, elsewhere;
    start_greeter(port_listen(&at));
    start_greeter(port_listen(&elsewhere));
    snprintf(port, sizeof port, "%u", at);
    snprintf(other, sizeof other, "%u", elsewhere);
    snprintf(sandbox, sizeof sandbox, "{ files: [ @/table ], network: { tcp: [ %u ] } }", at);
    grant(&s, sandbox);
    it_gets(&s, "tcp", port, "welcome");
    it_gets(&s, "tcp", other, "EACCES");
    the_filter_refuses(&s, "unix", "socket");
    it_gets(&s, "read", "table", "a table");
}

static void it_talks_to_a_server_at_its_socket(void **state)
{
    struct scene s = set(*state);
    start_greeter(listen_at(path_in(s.folder, "socket")));
    start_greeter(listen_at(path_in(s.folder, "other-socket")));
    grant(&s, "{ network: { unix: [ @/socket ] } }");
    it_gets(&s, "unix", "socket", "welcome");
    it_gets(&s, "unix", "other-socket", "ENOENT");
    the_filter_refuses(&s, "tcp", "9");
}

static void it_may_have_all_of_them(void **state)
{
    struct scene s = set(*state);
    char port[8], sandbox[160];
    uint16_t at;
    start_greeter(port_listen(&at));
    start_greeter(listen_at(path_in(s.folder, "socket")));
    file_print(path_in(s.folder, "counters/n"), "41\n");
    assert_int_equal(chmod(path_in(s.folder, "counters/n"), 0666), 0);
    snprintf(port, sizeof port, "%u", at);
    snprintf(sandbox, sizeof sandbox,
             "{ files: [ @/table, { write: @/counters/n } ], network: { tcp: [ %u ], unix: [ @/socket ] } }",
             at);
    grant(&s, sandbox);
    it_gets(&s, "tcp", port, "welcome");
    it_gets(&s, "unix", "socket", "welcome");
    it_gets(&s, "read", "table", "a table");
    it_gets(&s, "read", "counters/n", "41");
}

/* ---- what is refused ---- */

#define FILE_GRANT(path) "\n  files:\n    - " path

static void what_is_not_there_is_refused(void **state)
{
    struct scene s = set(*state);
    it_is_refused(&s, FILE_GRANT("@/none"), "7:7",
                  "sandbox.files: '@/none': there is no such file: make it, or take the grant out");
    it_is_refused(&s, FILE_GRANT("@/table/none"), "7:7",
                  "sandbox.files: '@/table/none': there is no such file: make it, or take the grant out");
}

static void a_link_anywhere_in_a_path_is_refused(void **state)
{
    struct scene s = set(*state);
    assert_int_equal(symlink("shelf", path_in(s.folder, "link")), 0);
    assert_int_equal(symlink("/proc/1", path_in(s.folder, "process")), 0);
    it_is_refused(&s, FILE_GRANT("@/link/book"), "7:7",
                  "sandbox.files: '@/link/book': it leads through a symbolic link: write '@/shelf/book'");
    it_is_refused(&s, FILE_GRANT("write: @/link"), "7:14",
                  "sandbox.files: '@/link': it leads through a symbolic link: write '@/shelf'");
    it_is_refused(
        &s, FILE_GRANT("@/process/status"), "7:7",
        "sandbox.files: '@/process/status': it leads through a symbolic link: write the path without");
}

static void what_is_no_file_is_refused(void **state)
{
    struct scene s = set(*state);
    start_greeter(listen_at(path_in(s.folder, "socket")));
    assert_int_equal(mkfifo(path_in(s.folder, "fifo"), 0666), 0);
    it_is_refused(&s, FILE_GRANT("@/fifo"), "7:7",
                  "sandbox.files: '@/fifo': it is neither a file nor a folder: devices are not granted");
    it_is_refused(&s, FILE_GRANT("@/socket"), "7:7",
                  "sandbox.files: '@/socket': it is a socket: grant it with `network: { unix: [ … ] }`");
}

static void what_the_functions_user_may_not_is_refused(void **state)
{
    struct scene s = set(*state);
    file_print(path_in(s.folder, "secret"), "s\n");
    assert_int_equal(chmod(path_in(s.folder, "secret"), 0), 0);
    assert_int_equal(chmod(path_in(s.folder, "table"), 0444), 0);
    it_is_refused(
        &s, FILE_GRANT("@/secret"), "7:7",
        "sandbox.files: '@/secret': the user of the functions may not read it: chmod or chgrp it; `hark "
        "doctor` names that user");
    it_is_refused(
        &s, FILE_GRANT("write: @/table"), "7:14",
        "sandbox.files: '@/table': the user of the functions may not write to it: chmod or chgrp it; "
        "`hark doctor` names that user");
}

/* In every Linux there are mounts below /sys, and some file systems by which the kernel is steered. */
static void file_systems_of_the_kernel_are_refused(void **state)
{
    struct scene s = set(*state);
    struct stat st;
    it_is_refused(
        &s, FILE_GRANT("/sys"), "7:7",
        "sandbox.files: '/sys': another file system is mounted inside it: grant the folders that are "
        "needed");
    if (stat("/sys/fs/cgroup/cgroup.procs", &st) == 0)
        it_is_refused(
            &s, FILE_GRANT("/sys/fs/cgroup/cgroup.procs"), "7:7",
            "sandbox.files: '/sys/fs/cgroup/cgroup.procs': it is in a file system by which the kernel "
            "is steered: that is not granted");
}

static void what_is_no_socket_is_refused(void **state)
{
    struct scene s = set(*state);
    it_is_refused(
        &s, "\n  network:\n    unix: [ @/table ]", "7:13",
        "sandbox.network.unix: '@/table': it is no socket: name the socket that the service listens at");
}

static void a_folder_beside_a_socket_is_refused(void **state)
{
    struct scene s = set(*state);
    start_greeter(listen_at(path_in(s.folder, "socket")));
    it_is_refused(
        &s, FILE_GRANT("@/shelf\n  network: { unix: [ @/socket ] }"), "7:7",
        "sandbox.files: '@/shelf': a folder cannot be granted together with `network: { unix: … }`, for "
        "sockets in it would be open, too: grant the files that are needed");
}

static void without_a_root_of_its_own_it_gets_no_socket(void **state)
{
    struct scene s = set(*state);
    start_greeter(listen_at(path_in(s.folder, "socket")));
    it_is_refused(
        &s, "\n  network:\n    unix: [ @/socket ]", "7:13",
        "sandbox.network.unix: only the layers root and user-namespace together can keep a function to "
        "these sockets; see `hark doctor`");
}

/* ---- under hark run ---- */

#define SERVED                                                                                               \
    "function: granted\nhandler: granted.so\ntriggers: [ { topic: use } ]\npublishes: [ out/granted ]\n"     \
    "retry: { attempts: 1 }\ninstances: { idle: 0s }\nsandbox: { files: [ %s ] }\n"

static void a_function_that_lacks_a_file_is_deployed_when_it_comes(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    const char *table = path_in(folder_create(), "table");
    char payload[TEXT_BYTES];
    file_copy(path_in(TEST_FUNCTIONS, "granted.so"), hark_file(s.hark, "granted.so"));
    hark_manifest(s.hark, "granted", SERVED, table);
    hark_wait_line(s.hark, "granted.yaml:7:21: sandbox.files: .* there is no such file");
    hark_wait_line(s.hark, "^hark: error: refused .*granted.yaml: see the line above");
    file_print(table, "it came\n");
    hark_wait_line(s.hark, "^hark: deployed granted ");
    snprintf(payload, sizeof payload, "read %s", table);
    device_publish(s.phone, "use", payload, 1);
    stage_expect(&s, "out/granted", "it came");
}

static bool is_named(pid_t pid, const char *name)
{
    char path[32], got[32] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    bool named = fgets(got, sizeof got, f) && strncmp(got, name, strlen(name)) == 0;
    fclose(f);
    return named;
}

static bool has_worker(const struct stage *s)
{
    pid_t pids[64];
    size_t count = descendant_pids(s->hark->process->pid, pids, sizeof pids / sizeof *pids);
    for (size_t i = 0; i < count; i++)
        if (is_named(pids[i], "hark:granted"))
            return true;
    return false;
}

static void await_no_worker(const struct stage *s)
{
    for (int turns = GUARD_MS / 10; has_worker(s); turns--) {
        if (turns == 0)
            fail_msg("the worker does not end");
        poll(NULL, 0, 10);
    }
}

/* A worker that is up keeps what it has; the next one cannot start. */
static void a_worker_that_lacks_its_file_says_so_and_its_message_waits(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    const char *table = path_in(folder_create(), "table");
    char payload[TEXT_BYTES];
    file_print(table, "first\n");
    file_copy(path_in(TEST_FUNCTIONS, "granted.so"), hark_file(s.hark, "granted.so"));
    hark_manifest(s.hark, "granted", SERVED, table);
    hark_wait_line(s.hark, "^hark: deployed granted ");
    snprintf(payload, sizeof payload, "read %s", table);
    device_publish(s.phone, "use", payload, 1);
    stage_expect(&s, "out/granted", "first");
    await_no_worker(&s);
    file_remove(table);
    device_publish(s.phone, "use", payload, 1);
    hark_wait_line(s.hark, "function=granted .*sandbox.files: .* there is no such file");
    file_print(table, "second\n");
    stage_expect(&s, "out/granted", "second");
}

/* ---- all ---- */

enum { SEALED = 1, DEGRADED = 2, BOTH = SEALED | DEGRADED };

static const struct {
    const char *name;
    void (*test)(void **state);
    int modes;
} claims[] = {
    {"it reads what it was granted", it_reads_what_it_was_granted, BOTH},
    {"it keeps a counter", it_keeps_a_counter, BOTH},
    {"it talks to a server on its port", it_talks_to_a_server_on_its_port, BOTH},
    {"it talks to a server at its socket", it_talks_to_a_server_at_its_socket, SEALED},
    {"it may have all of them", it_may_have_all_of_them, SEALED},
    {"what is not there is refused", what_is_not_there_is_refused, BOTH},
    {"a link anywhere in a path is refused", a_link_anywhere_in_a_path_is_refused, BOTH},
    {"what is no file is refused", what_is_no_file_is_refused, BOTH},
    {"what the functions' user may not is refused", what_the_functions_user_may_not_is_refused, BOTH},
    {"file systems of the kernel are refused", file_systems_of_the_kernel_are_refused, BOTH},
    {"what is no socket is refused", what_is_no_socket_is_refused, SEALED},
    {"a folder beside a socket is refused", a_folder_beside_a_socket_is_refused, SEALED},
    {"without a root of its own it gets no socket", without_a_root_of_its_own_it_gets_no_socket, DEGRADED},
};

enum { CLAIMS = sizeof claims / sizeof *claims, TESTS_MAX = CLAIMS * 4 + 2 };

static const struct mode for_root[] = {{"started by root", false, false},
                                       {"started by nobody", true, false},
                                       {"started by root, without user namespaces", false, true},
                                       {"started by nobody, without user namespaces", true, true}};
static const struct mode for_others[] = {{"as an ordinary user", false, false},
                                         {"as an ordinary user, without user namespaces", false, true}};

static size_t list_tests(struct CMUnitTest *tests, const struct mode *modes, size_t mode_count)
{
    static char names[TESTS_MAX][160];
    size_t count = 0;
    for (size_t m = 0; m < mode_count; m++)
        for (size_t c = 0; c < CLAIMS; c++) {
            if (!(claims[c].modes & (modes[m].is_degraded ? DEGRADED : SEALED)))
                continue;
            snprintf(names[count], sizeof names[count], "%s, %s", claims[c].name, modes[m].name);
            tests[count] = (struct CMUnitTest){.name = names[count],
                                               .test_func = claims[c].test,
                                               .teardown_func = end_of_test,
                                               .initial_state = (void *)(uintptr_t)&modes[m]};
            count++;
        }
    return count;
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[TESTS_MAX];
    size_t count = geteuid() == 0 ? list_tests(tests, for_root, sizeof for_root / sizeof *for_root)
                                  : list_tests(tests, for_others, sizeof for_others / sizeof *for_others);
    tests[count++] = (struct CMUnitTest)system_test(a_function_that_lacks_a_file_is_deployed_when_it_comes);
    tests[count++] =
        (struct CMUnitTest)system_test(a_worker_that_lacks_its_file_says_so_and_its_message_waits);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]); /* a name with wildcards */
    return _cmocka_run_group_tests("grants", tests, count, NULL, NULL);
}
