// thermostat.js: functions/thermostat/thermostat.c in JavaScript. Switches the heater of a room by its temperature.

var setpoint, hysteresis;

// A number and nothing else: payloads are bytes from strangers.
function parseNumber(text) {
  return /^[-+]?\d+(\.\d*)?$/.test(text) ? Number(text) : NaN;
}

function readConfig(key) {
  var number = parseNumber(hark.config(key));
  if (isNaN(number)) {
    throw new Error("config: " + key + ' must be a number, such as "21.5"');
  }
  return number;
}

// Once per worker, before the first message. An error here refuses the version.
function start() {
  setpoint = readConfig("setpoint");
  hysteresis = readConfig("hysteresis");
}

function switchHeater(state) {
  hark.publish("home/" + hark.capture("room") + "/heater", state);
}

function handle(message) {
  var temperature = parseNumber(message.payload);
  if (isNaN(temperature)) {
    hark.log("warn", message.topic + ": '" + message.payload + "' is no temperature");
    return hark.REJECT;
  }
  if (temperature < setpoint - hysteresis) {
    switchHeater("on");
  } else if (temperature > setpoint + hysteresis) {
    switchHeater("off");
  }
}
