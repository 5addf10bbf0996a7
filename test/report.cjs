'use strict'

// CommonJS, because mocha loads a reporter with require.
const { reporters } = require('mocha')

/**
 * Mocha's own report, and as its last line how many tests passed, failed and were skipped. A test may be skipped on a
 * user's machine that lacks a tool; under CI=true every test has to run, so a skipped one fails the run.
 */
class Report extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    this.skipped = []
    runner.on('pending', (test) => this.skipped.push(test.fullTitle()))
  }

  /** Called by mocha after everything else; `exit` takes the number that the exit code is made of. */
  done(failures, exit) {
    const { passes } = this.stats
    const skipped = this.skipped.length
    const mustAllRun = process.env.CI === 'true'
    if (mustAllRun && skipped > 0) console.log(`CI=true, so none may be skipped:\n  ${this.skipped.join('\n  ')}\n`)
    console.log(`${passes} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
    exit?.(failures + (mustAllRun ? skipped : 0))
  }
}

module.exports = Report
