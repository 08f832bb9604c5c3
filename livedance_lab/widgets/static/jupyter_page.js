// @ts-check
/**
 * jupyter_page.js: what the page around the view says: where the server is reached from here, and which browser this is.
 */

const LOCAL_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

/**
 * The WebSocket address as seen from this page.
 *
 * A page on this machine, without HTTPS, speaks to the server directly, and so does any page to a server that speaks
 * TLS where it can be reached. Any other page may not or cannot (mixed content, another machine), so it goes through
 * its own Jupyter server, which passes it on (jupyter-server-proxy serves every local port below proxy/).
 *
 * @param {string} serverUrl e.g. "http://127.0.0.1:8000"
 * @param {string} proxyPath below Jupyter's base URL, or a whole URL; empty: by the server's port
 * @param {{ protocol: string, hostname: string, host: string }} location of the page
 * @param {string} baseUrl Jupyter's, "/" or "/user/ada/"
 */
export function socketUrl(serverUrl, proxyPath, location, baseUrl) {
  const isLocal = LOCAL_HOSTS.has(location.hostname);
  const isDirect = /^https:/.test(serverUrl)
    ? isLocal || !LOCAL_HOSTS.has(new URL(serverUrl).hostname)
    : isLocal && location.protocol === "http:";
  if (isDirect && serverUrl) return `${serverUrl.replace(/\/+$/, "").replace(/^http/, "ws")}/ws`;
  const page = `${location.protocol}//${location.host}${baseUrl.replace(/\/*$/, "/")}`;
  const path = proxyPath || `proxy/${new URL(serverUrl).port}/`;
  const below = new URL(path.replace(/\/*$/, "/"), page); // an absolute path or URL overrides the base
  return new URL("ws", below).href.replace(/^http/, "ws");
}

/** Jupyter's base URL, which every Jupyter page carries in a script element. @param {Document} page */
export function jupyterBaseUrl(page) {
  const config = page.getElementById("jupyter-config-data")?.textContent;
  try {
    return (config && JSON.parse(config).baseUrl) || page.body?.dataset.baseUrl || "/";
  } catch (error) {
    console.warn("livedance: jupyter-config-data cannot be read, taking / as base URL.", error);
    return "/";
  }
}

/** What the session's log should know of this browser. */
export function describeBrowser() {
  return {
    kind: "browser",
    user_agent: navigator.userAgent.slice(0, 300),
    cores: navigator.hardwareConcurrency ?? null,
    screen: `${screen.width}x${screen.height}`,
    device_pixel_ratio: devicePixelRatio,
    page: location.origin,
    time_origin_s: performance.timeOrigin / 1000,
  };
}
