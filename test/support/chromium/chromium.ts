import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import { describeWith } from '../describe-with.js';
import { ServerNotFound } from '../server-not-found.js';

const run = promisify(execFile);
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

export interface Chromium {
  /** Starts a browser without a window; whoever starts it closes it. */
  launch(): Promise<Browser>;
}

/** The browser that CHROMIUM_PATH names, one on the PATH, or, in a build that may install packages, Debian's. */
async function executable(): Promise<string> {
  const named = process.env['CHROMIUM_PATH'];
  if (named !== undefined) return named;
  const found = await onPath();
  if (found !== null) return found;
  const mayInstall = process.env['CI'] === 'true' && process.getuid?.() === 0;
  if (!mayInstall) throw new ServerNotFound('Chromium', ['no CHROMIUM_PATH', `no ${NAMES.join(', ')} on the PATH`]);
  try {
    await run('apt-get', ['update', '-qq']);
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { maxBuffer: 2 ** 26 });
  } catch (error) {
    throw new ServerNotFound('Chromium', [`no Debian package: ${(error as Error).message.split('\n')[0]}`]);
  }
  return (await onPath()) ?? '/usr/bin/chromium';
}

async function onPath(): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    for (const name of NAMES) {
      const file = join(folder, name);
      const there = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (there) return file;
    }
  return null;
}

const found = await executable().then(
  (executablePath): Chromium => ({
    // Its sandbox does not let root run it.
    launch: () => chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] }),
  }),
  (error: unknown) => {
    if (error instanceof ServerNotFound) return error;
    throw error;
  },
);

/** A describe block with a real Chromium; see describeWith for what happens without. */
export const describeWithChromium = (name: string, tests: (chromium: Chromium) => void): void =>
  describeWith<Chromium>(name, found, tests);
