"""What one writes with paho: answers each message on bench/paho/in/N with its payload on bench/paho/out/N, at
its QoS. paho_echo.py PORT says `ready` once it is subscribed, and runs until SIGTERM. All settings are paho's own."""

import sys

import paho.mqtt.client as mqtt


def on_message(client, _user, message):
    client.publish(message.topic.replace("/in/", "/out/"), message.payload, message.qos)


def make_client():
    if hasattr(mqtt, "CallbackAPIVersion"):  # paho 2
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION1)
    return mqtt.Client()


client = make_client()
client.on_connect = lambda client, *_: client.subscribe("bench/paho/in/+", 2)
client.on_subscribe = lambda *_: print("ready", flush=True)
client.on_message = on_message
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_forever()
