import { mayUseSource } from './speaker.js';

describe('the sources that a producer may use', () => {
  const cases: [prefixes: string[], source: string, permitted: boolean][] = [
    [[], '/anything', true],
    [['/sms'], '/sms', true],
    [['/sms'], '/sms/gateway', true],
    [['/sms'], '/sms#3', true],
    [['/sms'], '/sms?node=3', true],
    [['/sms'], '/smsx', false],
    [['/sms'], '/sms-gateway', false],
    [['/sms'], '/SMS', false],
    [['/sms'], 'x/sms', false],
    [['/sms/'], '/sms', false],
    [['/sms/'], '/sms/gateway', true],
    [['urn:sms'], 'urn:sms:gateway', true],
    [['urn:sms:'], 'urn:sms:gateway', true],
    [['/sms', '/otp'], '/otp/service', true],
    [['/sms/gateway'], '/sms', false],
    [[''], '/sms', false],
  ];
  it.each(cases)('%j: %s is %s', (sources, source, permitted) => {
    expect(mayUseSource({ sources }, source)).toBe(permitted);
  });
});
