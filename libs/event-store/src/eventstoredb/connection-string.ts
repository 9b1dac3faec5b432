import { StoreRefused } from '../errors.js';

/** What the client knows, without case, `-` and `_`. `tlsVerifyCert` it knows and has no use for. */
const OPTIONS = [
  'tls',
  'tlscafile',
  'usercertfile',
  'userkeyfile',
  'connectionname',
  'defaultdeadline',
  'maxdiscoverattempts',
  'discoveryinterval',
  'gossiptimeout',
  'nodepreference',
  'throwonappendfailure',
  'keepaliveinterval',
  'keepalivetimeout',
];

/** What a connection string says about rights. */
export interface ConnectionFacts {
  /** Without TLS the server knows no users, and the client sends none. */
  readonly isSecure: boolean;
  readonly user: string | null;
}

// The client's own reading of it, so that both mean the same piece by "password".
const STRING = /^[^:]+:\/\/(?:(?<user>[^:]+):(?<password>[^@]+)@)?[^?]*(?:\?(?<query>.*))?$/;

/**
 * Reads a connection string, and refuses what the client would pass over: an option it does not know, of which it warns by
 * printing the whole string, and a password with a colon, of which it takes the part before that.
 *
 * @throws StoreRefused the message holds no value of the string
 */
export function connectionFacts(connectionString: string): ConnectionFacts {
  const { user, password = '', query = '' } = STRING.exec(connectionString.trim())?.groups ?? {};
  if (password.includes(':'))
    throw new StoreRefused('the password in the connection string of the event store has a colon: write it as %3A');
  const options = new Map(
    query.split('&').map((option): [string, string] => {
      const [name = '', value = ''] = option.split('=', 2);
      return [name.toLowerCase().replace(/[_-]/g, '').trim(), value.trim()];
    }),
  );
  for (const name of options.keys()) {
    if (name === '' || OPTIONS.includes(name)) continue;
    // A password that is not encoded can look like anything; a name of letters is a name.
    const shown = /^[a-z]{1,30}$/.test(name) ? name : 'its name is no word';
    throw new StoreRefused(`the connection string of the event store has an option without effect: ${shown}`);
  }
  return { isSecure: options.get('tls') !== 'false', user: user === undefined ? null : decoded(user) };
}

function decoded(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    throw new StoreRefused(
      'the user in the connection string of the event store has a stray percent sign: write it as %25',
    );
  }
}

/** What the client says about a connection string it cannot use, without the piece of the string that it quotes. */
export function unreadable(error: unknown): StoreRefused {
  const { location, expected, message } = error as { location?: [number]; expected?: string; message: string };
  const what = location === undefined ? message : `at position ${location[0]}, expected ${expected}`;
  return new StoreRefused(`the connection string of the event store cannot be used: ${what}`);
}
