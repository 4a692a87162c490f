// @ts-check
import { sheet } from "./canvas.js";
import { el } from "./dom.js";
import { base64, picture, receive, unreadable } from "./image.js";
import { fault, layout } from "./json.js";
import { askedShape, count, imagesOf, isFloat, isKnown, isNumber, nest, place } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./tensor.js").Pixels} Pixels */

/**
 * What asks for the value of one input.
 *
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {HTMLElement} focus what is marked when the value is wrong
 * @property {boolean} [group] the label is for a group of controls
 * @property {() => string | Promise<string>} json the value as JSON
 * @property {() => Blob | null} [image] the image that a request may be as it is
 * @property {() => string} [file] the name of the image
 * @property {() => boolean} [isEmpty] nothing has been put in
 * @property {() => void} clear
 * @property {() => unknown} example fills in a value to try, and tells nobody
 */

/** A value that cannot be sent, with the reason for people. */
export class WrongValue extends Error {}

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

/** How far sliders go at first. @param {string} dtype */
function range(dtype) {
  if (dtype === "DT_UINT8") return { min: 0, max: 255, step: 1 };
  if (dtype.startsWith("DT_UINT")) return { min: 0, max: 100, step: 1 };
  return isFloat(dtype) ? { min: -10, max: 10, step: 0.1 } : { min: -100, max: 100, step: 1 };
}

/** @param {Tensor} input @param {number[]} shape @param {() => void} changed @returns {Control} */
function numbers(input, shape, changed) {
  const { min, max, step } = range(input.dtype);
  const fields = Array.from({ length: count(shape) }, (_, i) => {
    const at = shape.length === 0 ? "" : place(i, shape);
    const slider = el("input", { type: "range", min, max, step, value: 0, "aria-label": `${input.name} ${at} slider` });
    const field = el("input", { type: "number", step: "any", value: 0, "aria-label": `${input.name} ${at}`.trim() });
    slider.addEventListener("input", () => {
      field.value = slider.value;
      changed();
    });
    field.addEventListener("input", () => {
      widen(slider, Number(field.value));
      slider.value = field.value;
      changed();
    });
    return { field, slider, at };
  });
  const set = (/** @type {() => number} */ value) => {
    for (const { field, slider } of fields) field.value = slider.value = String(value());
  };
  const several = fields.length > 1;
  return {
    element: el(
      "div",
      { class: "numbers" },
      ...fields.map(({ field, slider, at }) =>
        el("div", { class: "number" }, ...(several ? [el("span", { class: "index", "aria-hidden": "true" }, at)] : []), slider, field),
      ),
    ),
    focus: fields[0].field,
    group: true,
    json: () =>
      write(
        nest(
          fields.map(({ field }) => literal(field, input.dtype)),
          shape,
        ),
      ),
    clear: () => set(() => 0),
    example() {
      const steps = Math.round((max - min) / step);
      set(() => Number((min + step * Math.floor(Math.random() * (steps + 1))).toFixed(2)));
    },
  };
}

/** Lets a slider reach a number. @param {HTMLInputElement} slider @param {number} value */
function widen(slider, value) {
  if (value > Number(slider.max)) slider.max = String(2 * value);
  if (value < Number(slider.min)) slider.min = String(2 * value);
}

/** The JSON text of a number field: integers to their last digit. @param {HTMLInputElement} field @param {string} dtype */
function literal(field, dtype) {
  const text = field.value.trim();
  if (text === "") throw new WrongValue(`${field.getAttribute("aria-label")} is no number.`);
  return !isFloat(dtype) && /^-?\d+$/.test(text) ? BigInt(text).toString() : String(Number(text));
}

/** Nested lists of JSON texts as one. @param {any} value @returns {string} */
const write = (value) => (Array.isArray(value) ? `[${value.map(write).join(", ")}]` : value);

/** @param {Tensor} input @param {number[]} shape @param {() => void} changed @returns {Control} */
function words(input, shape, changed) {
  const box = el("textarea", { "aria-label": input.name, rows: 4, placeholder: "Text", input: changed });
  return {
    element: box,
    focus: box,
    json: () => JSON.stringify(nest([box.value], shape)),
    isEmpty: () => box.value === "",
    clear: () => (box.value = ""),
    example: () => (box.value = "hello"),
  };
}

/** @param {Tensor} input @param {number[]} shape @param {() => void} changed @returns {Control} */
function toggle(input, shape, changed) {
  const box = el("input", { type: "checkbox", change: changed });
  return {
    element: el("label", { class: "check" }, box, "true"),
    focus: box,
    group: true,
    json: () => JSON.stringify(nest([box.checked], shape)),
    clear: () => (box.checked = false),
    example: () => (box.checked = !box.checked),
  };
}

/** The most elements of a value that an editor begins with. */
const maxBegun = 256;

/** The most elements of an example; more make the browser slow. */
const maxExample = 300_000;

/**
 * @param {Tensor} input
 * @param {number[] | null} shape
 * @param {() => void} changed
 * @param {string} [begin]
 * @returns {Control}
 */
export function editor(input, shape, changed, begin) {
  const sizes = shape?.map((d) => (d < 0 ? 3 : d)) ?? [1];
  const { blank, sample } = elements(input.dtype);
  const start = begin ?? (count(sizes) <= maxBegun ? JSON.stringify(nest(Array(count(sizes)).fill(blank), sizes)) : "");
  const box = el("textarea", { class: "mono", "aria-label": `${input.name} as JSON`, spellcheck: "false", rows: 6, input: changed });
  box.value = start;
  return {
    element: box,
    focus: box,
    json() {
      const text = box.value.trim();
      if (text === "") throw new WrongValue("Write the value as JSON, or take the example.");
      const wrong = fault(text);
      if (wrong) throw new WrongValue(`This is not JSON: ${wrong}.`);
      return text;
    },
    isEmpty: () => box.value.trim() === "",
    clear: () => (box.value = start),
    example() {
      const n = count(sizes);
      if (n > maxExample) throw new WrongValue(`An example would have ${n.toLocaleString("en")} elements: paste a value, or ask from code.`);
      box.value = begin ?? layout(JSON.stringify(nest(Array.from({ length: n }, sample), sizes)));
    },
  };
}

/**
 * The element of values to begin with, and of examples. Integers are often places in
 * something, which may be small.
 *
 * @param {string} dtype
 * @returns {{blank: unknown, sample: () => unknown}}
 */
function elements(dtype) {
  if (dtype === "DT_STRING") return { blank: "text", sample: () => "hello" };
  if (dtype === "DT_BOOL") return { blank: false, sample: () => Math.random() < 0.5 };
  return { blank: 0, sample: isFloat(dtype) ? () => Number(Math.random().toFixed(2)) : () => Math.round(Math.random()) };
}
