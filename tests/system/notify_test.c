/* notify_test.c: what a service manager is told, as systemd's Type=notify takes it: sd_notify(3). */
#include "cli/notify.h"
#include "shared/log.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/stage.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { GUARD_S = 60 };

struct manager {
    int fd;
    char variable[160]; /* NOTIFY_SOCKET=... */
};

static void close_manager(void *thing)
{
    close(((struct manager *)thing)->fd);
    free(thing);
}

/* name[0] is @: abstract. */
static struct manager *manager_start(const char *name)
{
    struct manager *m = calloc(1, sizeof *m);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval guard = {.tv_sec = GUARD_S};
    size_t len = strlen(name);
    assert_true(m && len < sizeof address.sun_path);
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(m->fd >= 0);
    assert_int_equal(setsockopt(m->fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard), 0);
    assert_int_equal(
        bind(m->fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
        0);
    snprintf(m->variable, sizeof m->variable, "NOTIFY_SOCKET=%s", name);
    at_end_of_test(close_manager, m);
    return m;
}

static void manager_hears(struct manager *m, const char *expected)
{
    char said[512];
    ssize_t len = recv(m->fd, said, sizeof said - 1, 0);
    assert_true(len >= 0);
    said[len] = '\0';
    assert_string_equal(said, expected);
}

static struct stage notified_stage(const struct manager *m)
{
    struct stage s = {.broker = broker_start()};
    s.hark = hark_prepare(broker_url(s.broker));
    s.hark->environment[0] = m->variable;
    return s;
}

static void it_says_when_it_is_ready_and_when_it_stops(void **unused)
{
    (void)unused;
    struct manager *m = manager_start(path_in(folder_create(), "manager"));
    struct stage s = notified_stage(m);
    hark_start(s.hark);
    manager_hears(m, "READY=1\nSTATUS=serving");
    hark_wait_line(s.hark, "^hark: ready: 0 functions");
    assert_int_equal(hark_stop(s.hark), 0);
    manager_hears(m, "STOPPING=1\nSTATUS=finishing what runs");
}

/* Else systemd would end it while the broker is away, again and again. */
static void a_broker_that_is_away_keeps_no_manager_waiting(void **unused)
{
    (void)unused;
    struct manager *m = manager_start(path_in(folder_create(), "manager"));
    struct stage s = notified_stage(m);
    hark_install(s.hark, "puppet.so", "puppet.so");
    hark_manifest(s.hark, "puppet", PUPPET_MANIFEST);
    broker_stop(s.broker);
    hark_start(s.hark);
    manager_hears(m, "READY=1\nSTATUS=some functions are not subscribed yet");
    broker_up(s.broker);
    manager_hears(m, "READY=1\nSTATUS=serving");
}

static void a_name_may_be_abstract(void **unused)
{
    (void)unused;
    char name[64];
    snprintf(name, sizeof name, "@hark-notify-test-%d", (int)getpid());
    struct manager *m = manager_start(name);
    putenv(m->variable);
    notify_manager("READY=1");
    manager_hears(m, "READY=1");
    unsetenv("NOTIFY_SOCKET");
}

static char said_line[LOG_LINE_MAX];

static void take_line(void *user, enum log_level level, const char *line)
{
    (void)user;
    (void)level;
    snprintf(said_line, sizeof said_line, "%s", line);
}

static void says_of(const char *address, const char *part)
{
    said_line[0] = '\0';
    setenv("NOTIFY_SOCKET", address, 1);
    log_set_sink(take_line, NULL);
    notify_manager("READY=1");
    log_set_sink(NULL, NULL);
    unsetenv("NOTIFY_SOCKET");
    if (part)
        assert_non_null(strstr(said_line, part));
    else
        assert_string_equal(said_line, "");
}

static void a_manager_that_cannot_be_told_is_a_warning(void **unused)
{
    (void)unused;
    char long_name[200] = "/";
    memset(long_name + 1, 'x', sizeof long_name - 2);
    says_of("/nowhere/at/all", "NOTIFY_SOCKET=/nowhere/at/all cannot be told: No such file or directory");
    says_of("vsock:2:1234", "Address family not supported");
    says_of(long_name, "Address family not supported");
    says_of("@", "Address family not supported");
    says_of("", NULL);
}

/* A service has the variable too when its standard error goes to a file. */
static void only_the_journals_own_stream_is_the_journal(void **unused)
{
    (void)unused;
    struct manager *m = manager_start(path_in(folder_create(), "manager"));
    struct stat s;
    char stream[64];
    assert_int_equal(fstat(m->fd, &s), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)s.st_dev, (uintmax_t)s.st_ino);
    assert_true(notify_is_journal(stream, m->fd));
    assert_false(notify_is_journal(stream, STDIN_FILENO));
    assert_false(notify_is_journal("1:1", m->fd));
    assert_false(notify_is_journal("", m->fd));
    assert_false(notify_is_journal(NULL, m->fd));
    assert_false(notify_is_journal(stream, -1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(it_says_when_it_is_ready_and_when_it_stops),
        system_test(a_broker_that_is_away_keeps_no_manager_waiting),
        system_test(a_name_may_be_abstract),
        system_test(a_manager_that_cannot_be_told_is_a_warning),
        system_test(only_the_journals_own_stream_is_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
