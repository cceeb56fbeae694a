#include "dispatcher/state.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct diag diag;

static void close_state(void *thing)
{
    state_close(thing);
}

static struct state *open_state(const char *folder)
{
    int error = 0;
    struct state *s = state_open(folder, "node-1", &error, &diag);
    if (!s)
        fail_msg("%s", diag.text);
    at_end_of_test(close_state, s);
    return s;
}

static void write_record(struct state *s, const char *broker, const char *filter)
{
    char *filters[] = {(char *)(uintptr_t)filter, (char *)(uintptr_t) "second/#"};
    struct session_record record = {(char *)(uintptr_t)broker, filters, 2, true};
    assert_int_equal(state_write(s, "thermostat", &record, &diag), 0);
}

static void assert_damaged(struct state *s)
{
    struct session_record record;
    assert_int_equal(state_read(s, "thermostat", &record, &diag), -EBADMSG);
    assert_non_null(strstr(diag.file, "/node-1/thermostat.json"));
    assert_non_null(strstr(diag.text, "damaged"));
}

static void what_was_written_is_read_after_a_restart(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    int error;
    struct state *first = state_open(folder, "node-1", &error, &diag);
    assert_non_null(first);
    write_record(first, "mqtt://a:1883", "home/+/\"quoted\"");
    state_close(first);

    struct session_record record;
    assert_int_equal(state_read(open_state(folder), "thermostat", &record, &diag), 0);
    assert_string_equal(record.broker, "mqtt://a:1883");
    assert_int_equal(record.filter_count, 2);
    assert_string_equal(record.filters[0], "home/+/\"quoted\"");
    assert_string_equal(record.filters[1], "second/#");
    assert_true(record.speaks_5);
    session_record_finish(&record);
}

static void a_later_record_replaces_the_earlier_and_leaves_nothing_behind(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    struct state *s = open_state(folder);
    write_record(s, "mqtt://a:1883", "one");
    write_record(s, "mqtt://b:1883", "two");
    struct session_record record;
    assert_int_equal(state_read(s, "thermostat", &record, &diag), 0);
    assert_string_equal(record.broker, "mqtt://b:1883");
    session_record_finish(&record);
    assert_int_not_equal(access(path_in(folder, "node-1/.thermostat.json.new"), F_OK), 0);
}

static ino_t inode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void what_is_there_already_is_not_written_again(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    const char *path = path_in(folder, "node-1/thermostat.json");
    struct state *s = open_state(folder);
    write_record(s, "mqtt://a:1883", "one");
    ino_t inode = inode_of(path);
    write_record(s, "mqtt://a:1883", "one");
    assert_int_equal(inode_of(path), inode);
    write_record(s, "mqtt://a:1883", "two");
    assert_int_not_equal(inode_of(path), inode);
}

static void add_all(struct state *s, const char *broker)
{
    enum { FUNCTIONS = 50 };
    struct state_entry entries[FUNCTIONS];
    char names[FUNCTIONS][32], *filter = (char *)(uintptr_t) "added/#";
    for (size_t i = 0; i < FUNCTIONS; i++) {
        snprintf(names[i], sizeof names[i], i ? "function-%zu" : "thermostat", i);
        entries[i] = (struct state_entry){
            names[i], {.broker = (char *)(uintptr_t)broker, .filters = &filter, .filter_count = 1}};
    }
    state_add_all(s, entries, FUNCTIONS);
}

static void many_are_added_at_once_to_what_is_there(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    struct state *s = open_state(folder);
    struct session_record record;
    write_record(s, "mqtt://a:1883", "one");
    add_all(s, "mqtt://a:1883");
    assert_int_equal(state_read(s, "function-49", &record, &diag), 0);
    assert_int_equal(record.filter_count, 1);
    session_record_finish(&record);
    assert_int_equal(state_read(s, "thermostat", &record, &diag), 0);
    assert_string_equal(record.broker, "mqtt://a:1883");
    assert_int_equal(record.filter_count, 3);
    assert_string_equal(record.filters[0], "one");
    assert_string_equal(record.filters[2], "added/#");
    assert_true(record.speaks_5);
    session_record_finish(&record);
    assert_int_not_equal(access(path_in(folder, "node-1/.thermostat.json.new"), F_OK), 0);
    ino_t inode = inode_of(path_in(folder, "node-1/thermostat.json"));
    add_all(s, "mqtt://a:1883");
    assert_int_equal(inode_of(path_in(folder, "node-1/thermostat.json")), inode);
}

/* Only with MQTT 3.1.1 does it matter. */
static void what_is_added_is_not_taken_for_what_the_broker_has(void **unused)
{
    (void)unused;
    struct state *s = open_state(folder_create());
    char *filters[] = {(char *)(uintptr_t) "one", (char *)(uintptr_t) "second/#"};
    struct session_record record = {.broker = (char *)(uintptr_t) "mqtt://a:1883",
                                    .filters = filters,
                                    .filter_count = 2,
                                    .sure_count = 2};
    assert_int_equal(state_write(s, "thermostat", &record, &diag), 0);
    add_all(s, "mqtt://a:1883");
    assert_int_equal(state_read(s, "thermostat", &record, &diag), 0);
    assert_int_equal(record.filter_count, 3);
    assert_int_equal(record.sure_count, 2);
    assert_string_equal(record.filters[2], "added/#");
    session_record_finish(&record);
    assert_int_equal(state_read(s, "function-49", &record, &diag), 0);
    assert_int_equal(record.sure_count, 0);
    session_record_finish(&record);
}

