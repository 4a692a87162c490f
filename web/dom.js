// @ts-check

/**
 * Makes an element. Strings become text nodes and never markup: what a model, a file or
 * the server says cannot turn into elements.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [props] attributes; functions listen to the event of their name
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * The element of the page with this id.
 *
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * A definition list's entries, as groups.
 *
 * @param {[string, string | Node][]} entries
 * @returns {HTMLElement[]}
 */
export function definitions(entries) {
  return entries.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
}

/**
 * Makes one of several buttons the pressed one, and calls chosen when another is pressed.
 *
 * @param {HTMLElement[]} buttons
 * @param {(index: number) => void} chosen
 */
export function segments(buttons, chosen) {
  buttons.forEach((button, index) =>
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      chosen(index);
    }),
  );
}

/**
 * Makes a list of tabs: arrows, Home and End move between them, as in the pattern of the
 * ARIA practices.
 *
 * @param {HTMLElement} list
 */
export function tabs(list) {
  const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[role=tab]")]);
  const select = (/** @type {HTMLElement} */ chosen) => {
    for (const tab of all) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      byId(String(tab.getAttribute("aria-controls"))).hidden = !on;
    }
  };
  for (const tab of all) tab.addEventListener("click", () => select(tab));
  list.addEventListener("keydown", (event) => {
    const at = all.indexOf(/** @type {HTMLElement} */ (event.target));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const tab = all[to % all.length];
    select(tab);
    tab.focus();
  });
}

/**
 * A number of bytes for people.
 *
 * @param {number} n
 */
export function bytes(n) {
  if (n < 1000) return `${n} B`;
  for (const unit of ["kB", "MB"]) {
    n /= 1000;
    if (n < 1000) return `${n.toFixed(n < 100 ? 1 : 0)} ${unit}`;
  }
  return `${(n / 1000).toFixed(1)} GB`;
}

/**
 * A time for people.
 *
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/**
 * A number in six digits.
 *
 * @param {number} v
 */
export function number(v) {
  if (Number.isInteger(v) || !Number.isFinite(v)) return String(v);
  return Math.abs(v) >= 1e-4 && Math.abs(v) < 1e7 ? String(Number(v.toPrecision(6))) : v.toExponential(3);
}
