// `npm run test:fleet -- [pattern]`: the specs of test/fleet in their long form: 8 processes for 30 seconds, all faults.
import { run } from './run.mjs';

const jest = ['node', '--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
run('what is needed', ['node', 'scripts/setup.mjs']);
run('build the library', ['node', 'scripts/build.mjs', '--library']);
run('a fleet', [...jest, '--runInBand', ...(process.argv.length > 2 ? process.argv.slice(2) : ['test/fleet'])], { env: { FLEET: 'long' } });
