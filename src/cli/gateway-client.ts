import { createPrivateKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ChannelCredentials, Client } from '@grpc/grpc-js'
import { connect, hash, signers, StatusCode, type Gateway, type ProposalOptions } from '@hyperledger/fabric-gateway'
import type { FoundDaemon } from '../control/find-daemon.js'
import { dataFolderAt } from '../data-folder.js'
import { failure, messageOf } from '../errors.js'
import { nearest } from '../nearest.js'
import { userMspDir } from './banner.js'

/** What a transaction is made of. */
export interface TransactionRequest {
  readonly channel: string
  readonly chaincode: string
  readonly functionName: string
  readonly arguments: readonly string[]
  readonly transient: Readonly<Record<string, string>>
}

/** A transaction in a block. */
export interface CommittedTransaction {
  readonly result: Uint8Array
  readonly transactionId: string
  readonly blockNumber: bigint
}

/** A client of the daemon's gateway, as any application is one. */
export interface GatewayClient {
  /** Runs the function without changing the ledger. Rejects with the SDK's errors. */
  evaluate(request: TransactionRequest): Promise<Uint8Array>
  /** Runs the function and waits for its commit. Rejects with the SDK's errors, or with TRANSACTION_INVALID. */
  submit(request: TransactionRequest): Promise<CommittedTransaction>
  close(): void
}

const peerName = 'peer0.org1.example.com'

/** Connects as `user` of the daemon's organization, with the files in its data folder. Throws USER_UNKNOWN. */
export function openGateway(daemon: FoundDaemon, user: string): GatewayClient {
  const mspDir = userMspDir(daemon.dataDir, user)
  const certificate = identityFile(mspDir, 'signcerts', user)
  const key = identityFile(mspDir, 'keystore', user)
  const client = new Client(daemon.gatewayAddress, credentialsOf(daemon), {
    'grpc.ssl_target_name_override': peerName,
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  })
  const gateway = connect({
    client,
    identity: { mspId: daemon.mspId, credentials: certificate },
    signer: signers.newPrivateKeySigner(createPrivateKey(key)),
    hash: hash.sha256,
  })
  return {
    evaluate: (request) => contractOf(gateway, request).evaluate(request.functionName, optionsOf(request)),
    submit: (request) => submit(gateway, request),
    close() {
      gateway.close()
      client.close()
    },
  }
}

async function submit(gateway: Gateway, request: TransactionRequest): Promise<CommittedTransaction> {
  const submitted = await contractOf(gateway, request).submitAsync(request.functionName, optionsOf(request))
  const { successful, code, blockNumber } = await submitted.getStatus()
  const transactionId = submitted.getTransactionId()
  if (!successful) {
    const status = Object.entries(StatusCode).find(([, value]) => value === code)?.[0]
    throw failure('TRANSACTION_INVALID', {
      txId: transactionId,
      status: `${status ?? 'status'} (${code})`,
      blockNumber,
    })
  }
  return { result: submitted.getResult(), transactionId, blockNumber }
}

const contractOf = (gateway: Gateway, { channel, chaincode }: TransactionRequest) =>
  gateway.getNetwork(channel).getContract(chaincode)

const optionsOf = ({ arguments: args, transient }: TransactionRequest): ProposalOptions => ({
  arguments: [...args],
  transientData: { ...transient },
})

function credentialsOf(daemon: FoundDaemon): ChannelCredentials {
  if (!daemon.gatewayTls) return ChannelCredentials.createInsecure()
  const peers = join(dataFolderAt(daemon.dataDir).organizationsDir, 'peerOrganizations/org1.example.com/peers')
  return ChannelCredentials.createSsl(readFileSync(join(peers, peerName, 'tls/ca.crt')))
}

/** The first file of a folder of the user's identity. */
function identityFile(mspDir: string, folder: string, user: string): Buffer {
  try {
    const directory = join(mspDir, folder)
    const [first] = readdirSync(directory).sort()
    return readFileSync(join(directory, first!))
  } catch (error) {
    const usersDir = dirname(dirname(mspDir))
    const known = usersIn(usersDir)
    if (known.includes(user)) {
      throw failure(
        'ARGUMENTS_INVALID',
        { detail: `the identity of ${user} cannot be read: ${messageOf(error)}` },
        error,
      )
    }
    throw failure('USER_UNKNOWN', { user, nearest: nearest(user, known), known, path: usersDir })
  }
}

function usersIn(usersDir: string): string[] {
  try {
    return readdirSync(usersDir).map((name) => name.replace(/@.*$/, ''))
  } catch {
    return []
  }
}
