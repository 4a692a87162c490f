// @ts-check

/**
 * A request to the model: JSON, or an image as it is. top asks for the best classes, too.
 *
 * @typedef {{verb: string, top: boolean, type: string, body: string | Blob, file?: string}} Request
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
export const pathOf = (name, { verb, top }) => `v1/models/${encodeURIComponent(name)}:${verb}${top ? "?top=5" : ""}`;

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
 * integers that JavaScript's numbers cannot hold, which become text.
 *
 * @param {string} text
 * @returns {any}
 */
export function parse(text) {
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (token) => (token[0] === '"' ? token : `"\\u0000${token}"`));
  return JSON.parse(
    quoted,
    /** @param {any} [context] */ (_key, value, context) => {
      if (typeof value === "string" && value[0] === "\0") return Number(value.slice(1));
      if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) return /^-?\d+$/.test(context?.source) ? context.source : value;
      return value;
    },
  );
}

/**
 * Asks the model.
 *
 * @param {string} name of the model
 * @param {Request} request
 * @returns {Promise<{text: string, reply: any, ms: number}>}
 */
export async function predict(name, request) {
  const start = performance.now();
  const response = await send(pathOf(name, request), { method: "POST", headers: { "Content-Type": request.type }, body: request.body });
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
