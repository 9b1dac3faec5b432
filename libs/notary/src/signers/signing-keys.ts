import { existsSync } from 'node:fs';
import type { Clock, SignerAddress } from '@sijill/platform';
import type { Signer } from '@sijill/transparency';
import { commandSigner } from './command-signer.js';
import { httpSigner } from './http-signer.js';
import { createKeyFile, readKeyFile } from './key-file.js';
import { outsideSigner } from './outside-signer.js';
import { KeyFileUnusable } from './signer-failed.js';

/** The keys of one use, wherever they are kept: of a log one for each generation, of a witness the first alone. */
export interface SigningKeys {
  /**
   * The key of a generation, from 1. It is looked for when it is first asked for, and until it was found.
   *
   * @throws SignerFailed
   */
  key(generation: number): Promise<Signer>;
  /** The same of one that comes into use: made, where keys are kept in files. @throws SignerFailed */
  newKey(generation: number): Promise<Signer>;
}

const TIME_LIMIT_MS = 5_000;

/** Where a generation's key is kept: `{generation}` in what the configuration names stands for the number. */
export function placeOfKey(address: SignerAddress, generation: number): SignerAddress {
  const filled = (text: string): string => text.replaceAll('{generation}', String(generation));
  if (address.kind === 'file') return { ...address, file: filled(address.file) };
  if (address.kind === 'http') return { ...address, url: filled(address.url) };
  const [program, ...args] = address.command;
  return { ...address, command: [filled(program), ...args.map(filled)] };
}

/** @param timeLimitMs how long a command or a server may take for an answer */
export function signingKeysAt(address: SignerAddress, clock: Clock, timeLimitMs = TIME_LIMIT_MS): SigningKeys {
  const found = new Map<number, Signer>();
  const find = async (generation: number): Promise<Signer> => {
    const place = placeOfKey(address, generation);
    if (place.kind === 'file') return readKeyFile(place.file);
    return outsideSigner(
      place.kind === 'command'
        ? commandSigner(place.command, timeLimitMs)
        : httpSigner(place.url, place.token, timeLimitMs),
    );
  };
  const key = async (generation: number): Promise<Signer> => {
    const signer = found.get(generation) ?? (await find(generation));
    found.set(generation, signer);
    return signer;
  };
  return {
    key,
    newKey: async (generation) => {
      const place = placeOfKey(address, generation);
      if (place.kind === 'file' && !existsSync(place.file)) makeKeyFile(place.file, clock);
      return key(generation);
    },
  };
}

function makeKeyFile(file: string, clock: Clock): void {
  try {
    createKeyFile(file, clock.now());
  } catch (cause) {
    const code = String((cause as NodeJS.ErrnoException).code);
    throw new KeyFileUnusable(
      `the key ${file} cannot be made from here (${code}); make it where keys are kept, with "sijill keys signing --out FILE", hand it to ` +
        'the notary, and try again',
      { cause },
    );
  }
}
