import assert from "node:assert/strict";
import { test } from "node:test";

import { NewestPicture, pageIsDark } from "../../livedance_lab/widgets/static/live_image.js";

/** A picture that takes until `finish` is called to be shown. */
function slow() {
  const shows = [];
  const shown = [];
  const pictures = new NewestPicture(
    (data) => new Promise((resolve, reject) => shows.push({ data, finish: resolve, fail: reject })),
    (number) => shown.push(number),
  );
  return { pictures, shows, shown };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("of the pictures that come while one is decoded only the newest is shown", async () => {
  const { pictures, shows, shown } = slow();
  for (const number of [1, 2, 3]) pictures.add(number, `picture ${number}`);
  assert.deepEqual(shows.map((s) => s.data), ["picture 1"]);
  shows[0].finish();
  await settled();
  assert.deepEqual(shown, [1]);
  shows[1].finish();
  await settled();
  assert.deepEqual(shows.map((s) => s.data), ["picture 1", "picture 3"]);
  assert.deepEqual(shown, [1, 3]);
});

test("a picture that cannot be decoded does not stop the next ones", async () => {
  const { pictures, shows, shown } = slow();
  const broken = pictures.add(1, "broken");
  shows[0].fail(new Error("no picture"));
  await assert.rejects(broken, /no picture/);
  pictures.add(2, "good");
  shows[1].finish();
  await settled();
  assert.deepEqual(shown, [2]);
});

test("the page's colours are told from JupyterLab's body or VS Code's class", () => {
  const body = (theme, ...classes) => ({ dataset: { jpThemeLight: theme }, classList: { contains: (c) => classes.includes(c) } });
  assert.equal(pageIsDark(body("false")), true);
  assert.equal(pageIsDark(body("true", "vscode-dark")), false);
  assert.equal(pageIsDark(body(undefined, "vscode-dark")), true);
  assert.equal(pageIsDark(body(undefined)), false);
});
