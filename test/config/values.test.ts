import { expect } from 'chai'
import fc from 'fast-check'
import { formatGoDuration, joinHostPort, parseGoDuration, splitHostPort } from '../../src/config/values.js'

describe('configuration values', () => {
  const durations: [string | number, number | undefined][] = [
    ['300s', 300e9],
    ['1m30s', 90e9],
    ['1h', 3600e9],
    ['1.5s', 1.5e9],
    ['.5s', 0.5e9],
    ['-5s', -5e9],
    ['+5s', 5e9],
    ['100ms', 1e8],
    ['10us', 1e4],
    ['10µs', 1e4],
    ['7ns', 7],
    ['15', 15],
    [15, 15],
    [0, 0],
    ['', undefined],
    ['s', undefined],
    ['5 s', undefined],
    ['5d', undefined],
    ['1.5', undefined],
    ['5s!', undefined],
  ]
  for (const [written, nanoseconds] of durations) {
    it(`reads the duration ${JSON.stringify(written)} as Go does`, () => {
      expect(parseGoDuration(written)).to.equal(nanoseconds)
    })
  }

  const printed: [number, string][] = [
    [0, '0s'],
    [15, '15ns'],
    [1500, '1.5µs'],
    [5e8, '500ms'],
    [1e9, '1s'],
    [90e9, '1m30s'],
    [3600e9, '1h0m0s'],
    [-2e9, '-2s'],
  ]
  for (const [nanoseconds, text] of printed) {
    it(`prints ${nanoseconds} ns as ${text}`, () => {
      expect(formatGoDuration(nanoseconds)).to.equal(text)
    })
  }

  it('reads every duration that it prints', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e15, max: 1e15 }), (nanoseconds) => {
        expect(parseGoDuration(formatGoDuration(nanoseconds))).to.be.closeTo(nanoseconds, 1)
      }),
    )
  })

  it('splits and joins host and port, with IPv6 in brackets', () => {
    for (const address of ['localhost:7051', '[::1]:7052', '10.0.0.1:0', ':7051']) {
      const { host, port } = splitHostPort(address)
      expect(joinHostPort(host, port)).to.equal(address)
    }
    expect(() => splitHostPort('localhost')).to.throw('address localhost: missing port in address')
    expect(() => splitHostPort('::1:7052')).to.throw('address ::1:7052: too many colons in address')
    expect(() => splitHostPort('a:70000')).to.throw('invalid port')
  })
})
