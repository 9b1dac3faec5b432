import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWith } from '../describe-with.js';
import { mavenJars } from '../maven-jars.js';
import { ServerNotFound } from '../server-not-found.js';

export interface VeraPdf {
  /** What veraPDF says of files: a line each, and under it the rules that are broken. */
  judge(flavour: string, files: readonly string[]): Promise<string[]>;
}

const found = await mavenJars({ what: 'veraPDF', folder: import.meta.dirname }).then(
  (libs): VeraPdf => ({
    judge: async (flavour, files) => {
      const program = join(import.meta.dirname, 'Judge.java');
      const { stdout } = await promisify(execFile)('java', ['-cp', join(libs, '*'), program, flavour, ...files]);
      return stdout.trim().split('\n');
    },
  }),
  (error: unknown) => {
    if (error instanceof ServerNotFound) return error;
    throw error;
  },
);

/** A describe block with veraPDF, the validator of the PDF Association, run on Java; see describeWith for what happens without. */
export const describeWithVeraPdf = (name: string, tests: (verapdf: VeraPdf) => void): void =>
  describeWith<VeraPdf>(name, found, tests);
