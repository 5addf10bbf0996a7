import { status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { ErrorDetail } from '../../proto/gen/gateway/gateway.js'
import { Status } from '../../proto/gen/google/rpc/status.js'
import { CallError, classify, toServiceError } from '../../src/gateway/gateway-errors.js'

describe('gateway errors', () => {
  const response = (status: number, message: string, payload = '') => ({
    version: 0,
    response: { status, message, payload: Buffer.alloc(0) },
    payload: Buffer.from(payload),
  })

  for (const [what, outcome, failure] of [
    [
      'a refusal by a filter is an unreachable peer',
      { grpcError: 'expired' },
      { code: status.UNAVAILABLE, message: 'expired', retry: true },
    ],
    [
      'a refused proposal is a failed precondition',
      { grpcError: 'denied', proposalResponse: response(500, 'denied') },
      { code: status.FAILED_PRECONDITION, message: 'denied', retry: false },
    ],
    [
      'a 500 without a payload is the peer’s own',
      { proposalResponse: response(500, 'no such chaincode') },
      { code: status.ABORTED, message: 'no such chaincode', retry: true },
    ],
    [
      'a 500 with a payload is the chaincode’s',
      { proposalResponse: response(500, 'boom', 'result') },
      { code: status.UNKNOWN, message: 'chaincode response 500, boom', retry: false },
    ],
    [
      'a 400 is the chaincode’s, also without a payload',
      { proposalResponse: response(400, 'bad') },
      { code: status.UNKNOWN, message: 'chaincode response 400, bad', retry: false },
    ],
    [
      'a response that is missing is no success',
      { proposalResponse: { version: 0, payload: Buffer.alloc(0) } },
      { code: status.UNKNOWN, message: 'chaincode response 0, ', retry: false },
    ],
    ['200 is success', { proposalResponse: response(200, '') }, undefined],
    ['399 is success', { proposalResponse: response(399, '') }, undefined],
  ] as [string, Parameters<typeof classify>[0], ReturnType<typeof classify>][]) {
    it(what, () => expect(classify(outcome)).to.deep.equal(failure))
  }

  const trailerOf = (error: CallError) => {
    const [bytes] = toServiceError(error).metadata!.get('grpc-status-details-bin') as Buffer[]
    return Status.decode(bytes!)
  }

  it('carry code, text and details in grpc-status-details-bin', () => {
    const detail = { address: 'localhost:7051', mspId: 'Org1MSP', message: 'boom' }
    const error = new CallError(status.ABORTED, 'failed', [detail])
    expect(toServiceError(error)).to.deep.include({ code: status.ABORTED, details: 'failed' })
    const { code, message, details } = trailerOf(error)
    expect([code, message]).to.deep.equal([status.ABORTED, 'failed'])
    expect(details.map(({ typeUrl }) => typeUrl)).to.deep.equal(['type.googleapis.com/gateway.ErrorDetail'])
    expect(ErrorDetail.decode(details[0]!.value)).to.deep.equal(detail)
  })

  it('carry no trailer where there are no details', () => {
    expect(toServiceError(new CallError(status.UNAVAILABLE, 'gone'))).to.deep.equal({
      code: status.UNAVAILABLE,
      details: 'gone',
    })
  })

  it('cut a text that no trailer can hold, between two characters, and say how much is gone', () => {
    const error = new CallError(status.UNKNOWN, `x${'ü'.repeat(10_000)}`)
    const { details } = toServiceError(error)
    expect(details).to.equal(`x${'ü'.repeat(3071)}… (${20_001 - 6143} more bytes)`)
  })
})
