// Text into HTML, and numbers into text. Pure.

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escape = (value) => `${value}`.replace(/[&<>"']/g, (character) => ESCAPES[character]);

/** A title: a number and its unit stay on one line. */
export const title = (text) => escape(text).replace(/(\d) (s|ms)\b/g, "$1&nbsp;$2");

/** 12,345 */
export const count = (value) => value.toLocaleString("en-US");

/** Milliseconds, as people say them: "8 ms", "340 ms", "4.1 s". */
export function time(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${Number((ms / 1000).toFixed(1))} s`;
}

/** "1 client", "3 clients" */
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;
