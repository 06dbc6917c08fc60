/** What a user can mend: a sentence of the language files, and what is filled into it. */
export class Problem extends Error {
  /**
   * @param {string} key of `lang/*.json`
   * @param {Record<string, string | number>} [values]
   */
  constructor(key, values = {}) {
    super(key);
    this.name = "Problem";
    this.key = key;
    this.values = values;
  }

  /**
   * Whatever was thrown, as a sentence.
   * @param {unknown} error
   * @returns {Problem}
   */
  static of(error) {
    if (error instanceof Problem) return error;
    const message = error instanceof Error ? error.message : String(error);
    if (/alloc|out of memory|array length|buffer allocation/i.test(message)) return new Problem("memory");
    return new Problem("unexpected", { message: message.split("\n")[0].slice(0, 200) });
  }
}
