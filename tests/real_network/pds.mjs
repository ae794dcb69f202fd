// A real Bluesky personal data server, on this machine only: node pds.mjs PORT PLC_URL FOLDER SECRETS_HEX
import net from 'node:net'
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  const done = rest.find((one) => typeof one === 'function')
  return listen.call(this, { port, host: '127.0.0.1' }, done)
}
const { PDS } = await import('@atproto/pds')

const [port, plc, folder, secret] = process.argv.slice(2)
const env = {
  devMode: true,
  hostname: 'localhost',
  port: Number(port),
  dataDirectory: folder,
  blobstoreDiskLocation: `${folder}/blobs`,
  didPlcUrl: plc,
  adminPassword: secret.slice(0, 16),
  jwtSecret: secret.slice(16, 48),
  serviceHandleDomains: ['.test'],
  plcRotationKeyK256PrivateKeyHex: secret,
  inviteRequired: false,
  disableSsrfProtection: true,
  crawlers: [],
  bskyAppViewUrl: 'https://appview.invalid',
  bskyAppViewDid: 'did:example:invalid',
}
const { envToCfg, envToSecrets } = await import('@atproto/pds')
const server = await PDS.create(envToCfg(env), envToSecrets(env))
await server.start()
console.log('ready')
