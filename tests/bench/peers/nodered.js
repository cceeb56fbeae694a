// What one clicks together in Node-RED: a node that subscribes to bench/nodered/in/+, a function that turns the
// topic into bench/nodered/out/N, a node that publishes. nodered.js PORT FOLDER writes such a flow into FOLDER and
// becomes a Node-RED that runs it, without editor and without calling anybody; it says `Connected to broker`.
const fs = require('fs')
const path = require('path')

const [port, folder] = process.argv.slice(2)
const flow = [
  { id: 'tab', type: 'tab', label: 'bench' },
  { id: 'broker', type: 'mqtt-broker', broker: '127.0.0.1', port, clientid: '', autoConnect: true, usetls: false,
    protocolVersion: '4', keepalive: '60', cleansession: true },
  { id: 'in', type: 'mqtt in', z: 'tab', topic: 'bench/nodered/in/+', qos: '2', datatype: 'buffer', broker: 'broker',
    inputs: 0, wires: [['answer']] },
  { id: 'answer', type: 'function', z: 'tab', outputs: 1, wires: [['out']],
    func: 'msg.topic = msg.topic.replace("/in/", "/out/");\nreturn msg;' },
  { id: 'out', type: 'mqtt out', z: 'tab', topic: '', qos: '', retain: 'false', broker: 'broker', wires: [] }
]
const settings = `module.exports = { uiHost: '127.0.0.1', httpAdminRoot: false, httpNodeRoot: false,
  telemetry: { enabled: false, updateNotification: false }, flowFile: 'flows.json', credentialSecret: false,
  logging: { console: { level: 'info' } } }`

fs.mkdirSync(folder, { recursive: true })
fs.writeFileSync(path.join(folder, 'flows.json'), JSON.stringify(flow))
fs.writeFileSync(path.join(folder, 'settings.js'), settings)
const program = require.resolve('node-red/red.js')
process.argv = [process.argv[0], program, '--userDir', folder, '--settings', path.join(folder, 'settings.js')]
require(program)
