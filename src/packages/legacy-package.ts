import { BinaryReader } from '@bufbuild/protobuf/wire'
import { ChannelHeader, Envelope, HeaderType, Payload } from '../../proto/gen/common/common.js'
import { ChaincodeDeploymentSpec, ChaincodeSpec_Type } from '../../proto/gen/peer/chaincode.js'
import { SignedChaincodeDeploymentSpec } from '../../proto/gen/peer/signed-deployment.js'
import { checkChaincodeName, checkChaincodeVersion, isChaincodeName, isChaincodeVersion } from '../control/names.js'
import { failure, messageOf } from '../errors.js'
import { goJson } from './go-json.js'
import type { UncheckedPackage } from './read-package.js'

/**
 * Reads a package of the lifecycle before Fabric 2.0: the bytes of a ChaincodeDeploymentSpec, or an envelope with a
 * SignedChaincodeDeploymentSpec. Undefined for a gzip file, which is a package of the later lifecycle. Throws
 * PACKAGE_SPEC_INVALID, CHAINCODE_NAME_ILLEGAL or CHAINCODE_VERSION_ILLEGAL.
 */
export function readLegacyPackage(file: Buffer): UncheckedPackage | undefined {
  if (file.length === 0 || (file[0] === 0x1f && file[1] === 0x8b)) return undefined
  const signed = signedSpecIn(file)
  const spec = decodeWhole(ChaincodeDeploymentSpec, signed?.chaincodeDeploymentSpec ?? file)
  const { name = '', version = '', path = '' } = spec?.chaincodeSpec?.chaincodeId ?? {}
  const hasCode = spec !== undefined && spec.codePackage.length > 0
  // Many bytes decode as some message; what says nothing sensible is more likely to be meant as a package of today.
  if (!signed && !hasCode && !(isChaincodeName(name) && isChaincodeVersion(version))) return undefined
  if (!spec?.chaincodeSpec)
    throw failure('PACKAGE_SPEC_INVALID', { detail: 'what is signed is no ChaincodeDeploymentSpec' })
  checkChaincodeName(name)
  checkChaincodeVersion(version)
  if (!hasCode) throw failure('PACKAGE_SPEC_INVALID', { detail: 'it holds no code' })
  const type = ChaincodeSpec_Type[spec.chaincodeSpec.type] ?? String(spec.chaincodeSpec.type)
  return {
    format: signed ? 'legacySigned' : 'legacy',
    packageId: `${name}:${version}`,
    label: name,
    type,
    path,
    metadataBytes: Buffer.from(goJson({ type, path, label: name })),
    code: spec.codePackage,
  }
}

/** The signed spec that an envelope holds, if `file` is one. */
function signedSpecIn(file: Buffer): SignedChaincodeDeploymentSpec | undefined {
  const envelope = decodeWhole(Envelope, file)
  const payload = envelope && decodeWhole(Payload, envelope.payload)
  const header = payload?.header && decodeWhole(ChannelHeader, payload.header.channelHeader)
  if (header?.type !== Number(HeaderType.CHAINCODE_PACKAGE)) return undefined
  try {
    return SignedChaincodeDeploymentSpec.decode(payload!.data)
  } catch (error) {
    throw failure('PACKAGE_SPEC_INVALID', { detail: messageOf(error) }, error)
  }
}

/** The message that fills `bytes` to the last one, or undefined. */
function decodeWhole<Message>(
  codec: { decode(reader: BinaryReader): Message },
  bytes: Uint8Array,
): Message | undefined {
  try {
    const reader = new BinaryReader(bytes)
    const message = codec.decode(reader)
    return reader.pos === reader.len ? message : undefined
  } catch {
    return undefined
  }
}
