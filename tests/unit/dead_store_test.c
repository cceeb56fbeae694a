#include "dispatcher/dead_keeper.h"
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int folder = -1;
static const char *path;

static int open_folder(void **unused)
{
    (void)unused;
    path = folder_create();
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    return 0;
}

static int close_folder(void **unused)
{
    (void)unused;
    close(folder);
    end_of_test(NULL);
    return 0;
}

static struct property pairs[] = {{{"colour", 6}, {"blue\"\n", 6}}};

static struct dead_letter sample(void)
{
    return (struct dead_letter){.function = "thermostat",
                                .version = "bd2ecdd985e9",
                                .error = "crash",
                                .reason = "crash: killed by SIGSEGV",
                                .broker = "mqtt://127.0.0.1:1883",
                                .attempts = 3,
                                .time_ms = 1795363200123,
                                .message = {.topic = slice_of("home/k\xc3\xbc"
                                                              "che/temperature"),
                                            .payload = slice_make("21\0\xff\n", 5),
                                            .content_type = slice_of("text/plain"),
                                            .response_topic = slice_of("phone/answers"),
                                            .correlation = slice_make("\x00\x01\xfe", 3),
                                            .properties = pairs,
                                            .property_count = 1,
                                            .has_expiry = true,
                                            .expiry_s = 60,
                                            .qos = 2,
                                            .retain = true}};
}

static struct dead_name put(const struct dead_letter *l)
{
    struct buffer file = {0};
    struct dead_name name;
    assert_int_equal(dead_letter_encode(l, &file), 0);
    int fd = dead_store_begin(folder, 0, slice_make(buffer_data(&file), buffer_length(&file)));
    assert_true(fd >= 0);
    assert_int_equal(dead_store_flush(folder, &fd, 1), 0);
    assert_int_equal(dead_store_finish(folder, 0, fd, l->function, l->time_ms, name.id), 0);
    buffer_finish(&file);
    assert_int_equal(dead_store_sync(folder), 0);
    snprintf(name.function, sizeof name.function, "%s", l->function);
    return name;
}

static void what_was_put_is_read_to_the_last_byte(void **unused)
{
    (void)unused;
    struct dead_letter l = sample();
    struct dead_name name = put(&l);
    struct dead_record r;
    assert_int_equal(dead_store_read(folder, &name, true, &r), 0);
    const struct mqtt_publish *m = &r.letter.message;
    assert_string_equal(r.letter.id, name.id);
    assert_string_equal(r.letter.function, "thermostat");
    assert_string_equal(r.letter.version, "bd2ecdd985e9");
    assert_string_equal(r.letter.error, "crash");
    assert_string_equal(r.letter.reason, "crash: killed by SIGSEGV");
    assert_string_equal(r.letter.broker, "mqtt://127.0.0.1:1883");
    assert_null(r.letter.timer);
    assert_int_equal(r.letter.attempts, 3);
    assert_int_equal(r.letter.time_ms, 1795363200123);
    assert_int_equal(r.letter.payload_bytes, 5);
    assert_true(slice_equal(m->topic, l.message.topic) && slice_equal(m->payload, l.message.payload));
    assert_true(slice_equal(m->content_type, l.message.content_type));
    assert_true(slice_equal(m->response_topic, l.message.response_topic));
    assert_true(slice_equal(m->correlation, l.message.correlation));
    assert_int_equal(m->property_count, 1);
    assert_true(slice_equal(m->properties[0].key, pairs[0].key));
    assert_true(slice_equal(m->properties[0].value, pairs[0].value));
    assert_true(m->has_expiry && m->expiry_s == 60 && m->qos == 2 && m->retain);
    dead_record_finish(&r);
}

/* U+0001 is what takes most in JSON, and whoever publishes a message chooses what is in it. */
static void the_largest_properties_come_back(void **unused)
{
    (void)unused;
    char *text = malloc(UINT16_MAX);
    struct property largest[MQTT_USER_PROPERTIES_MAX];
    struct dead_letter l = sample();
    struct dead_record r;
    memset(text, 1, UINT16_MAX);
    for (size_t i = 0; i < MQTT_USER_PROPERTIES_MAX; i++)
        largest[i] = (struct property){slice_make(text, UINT16_MAX), slice_make(text, UINT16_MAX)};
    l.message.topic = l.message.content_type = l.message.response_topic = largest[0].key;
    l.message.correlation = largest[0].key;
    l.message.properties = largest;
    l.message.property_count = MQTT_USER_PROPERTIES_MAX;
    struct dead_name name = put(&l);
    assert_int_equal(dead_store_read(folder, &name, true, &r), 0);
    assert_int_equal(r.letter.message.property_count, MQTT_USER_PROPERTIES_MAX);
    assert_true(slice_equal(r.letter.message.properties[63].value, largest[63].value));
    dead_record_finish(&r);
    free(text);
}

