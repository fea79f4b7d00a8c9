/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // they need a browser: npm run test:page; or a store's server: npm run test:stores
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/page/', '<rootDir>/test/stores/'],
  transform: {
    '^.+\\.(t|j)s$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } }],
  },
  transformIgnorePatterns: ['/node_modules/(?!(fast-check)/)'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  // each test file starts servers of its own, on two cores
  maxWorkers: 2,
  // concurrent tests wait for other processes most of the time
  maxConcurrency: 8,
  testTimeout: 60_000,
};
