// @ts-check

/**
 * Strokes of the digits that the example draws, in a unit square: what a person would
 * draw, so that the first answer is one click away.
 */
export const samples = [
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
 * A smooth line through points (Catmull-Rom).
 *
 * @param {{x: number, y: number}[]} points
 */
export function curve(points) {
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
