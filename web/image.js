// @ts-check
import { bytes, el } from "./dom.js";

/**
 * A place for an image: a file that is dropped, chosen or pasted, or a picture from the
 * camera. JPEG and PNG go to the server as they are, other formats as PNG.
 *
 * @param {{label: string, changed: () => void, failed: (message: string) => void}} options
 */
export function picture({ label, changed, failed }) {
  /** @type {Blob | null} */
  let blob = null;
  let name = "";
  /** @type {MediaStream | null} */
  let stream = null;

  const view = el("img", { alt: "", hidden: true });
  const video = el("video", { hidden: true, playsinline: true, muted: true, "aria-label": "Picture of the camera" });
  const text = el("p", { class: "muted" }, "Drop an image here, or paste one");
  const file = el("input", {
    type: "file",
    accept: "image/*",
    "aria-label": `Choose an image for ${label}`,
    change: () => file.files?.[0] && take(file.files[0]),
  });
  const camera = el("button", { type: "button", click: () => (stream ? shoot() : start()) }, "Camera");
  const box = el(
    "div",
    { class: "drop", tabindex: -1 },
    view,
    video,
    text,
    el("div", { class: "buttons" }, el("label", { class: "button" }, file, "Choose a file"), camera),
  );
  camera.hidden = !navigator.mediaDevices?.getUserMedia;

  receive(box, (dropped) => take(dropped));
  box.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith("image/"));
    if (pasted) take(pasted);
  });

  /** @param {File} given */
  async function take(given, tell = true) {
    stop();
    try {
      blob = ["image/jpeg", "image/png"].includes(given.type) ? given : await converted(given);
    } catch {
      failed(unreadable(given));
      return;
    } finally {
      file.value = ""; // or the same file could not be chosen again
    }
    name = given.name || "image.png";
    show();
    if (tell) changed();
  }

  function show() {
    if (view.src) URL.revokeObjectURL(view.src);
    view.hidden = !blob;
    if (!blob) {
      view.removeAttribute("src");
      text.textContent = "Drop an image here, or paste one";
      return;
    }
    view.src = URL.createObjectURL(blob);
    view.alt = name;
    text.textContent = `${name}, ${bytes(blob.size)}`;
  }

  async function start() {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      failed("The browser gives no access to a camera.");
      return;
    }
    video.srcObject = stream;
    video.hidden = false;
    view.hidden = true;
    camera.textContent = "Take the picture";
    await video.play();
  }

  async function shoot() {
    const canvas = el("canvas", { width: video.videoWidth, height: video.videoHeight });
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(video, 0, 0);
    await take(new File([await encode(canvas, "image/jpeg")], "camera.jpg", { type: "image/jpeg" }));
  }

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
    video.hidden = true;
    camera.textContent = "Camera";
  }

  return {
    element: box,
    control: file,
    blob: () => blob,
    name: () => name,
    clear() {
      stop();
      blob = null;
      show();
    },
    async example() {
      await take(new File([await encode(sample(), "image/png")], "example.png", { type: "image/png" }), false);
    },
  };
}

/** What is said of a file that is no image. @param {File} file */
export const unreadable = (file) => `${file.name || "This file"} is no image that this browser can read.`;

/**
 * Lets files be dropped on a box.
 *
 * @param {HTMLElement} box
 * @param {(file: File) => void} take
 */
export function receive(box, take) {
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("over");
  });
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    const dropped = event.dataTransfer?.files[0];
    if (dropped) take(dropped);
  });
}

/** @param {Blob} image */
async function converted(image) {
  const bitmap = await createImageBitmap(image);
  const canvas = el("canvas", { width: bitmap.width, height: bitmap.height });
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(bitmap, 0, 0);
  return encode(canvas, "image/png");
}

/** @param {HTMLCanvasElement} canvas @param {string} type @returns {Promise<Blob>} */
function encode(canvas, type) {
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no image"))), type, 0.92));
}

/** A picture to try with: a landscape of three colours. */
function sample() {
  const canvas = el("canvas", { width: 320, height: 320 });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const sky = pen.createLinearGradient(0, 0, 0, 320);
  sky.addColorStop(0, "#3b82c4");
  sky.addColorStop(1, "#f3d9b1");
  pen.fillStyle = sky;
  pen.fillRect(0, 0, 320, 320);
  pen.fillStyle = "#f7b733";
  pen.beginPath();
  pen.arc(225, 105, 38, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = "#2f5d50";
  pen.beginPath();
  pen.moveTo(0, 250);
  pen.lineTo(110, 140);
  pen.lineTo(200, 240);
  pen.lineTo(260, 195);
  pen.lineTo(320, 250);
  pen.lineTo(320, 320);
  pen.lineTo(0, 320);
  pen.fill();
  return canvas;
}

/**
 * An image's bytes in base64.
 *
 * @param {Blob} blob
 */
export async function base64(blob) {
  const data = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let i = 0; i < data.length; i += 0x8000) text += String.fromCharCode(...data.subarray(i, i + 0x8000));
  return btoa(text);
}
