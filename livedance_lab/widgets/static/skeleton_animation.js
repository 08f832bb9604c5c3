// @ts-check
/**
 * skeleton_animation.js: draws the skeletons of the newest results, at the display's rate.
 *
 * @typedef {import("./results.js").Person} Person
 * @typedef {{ seq: number, tCaptureS: number, tResultS: number, painted: boolean, people: Person[] }} PendingResult
 *   a result that is, or will be, on screen
 */

import { nowS } from "./clock.js";
import { makePainter } from "./interpolation.js";
import { PersonAnimation } from "./person_animation.js";
import { drawScene, fitCanvas, personAt } from "./skeleton_drawing.js";

/** Shortest time that a label is shown, so that it can be read. */
const LABEL_HOLD_S = 0.12;
const KEPT_RESULTS = 60;
const NO_VALUES = new Float64Array();

export class SkeletonAnimation {
  /**
   * @param {HTMLCanvasElement} canvas @param {import("./view_stats.js").ViewStats} stats
   * @param {() => { painting: string, mirror: boolean, showAngles: boolean }} options
   * @param {(seq: number, tResultS: number, tPaintS: number | null) => void} onReceipt `tPaintS` null: never painted
   */
  constructor(canvas, stats, options, onReceipt) {
    this.canvas = canvas;
    this.ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.stats = stats;
    this.options = options;
    this.onReceipt = onReceipt;
    /** @type {number[][]} for each angle, the landmarks whose midpoint is its label's position */
    this.anglePlaces = [];
    this.sourceSizePx = [0, 0];
    this.handle = 0;
    this.stale = true;
    this.mode = options().painting;
    this.timing = makePainter(this.mode); // paints nothing; its delay is that of all people
    /** @type {Map<number, PersonAnimation>} by id */
    this.people = new Map();
    this.followedId = 0;
    /** @type {import("./skeleton_drawing.js").PersonScene[]} who is on screen */
    this.shown = [];
    /** @type {PendingResult[]} */
    this.results = [];
    this.labelsUntilS = -Infinity;
  }

  /** Remove all results, for a new session, a pause or another painter. */
  clear() {
    this.reportUnpainted(Infinity);
    this.mode = this.options().painting;
    this.timing = makePainter(this.mode);
    this.people.clear();
    this.followedId = 0;
    this.shown = [];
    this.results = [];
    this.labelsUntilS = -Infinity;
    this.stale = true;
  }

  start() {
    if (!this.handle) this.handle = requestAnimationFrame(() => this.paint());
  }

  stop() {
    cancelAnimationFrame(this.handle);
    this.handle = 0;
  }

  /** Redraw even if nothing moved, because the size or the appearance has changed. */
  refresh() {
    this.stale = true;
  }

  /**
   * @param {import("./results.js").Result} result @param {Map<number, import("./producer.js").Sent>} sent
   * @param {number} tResultS
   */
  push(result, sent, tResultS) {
    const times = sent.get(result.seq);
    if (!times) return; // a frame of an earlier page, whose capture time is unknown here
    if (this.options().painting !== this.mode) this.clear();
    const { tCaptureS } = times;
    const { seq, people, followedId } = result;
    this.sourceSizePx = [result.widthPx, result.heightPx];
    if (followedId !== this.followedId) this.refresh();
    this.followedId = followedId;
    this.timing.add(NO_VALUES, tCaptureS, tResultS);
    for (const { id } of people) if (!this.people.has(id)) this.people.set(id, this.newcomer(id, sent));
    for (const person of this.people.values()) {
      const shown = people.find(({ id }) => id === person.id) ?? null;
      const errorPx = person.add(shown, tCaptureS, tResultS, sent);
      if (person.id === followedId) this.stats.onShownError(tResultS, errorPx);
    }
    this.results.push({ seq, tCaptureS, tResultS, painted: false, people });
    if (this.results.length > KEPT_RESULTS) this.results.shift();
  }

  /** A person who was not in the result before. @param {number} id @param {Map<number, import("./producer.js").Sent>} sent */
  newcomer(id, sent) {
    const person = new PersonAnimation(id, this.mode, this.timing);
    const before = this.results.at(-1);
    if (before) person.add(null, before.tCaptureS, before.tResultS, sent);
    return person;
  }

  paint() {
    this.handle = requestAnimationFrame(() => this.paint());
    const tS = nowS();
    this.timing.paint(tS);
    let moved = false;
    for (const person of this.people.values()) {
      if (person.moveTo(tS)) moved = true;
    }
    if (moved || this.stale) this.draw(tS);
    if (moved) this.stats.onPainted(nowS());
    for (const person of this.people.values()) if (person.gone) this.people.delete(person.id);
    this.advanceTo(tS - this.timing.delayS);
    this.stats.onWork(tS, 1000 * (nowS() - tS));
  }

  /** @param {number} tS */
  draw(tS) {
    const shownS = tS - this.timing.delayS;
    const now = this.results.findLast((result) => result.tCaptureS <= shownS) ?? this.results[0];
    const withNewAngles = tS >= this.labelsUntilS;
    if (withNewAngles) this.labelsUntilS = tS + LABEL_HOLD_S;
    this.shown = [...this.people.values()].flatMap((person) => {
      const scene = person.scene(now?.people.find(({ id }) => id === person.id), withNewAngles);
      return person.visible ? [scene] : [];
    });
    fitCanvas(this.canvas, Math.min(devicePixelRatio, 2));
    const [widthPx, heightPx] = this.sourceSizePx;
    const { mirror, showAngles } = this.options();
    const { shown: people, anglePlaces, followedId } = this;
    drawScene(this.ctx, { people, anglePlaces, followedId, mirror, showAngles }, widthPx, heightPx);
    this.stale = false;
  }

  /**
   * The id of the person at a place on the canvas; null if there is none, or nobody to choose from.
   * @param {number} x @param {number} y CSS pixels from the canvas's top left corner
   */
  personAt(x, y) {
    if (this.shown.length < 2) return null;
    const [widthPx, heightPx] = this.sourceSizePx;
    const { clientWidth, clientHeight } = this.canvas;
    const fromLeft = this.options().mirror ? clientWidth - x : x;
    return personAt(this.shown, (fromLeft / clientWidth) * widthPx, (y / clientHeight) * heightPx);
  }

  /**
   * The screen now shows the time `shownS`: report the newest result not later than that as painted, and older ones
   * as never painted.
   * @param {number} shownS
   */
  advanceTo(shownS) {
    const newest = this.results.findLast((result) => result.tCaptureS <= shownS);
    if (!newest || newest.painted) return;
    newest.painted = true;
    this.onReceipt(newest.seq, newest.tResultS, nowS());
    this.reportUnpainted(newest.seq);
  }

  /** Report the results before `seq` that were never painted. @param {number} seq */
  reportUnpainted(seq) {
    for (const result of this.results) {
      if (result.painted || result.seq >= seq) continue;
      result.painted = true;
      this.onReceipt(result.seq, result.tResultS, null);
    }
  }
}
