// @ts-check
import { control } from "./controls.js";
import { el } from "./dom.js";
import { layout } from "./json.js";
import { examplesVerb, isOpen, isRows, showShape, showType } from "./tensor.js";
import { editor, WrongValue } from "./values.js";

export { WrongValue };

/** @typedef {import("./tensor.js").Pixels} Pixels */
/** @typedef {import("./tensor.js").Signature} Signature */
/** @typedef {import("./api.js").Request} Request */

/**
 * The form of a signature.
 *
 * @param {HTMLFormElement} form it is put in there
 * @param {{signature: Signature, name: string, isDefault: boolean, pixels: Pixels, changed: () => void}} options
 */
export function makeForm(form, { signature, name, isDefault, pixels, changed }) {
  const verb = examplesVerb(signature);
  const rows = isRows(signature);
  let whole = false; // the request as a whole is written as JSON
  let origin = ""; // the request of the fields that the text was made from
  const text = el("textarea", { class: "mono whole", "aria-label": "The request as JSON", spellcheck: "false", input: changed });
  const fields = signature.inputs.map((input, i) => {
    const made = verb ? editor(input, [], changed, '[{"x": 1.0}]') : control(input, pixels, changed, (message) => show(fields[i], message));
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

  /**
   * Calls a function of a field. If aloud, what it says is wrong stands there.
   *
   * @template T
   * @param {typeof fields[0]} f
   * @param {() => T | Promise<T>} call
   * @param {boolean} aloud
   */
  async function said(f, call, aloud) {
    try {
      return await call();
    } catch (cause) {
      if (aloud && cause instanceof WrongValue) show(whole ? wholeField : f, cause.message);
      throw cause;
    }
  }

  /** The body, as it is shown and sent. @param {boolean} aloud */
  async function body(aloud) {
    const named = async (/** @type {typeof fields[0]} */ f) => {
      const json = await said(f, f.json, aloud);
      return !rows && isOpen(f.input) && !verb ? `[${json}]` : json;
    };
    const head = isDefault ? "" : `"signature_name": ${JSON.stringify(name)}, `;
    if (verb) return `{${head}"examples": ${await named(fields[0])}}`;
    const values = await Promise.all(fields.map(named));
    const object = `{${fields.map((f, i) => `${JSON.stringify(f.name)}: ${values[i]}`).join(", ")}}`;
    // An object in the place of the only input would be read as one of inputs.
    const value = fields.length === 1 && (rows || !values[0].startsWith("{")) ? values[0] : object;
    return rows ? `{${head}"instances": [${value}]}` : `{${head}"inputs": ${value}}`;
  }

  /** Makes the text from the fields, where they have changed since. */
  async function rewrite() {
    const now = await body(false).catch(() => '{"instances": []}');
    if (now === origin) return;
    origin = now;
    text.value = layout(now);
  }

  return {
    /**
     * @param {boolean} [aloud] whether it is said what is wrong with the values
     * @returns {Promise<Request>}
     */
    async request(aloud = true) {
      this.forgive();
      const json = { verb: verb || "predict", type: "application/json" };
      if (whole && text.value.trim() === "") {
        if (aloud) show(wholeField, "Write the request as JSON, or take the example.");
        throw new WrongValue();
      }
      if (whole) return { ...json, body: text.value };
      const image = fields.length === 1 && isDefault && fields[0].image?.();
      if (image) return { verb: "predict", type: image.type, body: image, file: fields[0].file?.() };
      return { ...json, body: await body(aloud) };
    },
    isEmpty: () => (whole ? text.value.trim() === "" : fields.some((f) => f.isEmpty?.())),
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
      for (const f of fields) f.clear();
      text.value = origin = "";
    },
    /** Fills in a value to try, also where the request is written as JSON. */
    async example() {
      this.forgive();
      try {
        for (const f of fields) await said(f, f.example, true);
      } catch (cause) {
        if (cause instanceof WrongValue) return; // it stands at the field
        throw cause;
      }
      if (whole) {
        origin = "";
        await rewrite();
      }
      changed();
    },
    /** Changes between fields and JSON, which stays as it was written while the fields do. @param {boolean} on */
    async asJSON(on) {
      if (on && !whole) await rewrite();
      whole = on;
      this.forgive();
      for (const f of fields) f.element.hidden = on;
      wholeField.element.hidden = !on;
    },
  };
}
