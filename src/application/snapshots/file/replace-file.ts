import { randomUUID } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf, remove } from './file-lock.js';

/** How the name of a file ends that is being written. */
export const TEMPORARY = '.tmp';

/** So many characters are put together before they are written, and the event loop turns in between. */
const CHUNK = 65_536;

/** File systems that cannot flush a folder say one of these; the file itself is flushed all the same. */
const CANNOT_FLUSH_FOLDERS = new Set<unknown>(['EPERM', 'EISDIR', 'EINVAL', 'EACCES', 'ENOTSUP']);

/**
 * Writes a file in the place of another one, so that whoever reads sees the one or the other and never a part, also after a crash of
 * the machine: a temporary file is flushed and then renamed, and the folder is flushed.
 * @throws where it cannot be written, or would be larger than `largest` characters; then the old one is as it was.
 */
export async function replaceFile(path: string, lines: Iterable<string>, largest: number): Promise<void> {
  const temporary = `${path}.${randomUUID()}${TEMPORARY}`;
  try {
    await write(temporary, lines, largest);
    await rename(temporary, path);
  } catch (error) {
    await remove(temporary).catch(() => undefined); // the first failure is the one to tell
    throw error;
  }
  await flushFolder(dirname(path));
}

async function write(path: string, lines: Iterable<string>, largest: number): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    let [chunk, length] = ['', 0];
    for (const line of lines) {
      chunk += line;
      length += line.length;
      if (length > largest) throw new Error(`it would be larger than ${largest} bytes`);
      if (chunk.length < CHUNK) continue;
      await file.writeFile(chunk);
      chunk = '';
    }
    await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function flushFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!CANNOT_FLUSH_FOLDERS.has(codeOf(error))) throw error;
  }
}
