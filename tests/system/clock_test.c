/* clock_test.c: somebody sets the machine's clock, years forward and years back, while hark works. What
 * waits, waits as long as it should: only `cron` and the dates of dead letters go by that clock. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/stage.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define YEAR_S (365 * 24 * 3600)

/* A broker that hark loses, a tick that is left out, a message that is dropped. */
#define TROUBLE "^hark: (error|warning): (broker |function=)"

/* A tick that a busy machine has no time for is none: they are few, and those of ten years are many. */
#define FEW_TICKS "^hark: warning: function=puppet skipped [0-9]{1,2} ticks of its timers: "

struct scene {
    struct stage stage;
    const char *clock;
};

static void set_clock(struct scene *s, int64_t years)
{
    int64_t off_s = years * YEAR_S;
    int fd = open(s->clock, O_WRONLY | O_CLOEXEC); /* not truncated: it is mapped */
    assert_int_equal(pwrite(fd, &off_s, sizeof off_s, 0), sizeof off_s);
    close(fd);
}

static struct scene scene_set(const char *manifest)
{
    struct scene s = {.stage.broker = broker_start(), .clock = path_in(folder_create(), "clock")};
    const int64_t none = 0;
    char *variables[2];
    file_write(s.clock, &none, sizeof none);
    struct hark *h = s.stage.hark = hark_prepare(NULL);
    assert_true(asprintf(&variables[0], "LD_PRELOAD=%s", TEST_JUMPING_CLOCK) > 0);
    assert_true(asprintf(&variables[1], "TEST_CLOCK=%s", s.clock) > 0);
    for (size_t i = 0; i < 2; i++) {
        h->environment[i] = variables[i];
        at_end_of_test(free, variables[i]);
    }
    h->config = path_in(h->state, "hark.yaml");
    file_print(h->config, "broker: site\nbrokers:\n  site: { url: \"%s\", keep_alive: 5s }\n",
               broker_url(s.stage.broker));
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 0 functions");
    s.stage.phone = device_connect(broker_port(s.stage.broker), "phone");
    device_subscribe(s.stage.phone, "out/#", 1);
    device_subscribe(s.stage.phone, "hark/dead/#", 1);
    stage_puppet(&s.stage, manifest);
    return s;
}

static void no_trouble(struct scene *s)
{
    if (hark_count_lines(s->stage.hark, TROUBLE) > hark_count_lines(s->stage.hark, FEW_TICKS))
        give_up("hark had trouble");
}

/* To each side of today, and across. */
static const int64_t jumps[] = {10, -10, 10, 0};
enum { JUMPS = sizeof jumps / sizeof *jumps };

static void a_retry_comes_when_it_should(void **unused)
{
    (void)unused;
    struct scene s = scene_set("retry: { attempts: 3, backoff: 500ms, max_backoff: 500ms }\n");
    for (size_t i = 0; i < JUMPS; i++) {
        stage_tell(&s.stage, "log begun; retry-until 2; attempt out/attempt");
        hark_wait_line(s.stage.hark, "worker=[0-9]+ begun");
        set_clock(&s, jumps[i]);
        stage_expect(&s.stage, "out/attempt", "2");
    }
    no_trouble(&s);
}

static void what_waits_does_not_expire_by_it(void **unused)
{
    (void)unused;
    struct scene s = scene_set("");
    stage_tell(&s.stage, "work 100");
    for (size_t i = 0; i < JUMPS; i++) {
        stage_tell(&s.stage, "log begun; work 300");
        hark_wait_line(s.stage.hark, "worker=[0-9]+ begun");
        device_publish_message(s.stage.phone, &(struct message){.topic = "puppet/do",
                                                                .payload = "say out/lives yes",
                                                                .payload_len = 17,
                                                                .qos = 1,
                                                                .expiry_s = 3600});
        set_clock(&s, jumps[i]);
        stage_expect(&s.stage, "out/lives", "yes");
    }
    no_trouble(&s);
}

/* And none is made up for. */
static void a_timer_ticks_on(void **unused)
{
    (void)unused;
    struct scene s = scene_set("");
    hark_manifest(
        s.stage.hark, "puppet",
        "function: puppet\nhandler: puppet.so\npublishes: [ \"out/#\" ]\n"
        "triggers: [ { every: 500ms }, { topic: puppet/do } ]\nconfig: { tick: \"count out/tick\" }\n");
    for (size_t i = 0; i < JUMPS; i++) {
        device_wait(s.stage.phone, "out/tick");
        set_clock(&s, jumps[i]);
        device_wait(s.stage.phone, "out/tick");
        device_wait(s.stage.phone, "out/tick");
    }
    no_trouble(&s);
}

/* Neither hark nor the broker takes the other for dead. */
static void the_connection_stays(void **unused)
{
    (void)unused;
    enum { LONGER_MS = 8000 }; /* than one and a half keep-alives */
    struct scene s = scene_set("");
    for (size_t i = 0; i < JUMPS; i++) {
        set_clock(&s, jumps[i]);
        stage_still_serves(&s.stage);
    }
    set_clock(&s, -10);
    assert_false(broker_says_again(s.stage.broker, "as hark/" TEST_NODE "/puppet", 2, LONGER_MS));
    stage_still_serves(&s.stage);
    no_trouble(&s);
}

static void a_function_is_deployed_from_files_of_the_future_and_of_the_past(void **unused)
{
    (void)unused;
    struct scene s = scene_set("");
    for (size_t i = 0; i < JUMPS; i++) {
        set_clock(&s, jumps[i]);
        hark_install(s.stage.hark, i % 2 ? "puppet.so" : "puppet-two.so", "puppet.so");
        hark_wait_line(s.stage.hark, "^hark: deployed puppet ");
        stage_tell(&s.stage, "build out/build");
        stage_expect(&s.stage, "out/build", i % 2 ? "one" : "two");
    }
}

/* Dated by the clock as it is; none takes another's place. */
static void dead_letters_are_all_kept(void **unused)
{
    (void)unused;
    struct scene s = scene_set("");
    size_t lines = 0;
    char year[16];
    time_t then = time(NULL) + jumps[0] * YEAR_S;
    assert_int_not_equal(strftime(year, sizeof year, "  %Y-", gmtime(&then)), 0);
    for (size_t i = 0; i < JUMPS; i++) {
        set_clock(&s, jumps[i]);
        stage_tell(&s.stage, "reject");
        device_wait(s.stage.phone, "hark/dead/puppet");
    }
    assert_int_equal(hark_stop(s.stage.hark), 0);
    struct outcome o = hark_command("dead", "--state", s.stage.hark->state, "--node", TEST_NODE, "list");
    for (const char *at = o.out; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, JUMPS);
    assert_non_null(strstr(o.out, year));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_retry_comes_when_it_should),
        system_test(what_waits_does_not_expire_by_it),
        system_test(a_timer_ticks_on),
        system_test(the_connection_stays),
        system_test(a_function_is_deployed_from_files_of_the_future_and_of_the_past),
        system_test(dead_letters_are_all_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
