#include "support/stage.h"

#include "support/files.h"
#include "support/other_broker.h"

#include <regex.h>
#include <stdio.h>

static void enter_phone(struct stage *s)
{
    s->phone = device_connect(broker_port(s->broker), "phone");
    device_subscribe(s->phone, "out/#", 2);
    device_subscribe(s->phone, "hark/dead/#", 2);
}

struct stage stage_set(void)
{
    struct stage s = {.broker = broker_start()};
    s.hark = hark_run(broker_url(s.broker));
    enter_phone(&s);
    return s;
}

struct stage stage_set_3_1_1(void)
{
    struct stage s = {.broker = broker_start()};
    s.hark = hark_prepare(NULL);
    s.hark->config = path_in(s.hark->state, "hark.yaml");
    file_print(s.hark->config, "broker: site\nbrokers:\n  site: { url: \"%s\", protocol: \"3.1.1\" }\n",
               broker_url(s.broker));
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 0 functions");
    enter_phone(&s);
    return s;
}

void stage_puppet(struct stage *s, const char *more_manifest)
{
    hark_install(s->hark, "puppet.so", "puppet.so");
    hark_manifest(s->hark, "puppet", PUPPET_MANIFEST "%s", more_manifest);
    hark_wait_line(s->hark, "^hark: deployed puppet version=[0-9a-f]{12}");
}

void stage_tell(struct stage *s, const char *what)
{
    device_publish(s->phone, "puppet/do", what, 1);
}

static bool matches(const char *text, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int no_match = regexec(&regex, text, 0, NULL, 0);
    regfree(&regex);
    return !no_match;
}

void stage_died_of(struct stage *s, const struct message *dead, const char *reason)
{
    char line[256];
    snprintf(line, sizeof line, "is given up after [0-9]+ attempts?: %s.*; dead letter to ", reason);
    hark_wait_line(s->hark, line);
    if (other_broker_lacks("mqtt5")) {
        assert_int_equal(dead->property_count, 0);
        return;
    }
    const char *said = message_property(dead, "hark-reason");
    assert_non_null(said);
    if (!matches(said, reason))
        fail_msg("'%s' does not match %s", said, reason);
}

void stage_expect(struct stage *s, const char *topic, const char *payload)
{
    device_expect(s->phone, topic, payload);
}

void stage_still_serves(struct stage *s)
{
    static unsigned turn;
    char text[48], order[80];
    snprintf(text, sizeof text, "still here %u", ++turn);
    snprintf(order, sizeof order, "say out/still %s", text);
    stage_tell(s, order);
    stage_expect(s, "out/still", text);
}
