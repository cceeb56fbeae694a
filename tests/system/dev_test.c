/* dev_test.c: `hark dev`: a broker of its own, and everything that happens on the screen. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/port.h"
#include "support/small_disk.h"
#include "support/stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FEW_KIB = 16 };

static bool has_small_disks;

struct dev {
    const char *folder;
    uint16_t port;
    struct process *process;
};

static struct dev dev_start(void)
{
    struct dev d = {.folder = folder_create(), .port = port_find_free()};
    char port[8];
    temporary_folder_create();
    snprintf(port, sizeof port, "%u", d.port);
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(d.folder, "puppet.so"));
    file_print(path_in(d.folder, "puppet.yaml"), PUPPET_MANIFEST "retry: { attempts: 1 }\n");
    const char *const argv[] = {TEST_HARK, "dev", "--port", port, d.folder, NULL};
    d.process = process_start(&(struct process_options){.name = "hark dev", .argv = argv});
    lines_wait(d.process->err, "^hark: ready: 1 functions");
    return d;
}

static void it_brings_up_a_broker_on_the_port_it_is_told(void **unused)
{
    (void)unused;
    struct dev d = dev_start();
    struct device *phone = device_connect(d.port, "phone");
    device_subscribe(phone, "out/#", 1);
    device_publish(phone, "puppet/do", "say out/heard yes", 1);
    device_expect(phone, "out/heard", "yes");
}

static void it_shows_messages_outputs_and_log_lines(void **unused)
{
    (void)unused;
    struct dev d = dev_start();
    struct device *phone = device_connect(d.port, "phone");
    device_publish(phone, "puppet/do", "log thinking; say out/heard yes", 1);
    lines_wait(d.process->out,
               "^[0-9:.]+  puppet/do  log thinking; say out/heard yes  → puppet  [0-9.]+ ms  ok"
               "  → out/heard  yes$");
    lines_wait(d.process->err, "function=puppet worker=[0-9]+ thinking");
}

static void a_message_that_fails_is_shown_with_its_dead_letter(void **unused)
{
    (void)unused;
    struct dev d = dev_start();
    struct device *phone = device_connect(d.port, "phone");
    device_publish(phone, "puppet/do", "reject", 1);
    lines_wait(d.process->out,
               "  puppet/do  reject  → puppet  [0-9.]+ ms  reject  → hark/dead/puppet  reject$");
    device_publish(phone, "puppet/do", "crash", 1);
    lines_wait(d.process->out,
               "  puppet/do  crash  → puppet  [0-9.]+ ms  crash: .*  → hark/dead/puppet  crash$");
}

static void a_long_payload_is_there_as_a_whole_where_there_is_no_terminal(void **unused)
{
    (void)unused;
    struct dev d = dev_start();
    char text[3000] = "";
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "say out/heard ", 14);
    device_publish(device_connect(d.port, "phone"), "puppet/do", text, 1);
    assert_non_null(strstr(lines_wait(d.process->out, "  puppet/do  .*  → puppet "), text));
}

static void it_shows_ticks_by_the_name_of_their_timer(void **unused)
{
    (void)unused;
    struct dev d = dev_start();
    file_print(
        path_in(d.folder, "puppet.yaml"),
        "function: puppet\nhandler: puppet.so\npublishes: [ \"out/#\" ]\ntriggers: [ { every: 100ms } ]\n"
        "config: { tick: \"say out/heard yes\" }\n");
    lines_wait(d.process->out, "  every 100ms \\(timer\\)  → puppet  [0-9.]+ ms  ok  → out/heard  yes$");
}

static void its_broker_stands_for_whatever_a_manifest_names(void **unused)
{
    (void)unused;
    struct dev d = dev_start();
    file_print(path_in(d.folder, "puppet.yaml"), PUPPET_MANIFEST "broker: lab\n");
    lines_wait(d.process->err, "^hark: deployed puppet version=[0-9a-f]+ replaces=");
    struct device *phone = device_connect(d.port, "phone");
    device_subscribe(phone, "out/#", 1);
    device_publish(phone, "puppet/do", "say out/heard yes", 1);
    device_expect(phone, "out/heard", "yes");
}

static void it_finds_a_port_by_itself(void **unused)
{
    (void)unused;
    const char *const argv[] = {TEST_HARK, "dev", folder_create(), NULL};
    temporary_folder_create();
    struct process *p = process_start(&(struct process_options){.name = "hark dev", .argv = argv});
    lines_wait(p->err, "mqtt://127\\.0\\.0\\.1:[0-9]+");
    lines_wait(p->err, "^hark: ready: 0 functions");
}

static void it_takes_its_broker_with_it(void **unused)
{
    (void)unused;
    struct dev d = dev_start();
    process_signal(d.process, SIGTERM);
    assert_int_equal(process_wait(d.process), 0);
    process_drain(d.process);
    assert_int_equal(port_connect(d.port), -1);
}

static void it_ends_with_interrupt_too(void **unused)
{
    (void)unused;
    struct dev d = dev_start();
    process_signal(d.process, SIGINT);
    assert_int_equal(process_wait(d.process), 0);
}

/* The reader goes when it is told so. What runs then is finished, and nobody is there to be shown that. */
static void it_ends_with_the_reader_of_its_output(void **unused)
{
    (void)unused;
    const char *folder = folder_create(), *temporary = folder_create();
    char port[8], variable[128];
    uint16_t number = port_find_free();
    snprintf(port, sizeof port, "%u", number);
    snprintf(variable, sizeof variable, "TMPDIR=%s", temporary);
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(folder, "puppet.so"));
    file_print(path_in(folder, "puppet.yaml"), PUPPET_MANIFEST);
    const char *const argv[] = {"sh",
                                "-c",
                                "{ { \"$0\" dev --port \"$1\" \"$2\"; echo \"ended with $?\" >&2; } | "
                                "read word <&3; } 3<&0",
                                TEST_HARK,
                                port,
                                folder,
                                NULL};
    struct process *p = process_start(&(struct process_options){
        .name = "hark dev", .argv = argv, .environment = variable, .takes_orders = true});
    lines_wait(p->err, "^hark: ready: 1 functions");
    device_publish(device_connect(number, "phone"), "puppet/do", "log busy; work 500", 1);
    lines_wait(p->err, "function=puppet worker=[0-9]+ busy");
    process_order(p, "go");
    lines_wait(p->err, "^hark: error: standard output cannot be written: its reader is gone$");
    lines_wait(p->err, "^ended with 70$");
    process_drain(p);
    assert_int_equal(lines_count(p->err, "standard output cannot be written"), 1);
    assert_int_equal(port_connect(number), -1);
    assert_int_equal(rmdir(temporary), 0); /* it is empty */
}

