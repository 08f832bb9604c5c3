import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Connection } from "../../livedance_lab/widgets/static/connection.js";

const golden = JSON.parse(readFileSync(new URL("../../data/golden/wire.json", import.meta.url), "utf8"));

/** A conversation stepped by hand: sockets, clock and timers are the test's. */
function stage() {
  const world = { sockets: [], nowS: 0, timers: [], welcomes: [], results: [], messages: [], failures: [] };
  const environment = {
    makeSocket: (url) => {
      const socket = { url, sent: [], bufferedAmount: 0, closed: false };
      socket.send = (data) => socket.sent.push(typeof data === "string" ? JSON.parse(data) : data);
      socket.close = () => (socket.closed = true);
      world.sockets.push(socket);
      return socket;
    },
    nowS: () => world.nowS,
    setTimeout: (run, delayMs) => {
      const timer = { run, delayMs };
      world.timers.push(timer);
      return timer;
    },
    clearTimeout: (timer) => (world.timers = world.timers.filter((t) => t !== timer)),
  };
  const connection = new Connection(
    "ws://127.0.0.1:8000/ws",
    {
      hello: () => ({ token: "t", session: "s1", settings: {}, client: {} }),
      onWelcome: (m) => world.welcomes.push(m),
      onResult: (m) => world.results.push(m),
      onMessage: (m) => world.messages.push(m),
      onFailure: (failure) => world.failures.push(failure),
    },
    environment,
  );
  world.socket = () => world.sockets.at(-1);
  world.hear = (message) => world.socket().onmessage({ data: JSON.stringify(message) });
  world.fire = () => {
    const timer = world.timers.shift();
    timer.run();
    return timer.delayMs;
  };
  world.said = (type) => world.socket().sent.filter((m) => m.type === type);
  world.welcome = () => {
    world.socket().onopen();
    world.hear({ type: "welcome", session: "s1", resumed: false, settings: {}, angles: [] });
  };
  world.pong = () => {
    const { t_s } = world.said("ping").at(-1);
    world.hear({ type: "pong", t_s, t_receive_s: t_s + 50, t_send_s: t_s + 50 });
  };
  return { world, connection };
}

const result = (seq) => ({
  type: "result",
  seq,
  version: 2,
  size_px: [640, 480],
  times: {},
  followed_id: 0,
  people: [],
});

function live() {
  const both = stage();
  both.connection.start();
  both.world.welcome();
  both.world.pong();
  return both;
}

test("says hello first, and nothing else before the welcome", () => {
  const { world, connection } = stage();
  connection.start();
  world.socket().onopen();

  assert.deepEqual(
    world.socket().sent.map((m) => m.type),
    ["hello"],
  );
  assert.equal(world.socket().sent[0].version, 2);
  assert.equal(world.socket().sent[0].role, "producer");
  assert.ok(!connection.sendFrame(0, new ArrayBuffer(40)), "frames wait for the welcome");
  assert.ok(!connection.maySend);
});

test("sends no frame before the clocks are compared: its times would mean nothing", () => {
  const { world, connection } = stage();
  connection.start();
  world.welcome();
  assert.ok(!connection.maySend);

  world.pong();

  assert.ok(connection.maySend);
  assert.deepEqual(world.said("clock"), [{ type: "clock", offset_s: 50, uncertainty_s: 0 }]);
});

test("a result and a refusal both give the credit back", () => {
  const { world, connection } = live();
  connection.credit.pacing = "paced";
  for (const answer of [result(0), { type: "refused", seq: 1, message: "broken" }]) {
    connection.sendFrame(answer.seq, new ArrayBuffer(40));
    assert.ok(!connection.maySend);
    world.hear(answer);
    assert.ok(connection.maySend, answer.type);
  }
});

