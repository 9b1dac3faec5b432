import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { readCoverage } from './font-coverage.js';

/**
 * The only fonts of a document, all under the SIL Open Font License and shipped as npm packages.
 *
 * Every weight that a template asks for must be listed: for one that is missing the compiler would take the nearest it
 * finds, and on a machine where an IBM Plex is installed that could be the machine's.
 */
const files = [
  'ibm-plex-sans/400Regular/IBMPlexSans_400Regular.ttf',
  'ibm-plex-sans/600SemiBold/IBMPlexSans_600SemiBold.ttf',
  'ibm-plex-sans-arabic/400Regular/IBMPlexSansArabic_400Regular.ttf',
  'ibm-plex-sans-arabic/600SemiBold/IBMPlexSansArabic_600SemiBold.ttf',
  'ibm-plex-mono/400Regular/IBMPlexMono_400Regular.ttf',
  'amiri/400Regular/Amiri_400Regular.ttf',
  'amiri/700Bold/Amiri_700Bold.ttf',
];

/** Which file speaks for a family's coverage. The order is that of the template's font lists. */
const faces = [0, 2, 4, 5];

export interface Fonts {
  readonly blobs: readonly Buffer[];
  /** Whether one single font can set this cluster (a letter and its marks). */
  covers(cluster: string): boolean;
}

/** Reads the fonts from the installed packages. */
export function loadFonts(): Fonts {
  const { resolve } = createRequire(import.meta.url);
  const blobs = files.map((file) => readFileSync(resolve(`@expo-google-fonts/${file}`)));
  const coverages = faces.map((face) => readCoverage(blobs[face] ?? Buffer.alloc(0)));
  return {
    blobs,
    covers: (cluster) => coverages.some((covered) => [...cluster].every((char) => covered(char.codePointAt(0) ?? 0))),
  };
}
