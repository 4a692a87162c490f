// @ts-check

/** A string, a mark, or a number or word as it is written: integers keep their last digit. */
const tokens = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g;

/** @typedef {string | {open: string, entries: {key: string, value: Value}[]}} Value a scalar's text, or a list or object */

/**
 * Why a text is not JSON, "" where it is; NaN and infinities are left to the server.
 *
 * @param {string} text
 */
export function fault(text) {
  try {
    JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Inf|Infinity)\b/g, (token) => (token[0] === '"' ? token : "0")));
    return "";
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/**
 * JSON with a line for each of the outer lists. Lists of numbers stay on a line, and lists
 * of one element on that of their parents. So do the pixels of a row: a browser needs
 * seconds to show a line for each pixel of a photo.
 *
 * @param {string} json
 */
export function layout(json) {
  if (fault(json)) return json;
  const all = json.match(tokens) ?? [];
  let at = 0;
  /** @returns {Value} */
  function read() {
    const token = all[at++];
    if (token !== "[" && token !== "{") return token;
    /** @type {{key: string, value: Value}[]} */
    const entries = [];
    while (all[at] !== "]" && all[at] !== "}") {
      if (all[at] === ",") at++;
      const key = token === "{" ? all[at] : "";
      if (key) at += 2;
      entries.push({ key, value: read() });
    }
    at++;
    return { open: token, entries };
  }
  return print(read(), "");
}

/** Whether a value is one element, however deep. @param {Value} value @returns {boolean} */
const isOne = (value) => typeof value === "string" || (value.open === "[" && value.entries.length === 1 && isOne(value.entries[0].value));

/** As many lists in a list are taken for a row of pixels. */
const minRow = 8;

/** Whether a value is a row of pixels of three or four channels. @param {Value} value @returns {boolean} */
const isRow = (value) =>
  typeof value !== "string" &&
  value.entries.length >= minRow &&
  value.entries.every(
    ({ value: pixel }) =>
      typeof pixel !== "string" && pixel.open === "[" && [3, 4].includes(pixel.entries.length) && pixel.entries.every((e) => typeof e.value === "string"),
  );

/**
 * @param {Value} value
 * @param {string} indent
 * @param {boolean} inList
 * @returns {string}
 */
function print(value, indent, inList = false) {
  if (typeof value === "string") return value;
  const { open, entries } = value;
  const close = open === "[" ? "]" : "}";
  const inner = `${indent}  `;
  const flat = open === "[" && (entries.every((e) => isOne(e.value)) || (inList && isRow(value)));
  const texts = entries.map(({ key, value }) => (key ? `${key}: ` : "") + print(value, flat ? "" : inner, open === "["));
  if (flat) return `[${texts.join(", ")}]`;
  if (texts.length === 0) return open + close;
  return `${open}\n${inner}${texts.join(`,\n${inner}`)}\n${indent}${close}`;
}
