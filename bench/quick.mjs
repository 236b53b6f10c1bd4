import { measure } from './measure.mjs';
import { REFERENCES } from './references.mjs';
import { SCENARIOS } from './scenarios.mjs';
setInterval(() => {}, 1000);
const subject = (await import('./subjects/' + (process.argv[2] ?? 'bulwark') + '.mjs')).default;
const only = process.argv[3]?.split(',');
for (const s of SCENARIOS) {
  if (s.needs && s.needs !== 'switch') continue;
  if (only && !only.includes(s.name)) continue;
  await s.check(subject, s.layers, s.config);
  const call = await subject.protect(s.method, s.layers, s.config);
  for (let i = 0; i < (s.prime ?? 0); i++)
    try {
      await call(i);
    } catch {}
  for (let i = 0; i < (s.occupy ?? 0); i++) call(i).catch(() => {});
  const r = await measure([...REFERENCES, { name: s.name, call }], { rounds: 21, batchMs: 4 });
  const [B, L, J, x] = r;
  console.log(
    s.name.padEnd(22),
    x.medianNs.toFixed(0).padStart(6),
    'ns',
    String(x.bytesPerOp).padStart(5),
    'B/op',
    (x.medianNs / B.medianNs).toFixed(2),
    'B',
    (x.medianNs / L.medianNs).toFixed(2),
    'L',
    (x.medianNs / J.medianNs).toFixed(2),
    'J',
    '  B',
    B.medianNs.toFixed(0),
    'L',
    L.medianNs.toFixed(0),
    'J',
    J.medianNs.toFixed(0),
  );
}
process.exit();
