// @ts-check
/**
 * live_image.js: shows the pictures the kernel draws, newest only, and tells it what only the page knows: that
 * one has been shown (then the next may come), whether it can be seen at all, and the page's colours.
 *
 * @typedef {{ send(content: object): void,
 *             on(event: string, handler: (message: any, buffers: DataView[]) => void): void,
 *             off(event: string, handler: Function): void }} ImageModel
 */

/** Whether the page is dark: JupyterLab says so on its body, VS Code by a class. @param {HTMLElement} body */
export function pageIsDark(body) {
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  return body.classList.contains("vscode-dark") || body.classList.contains("theme-dark");
}

/** Decodes one picture at a time; of those that come meanwhile only the newest is kept. */
export class NewestPicture {
  /** @param {(data: DataView) => Promise<void>} show @param {(number: number) => void} shown */
  constructor(show, shown) {
    this.show = show;
    this.shown = shown;
    this.busy = false;
    /** @type {{ number: number, data: DataView } | null} */
    this.waiting = null;
  }

  /** @param {number} number @param {DataView} data */
  async take(number, data) {
    this.waiting = { number, data };
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.waiting) {
        const picture = /** @type {{ number: number, data: DataView }} */ (this.waiting);
        this.waiting = null;
        await this.show(picture.data);
        this.shown(picture.number);
      }
    } finally {
      this.busy = false;
    }
  }
}

export default {
  /** @param {{ model: ImageModel, el: HTMLElement }} context */
  render({ model, el }) {
    const id = crypto.randomUUID?.() ?? String(Math.random());
    const canvas = document.createElement("canvas");
    canvas.className = "ldl-live-image";
    canvas.width = canvas.height = 0; // takes no room before the first picture
    el.append(canvas);
    let onScreen = true;

    const tell = () =>
      model.send({ kind: "view", id, visible: onScreen && !document.hidden, dark: pageIsDark(document.body) });
    const pictures = new NewestPicture(
      async (data) => {
        const bitmap = await createImageBitmap(new Blob([/** @type {DataView<ArrayBuffer>} */ (data)]));
        if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
          canvas.width = bitmap.width;
          canvas.height = bitmap.height;
        }
        canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
        bitmap.close();
      },
      (number) => model.send({ kind: "shown", number }),
    );
    /** @param {{ number: number }} message @param {DataView[]} buffers */
    const onPicture = (message, buffers) =>
      void pictures.take(message.number, buffers[0]).catch((error) => console.warn("livedance: no picture.", error));
    const seen = new IntersectionObserver((entries) => {
      onScreen = entries[entries.length - 1].isIntersecting;
      tell();
    });
    const colours = new MutationObserver(tell);
    let gone = false;
    /** Everything drawn beside it counts, and that is known only once it is on the page. */
    const watch = () => {
      if (gone) return;
      if (el.isConnected) seen.observe(el.closest(".ldl-live-plots") ?? el);
      else requestAnimationFrame(watch);
    };

    model.on("msg:custom", onPicture);
    document.addEventListener("visibilitychange", tell);
    watch();
    colours.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
    tell();
    return () => {
      model.off("msg:custom", onPicture);
      document.removeEventListener("visibilitychange", tell);
      seen.disconnect();
      colours.disconnect();
      gone = true;
      onScreen = false;
      tell();
    };
  },
};