static void what_is_absent_stays_absent(void **unused)
{
    (void)unused;
    struct dead_letter l = sample();
    struct dead_record r;
    l.timer = "every 30s";
    l.message = (struct mqtt_publish){.qos = 1, .payload = slice_make("", 0)};
    struct dead_name name = put(&l);
    assert_int_equal(dead_store_read(folder, &name, true, &r), 0);
    const struct mqtt_publish *m = &r.letter.message;
    assert_string_equal(r.letter.timer, "every 30s");
    assert_null(m->topic.data);
    assert_null(m->content_type.data);
    assert_null(m->response_topic.data);
    assert_null(m->correlation.data);
    assert_int_equal(m->property_count, 0);
    assert_int_equal(m->payload.len, 0);
    assert_true(!m->has_expiry && m->qos == 1 && !m->retain);
    dead_record_finish(&r);
}

static void a_list_is_in_the_order_of_their_coming(void **unused)
{
    (void)unused;
    struct dead_letter l = sample();
    struct dead_name first = put(&l), second = put(&l), *names;
    l.time_ms--;
    l.function = "alarm";
    struct dead_name earlier = put(&l);
    size_t count;
    file_print(path_in(path, "lock"), "not one of ours");
    file_print(path_in(path, "19ab3c4d5e6-0007"), "no function");
    assert_int_equal(dead_store_list(folder, NULL, &names, &count), 0);
    assert_int_equal(count, 3);
    assert_string_equal(names[0].id, earlier.id);
    assert_string_equal(names[0].function, "alarm");
    assert_string_equal(names[1].id, first.id);
    assert_string_equal(names[2].id, second.id);
    free(names);
    assert_int_equal(dead_store_list(folder, "alarm", &names, &count), 0);
    assert_int_equal(count, 1);
    free(names);
}

static void what_is_removed_is_gone_and_may_be_removed_again(void **unused)
{
    (void)unused;
    struct dead_letter l = sample();
    struct dead_name name = put(&l);
    struct dead_record r;
    uint64_t count, bytes;
    assert_int_equal(dead_store_usage(folder, &count, &bytes), 0);
    assert_int_equal(count, 1);
    assert_in_range(bytes, 100, 1000);
    assert_int_equal(dead_store_remove(folder, &name), 0);
    assert_int_equal(dead_store_remove(folder, &name), 0);
    assert_int_equal(dead_store_read(folder, &name, true, &r), -ENOENT);
    assert_int_equal(dead_store_usage(folder, &count, &bytes), 0);
    assert_int_equal(count, 0);
}

