// @ts-check
import { el, number } from "./dom.js";

/** @typedef {import("./views.js").View} View */

/** As many pixels a side a picture has: browsers draw none of more than some thousands. */
const mostPixels = 1024;

/** A heat map is not stretched beyond these, width by height: lines of a pixel are not seen. */
const [narrowest, widest] = [1 / 4, 8];

/**
 * A picture of numbers; the colours go from the least to the most.
 *
 * @param {number[]} shape of one or two dimensions
 * @returns {View}
 */
export function heatmap(shape) {
  // A vector is laid out in lines, as near a square as it gets.
  const [height, width] = shape.length === 2 ? shape : [Math.ceil(shape[0] / Math.ceil(Math.sqrt(shape[0]))), Math.ceil(Math.sqrt(shape[0]))];
  const ratio = Math.min(Math.max(width / height, narrowest), widest);
  return picture(`map ${shape.join("x")}`, { width, height, ratio }, (value, paint) => {
    const flat = value.flat();
    const { least, most } = extremes(flat);
    const scale = (shades.length - 1) / (most - least || 1);
    paint((data, at, i) => i < flat.length && data.set(shades[Math.round((flat[i] - least) * scale)] ?? shades[0], at));
    return `${shape.join(" × ")}, from ${number(least)} (dark) to ${number(most)} (light)`;
  });
}

/**
 * An image of numbers.
 *
 * @param {{height: number, width: number, channels: number, planes: boolean}} layout planes: the channels come one behind the other
 * @returns {View}
 */
export function image({ height, width, channels, planes }) {
  const size = width * height;
  return picture(`image ${height}x${width}x${channels} ${planes}`, { width, height, ratio: width / height }, (value, paint) => {
    const flat = value.flat(2);
    const { black, white, said } = range(extremes(flat));
    const [step, next] = planes ? [1, size] : [channels, 1];
    paint((data, at, i) => {
      for (let c = 0; c < 4; c++) data[at + c] = (255 * (flat[i * step + Math.min(c, channels - 1) * next] - black)) / (white - black);
      if (channels < 4) data[at + 3] = 255;
    });
    return `An image of ${width} × ${height}${said}`;
  });
}

/**
 * Which numbers are black and white: 0 and 1, 0 and 255, or -1 and 1, as the numbers
 * suggest. A resized image overshoots a little, which makes no other range of it.
 *
 * @param {{least: number, most: number}} of
 */
function range({ least, most }) {
  if (least > -0.1) return { black: 0, white: most > 1.5 ? 255 : 1, said: "" };
  const [black, white] = [Math.min(least, -1), Math.max(most, 1)];
  return { black, white, said: `, from ${number(black)} (black) to ${number(white)} (white)` };
}

/** The least and the most of the finite numbers. @param {number[]} values */
function extremes(values) {
  let [least, most] = [Infinity, -Infinity];
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    if (v < least) least = v;
    if (v > most) most = v;
  }
  return { least, most };
}

/**
 * @param {string} kind
 * @param {{width: number, height: number, ratio: number}} size ratio is that of the sides as they are seen
 * @param {(value: any, paint: (put: (data: Uint8ClampedArray, at: number, i: number) => void) => void) => string} draw puts element i as the bytes at
 *   a place, for all, and returns the caption
 * @returns {View}
 */
function picture(kind, { width, height, ratio }, draw) {
  // Of more rows or columns than pixels some stand for their neighbours.
  const [w, h] = [Math.min(width, mostPixels), Math.min(height, mostPixels)];
  return {
    kind,
    say: () => "",
    make() {
      const canvas = el("canvas", { width: w, height: h, role: "img" });
      canvas.style.aspectRatio = String(ratio);
      canvas.style.width = `min(100%, 22rem, ${24 * ratio}rem)`;
      const caption = el("figcaption");
      const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      return {
        element: el("figure", { class: "map" }, canvas, caption),
        update(value) {
          const pixels = pen.createImageData(w, h);
          caption.textContent = draw(value, (put) => {
            for (let y = 0; y < h; y++) {
              const line = width * Math.floor((y * height) / h);
              for (let x = 0; x < w; x++) put(pixels.data, 4 * (y * w + x), line + Math.floor((x * width) / w));
            }
          });
          canvas.setAttribute("aria-label", caption.textContent);
          pen.putImageData(pixels, 0, 0);
        },
      };
    },
  };
}

/** Bytes of a string: shown where they are an image. */
export function encoded() {
  return {
    kind: "bytes",
    say: () => "",
    make() {
      const element = el("div");
      return {
        element,
        update(/** @type {any} */ { b64 }) {
          const type = { "/9j/": "image/jpeg", iVBO: "image/png" }[String(b64).slice(0, 4)];
          element.replaceChildren(
            type ? el("img", { src: `data:${type};base64,${b64}`, alt: "Image of the answer" }) : el("p", { class: "text mono", tabindex: 0 }, String(b64)),
          );
        },
      };
    },
  };
}

/** The colours of a heat map: dark blue over violet and orange to yellow. */
const shades = Array.from({ length: 256 }, (_, i) => {
  const stops = [
    [13, 8, 135],
    [126, 3, 168],
    [204, 71, 120],
    [248, 149, 64],
    [240, 249, 33],
  ];
  const at = Math.min(i / 255, 0.9999) * 4;
  const [from, to] = [stops[Math.floor(at)], stops[Math.floor(at) + 1]];
  return [...from.map((v, c) => v + (to[c] - v) * (at % 1)), 255];
});
