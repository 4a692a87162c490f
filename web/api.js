// @ts-check

/**
 * A request to the model: JSON, or an image as it is.
 *
 * @typedef {{verb: string, type: string, body: string | Blob, file?: string}} Request
 */

/** What the server, or the connection to it, says of a request that failed. */
export class Refusal extends Error {
  /**
   * @param {number} status 0 where there was no answer
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * The URL of a path of this server. The page may stand below a stage of API Gateway, so
 * paths are relative to it.
 *
 * @param {string} path
 */
export const url = (path) => new URL(path, location.href.replace(/[?#].*$/, "").replace(/\/?$/, "/")).href;

/**
 * Where a request goes.
 *
 * @param {string} name of the model
 * @param {Request} request
 */
export const pathOf = (name, { verb }) => `v1/models/${encodeURIComponent(name)}:${verb}`;

/**
 * Fetches, and makes an error of every answer that is none.
 *
 * @param {string} path
 * @param {RequestInit} [init]
 */
export async function send(path, init) {
  let response;
  try {
    response = await fetch(url(path), { cache: "no-store", ...init });
  } catch (cause) {
    if (init?.signal?.aborted) throw cause;
    throw new Refusal(0, "The server does not answer. Is it still running?");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/** @param {Response} response */
async function refusal(response) {
  const text = await response.text();
  try {
    const message = JSON.parse(text).error;
    if (typeof message === "string") return new Refusal(response.status, message);
  } catch {
    // not this program's own answer, but a gateway's
  }
  return new Refusal(response.status, `${response.status} ${response.statusText}: ${text.slice(0, 300)}`);
}

/**
 * Reads JSON as TensorFlow Serving writes it: with bare NaN and Infinity, and with
 * integers that JavaScript's numbers cannot hold, which become text. Answers have millions
 * of numbers, so that a text without these is left to JSON.parse alone: a reviver would
 * take a hundred times as long.
 *
 * @param {string} text
 * @returns {any}
 */
export function parse(text) {
  return text.includes("NaN") || text.includes("Infinity") || hasLongInteger(text) ? parseOdd(text) : JSON.parse(text);
}

/** As many digits a number of JavaScript's may not hold. */
const long = 16;

/**
 * Whether there may be an integer of so many digits: they cannot hide between places that
 * are so far apart, and it is enough to look at these.
 *
 * @param {string} text
 */
function hasLongInteger(text) {
  const digit = (/** @type {number} */ i) => text.charCodeAt(i) >= 48 && text.charCodeAt(i) <= 57;
  for (let i = long - 1; i < text.length; i += long) {
    if (!digit(i)) continue;
    let [from, to] = [i, i + 1];
    while (digit(from - 1)) from--;
    while (digit(to)) to++;
    if (to - from >= long && text[from - 1] !== ".") return true;
    i = to - 1;
  }
  return false;
}

/** @param {string} text */
function parseOdd(text) {
  let hole = "NaN";
  while (text.includes(`"${hole}"`)) hole += "N";
  let holes = false;
  const plain = text.replace(/"(?:[^"\\]|\\.)*"|NaN|Infinity|(?<![\d.])-?\d{16,}(?![\d.eE])/g, (token) => {
    if (token[0] === '"') return token;
    if (token === "Infinity") return "1e999"; // beyond all numbers; its sign stays where it is
    if (token !== "NaN") return Number.isSafeInteger(Number(token)) ? token : `"${token}"`;
    holes = true;
    return `"${hole}"`;
  });
  return holes ? fill(JSON.parse(plain), hole) : JSON.parse(plain);
}

/**
 * A value with NaN in the place of the text that stands for it.
 *
 * @param {any} value
 * @param {string} hole
 * @returns {any}
 */
function fill(value, hole) {
  if (value === hole) return NaN;
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) value[i] = fill(value[i], hole);
  else if (typeof value === "object" && value !== null) for (const key of Object.keys(value)) value[key] = fill(value[key], hole);
  return value;
}

/**
 * Asks the model.
 *
 * @param {string} name of the model
 * @param {Request} request
 * @param {AbortSignal} signal of whoever does not want the answer any more
 * @returns {Promise<{text: string, reply: any, ms: number}>}
 */
export async function predict(name, request, signal) {
  const start = performance.now();
  const response = await send(pathOf(name, request), { method: "POST", headers: { "Content-Type": request.type }, body: request.body, signal });
  const text = await response.text();
  return { text, reply: parse(text), ms: performance.now() - start };
}

/**
 * Runs jobs one at a time; of those that come meanwhile only the latest counts. So a
 * drawing is answered as fast as the server answers, and never by an old answer.
 *
 * @template J
 * @param {(job: J) => Promise<void>} run
 * @returns {(job: J) => Promise<void>}
 */
export function latest(run) {
  /** @type {{job: J} | null} */
  let next = null;
  let busy = false;
  return async (job) => {
    next = { job };
    if (busy) return;
    busy = true;
    try {
      while (next) {
        const { job } = next;
        next = null;
        await run(job);
      }
    } finally {
      busy = false;
    }
  };
}
