#!/usr/bin/env node
// aedes.mjs PORT FOLDER [--account NAME PASSWORD] [--tls PORT CERTIFICATE KEY]: a broker on loopback ports that keeps
// everything in memory. Says "running" on stderr when it listens, and then what clients do, in the words of mosquitto's
// log, as tests look for them there.
// lacks: mqtt5 persistence shared rules client-certificates tls-resumption inflight websocket slow-packets
// Of TLS: node gives two tickets at a full handshake, and none at one that resumes.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Aedes } from 'aedes'

const [port, , ...rest] = process.argv.slice(2)
const broker = await Aedes.createBroker()
const handle = stream => {
  console.error('New connection from 127.0.0.1')
  broker.handle(stream)
}
const listen = (server, at) => new Promise(resolve => server.listen(Number(at), '127.0.0.1', resolve))

while (rest.length) {
  const [option, a, b] = rest.splice(0, 3)
  if (option === '--account') {
    broker.authenticate = (_, name, password, done) => done(null, name === a && String(password) === b)
  } else if (option === '--tls') {
    const pair = { cert: readFileSync(b), key: readFileSync(rest.shift()) }
    await listen(createTlsServer(pair, handle), a)
  } else {
    process.exit(64)
  }
}

broker.on('clientReady', c => {
  const keepAlive = Math.floor(Math.max(c._keepaliveInterval, 0) / 1500)
  console.error(`New client connected from 127.0.0.1 as ${c.id} (p${c.version - 2}, c${Number(c.clean)}, k${keepAlive})`)
})
broker.on('subscribe', (filters, c) => filters.forEach(f => console.error(`${c.id} ${f.qos} ${f.topic}`)))
broker.on('unsubscribe', (filters, c) => c.closed || filters.forEach(f => console.error(`${c.id} ${f}`)))
broker.on('clientDisconnect', c => console.error(`Client ${c.id} disconnected`))

await listen(createServer(handle), port)
console.error('running')
