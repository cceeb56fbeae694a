// thermostat.rs: functions/thermostat/thermostat.c in Rust. Switches the heater of a room by its temperature.
use hark::{Context, Failure, Function, Message};

struct Thermostat {
    setpoint: f64,
    hysteresis: f64,
}

/// A number and nothing else: payloads are bytes from strangers.
fn parse_number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn read_config(context: &Context, key: &str) -> Result<f64, String> {
    let number = context.config(key).and_then(parse_number);
    number.ok_or_else(|| format!("config: {key} must be a number, such as \"21.5\""))
}

impl Function for Thermostat {
    fn start(context: &Context) -> Result<Self, String> {
        Ok(Thermostat {
            setpoint: read_config(context, "setpoint")?,
            hysteresis: read_config(context, "hysteresis")?,
        })
    }

    fn handle(&mut self, context: &Context, message: &Message) -> Result<(), Failure> {
        let payload = String::from_utf8_lossy(message.payload);
        let temperature = parse_number(&payload).ok_or_else(|| {
            Failure::Reject(format!("{}: '{payload}' is no temperature", message.topic.unwrap_or("a tick")))
        })?;
        let heater = format!("home/{}/heater", context.capture("room").unwrap_or(""));
        if temperature < self.setpoint - self.hysteresis {
            context.publish(&heater, "on")?;
        } else if temperature > self.setpoint + self.hysteresis {
            context.publish(&heater, "off")?;
        }
        Ok(())
    }
}

hark::function!(Thermostat);
