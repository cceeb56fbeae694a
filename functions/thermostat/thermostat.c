/* thermostat: switches the heater of a room by its temperature.
 *
 * Shows: a capture ({room} of the trigger's topic), the manifest's config, publishing, and what to do with a
 * message that makes no sense. Try it:
 *
 *     mosquitto_sub -t 'home/+/heater' -v &
 *     mosquitto_pub -t home/kitchen/temperature -m 19.0
 */
#include <hark/function.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Globals live as long as the worker. Here they only hold what start() read, so it does not matter how many
 * workers there are or when they come and go. */
static double setpoint;
static double hysteresis;

/* A number and nothing else. Payloads are bytes from strangers: "21.5 degrees", "nan" and "" are none. */
static bool parse_number(const char *text, size_t len, double *ret)
{
    char *end;
    double number = strtod(text, &end); /* hark puts a NUL behind every payload and config value */
    if (len == 0 || end != text + len || !isfinite(number))
        return false;
    *ret = number;
    return true;
}

static bool read_config(struct hark_context *ctx, const char *key, double *ret)
{
    const char *value = hark_config(ctx, key);
    if (value && parse_number(value, strlen(value), ret))
        return true;
    hark_log(ctx, HARK_ERROR, "config: %s must be a number, such as \"21.5\"", key);
    return false;
}

/* Once per worker, before the first message. A function that cannot work says so here: then this version is
 * never deployed, and the one before it stays. */
static int start(struct hark_context *ctx)
{
    return read_config(ctx, "setpoint", &setpoint) && read_config(ctx, "hysteresis", &hysteresis) ? 0 : -1;
}

static int switch_heater(struct hark_context *ctx, const char *state)
{
    char topic[256];
    int len = snprintf(topic, sizeof topic, "home/%s/heater", hark_capture(ctx, "room"));
    if (len >= (int)sizeof topic)
        return HARK_REJECT; /* a room with such a name is none of ours */
    /* 0 is HARK_OK, and a negative errno counts as "try again later": either may be returned as it is. The
     * message leaves when this invocation has succeeded, not before. */
    return hark_publish(ctx, topic, state, strlen(state));
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    double temperature;
    if (!parse_number(in->payload, in->payload_len, &temperature)) {
        hark_log(ctx, HARK_WARN, "%s: '%s' is no temperature", in->topic, (const char *)in->payload);
        return HARK_REJECT; /* no retry can mend it: straight to the dead letters */
    }
    if (temperature < setpoint - hysteresis)
        return switch_heater(ctx, "on");
    if (temperature > setpoint + hysteresis)
        return switch_heater(ctx, "off");
    return HARK_OK; /* near enough: leave the heater as it is */
}

HARK_FUNCTION(.start = start, .handle = handle);
