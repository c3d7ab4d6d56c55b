// @ts-check
/** Words of scripts, in the page's language: Django's catalogue of `djangojs`, loaded before any module. */

/** @type {any} */
const catalogue = /** @type {any} */ (globalThis).django ?? {};

/**
 * A sentence; `%(name)s` in it is replaced.
 * @param {string} text In English. @param {Record<string, string | number>} [values]
 */
export function say(text, values) {
  return fill(catalogue.gettext ? catalogue.gettext(text) : text, values);
}

/**
 * A sentence with a number; `%(count)s` is the number.
 * @param {string} one @param {string} many @param {number} count @param {Record<string, string | number>} [values]
 */
export function sayCount(one, many, count, values) {
  const text = catalogue.ngettext ? catalogue.ngettext(one, many, count) : count === 1 ? one : many;
  return fill(text, { count, ...values });
}

/** @param {string} text @param {Record<string, string | number>} [values] */
function fill(text, values) {
  return values ? text.replace(/%\((\w+)\)s/g, (place, name) => String(values[name] ?? place)) : text;
}
