/** Faults and openings under load take minutes: `npm run test:fleet`. The ledger's short form is in every run. */
const UNDER_LOAD = process.env.FLEET === 'long' ? [] : ['<rootDir>/test/fleet/(faults|opening)'];

/** Run by `npm run test:unit` (node --experimental-vm-modules). */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testRegex: '\\.spec\\.ts$',
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/consumers/', ...UNDER_LOAD],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-bulwark$': '<rootDir>/src/index.ts',
    '^nestjs-bulwark/core$': '<rootDir>/src/core.ts',
    '^nestjs-bulwark/testing$': '<rootDir>/src/testing/index.ts',
    '^nestjs-bulwark/(alerts|http|redis|terminus)$': '<rootDir>/src/integrations/$1/index.ts',
    '^nestjs-bulwark/testing/nest$': '<rootDir>/src/testing/nest.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  maxWorkers: 2,
  // A busy machine is slow, not wrong: the limit only ends what hangs.
  testTimeout: 60_000,
  setupFilesAfterEnv: ['<rootDir>/test/support/strict.ts'],
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/{options,engine,policies,config,application}/**/*.ts'],
  coverageReporters: ['text-summary', 'json-summary', 'text'],
  coverageThreshold: {
    global: { lines: 95 },
  },
};
