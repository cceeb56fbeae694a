#include "support/mosquitto_broker.h"

#include "shared/check.h"
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/port.h"
#include "support/process.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PORT_TRIES = 20 };

struct broker {
    struct broker_options options;
    const char *folder;
    uint16_t port, tls_port, web_port, web_tls_port;
    char url[64];
    struct process *process;   /* NULL: down */
    struct other_broker other; /* all zero with mosquitto; its process is ours */
};

/* Debian keeps it out of an ordinary user's PATH. */
static const char *mosquitto_path(void)
{
    return access("/usr/sbin/mosquitto", X_OK) == 0 ? "/usr/sbin/mosquitto" : "mosquitto";
}

static void print_access(const struct broker *b, FILE *f)
{
    const struct broker_options *o = &b->options;
    fprintf(f, "allow_anonymous %s\n", o->password ? "false" : "true");
    if (o->password)
        fprintf(f, "password_file %s/passwords\n", b->folder);
    if (o->acl)
        fprintf(f, "acl_file %s/acl\n", b->folder);
}

/* Not every packet: a flood would be slowed by it. */
static const char *const logged[] = {"error", "warning", "notice", "information", "subscribe", "unsubscribe"};

static void print_tls(const struct broker *b, FILE *f, uint16_t port)
{
    const struct broker_options *o = &b->options;
    fprintf(f, "listener %u 127.0.0.1\ncertfile %s\nkeyfile %s\n", port, o->certificate, o->key);
    if (o->client_ca)
        fprintf(f, "cafile %s\nrequire_certificate true\n", o->client_ca);
}

static void print_listeners(const struct broker *b, FILE *f)
{
    const struct broker_options *o = &b->options;
    if (o->certificate)
        print_tls(b, f, b->tls_port);
    if (o->has_web)
        fprintf(f, "listener %u 127.0.0.1\nprotocol websockets\n", b->web_port);
    if (o->certificate && o->has_web) {
        print_tls(b, f, b->web_tls_port);
        fprintf(f, "protocol websockets\n");
    }
}

static void write_config(const struct broker *b)
{
    const struct broker_options *o = &b->options;
    FILE *f = fopen(path_in(b->folder, "mosquitto.conf"), "we");
    CHECK(f);
    fprintf(f, "per_listener_settings false\nlistener %u 127.0.0.1\n", b->port);
    fprintf(f, "log_dest stderr\nset_tcp_nodelay true\nmax_queued_messages 0\n");
    for (size_t i = 0; i < sizeof logged / sizeof *logged; i++)
        fprintf(f, "log_type %s\n", logged[i]);
    if (geteuid() == 0)
        fprintf(f, "user root\n"); /* it would otherwise drop to a user that may not read the folder */
    if (o->max_inflight)
        fprintf(f, "max_inflight_messages %u\n", o->max_inflight);
    if (o->keeps_sessions)
        fprintf(f, "persistence true\npersistence_location %s/\n", b->folder);
    print_access(b, f);
    print_listeners(b, f);
    fclose(f);
}

static void write_passwords(const struct broker *b)
{
    const struct broker_options *o = &b->options;
    const char *const argv[] = {"mosquitto_passwd", "-b",        "-c", path_in(b->folder, "passwords"),
                                o->username,        o->password, NULL};
    struct process *p = process_start(&(struct process_options){.name = "mosquitto_passwd", .argv = argv});
    assert_int_equal(process_wait(p), 0);
}

static void use_port(struct broker *b, uint16_t port)
{
    b->port = port;
    b->tls_port = port_find_free();
    b->web_port = port_find_free();
    b->web_tls_port = port_find_free();
    snprintf(b->url, sizeof b->url, "mqtt://%s127.0.0.1:%u", other_broker_login(), b->port);
    write_config(b);
}

static void need_options(const struct broker_options *o)
{
    if (o->keeps_sessions)
        need_of_broker("persistence");
    if (o->password)
        need_of_broker("accounts");
    if (o->acl)
        need_of_broker("rules");
    if (o->certificate)
        need_of_broker("tls");
    if (o->client_ca)
        need_of_broker("client-certificates");
    if (o->max_inflight)
        need_of_broker("inflight");
    if (o->has_web)
        need_of_broker("websocket");
}

static void broker_end(void *thing)
{
    struct broker *b = thing;
    other_broker_leave(&b->other);
    free(b);
}

