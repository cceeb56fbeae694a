/* Memory that runs short while hark serves: something waits, and is tried again; hark does not end. */
#include "dispatcher/function_internal.h"
#include "dispatcher/presence.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

static unsigned clients_to_fail, clients_asked;

struct mqtt_client *__real_mqtt_client_create(struct mqtt_io *io, const struct mqtt_client_options *options,
                                              const struct mqtt_client_events *events, void *user);
struct mqtt_client *__wrap_mqtt_client_create(struct mqtt_io *io, const struct mqtt_client_options *options,
                                              const struct mqtt_client_events *events, void *user);
int __real_mqtt_client_subscribe(struct mqtt_client *c, const struct mqtt_filter *filters, size_t count,
                                 const struct slice *known, size_t known_count);
int __wrap_mqtt_client_subscribe(struct mqtt_client *c, const struct mqtt_filter *filters, size_t count,
                                 const struct slice *known, size_t known_count);

struct mqtt_client *__wrap_mqtt_client_create(struct mqtt_io *io, const struct mqtt_client_options *options,
                                              const struct mqtt_client_events *events, void *user)
{
    clients_asked++;
    if (clients_to_fail && clients_to_fail--)
        return NULL;
    return __real_mqtt_client_create(io, options, events, user);
}

static unsigned subscribes_to_fail;

int __wrap_mqtt_client_subscribe(struct mqtt_client *c, const struct mqtt_filter *filters, size_t count,
                                 const struct slice *known, size_t known_count)
{
    if (subscribes_to_fail && subscribes_to_fail--)
        return -ENOMEM;
    return __real_mqtt_client_subscribe(c, filters, count, known, known_count);
}

static uv_loop_t loop;
static struct node node;
static struct broker *broker;
static uv_timer_t guard;
static bool settled, closed;

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("it did not happen within %d ms", GUARD_MS);
}

static void on_settled(void *user)
{
    (void)user;
    settled = true;
}

static void on_occupied(void *user, const char *text)
{
    (void)user;
    fail_msg("%s", text);
}

static int open_node(void **unused)
{
    (void)unused;
    static const struct presence_events events = {.settled = on_settled, .occupied = on_occupied};
    struct diag diag;
    int error;
    static struct broker_options options;
    options = (struct broker_options){.name = "default"};
    assert_int_equal(mqtt_url_parse("mqtt://127.0.0.1:1", &options.url, &diag), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    broker = broker_create(&options, &error, &diag);
    assert_non_null(broker);
    node = (struct node){.loop = &loop,
                         .mqtt_io = mqtt_io_create(&loop),
                         .name = "n",
                         .state = state_open(folder_create(), "n", &error, &diag),
                         .brokers = &broker,
                         .broker_count = 1,
                         .presence_events = &events,
                         .random = 1};
    assert_non_null(node.state);
    settled = closed = false;
    clients_asked = clients_to_fail = subscribes_to_fail = 0;
    uv_timer_init(&loop, &guard);
    uv_timer_start(&guard, on_guard, GUARD_MS, 0);
    return 0;
}

static void on_closed(void *user)
{
    (void)user;
    closed = true;
    mqtt_io_close(node.mqtt_io);
    uv_close((uv_handle_t *)&guard, NULL);
}

static int close_node(void **unused)
{
    presence_close(broker, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(closed);
    assert_int_equal(uv_loop_close(&loop), 0);
    broker_destroy(broker);
    state_close(node.state);
    return end_of_test(unused);
}

static void a_presence_without_memory_is_tried_again(void **unused)
{
    (void)unused;
    clients_to_fail = 2;
    presence_want(&node, broker);
    assert_int_equal(clients_asked, 1);
    while (clients_asked < 3)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(clients_to_fail, 0);
}

static void one_that_cannot_subscribe_is_tried_again(void **unused)
{
    (void)unused;
    subscribes_to_fail = 2;
    presence_want(&node, broker);
    while (clients_asked < 3)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(subscribes_to_fail, 0);
}

static void functions_start_though_it_waits(void **unused)
{
    (void)unused;
    clients_to_fail = 1000;
    presence_want(&node, broker);
    while (!settled)
        uv_run(&loop, UV_RUN_ONCE);
}

static void it_can_be_closed_while_it_waits(void **unused)
{
    (void)unused;
    clients_to_fail = 1;
    presence_want(&node, broker);
}

static void a_function_without_memory_for_its_session_is_none(void **unused)
{
    (void)unused;
    static char name[] = "f";
    struct manifest m = {.function = name, .limit_queue = 10};
    struct revision r = {.manifest = &m, .references = 1};
    node.presence_events = NULL;
    clients_to_fail = 1;
    assert_null(function_create(&node, broker, &r, NULL, NULL, NULL));
    assert_int_equal(r.references, 1);
}

static void on_gone(void *user, struct function *function)
{
    (void)function;
    *(bool *)user = true;
}

static void a_function_that_cannot_subscribe_tries_again(void **unused)
{
    (void)unused;
    static const struct function_events events = {.gone = on_gone};
    static const struct observer nobody;
    static char name[] = "f", topic[] = "t";
    struct manifest_trigger trigger = {.topic = topic};
    struct manifest m = {
        .function = name, .limit_queue = 10, .triggers = &trigger, .trigger_count = 1, .instances_max = 1};
    struct revision *r = calloc(1, sizeof *r);
    bool gone = false;
    assert_non_null(r);
    *r = (struct revision){.manifest = &m, .references = 2};
    node.presence_events = NULL;
    node.observer = &nobody;
    subscribes_to_fail = 1;
    struct function *f = function_create(&node, broker, r, NULL, &events, &gone);
    assert_non_null(f);
    assert_int_equal(subscribes_to_fail, 0);
    assert_int_equal(f->subscription_count, 0);
    while (f->subscription_count == 0)
        uv_run(&loop, UV_RUN_ONCE);
    function_drain(f, 0);
    while (!gone)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(r->references, 1);
    free(r);
}

#define NODE(test) cmocka_unit_test_setup_teardown(test, open_node, close_node)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NODE(a_presence_without_memory_is_tried_again),
        NODE(one_that_cannot_subscribe_is_tried_again),
        NODE(functions_start_though_it_waits),
        NODE(it_can_be_closed_while_it_waits),
        NODE(a_function_without_memory_for_its_session_is_none),
        NODE(a_function_that_cannot_subscribe_tries_again),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