test("skipped frames and receipts go out in batches with the tick, each once", () => {
  const { world, connection } = live();
  connection.credit.skip(3, 1.5);
  connection.credit.skip(4, 1.6);
  connection.addReceipt(2, 1.7, null);
  assert.equal(world.said("skipped").length, 0);

  world.fire();
  world.fire();

  assert.deepEqual(world.said("skipped"), [
    {
      type: "skipped",
      frames: [
        [3, 1.5],
        [4, 1.6],
      ],
    },
  ]);
  assert.deepEqual(world.said("receipts"), [{ type: "receipts", frames: [[2, 1.7, null]] }]);
});

test("a long report is cut to what the server accepts", () => {
  const { world, connection } = live();
  for (let seq = 0; seq < 12_000; seq += 1) connection.credit.skip(seq, seq);

  world.fire();

  const sizes = world.said("skipped").map((m) => m.frames.length);
  assert.deepEqual(sizes, [5000, 5000, 2000]);
});

test("after a break it comes back, names the unanswered frames, and reports what it still owes", () => {
  const { world, connection } = live();
  connection.sendFrame(7, new ArrayBuffer(40));
  connection.credit.skip(8, 2.0);

  world.socket().onclose({ code: 1006, reason: "" });
  assert.match(world.failures.at(-1).message, /No answer from the server at http:\/\/127\.0\.0\.1:8000/);
  assert.equal(world.failures.at(-1).final, false);
  assert.equal(world.fire(), 250);
  world.socket().onopen();

  assert.equal(world.sockets.length, 2);
  assert.deepEqual(world.said("hello")[0].unanswered, [7]);
  world.hear({ type: "welcome", session: "s1", resumed: true, settings: {}, angles: [] });
  assert.deepEqual(world.said("skipped")[0].frames, [[8, 2.0]]);
  assert.equal(world.failures.at(-1), null, "all is well again");
});

test("what was told last before a break is told again: it may not have been heard", () => {
  const { world, connection } = live();
  for (let seq = 0; seq < 3000; seq += 1) connection.credit.skip(seq, seq / 60);
  world.fire();
  assert.equal(world.said("skipped").length, 1);
  connection.credit.skip(3000, 50);

  world.socket().onclose({ code: 1006, reason: "" });
  world.fire();
  world.socket().onopen();
  world.hear({ type: "welcome", session: "s1", resumed: true, settings: {}, angles: [] });

  const seqs = world.said("skipped").flatMap((m) => m.frames.map(([seq]) => seq));
  assert.deepEqual(
    seqs,
    Array.from({ length: 1001 }, (_, i) => 2000 + i),
  );
});

test("a new session is told nothing of the old one", () => {
  const { world, connection } = live();
  connection.credit.skip(8, 2.0);
  world.fire();
  connection.addReceipt(6, 2.1, null);
  connection.listener.onWelcome = () => connection.addReceipt(7, 2.2, null); // as the painter does when it is cleared

  world.socket().onclose({ code: 1006, reason: "" });
  world.fire();
  world.welcome();

  assert.deepEqual(world.said("skipped"), []);
  assert.deepEqual(world.said("receipts"), []);
});

test("results come in either form", () => {
  const { world, connection } = live();
  assert.equal(world.said("hello")[0].results, "binary");
  for (const [i, { text, binary_hex }] of golden.results.entries()) {
    connection.sendFrame(JSON.parse(text).seq, new ArrayBuffer(40));
    world.socket().onmessage({ data: new Uint8Array(Buffer.from(binary_hex, "hex")).buffer });
    world.socket().onmessage({ data: text });
    assert.deepEqual(world.results[2 * i], world.results[2 * i + 1]);
    assert.equal(connection.credit.unanswered.size, 0);
  }
});

test("a switch of auto pacing is told, with what was measured", () => {
  const { world, connection } = live();
  const done = { ...result(0), times: { t_receive_s: 7.0, t_emit_s: 7.03 } };
  for (let second = 0; second < 6 && !world.said("pacing").length; second += 1) {
    for (let i = 0; i < 60; i += 1) connection.credit.gauge.offered();
    for (let i = 0; i < 20; i += 1) world.hear(done);
    for (let quarter = 0; quarter < 4; quarter += 1) {
      world.nowS += 0.25;
      world.fire();
      world.pong();
    }
  }
  const [said] = world.said("pacing");
  assert.equal(said.to, "paced");
  assert.equal(said.reason, "frames are overtaken, the round trip is short");
  assert.ok(Math.abs(said.server_s - 0.03) < 1e-9 && said.round_trip_s >= 0);
});

