// @ts-check
import { el } from "./dom.js";
import { curve, samples } from "./strokes.js";

/** How many pixels the longer side of the sheet has, whatever its size on the screen. */
const longest = 256;

/** How many sheets there are, for their names. */
let sheets = 0;

/**
 * A sheet to draw on, for images of a few pixels. Its values are computed here, so that
 * nothing but numbers goes to the server while the pen moves.
 *
 * @param {{width: number, height: number, value: (ink: number) => number, label: string, changed: () => void}} options
 *   value is the number for an ink from 0 to 1
 */
export function sheet({ width, height, value, label, changed }) {
  const scale = longest / Math.max(width, height);
  const [right, bottom] = [Math.round(width * scale), Math.round(height * scale)];
  const side = Math.min(right, bottom);
  const pen = Math.max((27 * side) / longest, 12);
  const help = `sheet-keys-${++sheets}`;
  const canvas = el("canvas", { width: right, height: bottom, tabindex: 0, role: "img", "aria-label": label, "aria-describedby": help });
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  const seen = el("canvas", { width, height, role: "img", "aria-label": `What the model sees: ${width} by ${height} pixels` });
  const preview = /** @type {CanvasRenderingContext2D} */ (seen.getContext("2d"));
  const hint = el("p", { class: "hint", "aria-hidden": "true" }, "Draw here");
  const fit = el("input", { type: "checkbox", checked: true, change: () => update() });
  let values = new Float32Array(width * height);
  let empty = true;
  let example = 0;

  /** @type {{x: number, y: number} | null} */
  let last = null;
  let cursor = { x: right / 2, y: bottom / 4 };
  let down = false; // the pen of the keyboard
  const ring = el("span", { class: "pen", "aria-hidden": "true" });
  const keys = el("p", { class: "hidden", id: help }, "Arrows move the pen, space lowers and lifts it, Delete clears the sheet.");

  ink.lineCap = ink.lineJoin = "round";
  ink.lineWidth = pen;
  ink.strokeStyle = "#fff";
  clear();

  /** @param {{x: number, y: number}} from @param {{x: number, y: number}} to */
  function line(from, to) {
    ink.beginPath();
    ink.moveTo(from.x, from.y);
    ink.lineTo(to.x + 0.01, to.y); // a line of no length would leave no dot
    ink.stroke();
    empty = false;
    hint.hidden = true;
  }

  /** @param {PointerEvent} event */
  function at(event) {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * right) / box.width, y: ((event.clientY - box.top) * bottom) / box.height };
  }

  /** Shows where the pen of the keyboard is, to those who draw by it, and what the keys do. @param {boolean} on */
  function point(on) {
    board.classList.toggle("keys", on);
    keys.classList.toggle("hidden", !on);
    keys.classList.toggle("muted", on);
    ring.classList.toggle("down", down);
    ring.style.left = `${(100 * cursor.x) / right}%`;
    ring.style.top = `${(100 * cursor.y) / bottom}%`;
  }

  canvas.addEventListener("focus", () => point(canvas.matches(":focus-visible")));
  canvas.addEventListener("blur", () => point(false));

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down = false;
    point(false);
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    line(last, last);
    update();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    for (const point of event.getCoalescedEvents().concat(event)) {
      const to = at(point);
      line(last, to);
      last = to;
    }
    update();
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, () => {
      cursor = last ?? cursor; // the keyboard goes on where the pointer was
      last = null;
    });

  canvas.addEventListener("keydown", (event) => {
    const step = side / 16;
    const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [0, 0];
    if (event.key === " ") {
      down = !down;
      if (down) line(cursor, cursor);
      hint.hidden = !empty;
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
      changed();
    } else if (dx || dy) {
      const limit = (/** @type {number} */ v, /** @type {number} */ end) => Math.min(Math.max(v, pen / 2), end - pen / 2);
      const to = { x: limit(cursor.x + dx, right), y: limit(cursor.y + dy, bottom) };
      if (down) line(cursor, to);
      cursor = to;
    } else {
      return;
    }
    event.preventDefault();
    point(true);
    if (down) update();
  });

  function clear() {
    ink.fillStyle = "#000";
    ink.fillRect(0, 0, right, bottom);
    empty = true;
    down = false;
    hint.hidden = false;
    ring.classList.remove("down");
    values = new Float32Array(width * height);
    show(values);
  }

  /** Where the image begins on the sheet, and how large a pixel of it is there: what is around the ink, or all of the sheet. */
  function frame(/** @type {Uint8ClampedArray} */ pixels) {
    const whole = { x: 0, y: 0, size: scale };
    if (!fit.checked) return whole;
    let [x0, x1, y0, y1] = [right, -1, bottom, -1];
    for (let y = 0; y < bottom; y++) {
      for (let x = 0; x < right; x++) {
        if (pixels[4 * (y * right + x)] > 64) {
          x0 = Math.min(x0, x);
          x1 = Math.max(x1, x);
          y0 = Math.min(y0, y);
          y1 = y;
        }
      }
    }
    if (x1 < 0) return whole;
    // Larger images, as of MNIST, have a margin; small ones are filled.
    const margin = Math.min(width, height) >= 16 ? 1.4 : 1.04;
    const size = Math.max((x1 - x0) / width, (y1 - y0) / height, scale / 3) * margin + 1 / Math.min(width, height);
    return { x: (x0 + x1 - size * width) / 2, y: (y0 + y1 - size * height) / 2, size };
  }

  /** The drawing at the model's size: the mean ink of what each pixel covers, 0 to 1. */
  function shrink() {
    const image = ink.getImageData(0, 0, right, bottom);
    const { x, y, size } = frame(image.data);
    const values = new Float32Array(width * height);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        values[row * width + column] = mean(image, x + column * size, y + row * size, size);
      }
    }
    return values;
  }

  /** @param {Float32Array} values */
  function show(values) {
    const image = preview.createImageData(width, height);
    values.forEach((value, i) => image.data.set([value * 255, value * 255, value * 255, 255], 4 * i));
    preview.putImageData(image, 0, 0);
  }

  function update(tell = true) {
    values = shrink();
    show(values);
    if (tell && !empty) changed();
  }

  const board = el("div", { class: "sheet" }, canvas, hint, ring);
  board.style.aspectRatio = `${width} / ${height}`;
  board.style.width = `${(100 * right) / longest}%`;
  const buttons = el("div", { class: "inline" });
  const element = el(
    "div",
    { class: "drawing" },
    board,
    el(
      "div",
      { class: "aside" },
      el("figure", { class: "seen" }, seen, el("figcaption", {}, `What the model sees: ${width} × ${height}`)),
      el("label", { class: "check" }, fit, "Centre and fit"),
      buttons,
    ),
    keys,
  );

  return {
    element,
    canvas,
    /** What is drawn on, and the place of buttons beside it. */
    board,
    buttons,
    isEmpty: () => empty,
    clear,
    /** The values of the pixels, by rows. */
    values: () => Array.from(values, value),
    /** Draws one of the samples, and tells nobody. */
    example() {
      clear();
      const inside = (/** @type {number[]} */ [x, y]) => ({ x: right / 2 + 0.8 * side * (x - 0.5), y: bottom / 2 + 0.8 * side * (y - 0.5) });
      for (const stroke of samples[(example = (example + 1) % samples.length)]) {
        const smooth = curve(stroke.map(inside));
        smooth.slice(1).forEach((to, i) => line(smooth[i], to));
      }
      update(false);
    },
    /** Puts an image there in the place of a drawing. @param {ImageBitmap} image */
    paint(image) {
      clear();
      const larger = Math.min(right / image.width, bottom / image.height);
      const [w, h] = [image.width * larger, image.height * larger];
      ink.drawImage(image, (right - w) / 2, (bottom - h) / 2, w, h);
      empty = false;
      hint.hidden = true;
      gray(ink);
      update();
    },
  };
}

/**
 * The mean of the red of a square of a sheet, 0 to 1; black outside.
 *
 * @param {ImageData} image
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
function mean({ data, width, height }, x, y, size) {
  const [left, right, top, bottom] = [Math.round(x), Math.round(x + size), Math.round(y), Math.round(y + size)];
  let sum = 0;
  for (let row = Math.max(top, 0); row < Math.min(bottom, height); row++) {
    for (let column = Math.max(left, 0); column < Math.min(right, width); column++) sum += data[4 * (row * width + column)];
  }
  return sum / 255 / Math.max((right - left) * (bottom - top), 1);
}

/** Makes a sheet's colours gray. @param {CanvasRenderingContext2D} ink */
function gray(ink) {
  const image = ink.getImageData(0, 0, ink.canvas.width, ink.canvas.height);
  const { data } = image;
  for (let i = 0; i < data.length; i += 4) data[i] = data[i + 1] = data[i + 2] = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
  ink.putImageData(image, 0, 0);
}
