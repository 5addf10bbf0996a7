import { createHash, createPublicKey, randomBytes, type KeyObject } from 'node:crypto'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
} from '@peculiar/asn1-x509'
import { isIP } from 'node:net'
import { signLowS } from './sign-low-s.js'

const attributeTypes = {
  C: '2.5.4.6',
  ST: '2.5.4.8',
  L: '2.5.4.7',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
} as const

/** A subject, attribute by attribute in the order of the certificate. An attribute may come more than once. */
export type Subject = readonly (readonly [keyof typeof attributeTypes, string])[]

/** Whose key signs a certificate. */
export interface Issuer {
  subject: Subject
  privateKey: KeyObject
}

/** What a certificate says. An extension that is left out is not written. */
export interface CertificateRequest {
  subject: Subject
  publicKey: KeyObject
  /** Whole seconds count. */
  notBefore: Date
  notAfter: Date
  isCa: boolean
  keyUsage?: readonly (keyof typeof KeyUsageFlags)[]
  /** Object identifiers of the purposes. */
  extendedKeyUsage?: readonly string[]
  /** Host names and IP addresses. */
  names?: readonly string[]
}

const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/

function distinguishedName(subject: Subject): Name {
  return new Name(
    subject.map(([type, text]) => {
      const value = new AttributeValue(printable.test(text) ? { printableString: text } : { utf8String: text })
      return new RelativeDistinguishedName([new AttributeTypeAndValue({ type: attributeTypes[type], value })])
    }),
  )
}

const arrayBuffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer

const publicKeyInfo = (key: KeyObject): SubjectPublicKeyInfo =>
  AsnConvert.parse(key.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo)

const keyIdentifier = (info: SubjectPublicKeyInfo): ArrayBuffer =>
  arrayBuffer(createHash('sha256').update(Buffer.from(info.subjectPublicKey)).digest())

function extension(extnID: string, critical: boolean, value: unknown): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })
}

function serialNumber(): ArrayBuffer {
  const bytes = randomBytes(16)
  // Positive and without a leading zero byte, as DER wants an INTEGER.
  bytes[0] = (bytes[0]! & 0x7f) | 0x40
  return arrayBuffer(bytes)
}

function extensionsOf(request: CertificateRequest, info: SubjectPublicKeyInfo, issuer: Issuer): Extensions {
  const { subject, isCa, keyUsage, extendedKeyUsage, names } = request
  const extensions = new Extensions([extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: isCa }))])
  if (keyUsage) {
    const flags = keyUsage.reduce((bits, name) => bits | KeyUsageFlags[name], 0)
    extensions.push(extension(id_ce_keyUsage, true, new KeyUsage(flags)))
  }
  if (extendedKeyUsage)
    extensions.push(extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([...extendedKeyUsage])))
  if (isCa) extensions.push(extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyIdentifier(info))))
  if (issuer.subject !== subject) {
    const issuerInfo = publicKeyInfo(createPublicKey(issuer.privateKey))
    const identifier = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdentifier(issuerInfo)) })
    extensions.push(extension(id_ce_authorityKeyIdentifier, false, identifier))
  }
  if (names) {
    const general = names.map((name) => new GeneralName(isIP(name) ? { iPAddress: name } : { dNSName: name }))
    extensions.push(extension(id_ce_subjectAltName, false, new SubjectAlternativeName(general)))
  }
  return extensions
}

/**
 * Issues an X.509 v3 certificate and answers it as PEM text. The key identifiers are SHA-256 over the public point, and
 * the signature is ECDSA with SHA-256 and low-S, as Fabric's MSP wants both.
 * @param issuer for a self-signed certificate the very subject of the request, and its own key.
 */
export function issueCertificate(request: CertificateRequest, issuer: Issuer): string {
  const info = publicKeyInfo(request.publicKey)
  const ecdsaWithSha256 = new AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.2' })
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: ecdsaWithSha256,
    issuer: distinguishedName(issuer.subject),
    validity: new Validity({ notBefore: request.notBefore, notAfter: request.notAfter }),
    subject: distinguishedName(request.subject),
    subjectPublicKeyInfo: info,
    extensions: extensionsOf(request, info, issuer),
  })
  const signature = signLowS(issuer.privateKey, Buffer.from(AsnConvert.serialize(tbsCertificate)))
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: ecdsaWithSha256,
    signatureValue: arrayBuffer(signature),
  })
  const base64 = Buffer.from(AsnConvert.serialize(certificate)).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/(.{64})(?!$)/g, '$1\n')}\n-----END CERTIFICATE-----\n`
}
