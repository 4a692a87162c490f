// @ts-check
import { isPicture } from "./controls.js";
import { el } from "./dom.js";
import { askedShape, count, isFloat, isKnown, isNumber, nest } from "./tensor.js";

/** @typedef {import("./tensor.js").Card} Card */
/** @typedef {import("./tensor.js").Tensor} Tensor */

/** Rows of more numbers are few, and images where the server takes them. */
const large = 4096;

/** How many rows there are, of small values and of large ones. */
const many = 500;
const few = 10;

/**
 * A file of rows to try with, one of them wrong, that a request may be as large as.
 *
 * @param {Card} card
 * @param {string} signature its name
 */
export function exampleRows(card, signature) {
  const inputs = card.signatures[signature]?.inputs ?? [];
  const most = inputs.some((input) => isImage(input) || count(sizes(input)) > large) ? few : many;
  const lines = [];
  let length = 0;
  for (let i = 0; i < most; i++) {
    const line = i === 6 ? '"this row is wrong"' : JSON.stringify(row(inputs));
    length += line.length + 1;
    if (i > 0 && length > card.limits.maxBodyBytes) break;
    lines.push(line);
  }
  return new File([`${lines.join("\n")}\n`], "example.jsonl", { type: "application/jsonlines" });
}

/** @param {Tensor[]} inputs */
function row(inputs) {
  return inputs.length === 1 ? value(inputs[0]) : Object.fromEntries(inputs.map((input) => [input.name, value(input)]));
}

/** The sizes of a row of an input, where they are open some. @param {Tensor} input */
const sizes = (input) => (askedShape(input) ?? []).map((d) => (d < 0 ? 2 : d));

/** Whether rows of an input are images: those of a few pixels are numbers. @param {Tensor} input */
function isImage(input) {
  return isPicture(input) && (input.dtype === "DT_STRING" || count(sizes(input)) > large || !isKnown(askedShape(input) ?? [-1]));
}

/** @param {Tensor} input */
function value(input) {
  if (isImage(input)) return { b64: colours() };
  const shape = sizes(input);
  return nest(
    Array.from({ length: count(shape) }, () => element(input.dtype)),
    shape,
  );
}

/** @param {string} dtype */
function element(dtype) {
  if (dtype === "DT_STRING") return "hello";
  if (dtype === "DT_BOOL") return Math.random() < 0.5;
  if (isFloat(dtype)) return Number(Math.random().toFixed(3));
  return isNumber(dtype) ? Math.floor(100 * Math.random()) : 0;
}

/** A small image of two colours, as PNG in base64. */
function colours() {
  const canvas = el("canvas", { width: 32, height: 32 });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const hue = Math.floor(360 * Math.random());
  pen.fillStyle = `hsl(${hue} 60% 75%)`;
  pen.fillRect(0, 0, 32, 32);
  pen.fillStyle = `hsl(${hue + 120} 60% 40%)`;
  pen.fillRect(0, 18, 32, 14);
  return canvas.toDataURL("image/png").replace(/^.*,/, "");
}
