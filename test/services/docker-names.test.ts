import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { containerName, imageName } from '../../services/docker-names.js'

const names = { networkId: 'dev', peerId: 'peer0.org1' }
const hash = (text: string) => createHash('sha256').update(text).digest('hex')

describe("The names of a chaincode's container and image", () => {
  it('are network, peer and id with dashes between, as a peer gives them', () => {
    expect(containerName('mycc:1.0', names)).to.equal('dev-peer0.org1-mycc-1.0')
    expect(imageName('mycc:1.0', names)).to.equal(`dev-peer0.org1-mycc-1.0-${hash('dev-peer0.org1-mycc-1.0')}`)
  })

  it('leave out a network or a peer that has no name', () => {
    expect(containerName('mycc:1.0', { networkId: '', peerId: 'p' })).to.equal('p-mycc-1.0')
    expect(containerName('mycc:1.0', { networkId: '', peerId: '' })).to.equal('mycc-1.0')
  })

  it('keep what a name may hold and put a dash for the rest; only the image is in lower case', () => {
    const ccid = 'My_CC:1+β'
    expect(containerName(ccid, names)).to.equal('dev-peer0.org1-My_CC-1--')
    expect(imageName('My_CC:1.0', names)).to.equal(`dev-peer0.org1-my_cc-1.0-${hash('dev-peer0.org1-My_CC-1.0')}`)
  })

  it("hash the image's name as it was before it was made fit, so that two names that look alike differ", () => {
    expect(imageName('a+b:1', names)).to.not.equal(imageName('a-b:1', names))
  })

  for (const ccid of ['a..b:1', '-a:1', 'a:1--2'])
    it(`refuse ${ccid} for an image, in Fabric's words`, () => {
      expect(() => imageName(ccid, names))
        .to.throw(/^Error constructing Docker VM Name\. 'dev-peer0\.org1-.*' breaks Docker's repository naming rules$/)
        .with.property('trouble', 'BAD_NAME')
    })
})
