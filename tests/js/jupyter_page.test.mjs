import assert from "node:assert/strict";
import { test } from "node:test";

import { jupyterBaseUrl, socketUrl } from "../../livedance_lab/widgets/static/jupyter_page.js";

const SERVER = "http://127.0.0.1:8000";
const at = (url) => new URL(url);

test("a page of this machine speaks to the server directly", () => {
  for (const page of ["http://localhost:8888/lab", "http://127.0.0.1:8888/lab", "http://[::1]:8888/lab"]) {
    assert.equal(socketUrl(SERVER, "", at(page), "/"), "ws://127.0.0.1:8000/ws", page);
  }
});

test("a page over HTTPS, or of another machine, goes through its own Jupyter server", () => {
  assert.equal(
    socketUrl(SERVER, "", at("https://hub.uni.edu/user/ada/lab"), "/user/ada/"),
    "wss://hub.uni.edu/user/ada/proxy/8000/ws",
  );
  assert.equal(socketUrl(SERVER, "", at("https://localhost:8888/lab"), "/"), "wss://localhost:8888/proxy/8000/ws");
  assert.equal(socketUrl(SERVER, "", at("http://lab-pc:8888/lab"), "/"), "ws://lab-pc:8888/proxy/8000/ws");
});

test("a server that speaks TLS is spoken to directly where it can be reached", () => {
  const lab = "https://lab.uni.edu:8000";
  for (const page of ["http://localhost:8888/lab", "https://hub.uni.edu/user/ada/lab", "http://lab-pc:8888/lab"]) {
    assert.equal(socketUrl(lab, "", at(page), "/"), "wss://lab.uni.edu:8000/ws", page);
  }
  const local = "https://127.0.0.1:8000/";
  assert.equal(socketUrl(local, "", at("http://localhost:8888/lab"), "/"), "wss://127.0.0.1:8000/ws");
  assert.equal(socketUrl(local, "", at("https://localhost:8888/lab"), "/"), "wss://127.0.0.1:8000/ws");
  assert.equal(socketUrl(local, "", at("https://hub.uni.edu/lab"), "/"), "wss://hub.uni.edu/proxy/8000/ws");
});

test("a given proxy path is below the base URL, a whole URL stands for itself", () => {
  const page = at("https://hub.uni.edu/user/ada/lab");
  assert.equal(socketUrl(SERVER, "livedance", page, "/user/ada"), "wss://hub.uni.edu/user/ada/livedance/ws");
  assert.equal(socketUrl(SERVER, "/shared/pose/", page, "/user/ada/"), "wss://hub.uni.edu/shared/pose/ws");
  assert.equal(socketUrl(SERVER, "https://pose.uni.edu/x", page, "/user/ada/"), "wss://pose.uni.edu/x/ws");
});

test("the base URL is the page's own; a page that is no Jupyter page has none", () => {
  const page = (textContent) => ({ getElementById: () => (textContent ? { textContent } : null), body: null });
  assert.equal(jupyterBaseUrl(page('{"baseUrl": "/user/ada/"}')), "/user/ada/");
  assert.equal(jupyterBaseUrl(page("")), "/");
});
