// @ts-check
import { el } from "./dom.js";

/** How many pixels the sheet has, whatever its size on the screen. */
const side = 256;
const pen = 27;

/**
 * Strokes of the digits that the example draws, in a unit square: what a person would
 * draw, so that the first answer is one click away.
 */
const samples = [
  [
    [
      [0.5, 0.08],
      [0.26, 0.2],
      [0.2, 0.5],
      [0.28, 0.82],
      [0.5, 0.92],
      [0.72, 0.82],
      [0.8, 0.5],
      [0.74, 0.2],
      [0.5, 0.08],
    ],
  ],
  [
    [
      [0.27, 0.12],
      [0.5, 0.07],
      [0.72, 0.16],
      [0.72, 0.34],
      [0.5, 0.46],
      [0.72, 0.56],
      [0.76, 0.76],
      [0.56, 0.92],
      [0.25, 0.87],
    ],
  ],
  [
    [
      [0.24, 0.3],
      [0.34, 0.12],
      [0.6, 0.1],
      [0.72, 0.28],
      [0.58, 0.54],
      [0.26, 0.9],
      [0.78, 0.9],
    ],
  ],
  [
    [
      [0.24, 0.1],
      [0.77, 0.1],
      [0.6, 0.45],
      [0.46, 0.92],
    ],
    [
      [0.36, 0.5],
      [0.72, 0.5],
    ],
  ],
];

/**
 * A sheet to draw on, for images of a few pixels. Its values are computed here, so that
 * nothing but numbers goes to the server while the pen moves.
 *
 * @param {{width: number, height: number, max: number, round: boolean, label: string, changed: () => void}} options
 *   max is the value of full ink; round makes whole numbers
 */
export function sheet({ width, height, max, round, label, changed }) {
  const canvas = el("canvas", { width: side, height: side, tabindex: 0, role: "img", "aria-label": label, "aria-describedby": "sheet-keys" });
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  const seen = el("canvas", { width, height, role: "img", "aria-label": `What the model sees: ${width} by ${height} pixels` });
  const preview = /** @type {CanvasRenderingContext2D} */ (seen.getContext("2d"));
  const hint = el("p", { class: "hint", "aria-hidden": "true" }, "Draw here");
  const fit = el("input", { type: "checkbox", checked: true, change: () => update() });
  let empty = true;
  let example = 0;

  /** @type {{x: number, y: number} | null} */
  let last = null;
  let cursor = { x: side / 2, y: side / 4 };
  let down = false; // the pen of the keyboard

  ink.lineCap = ink.lineJoin = "round";
  ink.lineWidth = pen;
  ink.strokeStyle = "#fff";
  clear();

  /** @param {{x: number, y: number}} from @param {{x: number, y: number}} to */
  function line(from, to) {
    ink.beginPath();
    ink.moveTo(from.x, from.y);
    ink.lineTo(to.x, to.y);
    ink.stroke();
    empty = false;
    hint.hidden = true;
  }

  /** @param {PointerEvent} event */
  function at(event) {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * side) / box.width, y: ((event.clientY - box.top) * side) / box.height };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
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
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));

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
      const limit = (/** @type {number} */ v) => Math.min(Math.max(v, pen / 2), side - pen / 2);
      const to = { x: limit(cursor.x + dx), y: limit(cursor.y + dy) };
      if (down) line(cursor, to);
      cursor = to;
    } else {
      return;
    }
    event.preventDefault();
    if (down) update();
  });

  function clear() {
    ink.fillStyle = "#000";
    ink.fillRect(0, 0, side, side);
    empty = true;
    down = false;
    hint.hidden = false;
    show(new Float32Array(width * height));
  }

  /** The square around the ink, or all of the sheet. */
  function frame(/** @type {Uint8ClampedArray} */ pixels) {
    const whole = { x: 0, y: 0, size: side };
    if (!fit.checked) return whole;
    let left = side,
      right = -1,
      top = side,
      bottom = -1;
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        if (pixels[4 * (y * side + x)] > 64) {
          left = Math.min(left, x);
          right = Math.max(right, x);
          top = Math.min(top, y);
          bottom = y;
        }
      }
    }
    if (right < 0) return whole;
    // Larger images, as of MNIST, have a margin; small ones are filled.
    const size = Math.max(right - left, bottom - top, side / 3) * (height >= 16 ? 1.4 : 1.04) + 1;
    return { x: (left + right - size) / 2, y: (top + bottom - size) / 2, size };
  }

  /** The drawing at the model's size: the mean ink of what each pixel covers, 0 to 1. */
  function shrink() {
    const pixels = ink.getImageData(0, 0, side, side).data;
    const { x, y, size } = frame(pixels);
    const values = new Float32Array(width * height);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        values[row * width + column] = mean(pixels, x + (column * size) / width, y + (row * size) / height, size / width, size / height);
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

  let values = new Float32Array(width * height);
  function update(tell = true) {
    values = shrink();
    show(values);
    if (tell && !empty) changed();
  }

  const element = el(
    "div",
    { class: "drawing" },
    el("div", { class: "sheet" }, canvas, hint),
    el(
      "div",
      { class: "aside" },
      el("figure", { class: "seen" }, seen, el("figcaption", {}, `What the model sees: ${width} × ${height}`)),
      el(
        "div",
        {},
        el("label", { class: "check" }, fit, "Centre and fit"),
        el("p", { class: "hidden", id: "sheet-keys" }, "Arrow keys move the pen, the space bar lifts and lowers it, Delete clears the sheet."),
      ),
    ),
  );

  return {
    element,
    canvas,
    isEmpty: () => empty,
    clear,
    /** The values of the pixels, by rows. */
    values: () => Array.from(values, (v) => (round ? Math.round(v * max) : Number((v * max).toFixed(4)))),
    /** Draws one of the samples, and tells nobody. */
    example() {
      clear();
      const inside = (/** @type {number[]} */ [x, y]) => ({ x: side * (0.1 + 0.8 * x), y: side * (0.1 + 0.8 * y) });
      for (const stroke of samples[(example = (example + 1) % samples.length)]) {
        const smooth = curve(stroke.map(inside));
        smooth.slice(1).forEach((to, i) => line(smooth[i], to));
      }
      update(false);
    },
    /** Puts an image there in the place of a drawing. @param {ImageBitmap} image */
    paint(image) {
      clear();
      const scale = Math.min(side / image.width, side / image.height);
      const [w, h] = [image.width * scale, image.height * scale];
      ink.drawImage(image, (side - w) / 2, (side - h) / 2, w, h);
      empty = false;
      hint.hidden = true;
      gray(ink);
      update();
    },
  };
}

