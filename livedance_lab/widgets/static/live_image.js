// @ts-check
/**
 * live_image.js: shows the newest picture that the kernel has drawn, and reports to the kernel which picture was shown,
 * whether it is visible, and whether the page is dark.
 *
 * @typedef {{ send(content: object): void,
 *             on(event: string, handler: (message: any, buffers: DataView[]) => void): void,
 *             off(event: string, handler: Function): void }} ImageModel
 */

/** Whether the page is dark: JupyterLab sets an attribute of the body, VS Code a class. @param {HTMLElement} body */
export function pageIsDark(body) {
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  return body.classList.contains("vscode-dark") || body.classList.contains("theme-dark");
}

/** Decodes one picture at a time; of those that arrive meanwhile, only the newest is kept. */
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
  async add(number, data) {
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
    canvas.width = canvas.height = 0; // takes no space before the first picture
    el.append(canvas);
    let onScreen = true;

    const reportView = () =>
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
      void pictures
        .add(message.number, buffers[0])
        .catch((error) => console.warn("livedance: the picture cannot be shown.", error));
    const sight = new IntersectionObserver((entries) => {
      onScreen = entries[entries.length - 1].isIntersecting;
      reportView();
    });
    const theme = new MutationObserver(reportView);
    let removed = false;
    /** Observe the whole plots widget, which can be found only when the element is on the page. */
    const observeSight = () => {
      if (removed) return;
      if (el.isConnected) sight.observe(el.closest(".ldl-live-plots") ?? el);
      else requestAnimationFrame(observeSight);
    };

    model.on("msg:custom", onPicture);
    document.addEventListener("visibilitychange", reportView);
    observeSight();
    theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
    reportView();
    return () => {
      model.off("msg:custom", onPicture);
      document.removeEventListener("visibilitychange", reportView);
      sight.disconnect();
      theme.disconnect();
      removed = true;
      onScreen = false;
      reportView();
    };
  },
};
