// @ts-check
import { el } from "./dom.js";
import { fault, layout } from "./json.js";
import { count, isFloat, nest, place } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

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

/** How far sliders go at first. @param {string} dtype */
function range(dtype) {
  if (dtype === "DT_UINT8") return { min: 0, max: 255, step: 1 };
  if (dtype.startsWith("DT_UINT")) return { min: 0, max: 100, step: 1 };
  return isFloat(dtype) ? { min: -10, max: 10, step: 0.1 } : { min: -100, max: 100, step: 1 };
}

/** @param {Tensor} input @param {number[]} shape @param {() => void} changed @returns {Control} */
export function numbers(input, shape, changed) {
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
export function words(input, shape, changed) {
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
export function toggle(input, shape, changed) {
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
