// What a client may send: checks of type and length, and a bound on how often.
// Pure: time (milliseconds, any origin) is a parameter. Nothing here throws on any input.

/** Characters of a user name after cleaning, and of one message. */
export const USERNAME_CHARS_MAX = 64;
export const MESSAGE_CHARS_MAX = 8000;

/** Events a connection may send at once, and a second in the long run. */
const EVENTS_BURST = 2000;
const EVENTS_PER_S = 500;
/** Refused events after which a connection is ended rather than answered. */
export const REFUSED_EVENTS_MAX = 1000;

// Controls, and the marks that would turn the text around a name inside out.
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** A name as it is shown to others, or undefined. */
export function cleanUsername(value) {
  if (typeof value !== "string" || value.length > 4 * USERNAME_CHARS_MAX) return undefined;
  const name = value.replace(UNSEEN, "").replace(/\s+/gu, " ").trim();
  return name.length > 0 && name.length <= USERNAME_CHARS_MAX ? name : undefined;
}

/** A message exactly as it was sent, or undefined. */
export function checkMessage(value) {
  const fits = typeof value === "string" && value.length <= MESSAGE_CHARS_MAX;
  return fits && value.trim().length > 0 ? value : undefined;
}

/** The token bucket of one connection. */
export class EventBudget {
  #tokens = EVENTS_BURST;
  #filled_ms;

  constructor(now_ms) {
    this.#filled_ms = now_ms;
  }

  /** Takes one event; false when the connection has sent too many. */
  take(now_ms) {
    const gained = (Math.max(0, now_ms - this.#filled_ms) / 1000) * EVENTS_PER_S;
    this.#tokens = Math.min(EVENTS_BURST, this.#tokens + gained);
    this.#filled_ms = now_ms;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
