// A real PLC directory, in memory, on this machine only: node plc.mjs PORT
import net from 'node:net'
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  const done = rest.find((one) => typeof one === 'function')
  return listen.call(this, { port, host: '127.0.0.1' }, done)
}
const { PlcServer, Database } = await import('@did-plc/server')

const server = PlcServer.create({ db: Database.mock(), port: Number(process.argv[2]) })
await server.start()
console.log('ready')
