#include "support/stage.h"

#include <stdio.h>

struct stage stage_set(void)
{
    struct stage s = {.broker = broker_start()};
    s.hark = hark_run(broker_url(s.broker));
    s.phone = device_connect(broker_port(s.broker), "phone");
    device_subscribe(s.phone, "out/#", 2);
    device_subscribe(s.phone, "hark/dead/#", 2);
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
