import { X509Certificate } from 'node:crypto'

const pemBlock = /(?:^|\n)-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*?)-----END \1-----/

/**
 * The certificate in the first PEM block of `text`. Text around the block, CRLF line ends and a missing last newline are
 * tolerated, as Fabric's MSP does; a first block of another kind is not skipped.
 * @throws Error when there is no block, or when it holds anything but one certificate.
 */
export function readCertificate(text: string): X509Certificate {
  const base64 = pemBlock.exec(text)?.[2]
  if (base64 === undefined) throw new Error('no PEM block')
  const der = Buffer.from(base64, 'base64')
  const certificate = new X509Certificate(der)
  if (certificate.raw.length !== der.length) throw new Error('bytes after the certificate')
  return certificate
}
