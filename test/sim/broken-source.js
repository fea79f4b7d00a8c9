// Jest's transform for one deliberate breakage: compiles as jest.config.js says, from the texts that
// BROKEN_SOURCES names in place of those in src.
const { createTransformer } = require('@swc/jest');

const texts = new Map(Object.entries(JSON.parse(process.env.BROKEN_SOURCES)));

module.exports = {
  createTransformer(options) {
    const swc = createTransformer(options);
    const broken = (text, file) => texts.get(file) ?? text;
    return {
      ...swc,
      process: (text, file, jest) => swc.process(broken(text, file), file, jest),
      // the cache knows a text that was broken from the one that was not
      getCacheKey: (text, file, jest) => swc.getCacheKey(broken(text, file), file, jest),
    };
  },
};
