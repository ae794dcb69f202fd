// Two real servers of Bluesky's network, on this machine only; each prints “ready” when it is.
//
//   node network.mjs plc PORT                            a directory of identities, in memory
//   node network.mjs pds PORT PLC_URL FOLDER SECRET_HEX  a personal data server
import net from 'node:net'

// Both listen on every interface unless they are kept from it.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, { port: Number(port), host: '127.0.0.1' }, rest.find((one) => typeof one === 'function'))
}

const [what, port, plc, folder, secret] = process.argv.slice(2)

async function directory() {
  const { PlcServer, Database } = (await import('@did-plc/server')).default
  return PlcServer.create({ db: Database.mock(), port: Number(port) })
}

async function dataServer() {
  const { PDS } = await import('@atproto/pds')
  return PDS.fromEnv({
    devMode: true,
    hostname: 'localhost',
    port: Number(port),
    dataDirectory: folder,
    blobstoreDiskLocation: `${folder}/blobs`,
    didPlcUrl: plc,
    adminPassword: secret.slice(0, 20),
    jwtSecret: secret.slice(20),
    serviceHandleDomains: ['.test'],
    plcRotationKeyK256PrivateKeyHex: secret,
    inviteRequired: false,
    disableSsrfProtection: true,
    crawlers: [],
    bskyAppViewUrl: 'https://appview.invalid',
    bskyAppViewDid: 'did:example:invalid',
  })
}

const server = await (what === 'plc' ? directory() : dataServer())
await server.start()
console.log('ready')
