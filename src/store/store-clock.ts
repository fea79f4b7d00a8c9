/**
 * The clock of a store that has none of its own: the wall clock, made never to go back by the latest time
 * that was written down.
 *
 * Where a wall clock was ahead and has been set right, it stays behind what was written down for as long
 * as the jump was. Time goes on at half its pace then: leases still end, and the two meet again.
 */
export class StoreClock {
  private latest = 0;
  private toldAt = 0;

  /** @param monotonic - ms that only ever grow; default the process's own */
  constructor(private readonly monotonic: () => number = () => performance.now()) {}

  /**
   * @param kept - the latest time that was written down, ms since the epoch
   * @param wall - the wall clock now
   * @returns now, in whole ms
   */
  tell(kept: number, wall: number): number {
    const at = this.monotonic();
    const crept = this.latest === 0 ? kept : this.latest + (at - this.toldAt) / 2;
    this.latest = wall >= Math.max(kept, this.latest) ? wall : Math.max(kept, crept);
    this.toldAt = at;
    return Math.floor(this.latest);
  }
}
