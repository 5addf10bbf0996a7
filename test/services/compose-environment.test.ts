import { expect } from 'chai'
import { composeEnvironment } from '../../services/compose-environment.js'

const facts = { ccid: 'cc:1.0', address: '127.0.0.1:7052', mspId: 'Org1MSP', base: {} }

describe('composeEnvironment', () => {
  it("sets Fabric's variables without TLS, and the address", () => {
    const logging = { logLevel: 'debug', shimLogLevel: 'warning', logFormat: '%{message}' }
    expect(composeEnvironment({ ...facts, ...logging })).to.deep.equal({
      CORE_CHAINCODE_ID_NAME: 'cc:1.0',
      CORE_CHAINCODE_LOGGING_LEVEL: 'debug',
      CORE_CHAINCODE_LOGGING_SHIM: 'warning',
      CORE_CHAINCODE_LOGGING_FORMAT: '%{message}',
      CORE_PEER_TLS_ENABLED: 'false',
      CORE_PEER_LOCALMSPID: 'Org1MSP',
      CORE_PEER_ADDRESS: '127.0.0.1:7052',
    })
  })

  it('sets the logging variables also where nothing is known of them, as Fabric does', () => {
    const env = composeEnvironment(facts)
    for (const name of ['LEVEL', 'SHIM', 'FORMAT']) expect(env[`CORE_CHAINCODE_LOGGING_${name}`]).to.equal('')
  })

  it("passes on what the daemon has inherited, except the daemon's own variables", () => {
    const base = {
      PATH: '/bin',
      HOME: '/home/me',
      NODE_OPTIONS: '--max-old-space-size=100',
      EMPTY: '',
      UNSET: undefined,
      CORE_PEER_TLS_ENABLED: 'true',
      CORE_TLS_CLIENT_KEY_PATH: '/key',
      CORE_LEDGER_STATE: 'x',
      npm_config_user_agent: 'npm',
      npm_lifecycle_event: 'start',
      INIT_CWD: '/elsewhere',
      NODE_CHANNEL_FD: '3',
      SCORE_CORE: 'kept',
    }
    const env = composeEnvironment({ ...facts, base })
    expect(env).to.deep.equal({
      ...composeEnvironment(facts),
      PATH: '/bin',
      HOME: '/home/me',
      NODE_OPTIONS: '--max-old-space-size=100',
      EMPTY: '',
      SCORE_CORE: 'kept',
    })
  })
})
