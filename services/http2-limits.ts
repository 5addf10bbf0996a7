/** Bytes that the other side may send ahead of our reading, on one stream and on one connection. */
export const streamWindowBytes = 4 * 1024 * 1024
export const connectionWindowBytes = 16 * 1024 * 1024

/** Above this much queued on a connection Node's http2 refuses new streams on it, MB; its default is a tenth of one message. */
export const maxSessionMemory = 1024
