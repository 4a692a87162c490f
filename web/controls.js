// @ts-check
import { sheet } from "./canvas.js";
import { el } from "./dom.js";
import { base64, picture, receive, unreadable } from "./image.js";
import { askedShape, count, imagesOf, isFloat, isKnown, isNumber, nest } from "./tensor.js";
import { editor, numbers, toggle, words, WrongValue } from "./values.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./tensor.js").Pixels} Pixels */
/** @typedef {import("./values.js").Control} Control */

/** As many numbers have a field each; more are JSON. */
const maxFields = 32;

/** So many pixels a side can be drawn. */
const minDrawn = 8;
const maxDrawn = 64;

/**
 * What is put in the place of an input, by its type and shape.
 *
 * @param {Tensor} input
 * @param {Pixels} pixels
 * @param {() => void} changed
 * @param {(message: string) => void} failed
 * @returns {Control}
 */
export function control(input, pixels, changed, failed) {
  const shape = askedShape(input);
  const { dtype } = input;
  const size = shape !== null && isKnown(shape) ? count(shape) : Infinity;
  if (shape !== null && isNumber(dtype) && size <= maxFields) return numbers(input, shape, changed);
  const drawn = drawnSize(input);
  if (drawn) return drawing(input, drawn, pixels, changed, failed);
  if (isPicture(input)) return photo(input, changed, failed);
  if (shape !== null && dtype === "DT_STRING" && size === 1) return words(input, shape, changed);
  if (shape !== null && dtype === "DT_BOOL" && size === 1) return toggle(input, shape, changed);
  return editor(input, shape, changed);
}

/**
 * Whether an input is asked for by an image. Where its shape does not say what it is, the
 * name does.
 *
 * @param {Tensor} input
 */
export function isPicture(input) {
  const { name, dtype, shape, image } = input;
  if (dtype !== "DT_STRING" && shape !== null) return Boolean(image);
  const one = shape !== null && count(/** @type {number[]} */ (askedShape(input))) === 1;
  return (Boolean(image) || one) && /image|jpe?g|png|photo|picture/i.test(name);
}

/**
 * The size of the images that an input is drawn as, null where it is not: [H,W,1],
 * [1,H,W] or [H,W]. Integers that are no pixels to the server can be drawn, too; a matrix
 * of them is taken for an image where it is a square.
 *
 * @param {Tensor} input
 */
function drawnSize(input) {
  const { dtype, shape, image } = input;
  if (shape === null || !isNumber(dtype) || (!image && (isFloat(dtype) || dtype === "DT_UINT8"))) return null;
  const one = shape.length === 4 ? shape.slice(1) : /** @type {number[]} */ (askedShape(input));
  const sides = one.length === 3 && one[2] === 1 ? one.slice(0, 2) : one.length === 3 && one[0] === 1 ? one.slice(1) : one;
  const [height, width] = sides;
  if (sides.length !== 2 || (!image && one.length === 2 && height !== width)) return null;
  return sides.every((d) => d >= minDrawn && d <= maxDrawn) ? { width, height } : null;
}

/**
 * @param {Tensor} input
 * @param {{width: number, height: number}} size
 * @param {Pixels} pixels
 * @param {() => void} changed
 * @param {(message: string) => void} failed
 * @returns {Control}
 */
function drawing(input, { width, height }, { black, white }, changed, failed) {
  const value = isFloat(input.dtype)
    ? (/** @type {number} */ ink) => Number((black[0] + ink * (white[0] - black[0])).toFixed(4))
    : (/** @type {number} */ ink) => Math.round(ink * 255);
  const board = sheet({ width, height, value, label: `Sheet to draw ${input.name} on`, changed });
  const file = el("input", {
    type: "file",
    accept: "image/*",
    class: "hidden",
    "aria-label": `Choose an image for ${input.name}`,
    change: () => file.files?.[0] && take(file.files[0]),
  });
  /** @param {File} given */
  async function take(given) {
    try {
      board.paint(await createImageBitmap(given));
    } catch {
      failed(unreadable(given));
    }
    file.value = ""; // or the same file could not be chosen again
  }
  receive(board.board, take);
  board.buttons.append(el("label", { class: "button" }, file, "Image file"));
  const shape = /** @type {number[]} */ (askedShape(input));
  const copies = count(shape) / (width * height); // for a batch of a fixed size
  return {
    element: board.element,
    focus: board.canvas,
    group: true,
    json: () => JSON.stringify(nest(Array(copies).fill(board.values()).flat(), shape)),
    isEmpty: board.isEmpty,
    clear: board.clear,
    example: board.example,
  };
}

/**
 * @param {Tensor} input
 * @param {() => void} changed
 * @param {(message: string) => void} failed
 * @returns {Control}
 */
function photo(input, changed, failed) {
  const place = picture({ label: input.name, changed, failed });
  const images = imagesOf(input);
  return {
    element: place.element,
    focus: place.control,
    group: true,
    async json() {
      const blob = place.blob();
      if (!blob) throw new WrongValue("Choose an image first.");
      const value = { b64: await base64(blob) };
      if (input.dtype === "DT_STRING") return JSON.stringify(nest([value], askedShape(input) ?? []));
      return JSON.stringify(images > 1 ? Array(images).fill(value) : value);
    },
    image: () => (input.image && images === 1 ? place.blob() : null),
    file: place.name,
    isEmpty: () => !place.blob(),
    clear: place.clear,
    example: place.example,
  };
}
