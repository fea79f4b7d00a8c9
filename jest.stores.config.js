const base = require('./jest.config.js');

/** The stores whose servers plain `npm test` does without. */
/** @type {import('jest').Config} */
module.exports = { ...base, testMatch: ['<rootDir>/test/stores/**/*.test.ts'], globalSetup: undefined };
