import assert from "node:assert/strict";
import test from "node:test";

import { PersonChoice } from "../../livedance_lab/widgets/static/person_choice.js";

/** An element that keeps its attributes and calls its listeners. */
class FakeElement extends EventTarget {
  attributes = new Map();
  hidden = false;
  textContent = "";
  set title(text) {
    this.attributes.set("title", text);
  }
  get title() {
    return this.attributes.get("title") ?? "";
  }
  setAttribute(name, value) {
    this.attributes.set(name, value);
  }
  removeAttribute(name) {
    this.attributes.delete(name);
  }
}

/** A choice among people who are followed as they are chosen, unless the server refuses. */
function choice(ids, { followedId = 1, there = null } = {}) {
  const people = new Map(ids.map((id) => [id, {}]));
  const animation = { people, followedId, personAt: () => there };
  const [button, canvas, asked] = [new FakeElement(), new FakeElement(), []];
  const made = new PersonChoice(button, canvas, animation, (id) => asked.push(id));
  const click = (element) => element.dispatchEvent(Object.assign(new Event("click"), { offsetX: 1, offsetY: 2 }));
  return { made, animation, button, canvas, asked, click };
}

test("with one person there is nothing to choose", () => {
  for (const ids of [[], [1]]) {
    const { button, canvas, asked, click } = choice(ids);
    assert.ok(button.hidden);
    assert.ok(!canvas.attributes.has("title"), "the picture takes no clicks");
    click(canvas);
    assert.deepEqual(asked, []);
  }
});

test("a click on a person asks to follow them, a click on nobody or the followed one asks nothing", () => {
  for (const [there, expected] of [[2, [2]], [1, []], [null, []]]) {
    const { canvas, asked, click } = choice([1, 2], { there });
    click(canvas);
    assert.deepEqual(asked, expected);
  }
});

test("the button goes through everybody by id", () => {
  const { animation, button, asked, click } = choice([5, 1, 2]);
  for (let i = 0; i < 4; i += 1) {
    click(button);
    animation.followedId = asked.at(-1);
  }
  assert.deepEqual(asked, [2, 5, 1, 2]);
});

test("button and picture say who is followed, and change with the people", () => {
  const { made, animation, button, canvas } = choice([2, 1]);
  assert.equal(button.textContent, "Person 1");
  assert.match(button.attributes.get("aria-label"), /Person 1 is followed, of 1, 2\./);
  animation.followedId = 2;
  made.update();
  assert.equal(button.textContent, "Person 2");
  assert.match(canvas.title, /Person 2 is followed/);
  animation.people.delete(1);
  made.update();
  assert.ok(button.hidden);
  assert.ok(!canvas.attributes.has("title"));
});
