import { byHeader, clientIp } from '../../../src/integrations/http/index.js';

const of = (ip: string | undefined) => clientIp({ ip, headers: {} });

describe('clientIp', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:a00:1', '10.0.0.1'],
    ['0:0:0:0:0:FFFF:0A00:0001', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::99', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['unix:', 'unix:'],
  ])('of %s is %s', (ip, key) => {
    expect(of(ip)).toBe(key);
  });

  it('is nothing where there is no address', () => {
    expect(of(undefined)).toBeUndefined();
    expect(of('')).toBeUndefined();
    expect(of(['10.0.0.1', '10.0.0.2'] as never)).toBeUndefined();
  });

  it.each([
    [48, '2001:db8:1::/48'],
    [56, '2001:db8:1:200::/56'],
    [60, '2001:db8:1:230::/60'],
    [120, '2001:db8:1:234:5:6:7:1200/120'],
    [128, '2001:db8:1:234:5:6:7:1234/128'],
  ])('of a network of /%d has those bits', (ipv6Prefix, key) => {
    expect(clientIp({ ipv6Prefix })({ ip: '2001:db8:1:234:5:6:7:1234', headers: {} })).toBe(key);
  });

  it.each([0, 129, 64.5, Number.NaN, '64' as never])('rejects a prefix of %p', (ipv6Prefix) => {
    expect(() => clientIp({ ipv6Prefix })).toThrow(RangeError);
  });
});

describe('byHeader', () => {
  it('is the header of a name in any case, the first of several, or nothing', () => {
    const key = byHeader('X-Api-Key');
    expect(key({ headers: { 'x-api-key': 'abc' } })).toBe('abc');
    expect(key({ headers: { 'x-api-key': ['abc', 'def'] } })).toBe('abc');
    expect(key({ headers: {} })).toBeUndefined();
  });
});
