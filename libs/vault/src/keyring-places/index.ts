import type { KeyringConfig } from '@sijill/platform';
import { CommandPlace } from './command-place.js';
import { DatabasePlace } from './database-place.js';
import { FilePlace } from './file-place.js';
import type { KeyringPlace } from './keyring-place.js';

export { FilePlace } from './file-place.js';
export { KeyringUnusable, type KeyringPlace } from './keyring-place.js';

/** Where a configuration says that the keyring lies. */
export function keyringPlaceOf(config: KeyringConfig): KeyringPlace {
  switch (config.kind) {
    case 'file':
      return new FilePlace(config.file);
    case 'command':
      return new CommandPlace(config.command);
    case 'postgresql': {
      const { hostname, pathname } = new URL(config.url);
      return new DatabasePlace(config, `the database ${pathname.slice(1)} on ${hostname}`);
    }
  }
}