static void its_broker_dies_with_it_even_when_it_is_killed(void **unused)
{
    (void)unused;
    struct dev d = dev_start();
    process_signal(d.process, SIGKILL);
    process_wait(d.process);
    process_drain(d.process);
    assert_int_equal(port_connect(d.port), -1);
}

static void it_deploys_what_changes(void **unused)
{
    (void)unused;
    struct dev d = dev_start();
    struct device *phone = device_connect(d.port, "phone");
    device_subscribe(phone, "out/#", 1);
    file_replace(path_in(TEST_PUPPETS, "puppet-two.so"), path_in(d.folder, "puppet.so"));
    lines_wait(d.process->err, "^hark: deployed puppet ");
    device_publish(phone, "puppet/do", "build out/build", 1);
    device_expect(phone, "out/build", "two");
}

static struct dev dev_record(const char *recording)
{
    struct dev d = {.folder = folder_create(), .port = port_find_free()};
    char port[8];
    temporary_folder_create();
    snprintf(port, sizeof port, "%u", d.port);
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(d.folder, "puppet.so"));
    file_print(path_in(d.folder, "puppet.yaml"), PUPPET_MANIFEST "retry: { attempts: 1 }\n");
    const char *const argv[] = {TEST_HARK, "dev", "--port", port, "--record", recording, d.folder, NULL};
    d.process = process_start(&(struct process_options){.name = "hark dev", .argv = argv});
    lines_wait(d.process->err, "^hark: ready: 1 functions");
    return d;
}

