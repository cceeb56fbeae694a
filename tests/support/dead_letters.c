#include "support/dead_letters.h"

#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/command.h"
#include "support/other_broker.h"

#include <stdlib.h>
#include <string.h>

const struct message *letter_bury_bare(struct stage *s)
{
    stage_tell(s, "reject");
    return device_wait(s->phone, "hark/dead/puppet");
}

const struct message *letter_bury(struct stage *s)
{
    if (other_broker_lacks("mqtt5"))
        return letter_bury_bare(s);
    device_publish_message(s->phone, &(struct message){.topic = "puppet/do",
                                                       .payload = "reject",
                                                       .payload_len = 6,
                                                       .qos = 1,
                                                       .content_type = "text/plain",
                                                       .response_topic = "out/answer",
                                                       .correlation = "\x00\x01\xfe",
                                                       .correlation_len = 3,
                                                       .property_count = 2,
                                                       .keys = {"colour", "hark-hops"},
                                                       .values = {"blue", "3"}});
    return device_wait(s->phone, "hark/dead/puppet");
}

size_t letter_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

size_t letters_listed(struct hark *h)
{
    struct outcome o = dead_command(h, "list");
    assert_int_equal(o.code, 0);
    return letter_lines(o.out);
}

/* The dead letter at the broker does not say that the one on the disk is there already; the acknowledgement
 * does, and with one message at a time from the broker the next one comes only then. MQTT 3.1.1 cannot ask
 * for one at a time: there the disk has to be looked at. */
void letters_wait(struct stage *s, size_t letters)
{
    uint64_t until_ns = clock_now_ns() + GUARD_MS * NS_PER_MS;
    stage_still_serves(s);
    while (other_broker_lacks("mqtt5") && letters_listed(s->hark) < letters && clock_now_ns() < until_ns) {
    }
    assert_int_equal(letters_listed(s->hark), letters);
}

struct stage letter_stage(void)
{
    struct stage s = stage_set();
    stage_puppet(&s, ONE_AT_A_TIME);
    letter_bury(&s);
    letters_wait(&s, 1);
    return s;
}

/* The only one's, borrowed until the end of the test. */
const char *letter_id(struct hark *h)
{
    struct outcome o = dead_command(h, "list");
    assert_int_equal(letter_lines(o.out), 1);
    char *id = strndup(o.out, 16);
    at_end_of_test(free, id);
    return id;
}
