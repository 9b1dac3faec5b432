import { rename, writeFile } from 'node:fs/promises';

/** Writes a JSON document whole or not at all: beside, then to its name. */
export async function keepJson(file: string, document: object): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(document, null, 2)}\n`);
  await rename(`${file}.new`, file);
}
