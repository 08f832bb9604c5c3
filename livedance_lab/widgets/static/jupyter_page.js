// @ts-check
/**
 * jupyter_page.js: the server's address as seen from the page, and a description of the browser.
 */

const LOCAL_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

/**
 * Return the server's WebSocket address for this page.
 *
 * A page on the server's machine that was loaded without HTTPS connects directly, and so does any page that can reach a
 * server with TLS. All other pages cannot (mixed content, another machine); they connect through their Jupyter server,
 * where jupyter-server-proxy forwards every local port below proxy/.
 *
 * @param {string} serverUrl e.g. "http://127.0.0.1:8000"
 * @param {string} proxyPath below Jupyter's base URL, or a whole URL; empty: proxy/<port of the server>/
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

/** Return Jupyter's base URL, which every Jupyter page has in a script element. @param {Document} page */
export function jupyterBaseUrl(page) {
  const config = page.getElementById("jupyter-config-data")?.textContent;
  try {
    return (config && JSON.parse(config).baseUrl) || page.body?.dataset.baseUrl || "/";
  } catch (error) {
    console.warn("livedance: jupyter-config-data cannot be read, using / as base URL.", error);
    return "/";
  }
}

/** Describe this browser for the session's log. */
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
