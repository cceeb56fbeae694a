// thermostat.cpp: functions/thermostat/thermostat.c in C++. Switches the heater of a room by its temperature.
#include <hark/function.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

struct settings {
    double setpoint, hysteresis;
};

settings config;

// A number and nothing else: payloads are bytes from strangers.
std::optional<double> parse_number(std::string_view text)
{
    double number = 0;
    const char *end = text.data() + text.size();
    auto [at, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || at != end || !std::isfinite(number))
        return std::nullopt;
    return number;
}

double read_config(hark_context *ctx, const char *key)
{
    const char *value = hark_config(ctx, key);
    if (auto number = value ? parse_number(value) : std::nullopt)
        return *number;
    throw std::invalid_argument(std::string("config: ") + key + " must be a number, such as \"21.5\"");
}

// An exception must not leave a function: it would end the worker. Here one refuses the version.
int start(hark_context *ctx) noexcept
try {
    config = {read_config(ctx, "setpoint"), read_config(ctx, "hysteresis")};
    return 0;
} catch (const std::exception &e) {
    hark_log(ctx, HARK_ERROR, "%s", e.what());
    return -1;
}

int switch_heater(hark_context *ctx, std::string_view state)
{
    std::string topic = std::string("home/") + hark_capture(ctx, "room") + "/heater";
    return hark_publish(ctx, topic.c_str(), state.data(), state.size());
}

// And here it is a retry; for want of memory, say.
int handle(hark_context *ctx, const hark_message *in) noexcept
try {
    std::string_view payload(static_cast<const char *>(in->payload), in->payload_len);
    auto temperature = parse_number(payload);
    if (!temperature) {
        hark_log(ctx, HARK_WARN, "%s: '%s' is no temperature", in->topic, std::string(payload).c_str());
        return HARK_REJECT;
    }
    if (*temperature < config.setpoint - config.hysteresis)
        return switch_heater(ctx, "on");
    if (*temperature > config.setpoint + config.hysteresis)
        return switch_heater(ctx, "off");
    return HARK_OK;
} catch (const std::exception &e) {
    hark_log(ctx, HARK_ERROR, "%s", e.what());
    return HARK_RETRY;
}

} // namespace

HARK_FUNCTION(.start = start, .handle = handle);
