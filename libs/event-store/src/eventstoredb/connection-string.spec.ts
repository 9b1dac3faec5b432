import { openEventStoreDb } from '../open-eventstoredb.js';
import { StoreRefused } from '../errors.js';
import { connectionFacts } from './connection-string.js';

describe('the connection string of EventStoreDB', () => {
  it.each([
    ['esdb://10.0.0.1:2113?tls=false', { isSecure: false, user: null }],
    ['esdb://10.0.0.1', { isSecure: true, user: null }],
    ['esdb://sijill:p%3As%40s@a.example:2113,b.example:2113?nodePreference=leader', { isSecure: true, user: 'sijill' }],
    ['esdb+discover://l%C3%A9a:x@es.example?TLS=true&tls-ca-file=/ca.pem', { isSecure: true, user: 'léa' }],
    ['esdb://u:x@a.example?tls=true&tls=false', { isSecure: false, user: 'u' }],
  ])('%s', (connectionString, facts) => {
    expect(connectionFacts(connectionString)).toEqual(facts);
  });

  // The client prints these whole, cuts them, or quotes a piece of them.
  it.each([
    'esdb://user:s3cret@es.example:2113?tlsVerifyCert=false',
    'esdb://user:s3cret@es.example:2113?tlsCA=/ca.pem',
    'esdb://user:s3cret?x@es.example:2113?verbose=1',
    'esdb://user:p@s3?cret@es.example',
    'esdb://user:pass:s3cret@es.example',
    'esdb://user:s3cret@es.example:s3cret',
    'esdb://user:pass/s3cret',
    'esdb://user:s3cret@',
    'esdb://user:s3%cret@es.example',
    'esdb://us3%cret:x@es.example',
    'esdb://user:s3cret@es.example?tlsCAFile=/nowhere/ca.pem',
  ])('is refused, and shown nowhere: %s', async (connectionString) => {
    const warned: unknown[] = [];
    const { warn } = console;
    console.warn = (...words: unknown[]) => void warned.push(...words);
    const error = await openEventStoreDb({ connectionString }).catch((failure: unknown) => failure);
    console.warn = warn;
    expect(error).toBeInstanceOf(StoreRefused);
    const { message, cause } = error as Error;
    expect(`${message} ${warned.join(' ')} ${JSON.stringify(cause ?? null)}`).not.toMatch(/s3|cret/);
  });
});