static void what_devices_publish_is_recorded_to_be_run_again(void **unused)
{
    (void)unused;
    const char *recording = path_in(folder_create(), "recording.jsonl");
    file_print(recording, "what was there before\n");
    struct dev d = dev_record(recording);
    struct device *phone = device_connect(d.port, "phone");
    device_subscribe(phone, "out/#", 1);
    device_publish(phone, "puppet/do", "reject", 1);
    device_publish(phone, "puppet/do", "say out/heard yes", 1);
    device_expect(phone, "out/heard", "yes");
    process_signal(d.process, SIGTERM);
    assert_int_equal(process_wait(d.process), 0);
    lines_wait(d.process->err, "^hark: 2 messages recorded in ");
    const char *const argv[] = {
        "sh",      "-c", "\"$0\" invoke \"$1\" < \"$2\"", TEST_HARK, path_in(d.folder, "puppet.yaml"),
        recording, NULL};
    struct outcome o = command_run(&(struct process_options){.name = "invoke", .argv = argv});
    assert_string_equal(o.out, "out/heard yes\n");
}

/* It goes on, and what was recorded before can be read. */
static void a_full_disk_ends_the_recording_alone(void **unused)
{
    (void)unused;
    if (!has_small_disks)
        skip();
    const char *disk = folder_create(), *recording = path_in(disk, "recording.jsonl");
    small_disk_mount(disk, FEW_KIB);
    struct dev d = dev_record(recording);
    struct device *phone = device_connect(d.port, "phone");
    device_subscribe(phone, "out/#", 1);
    for (int i = 0; i < FEW_KIB * 1024 / 64; i++)
        device_publish(phone, "puppet/do", "say out/heard yes", 1);
    lines_wait(d.process->err,
               "^hark: error: --record .*: cannot be written: No space left on device: it ends");
    device_publish(phone, "puppet/do", "say out/last yes", 1);
    device_expect(phone, "out/last", "yes");
    size_t len;
    char *text = file_read(recording, &len);
    assert_true(len > 0);
    assert_int_equal(text[len - 1], '\n');
    free(text);
    assert_int_equal(lines_count(d.process->err, "--record"), 1);
}

static void a_recording_that_cannot_be_made_is_refused(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("dev", "--record", "/nowhere/x.jsonl", folder_create());
    assert_int_equal(o.code, 70);
    assert_string_equal(o.out, "");
    assert_non_null(strstr(o.err, "hark: error: --record /nowhere/x.jsonl: cannot be written: No such file"));
    /* In sysfs not even root makes a file. */
    o = hark_command("dev", "--record", "/sys/x.jsonl", folder_create());
    assert_int_equal(o.code, 77);
    assert_non_null(strstr(o.err, "hark: error: --record /sys/x.jsonl: cannot be written: "));
}

static void a_folder_that_is_not_there_is_refused_before_anything_is_done(void **unused)
{
    (void)unused;
    const char *recording = path_in(folder_create(), "recording.jsonl");
    file_print(recording, "kept");
    struct outcome o = hark_command("dev", "--record", recording, "/nowhere");
    assert_string_equal(o.err, "hark: error: cannot read folder /nowhere: No such file or directory\n");
    assert_int_equal(o.code, 65);
    size_t len;
    char *text = file_read(recording, &len);
    assert_string_equal(text, "kept");
    free(text);
}

int main(void)
{
    has_small_disks = small_disk_enter();
    const struct CMUnitTest tests[] = {
        system_test(it_brings_up_a_broker_on_the_port_it_is_told),
        system_test(it_shows_messages_outputs_and_log_lines),
        system_test(a_message_that_fails_is_shown_with_its_dead_letter),
        system_test(a_long_payload_is_there_as_a_whole_where_there_is_no_terminal),
        system_test(it_shows_ticks_by_the_name_of_their_timer),
        system_test(its_broker_stands_for_whatever_a_manifest_names),
        system_test(it_finds_a_port_by_itself),
        system_test(it_takes_its_broker_with_it),
        system_test(it_ends_with_interrupt_too),
        system_test(it_ends_with_the_reader_of_its_output),
        system_test(its_broker_dies_with_it_even_when_it_is_killed),
        system_test(it_deploys_what_changes),
        system_test(what_devices_publish_is_recorded_to_be_run_again),
        system_test(a_full_disk_ends_the_recording_alone),
        system_test(a_recording_that_cannot_be_made_is_refused),
        system_test(a_folder_that_is_not_there_is_refused_before_anything_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
