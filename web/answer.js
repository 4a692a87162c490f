// @ts-check
import { el } from "./dom.js";
import { shapeOf } from "./tensor.js";
import { choose } from "./views.js";

/** @typedef {import("./tensor.js").Signature} Signature */

const mostRows = 16;

/**
 * Shows answers.
 *
 * @param {HTMLElement} container
 * @param {{signature: Signature, labels?: string[]}} options
 */
export function answerView(container, { signature, labels }) {
  /** @type {Map<string, {kind: string} & ReturnType<import("./views.js").View["make"]>>} */
  let views = new Map();

  /** @param {string} message */
  function empty(message) {
    views = new Map();
    container.replaceChildren(el("p", { class: "empty" }, message));
  }

  /**
   * @param {any} reply
   * @returns {string} what it says, in words
   */
  function show(reply) {
    const parts = outputs(reply, signature);
    const next = new Map();
    const said = parts.map(({ key, title, value }) => {
      const { kind, make, say } = choose(value, title, labels);
      const old = views.get(key);
      const view = old?.kind === kind ? old : { kind, ...make() };
      view.update(value);
      next.set(key, view);
      return say(value);
    });
    const changed = next.size !== views.size || [...next].some(([key, view]) => views.get(key) !== view);
    if (changed) {
      const titled = parts.length > 1 || signature.outputs.length > 1;
      container.replaceChildren(
        ...parts.map(({ key, title }) => el("div", { class: "output" }, ...(titled ? [el("h3", {}, title)] : []), /** @type {any} */ (next.get(key)).element)),
      );
    }
    views = next;
    return said.filter(Boolean).join("; ");
  }

  return { empty, show };
}

/**
 * The tensors of a reply, a part for each row and output.
 *
 * @param {any} reply
 * @param {Signature} signature
 * @returns {{key: string, title: string, value: any}[]}
 */
function outputs(reply, signature) {
  const only = signature.outputs.length === 1 ? signature.outputs[0].name : "answer";
  const split = (/** @type {any} */ value, /** @type {string} */ row) =>
    isObject(value)
      ? Object.entries(value).map(([name, v]) => ({ key: `${row}${name}`, title: `${row}${name}`, value: v }))
      : [{ key: `${row}${only}`, title: `${row}${only}`, value }];
  if (!isObject(reply)) return [{ key: "reply", title: "answer", value: reply }];
  if (reply.outputs !== undefined) return split(reply.outputs, "").map((part) => ({ ...part, value: withoutBatch(part.value) }));
  const rows = reply.predictions ?? reply.results;
  if (!Array.isArray(rows)) return [{ key: "reply", title: "answer", value: reply }];
  const shown = rows.slice(0, mostRows).flatMap((row, i) => split(row, rows.length > 1 ? `Row ${i + 1}: ` : ""));
  if (rows.length > mostRows) shown.push({ key: "more", title: "more", value: `${rows.length - mostRows} more rows are in the reply as JSON.` });
  return shown;
}

/**
 * A column of one row is shown as that row.
 *
 * @param {any} value
 */
function withoutBatch(value) {
  const shape = shapeOf(value);
  return shape[0] === 1 && shape.length > 2 && typeof value.flat(Infinity)[0] === "number" ? value[0] : value;
}

/** @param {any} v */
const isObject = (v) => typeof v === "object" && v !== null && !Array.isArray(v) && !("b64" in v);
