// @ts-check
import { sheet } from "./canvas.js";
import { el } from "./dom.js";
import { base64, picture } from "./image.js";
import { askedShape, count, examplesVerb, isFloat, isNumber, isOpen, isRows, nest, place, showShape, showType } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./tensor.js").Signature} Signature */
/** @typedef {import("./api.js").Request} Request */

/**
 * What asks for the value of one input.
 *
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {HTMLElement} focus what is marked when the value is wrong
 * @property {boolean} [group] the label is for a group of controls
 * @property {() => string | Promise<string>} json the value as JSON
 * @property {() => Blob | null} [image] the image that the value is
 * @property {() => string} [file] the name of the image
 * @property {() => boolean} [isEmpty] nothing has been put in
 * @property {() => void} clear
 * @property {() => unknown} example fills in a value to try, and tells nobody
 */

/** A value that cannot be sent, with the reason for people. */
export class WrongValue extends Error {}

/** As many numbers have a field each; more are JSON. */
const maxFields = 32;

/** As many pixels a side can be drawn. */
const maxDrawn = 64;

/**
 * What is put in the place of an input, by its type and shape.
 *
 * @param {Tensor} input
 * @param {() => void} changed
 * @param {(message: string) => void} failed
 * @returns {Control}
 */
function control(input, changed, failed) {
  const shape = askedShape(input);
  const { dtype } = input;
  if (shape === null) return editor(input, [], changed);
  if (isNumber(dtype)) {
    const pixels = imageSize(shape);
    if (pixels && pixels.channels === 1 && pixels.height > 0 && pixels.width > 0 && Math.max(pixels.height, pixels.width) <= maxDrawn) {
      return drawing(input, shape, pixels, changed);
    }
    if (pixels) return photo(input, changed, failed);
    if (shape.every((d) => d > 0) && count(shape) <= maxFields) return numbers(input, shape, changed);
  }
  if (shape.length === 0 && dtype === "DT_STRING" && /image|jpe?g|png|photo|picture/i.test(input.name)) return photo(input, changed, failed);
  if (count(shape) === 1 && dtype === "DT_STRING") return words(input, shape, changed);
  if (count(shape) === 1 && dtype === "DT_BOOL") return toggle(input, shape, changed);
  return editor(input, shape, changed);
}

/**
 * The size of the images that a shape without its batch is for, null where it is for
 * something else: [H,W,C], [C,H,W], or [H,W] of a square. -1 is any size.
 *
 * @param {number[]} shape
 */
function imageSize(shape) {
  const colours = (/** @type {number} */ d) => d === 1 || d === 3 || d === 4;
  const sides = (/** @type {number} */ height, /** @type {number} */ width, /** @type {number} */ channels) =>
    [height, width].every((d) => d === -1 || d >= 8) ? { height, width, channels } : null;
  if (shape.length === 3 && colours(shape[2])) return sides(shape[0], shape[1], shape[2]);
  if (shape.length === 3 && colours(shape[0])) return sides(shape[1], shape[2], shape[0]);
  return shape.length === 2 && shape[0] > 0 && shape[0] === shape[1] ? sides(shape[0], shape[1], 1) : null;
}

/**
 * @param {Tensor} input
 * @param {number[]} shape
 * @param {{width: number, height: number}} size
 * @param {() => void} changed
 * @returns {Control}
 */
function drawing(input, shape, { width, height }, changed) {
  const whole = !isFloat(input.dtype);
  const board = sheet({ width, height, max: whole ? 255 : 1, round: whole, label: `Sheet to draw ${input.name} on`, changed });
  const file = el("input", { type: "file", accept: "image/*", class: "hidden", "aria-label": `Choose an image for ${input.name}` });
  file.addEventListener("change", async () => {
    if (file.files?.[0]) board.paint(await createImageBitmap(file.files[0]));
  });
  board.element.lastElementChild?.append(el("label", { class: "button" }, file, "Image file"));
  return {
    element: board.element,
    focus: board.canvas,
    group: true,
    json: () => JSON.stringify(nest(board.values(), shape)),
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
  return {
    element: place.element,
    focus: place.control,
    group: true,
    async json() {
      const blob = place.blob();
      if (!blob) throw new WrongValue("Choose an image first.");
      return JSON.stringify({ b64: await base64(blob) });
    },
    image: place.blob,
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

/**
 * @param {Tensor} input
 * @param {number[]} shape
 * @param {() => void} changed
 * @param {string} [begin]
 * @returns {Control}
 */
function editor(input, shape, changed, begin) {
  const open = shape.map((d) => (d < 0 ? 3 : d));
  const element = input.dtype === "DT_STRING" ? "text" : input.dtype === "DT_BOOL" ? false : 0;
  const start =
    begin ?? (input.shape === null ? JSON.stringify([element]) : count(open) <= maxBegun ? JSON.stringify(nest(Array(count(open)).fill(element), open)) : "");
  const box = el("textarea", { class: "mono", "aria-label": `${input.name} as JSON`, spellcheck: "false", rows: 6, input: changed });
  box.value = start;
  return {
    element: box,
    focus: box,
    json() {
      checkJSON(box.value);
      return box.value.trim();
    },
    isEmpty: () => box.value.trim() === "",
    clear: () => (box.value = start),
    example: () => {},
  };
}

/** Says where JSON is wrong; NaN and infinities are left to the server. @param {string} text */
function checkJSON(text) {
  try {
    JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Inf|Infinity)\b/g, (token) => (token[0] === '"' ? token : "0")));
  } catch (error) {
    throw new WrongValue(`This is not JSON: ${/** @type {Error} */ (error).message}.`);
  }
}

