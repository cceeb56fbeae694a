/* bounds_test.c: hark takes no more memory than docs/delivery.md says, whatever is sent. */
#include "support/cleanup.h"
#include "support/files.h"
#include "support/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KIB = 1024,
    MIB = 1024 * KIB,
    WITHOUT_MESSAGES = 8 * MIB, /* buffers, and what malloc keeps */
    WINDOW = 64                 /* messages that are sent ahead to a worker */
};

/* A figure of /proc/PID/status, in bytes. */
static size_t memory_of(const struct hark *h, const char *which)
{
    char path[64], line[256];
    size_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", h->process->pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    while (kib == 0 && fgets(line, sizeof line, f))
        if (strncmp(line, which, strlen(which)) == 0)
            kib = strtoul(line + strlen(which), NULL, 10);
    fclose(f);
    assert_int_not_equal(kib, 0);
    return kib * KIB;
}

struct flood {
    size_t payload, queue; /* of the manifest's limits */
    size_t bytes;          /* of a message */
    unsigned qos_0, qos_1; /* messages */
    const char *end;       /* a line of hark's that the flood must cause */
};

static char *order_of(size_t bytes)
{
    char *order = malloc(bytes + 1);
    memset(order, 'x', bytes);
    order[bytes] = '\0';
    memcpy(order, "work 5 ", 7);
    return order;
}

/* How much more memory hark had at its peak than before the flood. */
static size_t peak_of(const struct flood *f)
{
    struct stage s = {.broker = broker_start()};
    char more[128];
    s.hark = hark_run(broker_url(s.broker));
    s.phone = device_connect(broker_port(s.broker), "phone");
    device_subscribe(s.phone, "out/#", 1);
    snprintf(more, sizeof more, "order: all\nlimits: { payload: %zuB, queue: %zu }\n", f->payload, f->queue);
    stage_puppet(&s, more);
    stage_still_serves(&s);
    size_t before = memory_of(s.hark, "VmRSS:");
    struct device *sender = device_connect(broker_port(s.broker), "sender");
    char *order = order_of(f->bytes);
    for (unsigned i = 0; i < f->qos_0 || i < f->qos_1; i++) {
        if (i < f->qos_0)
            device_publish(sender, "puppet/do", order, 0);
        if (i < f->qos_1)
            device_publish(sender, "puppet/do", order, 1);
    }
    free(order);
    stage_still_serves(&s);
    hark_wait_line(s.hark, f->end);
    size_t peak = memory_of(s.hark, "VmHWM:");
    print_message("%zu KiB before, %zu KiB at the peak, %zu KiB sent\n", before / KIB, peak / KIB,
                  (f->qos_0 + f->qos_1) * f->bytes / KIB);
    return peak - before;
}

/* Twice the queue: at QoS 0, and at QoS 1; and what is under way to the worker. */
static void a_flood_takes_no_more_than_the_manifest_allows(const struct flood *f)
{
    size_t bound = (2 * f->queue + WINDOW) * f->payload + WITHOUT_MESSAGES;
    assert_true(f->qos_0 * f->bytes > bound && (f->qos_0 + f->qos_1) * f->bytes > 2 * bound);
    size_t took = peak_of(f);
    if (took > bound)
        fail_msg("%zu bytes, allowed are %zu", took, bound);
}

#define DROPPED "queue is full .limits.queue: [0-9]+.: dropped"

static void many_messages_of_middle_size_are_bounded(void **unused)
{
    (void)unused;
    a_flood_takes_no_more_than_the_manifest_allows(&(struct flood){
        .payload = 64 * KIB, .queue = 25, .bytes = 63 * KIB, .qos_0 = 800, .qos_1 = 200, .end = DROPPED});
}

static void the_largest_messages_are_bounded(void **unused)
{
    (void)unused;
    a_flood_takes_no_more_than_the_manifest_allows(&(struct flood){
        .payload = MIB, .queue = 25, .bytes = MIB - KIB, .qos_0 = 300, .qos_1 = 60, .end = DROPPED});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(many_messages_of_middle_size_are_bounded),
        system_test(the_largest_messages_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
