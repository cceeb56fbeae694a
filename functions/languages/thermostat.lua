-- thermostat.lua: functions/thermostat/thermostat.c in Lua. Switches the heater of a room by its temperature.

local setpoint, hysteresis

-- A number and nothing else: payloads are bytes from strangers.
local function parse_number(text)
  local number = text and text:match("^[-+]?%d+%.?%d*$") and tonumber(text)
  return number
end

local function read_config(key)
  return parse_number(hark.config(key)) or error('config: ' .. key .. ' must be a number, such as "21.5"')
end

-- Once per worker, before the first message. An error here refuses the version.
function start()
  setpoint = read_config("setpoint")
  hysteresis = read_config("hysteresis")
end

local function switch_heater(state)
  hark.publish("home/" .. hark.capture("room") .. "/heater", state)
end

function handle(message)
  local temperature = parse_number(message.payload)
  if not temperature then
    hark.log("warn", message.topic .. ": '" .. message.payload .. "' is no temperature")
    return hark.REJECT
  end
  if temperature < setpoint - hysteresis then
    switch_heater("on")
  elseif temperature > setpoint + hysteresis then
    switch_heater("off")
  end
end
