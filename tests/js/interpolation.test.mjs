import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ShownError, makePainter } from "../../livedance_lab/widgets/static/interpolation.js";

const cases = JSON.parse(readFileSync(new URL("../../data/golden/interpolation.json", import.meta.url), "utf8"));

const flat = (values) => Float64Array.from(values.flat(), (value) => value ?? NaN);

function assertClose(actual, expected, where) {
  assert.equal(actual.length, expected.length, where);
  actual.forEach((value, i) => {
    const same = Number.isNaN(expected[i]) ? Number.isNaN(value) : Math.abs(value - expected[i]) < 2e-6;
    assert.ok(same, `${where}, value ${i}: ${value} instead of ${expected[i]}`);
  });
}

for (const { name, mode, params, events } of cases) {
  test(name, () => {
    const painter = makePainter(mode, params);
    const error = new ShownError(2);
    for (const [n, event] of events.entries()) {
      const where = `event ${n}`;
      if ("add" in event) {
        const values = flat(event.add);
        assertClose([error.compare(event.t_s, values)], [event.error ?? NaN], `${where}, error`);
        painter.add(values, event.t_s, event.arrival_s);
      } else if ("paint" in event) {
        const shown = painter.paint(event.paint);
        if (shown) error.painted(event.paint, shown);
        if (event.shown === null) assert.equal(shown, null, where);
        else assertClose(shown, flat(event.shown), where);
      } else {
        painter.reset();
      }
    }
  });
}

test("the golden file has something to hold us to", () => assert.ok(cases.length >= 40));

test("an unknown way of painting is refused by name", () => {
  assert.throws(() => makePainter("wobble"), /no painter "wobble"/);
});
