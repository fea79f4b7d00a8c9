const config = require('./jest.config.js');

/** The stores whose servers `npm test` does without, apart from it. @type {import('jest').Config} */
module.exports = {
  ...config,
  testMatch: ['<rootDir>/test/stores/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  // their servers are slower than those of others
  testTimeout: 300_000,
};
