/** The size of a picture by its first bytes, so that nothing is decoded that is too large. */

const START_OF_FRAME = /^[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]$/;

/**
 * @param {DataView} bytes the beginning of the file
 * @param {string} type
 * @returns {{width: number, height: number} | null} null where it is not found
 */
export function sizeOf(bytes, type) {
  try {
    if (type === "image/png") return { width: bytes.getUint32(16), height: bytes.getUint32(20) };
    if (type === "image/gif") return { width: bytes.getUint16(6, true), height: bytes.getUint16(8, true) };
    return type === "image/jpeg" ? jpegSize(bytes) : null;
  } catch {
    return null; // it ends before
  }
}

/** @param {DataView} bytes */
function jpegSize(bytes) {
  for (let at = 2; ; at += 2 + bytes.getUint16(at + 2)) {
    if (bytes.getUint8(at) !== 0xff) return null;
    if (START_OF_FRAME.test(String.fromCharCode(bytes.getUint8(at + 1)))) {
      return { width: bytes.getUint16(at + 7), height: bytes.getUint16(at + 5) };
    }
  }
}
