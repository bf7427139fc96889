/** Whoever takes what comes from the other side. */
export interface Taker<T> {
  item(item: T): void;
  end(): void;
}

/** Keeps what comes until there is somebody who takes it; from then on it is handed over at once. */
export class Held<T> {
  private readonly early: T[] = [];
  private taker: Taker<T> | undefined;
  private ended = false;

  receive(taker: Taker<T>): void {
    this.taker = taker;
    for (const item of this.early.splice(0)) taker.item(item);
    if (this.ended) taker.end();
  }

  item(item: T): void {
    if (this.taker) this.taker.item(item);
    else this.early.push(item);
  }

  end(): void {
    this.ended = true;
    this.taker?.end();
  }
}
