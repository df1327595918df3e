/** How costs grow, as a small SVG: logarithmic in both directions, readable on light and dark. */

export interface Series {
  readonly name: string;
  /** Count of processes (or the like), and the cost at it. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

const width = 640;
const height = 320;
const left = 64;
const right = 150;
const top = 36;
const bottom = 40;
const colors = ["#3b7dd8", "#d8703b", "#3ba272", "#a855c7", "#b59a1d", "#c7475b"];

export function plot(title: string, unit: string, series: readonly Series[]): string {
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const ys = series.flatMap(({ points }) => points.map(([, y]) => y)).filter((y) => y > 0);
  const [xLow, xHigh] = [Math.min(...xs), Math.max(...xs)];
  const yLow = 10 ** Math.floor(Math.log10(Math.min(...ys)));
  const yHigh = 10 ** Math.ceil(Math.log10(Math.max(...ys) * 1.0001));
  const x = (value: number) => left + part(value, xLow, xHigh) * (width - left - right);
  const y = (value: number) => height - bottom - part(Math.max(value, yLow), yLow, yHigh) * (height - top - bottom);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img" aria-label="${escapeXml(`${title}, ${unit}`)}">`,
    `<title>${escapeXml(`${title}, ${unit}`)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${left}" y="20" font-size="14" fill="#222222">${escapeXml(`${title}, ${unit}`)}</text>`,
  ];
  for (let tick = yLow; tick <= yHigh * 1.01; tick *= 10) {
    lines.push(
      `<line x1="${left}" x2="${width - right}" y1="${round(y(tick))}" y2="${round(y(tick))}" stroke="#dddddd"/>`,
      `<text x="${left - 6}" y="${round(y(tick) + 4)}" text-anchor="end" fill="#555555">${label(tick)}</text>`,
    );
  }
  for (const tick of new Set(xs)) {
    lines.push(
      `<text x="${round(x(tick))}" y="${height - bottom + 18}" text-anchor="middle" fill="#555555">${label(tick)}</text>`,
    );
  }
  for (const [index, { name, points }] of series.entries()) {
    const color = colors[index % colors.length];
    const path = points.map(([px, py], at) => `${at === 0 ? "M" : "L"}${round(x(px))} ${round(y(py))}`).join("");
    lines.push(`<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>`);
    for (const [px, py] of points) {
      lines.push(`<circle cx="${round(x(px))}" cy="${round(y(py))}" r="3" fill="${color}"/>`);
    }
    const last = points.at(-1);
    if (last !== undefined) {
      lines.push(
        `<text x="${round(x(last[0]) + 8)}" y="${round(y(last[1]) + 4)}" fill="${color}">${escapeXml(name)}</text>`,
      );
    }
  }
  return `${[...lines, "</svg>"].join("\n")}\n`;
}

function part(value: number, low: number, high: number): number {
  return high === low ? 0.5 : (Math.log10(value) - Math.log10(low)) / (Math.log10(high) - Math.log10(low));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function label(value: number): string {
  return value >= 1 ? value.toLocaleString("en-US") : String(Number(value.toPrecision(1)));
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[character] ?? character);
}
