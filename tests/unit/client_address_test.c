/* The client on its way to an address: a name that is looked up, and an address that does not answer. */
#include "client_scene.h"

#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>
#include <time.h>

/* A port that nobody listens on. */
static void given_no_broker(struct scene *s)
{
    listen_on(s, "127.0.0.1");
    stop_listening(s);
}

/* In place of the C library's, on a thread of libuv's pool: a look-up of this name ends when the loop has
 * turned meanwhile. */
static sem_t loop_turned;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the C library's are reserved */
int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(
            RTLD_NEXT, "getaddrinfo");
    if (!node || strcmp(node, "no-such-host.invalid") != 0)
        return real(node, service, hints, result);
    struct timespec guard;
    clock_gettime(CLOCK_REALTIME, &guard);
    guard.tv_sec += GUARD_MS / 1000;
    for (int turns = 0; turns < 3; turns++) {
        if (sem_timedwait(&loop_turned, &guard) != 0)
            return EAI_SYSTEM; /* other words than those that the test wants */
    }
    return EAI_NONAME;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
    sem_post(&loop_turned);
}

static void an_unknown_name_fails_and_the_loop_goes_on(void **state)
{
    struct scene *s = *state;
    uv_timer_t timer;
    assert_int_equal(sem_init(&loop_turned, 0, 0), 0);
    uv_timer_init(&s->loop, &timer);
    uv_timer_start(&timer, on_tick, 0, 1);
    given_no_broker(s);
    given_a_client_of(s, "no-such-host.invalid");
    wait_for(s, is_offline);
    assert_int_equal(last_told(s)->cause, MQTT_CAUSE_NETWORK);
    char expected[64];
    snprintf(expected, sizeof expected, "cannot reach no-such-host.invalid:%u: unknown host name", s->port);
    assert_string_equal(last_told(s)->text, expected);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&s->loop, UV_RUN_NOWAIT);
    sem_destroy(&loop_turned);
}

/* A listener whose queue is full lets the handshake hang. */
static void given_a_broker_that_does_not_accept(struct scene *s, int *fds, size_t count)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fds[0], (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    assert_int_equal(getsockname(fds[0], (struct sockaddr *)&name, &len), 0);
    for (size_t i = 1; i < count; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fds[i], (struct sockaddr *)&name, sizeof name);
    }
    s->port = ntohs(name.sin_port);
}

static void an_address_that_does_not_answer_is_given_up(void **state)
{
    struct scene *s = *state;
    int fds[4];
    given_a_broker_that_does_not_accept(s, fds, 4);
    s->options.address_timeout_ns = 50 * NS_PER_MS;
    given_a_client_of(s, "127.0.0.1");
    wait_for(s, is_offline);
    assert_non_null(strstr(last_told(s)->text, ": no answer"));
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unknown_name_fails_and_the_loop_goes_on),
        TEST(an_address_that_does_not_answer_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
