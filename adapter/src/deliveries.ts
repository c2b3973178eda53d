// Keeps broadcasts to local clients from overtaking each other. An outgoing listener runs in the
// middle of a delivery; what it emits has its sequence at once, but is delivered here after it.
import { rethrowLater } from "./calmly";

export class Deliveries {
  /** A broadcast is being written to local clients. */
  active = false;
  private readonly deferred: (() => void)[] = [];

  begin(): void {
    this.active = true;
  }

  defer(deliver: () => void): void {
    this.deferred.push(deliver);
  }

  /** The delivery that begin() announced is over, also by an exception. */
  end(): void {
    while (this.deferred.length > 0) {
      try {
        this.deferred.shift()!();
      } catch (error) {
        rethrowLater(error);
      }
    }
    this.active = false;
  }
}