/**
 * The mean of the red of a rectangle of a sheet, 0 to 1; black outside.
 *
 * @param {Uint8ClampedArray} pixels
 * @param {number} x
 * @param {number} y
 * @param {number} w
 * @param {number} h
 */
function mean(pixels, x, y, w, h) {
  const [left, right, top, bottom] = [Math.round(x), Math.round(x + w), Math.round(y), Math.round(y + h)];
  let sum = 0;
  for (let row = Math.max(top, 0); row < Math.min(bottom, side); row++) {
    for (let column = Math.max(left, 0); column < Math.min(right, side); column++) sum += pixels[4 * (row * side + column)];
  }
  return sum / 255 / Math.max((right - left) * (bottom - top), 1);
}

/** Makes a sheet's colours gray. @param {CanvasRenderingContext2D} ink */
function gray(ink) {
  const image = ink.getImageData(0, 0, side, side);
  const { data } = image;
  for (let i = 0; i < data.length; i += 4) data[i] = data[i + 1] = data[i + 2] = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
  ink.putImageData(image, 0, 0);
}

/**
 * A smooth line through points (Catmull-Rom).
 *
 * @param {{x: number, y: number}[]} points
 */
function curve(points) {
  const smooth = [];
  for (let i = 0; i + 1 < points.length; i++) {
    const [a, b, c, d] = [points[Math.max(i - 1, 0)], points[i], points[i + 1], points[Math.min(i + 2, points.length - 1)]];
    for (let t = 0; t < 1; t += 0.125) {
      const along = (/** @type {"x" | "y"} */ k) =>
        0.5 * (2 * b[k] + (c[k] - a[k]) * t + (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) * t * t + (3 * b[k] - a[k] - 3 * c[k] + d[k]) * t ** 3);
      smooth.push({ x: along("x"), y: along("y") });
    }
  }
  return [...smooth, points[points.length - 1]];
}
