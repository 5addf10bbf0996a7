import { expect } from 'chai'
import { isFailure } from '../../src/errors.js'
import { checkIndexFile } from '../../src/packages/index-file.js'

const place = 'META-INF/statedb/couchdb/indexes/owner.json'

const problemOf = (name: string, content = '{"index":{"fields":["owner"]}}'): string | undefined => {
  try {
    checkIndexFile(name, Buffer.from(content))
    return undefined
  } catch (error) {
    if (isFailure(error, 'PACKAGE_INDEX_FILE')) return error.message
    throw error
  }
}

describe('checkIndexFile', () => {
  it('accepts an index of the state and of a collection', () => {
    const full =
      '{"index":{"fields":["a",{"b":"DESC"}],"partial_filter_selector":{}},"ddoc":"d","name":"n","type":"json"}'
    expect(problemOf(place, full)).to.equal(undefined)
    expect(problemOf('META-INF/statedb/couchdb/collections/private_1/indexes/i.json')).to.equal(undefined)
  })

  it("tells in Fabric's words what is wrong with the place of a file", () => {
    const places: [string, string][] = [
      ['META-INF/a.json', 'metadata file path must begin with META-INF/statedb, found: META-INF/'],
      ['META-INF/statedb/a.json', 'metadata file path must include a database and index directory: META-INF/statedb/'],
      ['META-INF/statedb/leveldb/indexes/a.json', 'database name [leveldb] is not supported, valid options: [couchdb]'],
      [
        'META-INF/statedb/couchdb/index/a.json',
        'metadata file path does not have an indexes directory: META-INF/statedb/couchdb/index/',
      ],
      [
        'META-INF/statedb/couchdb/indexes/a.txt',
        'metadata file path for collections must include a collections and index directory: META-INF/statedb/couchdb/indexes/',
      ],
      [
        'META-INF/statedb/couchdb/collection/c/indexes/a.json',
        'metadata file path for collections must have a collections and indexes directory: META-INF/statedb/couchdb/collection/c/indexes/',
      ],
      ['META-INF/statedb/couchdb/collections/#c/indexes/a.json', 'collection name is not valid: #c'],
      ['META-INF/statedb/couchdb/collections/c/indexes/a.txt', 'artifact file name is not valid: a.txt'],
      [
        'META-INF/statedb/couchdb/collections/c#/indexes/a.json',
        'metadata file path or name is not supported: META-INF/statedb/couchdb/collections/c#/indexes/',
      ],
    ]
    for (const [name, text] of places) expect(problemOf(name), name).to.equal(text)
  })

  it("tells in Fabric's words what is wrong with an index", () => {
    const invalid = `Index metadata file [${place}] is not a valid index definition: `
    const indexes: [string, string][] = [
      ['{', `Index metadata file [${place}] is not a valid JSON`],
      ['[]', `Index metadata file [${place}] is not a valid JSON`],
      ['{}', `${invalid}Index definition must include a "fields" definition`],
      ['{"index":[]}', `${invalid}Invalid entry, "index" must be a JSON`],
      ['{"index":{"fields":"a"}}', `${invalid}Expecting a JSON array of fields`],
      ['{"index":{"field":[]}}', `${invalid}Invalid Entry.  Entry field`],
      [
        '{"index":{"fields":[{"a":1}]}}',
        `${invalid}Invalid field definition, fields must be in the form "fieldname":"sort"`,
      ],
      ['{"index":{"fields":[{"a":"up"}]}}', `${invalid}Sort must be either "asc" or "desc".  "up" was found.`],
      ['{"index":{"fields":[]},"ddoc":1}', `${invalid}Invalid entry, "ddoc" must be a string`],
      ['{"index":{"fields":[]},"name":1}', `${invalid}Invalid entry, "name" must be a string`],
      ['{"index":{"fields":[]},"type":"text"}', `${invalid}Index type must be json`],
      ['{"index":{"fields":[]},"x":1}', `${invalid}Invalid Entry.  Entry x`],
    ]
    for (const [content, text] of indexes) expect(problemOf(place, content), content).to.equal(text)
  })
})