struct broker *broker_plan(const struct broker_options *o)
{
    need_options(o);
    struct broker *b = must_alloc(sizeof *b);
    *b = (struct broker){.options = *o, .folder = folder_create()};
    at_end_of_test(broker_end, b);
    if (o->acl)
        file_print(path_in(b->folder, "acl"), "%s", o->acl);
    if (o->password)
        write_passwords(b);
    if (other_broker_program())
        other_broker_plan(&b->other);
    use_port(b, port_find_free());
    return b;
}

static bool run_mosquitto(struct broker *b)
{
    const char *const argv[] = {mosquitto_path(), "-c", path_in(b->folder, "mosquitto.conf"), NULL};
    b->process = process_start(&(struct process_options){.name = "mosquitto", .argv = argv});
    return lines_find(b->process->err, "mosquitto version .* running", GUARD_MS) != NULL;
}

/* docs/testing.md: what its program is called with. */
static void pass_options(struct broker *b, char tls_port[static 8])
{
    const struct broker_options *o = &b->options;
    const char **to = b->other.more;
    if (o->password) {
        *to++ = "--account";
        *to++ = o->username;
        *to++ = o->password;
    }
    if (o->certificate) {
        snprintf(tls_port, 8, "%u", b->tls_port);
        *to++ = "--tls";
        *to++ = tls_port;
        *to++ = o->certificate;
        *to++ = o->key;
    }
}

static bool run_other(struct broker *b)
{
    char tls_port[8];
    b->other.port = b->port;
    pass_options(b, tls_port);
    bool runs = other_broker_run(&b->other);
    b->process = b->other.process;
    return runs;
}

static bool try_to_run(struct broker *b)
{
    return other_broker_program() ? run_other(b) : run_mosquitto(b);
}

static bool take_other(struct broker *b)
{
    if (!other_broker_take(&b->other))
        return false;
    b->process = b->other.process;
    use_port(b, b->other.port);
    return true;
}

void broker_up(struct broker *b)
{
    if (!try_to_run(b)) {
        lines_print(b->process->err);
        fail_msg("the broker does not run on port %u", b->port);
    }
}

struct broker *broker_start_with(const struct broker_options *o)
{
    struct broker *b = broker_plan(o);
    if (!o->password && !o->certificate && take_other(b))
        return b;
    for (int tries = 1; !try_to_run(b); tries++) {
        lines_print(b->process->err);
        assert_int_not_equal(tries, PORT_TRIES);
        use_port(b, port_find_free());
    }
    return b;
}

struct broker *broker_start(void)
{
    return broker_start_with(&(struct broker_options){0});
}

static void broker_down(struct broker *b, int signal)
{
    process_stop(b->process, signal);
    b->process = b->other.process = NULL;
}

void broker_stop(struct broker *b)
{
    broker_down(b, SIGTERM);
}

void broker_kill(struct broker *b)
{
    broker_down(b, SIGKILL);
}

pid_t broker_pid(const struct broker *b)
{
    return b->process->pid;
}

uint16_t broker_port(const struct broker *b)
{
    return b->port;
}

uint16_t broker_tls_port(const struct broker *b)
{
    return b->tls_port;
}

uint16_t broker_web_port(const struct broker *b)
{
    return b->web_port;
}

uint16_t broker_web_tls_port(const struct broker *b)
{
    return b->web_tls_port;
}

const char *broker_url(const struct broker *b)
{
    return b->url;
}

void broker_write_log(struct broker *b, FILE *to, uint64_t zero_ns)
{
    if (b->process)
        lines_write(b->process->err, to, zero_ns);
}

void broker_wait_line(struct broker *b, const char *pattern)
{
    need_of_broker("log");
    lines_wait(b->process->err, pattern);
}

bool broker_says_again(struct broker *b, const char *pattern, size_t times, int within_ms)
{
    need_of_broker("log");
    uint64_t until = clock_now_ns() + (uint64_t)within_ms * NS_PER_MS;
    while (lines_count(b->process->err, pattern) < times) {
        uint64_t now = clock_now_ns();
        if (now >= until || !lines_find(b->process->err, pattern, (int)((until - now) / NS_PER_MS) + 1))
            return lines_count(b->process->err, pattern) >= times;
    }
    return true;
}