static void what_is_known_of_another_broker_is_not_added_to(void **unused)
{
    (void)unused;
    struct state *s = open_state(folder_create());
    struct session_record record;
    write_record(s, "mqtt://a:1883", "one");
    add_all(s, "mqtt://b:1883");
    assert_int_equal(state_read(s, "thermostat", &record, &diag), 0);
    assert_string_equal(record.broker, "mqtt://b:1883");
    assert_int_equal(record.filter_count, 1);
    assert_false(record.speaks_5);
    session_record_finish(&record);
}

static void no_record_is_not_an_error_with_words(void **unused)
{
    (void)unused;
    struct session_record record;
    assert_int_equal(state_read(open_state(folder_create()), "thermostat", &record, &diag), -ENOENT);
}

static void a_removed_record_is_gone_and_may_be_removed_again(void **unused)
{
    (void)unused;
    struct state *s = open_state(folder_create());
    struct session_record record;
    write_record(s, "mqtt://a:1883", "one");
    assert_int_equal(state_remove(s, "thermostat", &diag), 0);
    assert_int_equal(state_read(s, "thermostat", &record, &diag), -ENOENT);
    assert_int_equal(state_remove(s, "thermostat", &diag), 0);
}

static void a_damaged_record_is_said_and_can_be_replaced(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    struct state *s = open_state(folder);
    const char *path = path_in(folder, "node-1/thermostat.json");
    static const char *const damaged[] = {"",
                                          "{",
                                          "[]",
                                          "{\"broker\": 1, \"filters\": []}",
                                          "{\"broker\": \"x\"}",
                                          "{\"broker\": \"x\", \"filters\": [\"a\", 2]}",
                                          "{\"broker\": \"x\", \"filters\": {}}"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        file_print(path, "%s", damaged[i]);
        assert_damaged(s);
    }
    write_record(s, "mqtt://a:1883", "one");
    struct session_record record;
    assert_int_equal(state_read(s, "thermostat", &record, &diag), 0);
    session_record_finish(&record);
}

static void a_fifo_in_the_place_of_a_record_does_not_hang(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    struct state *s = open_state(folder);
    assert_int_equal(mkfifo(path_in(folder, "node-1/thermostat.json"), 0600), 0);
    assert_damaged(s);
}

static void two_of_one_name_cannot_share_a_state(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    int error = 0;
    open_state(folder);
    assert_null(state_open(folder, "node-1", &error, &diag));
    assert_int_equal(error, -EWOULDBLOCK);
    assert_non_null(strstr(diag.text, "another hark named 'node-1'"));

    struct state *other = state_open(folder, "node-2", &error, &diag);
    assert_non_null(other);
    state_close(other);
}

static void folders_are_made_for_the_owner_alone(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    struct stat st;
    open_state(path_in(folder, "deep/er"));
    assert_int_equal(stat(path_in(folder, "deep/er/node-1"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void a_file_in_the_way_is_said(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    const char *file = path_in(folder, "file");
    int error = 0;
    file_print(file, "x");
    assert_null(state_open(file, "node-1", &error, &diag));
    assert_int_equal(error, -ENOTDIR);
    assert_non_null(strstr(diag.text, "the state folder cannot be made"));
}

/* Not "No such file", which is what the last folder says of the first, that could not be made. */
static void a_parent_that_may_not_be_made_is_the_reason(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    int error = 0;
    bool is_root = geteuid() == 0;
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(is_root ? seteuid(4242) : 0, 0);
    struct state *s = state_open(path_in(folder, "deep/er"), "node-1", &error, &diag);
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_null(s);
    assert_int_equal(error, -EACCES);
    assert_non_null(
        strstr(diag.text, "the state folder cannot be made, --state names another: Permission denied"));
}

static void a_folder_has_a_name_of_its_own_for_ever(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    char first[STATE_INSTANCE_LEN + 1], again[STATE_INSTANCE_LEN + 1], other[STATE_INSTANCE_LEN + 1];
    struct state *s = open_state(folder);
    assert_int_equal(state_instance(s, first, &diag), 0);
    assert_int_equal(strlen(first), STATE_INSTANCE_LEN);
    assert_int_equal(state_instance(s, again, &diag), 0);
    assert_string_equal(first, again);
    assert_int_equal(state_instance(open_state(folder_create()), other, &diag), 0);
    assert_string_not_equal(first, other);
    file_print(path_in(folder, "node-1/instance"), "GARBAGE");
    assert_int_equal(state_instance(s, other, &diag), 0);
    assert_string_not_equal(first, other);
    assert_int_equal(state_instance(s, again, &diag), 0);
    assert_string_equal(other, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(what_was_written_is_read_after_a_restart),
        system_test(a_later_record_replaces_the_earlier_and_leaves_nothing_behind),
        system_test(what_is_there_already_is_not_written_again),
        system_test(many_are_added_at_once_to_what_is_there),
        system_test(what_is_added_is_not_taken_for_what_the_broker_has),
        system_test(what_is_known_of_another_broker_is_not_added_to),
        system_test(no_record_is_not_an_error_with_words),
        system_test(a_removed_record_is_gone_and_may_be_removed_again),
        system_test(a_damaged_record_is_said_and_can_be_replaced),
        system_test(a_fifo_in_the_place_of_a_record_does_not_hang),
        system_test(two_of_one_name_cannot_share_a_state),
        system_test(folders_are_made_for_the_owner_alone),
        system_test(a_file_in_the_way_is_said),
        system_test(a_parent_that_may_not_be_made_is_the_reason),
        system_test(a_folder_has_a_name_of_its_own_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
