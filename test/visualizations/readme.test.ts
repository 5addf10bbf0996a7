import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { chaincodeMachine } from '../../machines/index.js'
import { mermaid } from '../../visualizations/mermaid.js'

describe('The README', () => {
  it('shows the chaincode statechart as it is', () => {
    const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const shown = /```mermaid\n([\s\S]*?)\n```/.exec(text)?.[1]
    expect(shown).to.equal(mermaid(chaincodeMachine))
  })
})
