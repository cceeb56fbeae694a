#!/usr/bin/env node
// aedes.mjs PORT FOLDER: a broker on a loopback port that keeps everything in memory. "running" on stderr: it listens.
import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const broker = await Aedes.createBroker()
createServer(broker.handle).listen(Number(process.argv[2]), '127.0.0.1', () => console.error('running'))