static void nobody_else_may_read_it(void **unused)
{
    (void)unused;
    struct dead_letter l = sample();
    struct dead_name name = put(&l);
    struct stat status;
    char file[DEAD_NAME_MAX + 1];
    snprintf(file, sizeof file, "%s.%s", name.id, name.function);
    assert_int_equal(stat(path_in(path, file), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void a_damaged_file_is_refused(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "",
        "\n",
        "{}",
        "[]\n",
        "{\"payload_bytes\":1}\n",
        "{\"payload_bytes\":1}\nxx",
        "{\"payload_bytes\":-1}\n",
        "{\"payload_bytes\":99999999999}\n",
        "{\"payload_bytes\":0,\"qos\":3}\n",
        "{\"payload_bytes\":0,\"topic\":\"a/#\"}\n",
        "{\"payload_bytes\":0,\"response_topic\":\"\"}\n",
        "{\"payload_bytes\":0,\"correlation_hex\":\"f\"}\n",
        "{\"payload_bytes\":0,\"correlation_hex\":\"xy\"}\n",
        "{\"payload_bytes\":0,\"properties\":[[\"a\"]]}\n",
        "{\"payload_bytes\":0,\"properties\":[7]}\n",
    };
    struct dead_name name = {"19ab3c4d5e6-0007", "f"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct dead_record r;
        file_print(path_in(path, "19ab3c4d5e6-0007.f"), "%s", texts[i]);
        assert_int_equal(dead_store_read(folder, &name, true, &r), -EBADMSG);
    }
}

/* ---- the keeper ---- */

static uv_loop_t loop;
static struct dead_keeper *keeper;
static int results[8];
static size_t result_count;

static void on_kept(struct dead_ticket *ticket, int error)
{
    (void)ticket;
    results[result_count++] = error;
}

static void on_closed(void *user)
{
    (void)user;
    keeper = NULL;
}

static void given_a_keeper(int at, uint64_t count, uint64_t bytes)
{
    assert_int_equal(uv_loop_init(&loop), 0);
    result_count = 0;
    keeper = dead_keeper_create(&loop, dup(at), path, &(struct dead_keeper_limits){count, bytes});
    assert_non_null(keeper);
}

static void keep(struct dead_ticket *tickets, size_t count)
{
    struct dead_letter l = sample();
    for (size_t i = 0; i < count; i++) {
        tickets[i] = (struct dead_ticket){.kept = on_kept};
        assert_int_equal(dead_keeper_keep(keeper, &tickets[i], &l), 0);
    }
}

static size_t stored(void)
{
    uint64_t count, bytes;
    assert_int_equal(dead_store_usage(folder, &count, &bytes), 0);
    return count;
}

static void close_keeper(void)
{
    dead_keeper_close(keeper, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_null(keeper);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void each_is_told_when_it_is_safe(void **unused)
{
    (void)unused;
    struct dead_ticket tickets[3];
    given_a_keeper(folder, 10, 1 << 20);
    keep(tickets, 3);
    assert_int_equal(result_count, 0); /* never inside the call */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(result_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(results[i], 0);
    assert_int_equal(stored(), 3);
    close_keeper();
}

static void beyond_the_limit_none_is_kept_and_none_is_lost_that_was(void **unused)
{
    (void)unused;
    struct dead_ticket tickets[4];
    given_a_keeper(folder, 2, 1 << 20);
    keep(tickets, 4);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(results[0], 0);
    assert_int_equal(results[1], 0);
    assert_int_equal(results[2], -EDQUOT);
    assert_int_equal(results[3], -EDQUOT);
    assert_int_equal(stored(), 2);
    close_keeper();
}

static void what_was_there_before_counts_too(void **unused)
{
    (void)unused;
    struct dead_ticket ticket;
    struct dead_letter l = sample();
    put(&l);
    given_a_keeper(folder, 10, 600); /* room for one of that size */
    keep(&ticket, 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(results[0], -EDQUOT);
    close_keeper();
}

static void a_folder_that_cannot_be_written_is_an_error_of_each(void **unused)
{
    (void)unused;
    struct dead_ticket ticket;
    int proc = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    given_a_keeper(proc, 10, 1 << 20);
    close(proc);
    keep(&ticket, 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(result_count, 1);
    assert_true(results[0] < 0);
    close_keeper();
}

static void a_forgotten_one_is_kept_and_nobody_is_told(void **unused)
{
    (void)unused;
    struct dead_ticket tickets[2];
    given_a_keeper(folder, 10, 1 << 20);
    keep(tickets, 2);
    dead_keeper_forget(&tickets[0]);
    dead_keeper_forget(&tickets[0]);
    close_keeper(); /* finishes first */
    assert_int_equal(result_count, 1);
    assert_int_equal(stored(), 2);
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(what_was_put_is_read_to_the_last_byte),
        store_test(the_largest_properties_come_back),
        store_test(what_is_absent_stays_absent),
        store_test(a_list_is_in_the_order_of_their_coming),
        store_test(what_is_removed_is_gone_and_may_be_removed_again),
        store_test(nobody_else_may_read_it),
        store_test(a_damaged_file_is_refused),
        store_test(each_is_told_when_it_is_safe),
        store_test(beyond_the_limit_none_is_kept_and_none_is_lost_that_was),
        store_test(what_was_there_before_counts_too),
        store_test(a_folder_that_cannot_be_written_is_an_error_of_each),
        store_test(a_forgotten_one_is_kept_and_nobody_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
