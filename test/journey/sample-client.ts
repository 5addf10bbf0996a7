import { createPrivateKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { connect, type Contract, hash, signers } from '@hyperledger/fabric-gateway'

/** A client application with its connection. */
export interface SampleClient {
  readonly contract: Contract
  close(): void
}

const firstFile = (folder: string): Buffer => readFileSync(join(folder, readdirSync(folder)[0]!))

/**
 * Connects as the applications of Fabric's samples do: with the first file of each folder of User1, the peer's TLS root, and
 * the peer's name in place of the host's.
 */
export function connectSampleClient(dataDir: string, gatewayAddress: string, chaincode: string): SampleClient {
  const organization = join(dataDir, 'organizations/peerOrganizations/org1.example.com')
  const user = join(organization, 'users/User1@org1.example.com/msp')
  const tlsRoot = readFileSync(join(organization, 'peers/peer0.org1.example.com/tls/ca.crt'))
  const client = new Client(gatewayAddress.replace('127.0.0.1', 'localhost'), credentials.createSsl(tlsRoot), {
    'grpc.ssl_target_name_override': 'peer0.org1.example.com',
  })
  const gateway = connect({
    client,
    identity: { mspId: 'Org1MSP', credentials: firstFile(join(user, 'signcerts')) },
    signer: signers.newPrivateKeySigner(createPrivateKey(firstFile(join(user, 'keystore')))),
    hash: hash.sha256,
    evaluateOptions: () => ({ deadline: Date.now() + 5000 }),
    endorseOptions: () => ({ deadline: Date.now() + 15_000 }),
    submitOptions: () => ({ deadline: Date.now() + 5000 }),
    commitStatusOptions: () => ({ deadline: Date.now() + 60_000 }),
  })
  return {
    contract: gateway.getNetwork('mychannel').getContract(chaincode),
    close() {
      gateway.close()
      client.close()
    },
  }
}
