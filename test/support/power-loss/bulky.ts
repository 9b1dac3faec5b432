import type { NewEntry } from '@sijill/event-store';
import { randomUUID } from 'node:crypto';

/** An entry of up to two pages of the database, so that appends have several frames and checkpoints come soon. */
export function bulky(random: () => number): NewEntry {
  const length = Math.floor(random() * 8000);
  return {
    id: randomUUID(),
    type: 'ledger.tested',
    data: { text: 'x'.repeat(length) },
    metadata: { size: String(length) },
  };
}