/**
 * The form of a signature.
 *
 * @param {HTMLFormElement} form it is put in there
 * @param {{signature: Signature, name: string, isDefault: boolean, changed: () => void}} options
 */
export function makeForm(form, { signature, name, isDefault, changed }) {
  const verb = examplesVerb(signature);
  const rows = isRows(signature);
  let whole = false; // the request as a whole is written as JSON
  const text = el("textarea", { class: "mono whole", "aria-label": "The request as JSON", spellcheck: "false", input: changed });
  const fields = signature.inputs.map((input, i) => {
    const made = verb ? editor(input, [], changed, '[{"x": 1.0}]') : control(input, changed, (message) => show(fields[i], message));
    const id = `field-${i}`;
    const error = el("p", { class: "error", id: `${id}-error`, hidden: true });
    const label = verb ? "examples" : input.name;
    const element = el(
      "div",
      { class: "field", role: "group", "aria-labelledby": id },
      el("p", { class: "name", id }, label, el("span", { class: "muted" }, verb ? "features by name" : `${showType(input.dtype)} ${showShape(input.shape)}`)),
      made.element,
      error,
    );
    made.focus.setAttribute("aria-describedby", [made.focus.getAttribute("aria-describedby"), error.id].filter(Boolean).join(" "));
    return { ...made, name: input.name, input, element, error };
  });
  const error = el("p", { class: "error", id: "form-error", role: "alert", hidden: true });
  const wholeField = { name: "", element: el("div", { class: "field", hidden: true }, text), focus: /** @type {HTMLElement} */ (text), error };
  form.replaceChildren(...fields.map((f) => f.element), wholeField.element, error);

  /** @param {{focus: HTMLElement, error: HTMLElement}} field @param {string} message */
  function show(field, message) {
    field.error.textContent = message;
    field.error.hidden = message === "";
    field.focus.setAttribute("aria-invalid", String(message !== ""));
  }

  /** The body, as it is shown and sent. */
  async function body() {
    const named = async (/** @type {typeof fields[0]} */ f) => {
      try {
        const json = await f.json();
        return !rows && isOpen(f.input) && !verb ? `[${json}]` : json;
      } catch (cause) {
        if (cause instanceof WrongValue) show(f, cause.message);
        throw cause;
      }
    };
    const head = isDefault ? "" : `"signature_name": ${JSON.stringify(name)}, `;
    if (verb) return `{${head}"examples": ${await named(fields[0])}}`;
    const values = await Promise.all(fields.map(named));
    const object = `{${fields.map((f, i) => `${JSON.stringify(f.name)}: ${values[i]}`).join(", ")}}`;
    const value = fields.length === 1 ? values[0] : object;
    return rows ? `{${head}"instances": [${value}]}` : `{${head}"inputs": ${value}}`;
  }

  return {
    /** @returns {Promise<Request>} */
    async request() {
      this.forgive();
      const json = { verb: verb || "predict", type: "application/json" };
      if (whole) return { ...json, body: text.value };
      const image = fields.length === 1 && isDefault && fields[0].image?.();
      if (image) return { verb: "predict", type: image.type, body: image, file: fields[0].file?.() };
      return { ...json, body: await body() };
    },
    isEmpty: () => !whole && fields.some((f) => f.isEmpty?.()),
    /** Says what is wrong at the field that the message names. @param {string} message */
    blame(message) {
      const named = /\binput "((?:[^"\\]|\\.)*)"/.exec(message)?.[1] ?? /^Failed to process element: \d+ key: (.*?) of 'instances'/.exec(message)?.[1];
      const field = whole ? wholeField : (fields.find((f) => f.name === named) ?? (fields.length === 1 ? fields[0] : { focus: form, error }));
      show(field, message);
    },
    forgive() {
      for (const field of [...fields, wholeField]) show(field, "");
      form.removeAttribute("aria-invalid");
    },
    clear() {
      this.forgive();
      if (whole) text.value = "";
      else for (const f of fields) f.clear();
    },
    async example() {
      for (const f of fields) await f.example();
      changed();
    },
    /** Changes between fields and JSON. @param {boolean} on */
    async asJSON(on) {
      if (on && !whole) text.value = layout(await body().catch(() => '{"instances": []}'));
      whole = on;
      this.forgive();
      for (const f of fields) f.element.hidden = on;
      wholeField.element.hidden = !on;
    },
  };
}

/** JSON with a line for each of the outer lists. @param {string} json */
function layout(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2).replace(/\[[^[\]{}]*\]/g, (list) => list.replace(/\s+/g, " ").replace("[ ", "[").replace(" ]", "]"));
  } catch {
    return json;
  }
}
