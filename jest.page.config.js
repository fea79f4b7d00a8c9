const config = require('./jest.config.js');

/** The tests that need a browser, apart from `npm test`. @type {import('jest').Config} */
module.exports = {
  ...config,
  testMatch: ['<rootDir>/test/page/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
