import { X509Certificate, type KeyObject } from 'node:crypto'

const pemBlock = /(?:^|\n)-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*?)-----END \1-----/

/**
 * The certificate in the first PEM block of `text`. Text around the block, CRLF line ends and a missing last newline are
 * tolerated, as Fabric's MSP does; a first block of another kind is not skipped.
 * @throws Error when there is no block, when it holds anything but one certificate, or when the key is unreadable.
 */
export function readCertificate(text: string): { certificate: X509Certificate; publicKey: KeyObject } {
  const base64 = pemBlock.exec(text)?.[2]
  if (base64 === undefined) throw new Error('no PEM block')
  const der = Buffer.from(base64, 'base64')
  const certificate = new X509Certificate(der)
  if (certificate.raw.length !== der.length) throw new Error('bytes after the certificate')
  // Read here, where errors are awaited: the getter throws for a key that OpenSSL cannot decode.
  return { certificate, publicKey: certificate.publicKey }
}