test("frames stay named until a welcome has heard them", () => {
  const { world, connection } = live();
  connection.sendFrame(7, new ArrayBuffer(40));
  for (let attempt = 0; attempt < 3; attempt += 1) {
    world.socket().onclose({ code: 1006, reason: "" });
    world.fire();
    world.socket().onopen();
    assert.deepEqual(world.said("hello")[0].unanswered, [7]);
  }
});

test("waits longer from attempt to attempt, up to five seconds", () => {
  const { world, connection } = stage();
  connection.start();
  const delays = [];
  for (let i = 0; i < 7; i += 1) {
    world.socket().onclose({ code: 1006, reason: "" });
    delays.push(world.fire());
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 5000, 5000]);
});

test("a refused token is final and said in words", () => {
  const { world, connection } = stage();
  connection.start();
  world.socket().onopen();
  world.hear({ type: "error", code: "token", message: "the token is not this server's.", fatal: true });
  world.socket().onclose({ code: 4401, reason: "token" });

  assert.match(world.failures.at(-1).message, /refused the token.*not this server's/);
  assert.ok(world.failures.at(-1).final);
  assert.equal(world.timers.length, 0, "it is not tried again");
});

test("a busy server is asked again, another producer is not fought", () => {
  for (const [message, again] of [
    [{ type: "error", code: "busy", message: "all 4 places are taken.", fatal: true }, true],
    [{ type: "bye", code: "replaced", message: "another client became the producer." }, false],
    [{ type: "bye", code: "shutdown", message: "the server is stopping." }, true],
    [{ type: "error", code: "ended", message: "session 's1' has ended.", fatal: true }, false],
  ]) {
    const { world } = live();
    world.hear(message);
    world.socket().onclose({ code: 4400, reason: message.code });
    assert.equal(world.timers.length === 1, again, message.code);
    assert.equal(world.failures.at(-1).final, !again, message.code);
  }
});

test("an error that is not fatal ends nothing", () => {
  const { world, connection } = live();
  world.hear({ type: "error", code: "time", message: "capture times must increase.", fatal: false });
  world.socket().onclose({ code: 1006, reason: "" });

  assert.equal(world.messages.at(-1).code, "time");
  assert.equal(world.failures.at(-1).code, "gone");
  assert.ok(!connection.stopped);
});

test("a socket that hangs while connecting is given up", () => {
  const { world, connection } = stage();
  connection.start();
  const first = world.socket();

  world.fire();

  assert.ok(first.closed);
  assert.equal(world.failures.at(-1).code, "gone");
});

test("a socket that is dead without a word is noticed by its missing pongs", () => {
  const { world } = live();
  const first = world.socket();
  for (let tick = 0; tick < 60 && !first.closed; tick += 1) world.fire();

  assert.ok(first.closed);
  assert.equal(world.failures.at(-1).code, "gone");
});

test("what a replaced socket still says is not heard", () => {
  const { world } = live();
  const old = world.socket();
  old.onclose({ code: 1006, reason: "" });
  world.fire();

  old.onmessage({ data: JSON.stringify(result(1)) });
  old.onclose({ code: 1006, reason: "" });

  assert.equal(world.results.length, 0);
  assert.equal(world.sockets.length, 2);
});

test("stopping says what is still to be said, then leaves no timer", () => {
  const { world, connection } = live();
  connection.credit.skip(5, 1.0);

  connection.stop();

  assert.deepEqual(world.said("skipped")[0].frames, [[5, 1.0]]);
  assert.ok(world.sockets[0].closed);
  assert.equal(world.timers.length, 0);
});

test("another server is another clock: the old offset is not believed", () => {
  const { world, connection } = live();
  world.socket().onclose({ code: 1006, reason: "" });
  world.fire();
  world.welcome();

  assert.ok(!connection.maySend);
});
