// @ts-check

/** @typedef {{name: string, dtype: string, shape: number[] | null, image?: boolean, oneImage?: boolean}} Tensor image: one may stand for each row, or for the whole value */
/** @typedef {{method: string, inputs: Tensor[], outputs: Tensor[]}} Signature */
/** @typedef {{black: number[], white: number[]}} Pixels what black and white are as floats, for each channel or for all */
/**
 * @typedef {{name: string, version: string, format: string, tensorflow?: string, bytes?: number, sha256?: string, identity?: string,
 *   labels?: string[], default: string, signatures: Record<string, Signature>, pixels: Pixels, limits: {maxBodyBytes: number}}} Card
 */

const floats = ["DT_FLOAT", "DT_DOUBLE", "DT_HALF", "DT_BFLOAT16"];
const integers = /^DT_U?INT(8|16|32|64)$/;

/** @param {string} dtype */
export const isFloat = (dtype) => floats.includes(dtype);

/** @param {string} dtype */
export const isNumber = (dtype) => isFloat(dtype) || integers.test(dtype);

/** @param {number[] | null} shape */
export const showShape = (shape) => (shape ? `[${shape.map((d) => (d < 0 ? "?" : d)).join(", ")}]` : "any shape");

/** @param {string} dtype */
export const showType = (dtype) => dtype.replace(/^DT_/, "").toLowerCase();

/** @param {number[]} shape */
export const count = (shape) => shape.reduce((n, d) => n * d, 1);

/** Whether all sizes of a shape are known, so that it has as many elements as it says. @param {number[]} shape */
export const isKnown = (shape) => shape.every((d) => d > 0);

/** Whether a size is one of channels. @param {number} d */
export const isColours = (d) => d === 1 || d === 3 || d === 4;

/**
 * Whether a tensor's first dimension is open, that of the batch.
 *
 * @param {Tensor} tensor
 */
export const isOpen = (tensor) => tensor.shape !== null && tensor.shape[0] === -1 && !tensor.oneImage;

/**
 * How many images an input is a batch of: 1 where that is open, 0 where it is one image
 * and no batch.
 *
 * @param {Tensor} input
 */
export const imagesOf = (input) => (input.oneImage ? 0 : isOpen(input) ? 1 : (input.shape?.[0] ?? 1));

/**
 * Whether requests are rows: every input has a batch dimension, and no output lacks one.
 *
 * @param {Signature} signature
 */
export const isRows = ({ inputs, outputs }) => inputs.length > 0 && inputs.every(isOpen) && outputs.every((o) => o.shape === null || isOpen(o));

/**
 * The shape that a form asks for: without the batch where there is one.
 *
 * @param {Tensor} input
 */
export const askedShape = (input) => (isOpen(input) ? /** @type {number[]} */ (input.shape).slice(1) : input.shape);

/**
 * What signatures for serialized examples are asked by, "" for all others.
 *
 * @param {Signature} signature
 */
export function examplesVerb({ method, inputs }) {
  const verb = method.replace("tensorflow/serving/", "");
  return (verb === "classify" || verb === "regress") && inputs.length === 1 && inputs[0].dtype === "DT_STRING" ? verb : "";
}

/**
 * Flat values as nested lists, for a shape whose sizes are known.
 *
 * @template T
 * @param {T[]} flat
 * @param {number[]} shape
 * @returns {any}
 */
export function nest(flat, shape) {
  let level = /** @type {any[]} */ (flat);
  for (const size of shape.slice(1).reverse()) {
    const lists = [];
    for (let i = 0; i < level.length; i += Math.max(size, 1)) lists.push(level.slice(i, i + size));
    level = lists;
  }
  return shape.length === 0 ? flat[0] : level;
}

/**
 * The shape of nested lists, read off their first elements.
 *
 * @param {any} value
 */
export function shapeOf(value) {
  const shape = [];
  for (let v = value; Array.isArray(v); v = v[0]) shape.push(v.length);
  return shape;
}

/**
 * The place of element i of a shape: [2,0].
 *
 * @param {number} i
 * @param {number[]} shape
 */
export function place(i, shape) {
  const at = [];
  for (const size of [...shape].reverse()) {
    at.unshift(i % size);
    i = Math.floor(i / size);
  }
  return `[${at.join(",")}]`;
}
