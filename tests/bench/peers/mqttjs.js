// What one writes with mqtt.js: answers each message on bench/mqttjs/in/N with its payload on bench/mqttjs/out/N,
// at its QoS. mqttjs.js PORT says `ready` once it is subscribed, and runs until SIGTERM. All settings are mqtt.js's own.
const client = require('mqtt').connect(`mqtt://127.0.0.1:${process.argv[2]}`)

client.on('connect', () => client.subscribe('bench/mqttjs/in/+', { qos: 2 }, () => console.log('ready')))
client.on('message', (topic, payload, packet) =>
  client.publish(topic.replace('/in/', '/out/'), payload, { qos: packet.qos }))
