"""The legacy snippet in a real browser: pages of one host, the script and the edge of another."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.kafka import not_run
from tests.said import said
from tests.serving import Serving, serving

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
KEY = "a browser's key"
# Until the script has come `_cio` is a list of what was called.
PAGE = """<!doctype html><meta charset="utf-8"><title>Shop</title><body><script>
window._cio = [];
for (const name of ["load", "identify", "sidentify", "track", "page", "on", "off"])
  _cio[name] = (...given) => _cio.push([name, ...given]);
const script = document.createElement("script");
Object.assign(script, {id: "cio-tracker", async: true, src: "EDGE/assets/track.js"});
for (const [name, value] of Object.entries(ATTRIBUTES)) script.setAttribute("data-" + name, value);
document.body.append(script);
CALLS
addEventListener("load", () => setTimeout(() => {LATER}));
</script></body>"""
SHOP = """
_cio.track("looked", null);
_cio.identify({id: 5, email: "b@x.io", plan: () => "a b", at: new Date(0), gone: null});
_cio.identify({id: " "});
_cio.push(["nonsense"]);
_cio.track("bought", {price: 23.45, lines: [{sku: "a"}, {sku: "b"}], tags: ["x", "y"], note: "50% & \\ud800é"});
"""
AFTERWARDS = """
const before = document.cookie;
_cio.reset();
_cio.track("left", {before: before.replace(/_cioanonid=.{36}/, "visitor"), after: document.cookie});
// A browser that goes elsewhere may cut off what is on its way.
const sent = () => performance.getEntriesByType("resource").filter((entry) => entry.name.includes(".gif?")).length;
const wait = setInterval(() => sent() < 5 || (location.href = "/other?_cio_id=7&a=1&b=2&b=3", clearInterval(wait)), 20);
"""
OTHER = """
document.cookie = "ajs_anonymous_id=" + encodeURIComponent('"segment 1"');
_cio.page("/virtual", {a: null, none: {}, deep: [1, {x: true}], width: 3}, {useArrayParams: false});
_cio.track("nothing", null);
"""


def test_a_page_says_who_is_there_and_what_they_do(tmp_path: Path) -> None:
    """Its view by itself, with whom it then identifies; what it said before the script was there; and what it says
    later, which after a reset is somebody else's. On another page, to the byte, with what else can be asked for."""
    asked: list[str] = []
    with serving(browser=KEY) as edge, shop(edge, asked) as address, browsing(f"{address}/shop?a=1&b=2&b=3", tmp_path):
        eventually(lambda: len(edge.log.messages) >= 5 and sum(map(is_beacon, asked)) >= 3)

    view, looked, identified, bought, left = in_order(edge)
    visitor, other = looked["subject"], left["subject"]
    assert re.fullmatch("anon:.{8}-.{4}-.{4}-.{4}-.{12}", visitor)
    assert view["subject"] == "id:5"
    assert view["name"] == f"{address}/shop?a=1&b=2&b=3"
    seen = json.loads(view["data"])
    assert seen.keys() == {"a", "b", "width", "height", "referrer"}
    assert (seen["a"], seen["b"], int(seen["width"]) > 0) == ("1", ["2", "3"], True)
    assert "data" not in looked
    assert identified["links"] == ("email:b@x.io", visitor)
    assert identified["attributes"] == (("email", '"b@x.io"'), ("plan", '"a b"'), ("gone", '""'))
    assert bought["subject"] == "id:5"
    assert json.loads(bought["data"]) == {
        "price": "23.45",
        "lines": [{"sku": "a"}, {"sku": "b"}],
        "tags": ["x", "y"],
        "note": "50% & \ufffdé",
    }
    assert other.startswith("anon:")
    assert other != visitor
    assert json.loads(left["data"]) == {"before": "visitor; _cioid=5", "after": ""}

    here = address.replace(":", "%3A").replace("/", "%2F")
    viewed = (
        "/events/page.gif?name=%2Fvirtual&data%5B_cio_id%5D=7&data%5Ba%5D=&data%5Bb%5D%5B0%5D=2&data%5Bb%5D%5B1%5D=3"
        "&data%5Bdeep%5D%5B0%5D=1&data%5Bdeep%5D%5B1%5D%5Bx%5D=true&data%5Bwidth%5D=3&data%5Bheight"
        f"&data%5Breferrer%5D={here}%2Fshop%3Fa%3D1%26b%3D2%26b%3D3&c=cio_7&s=segment+1&site_id=&timestamp=now"
    )
    assert sorted(re.sub("height%5D=[0-9]+", "height", re.sub("=[0-9]{13}$", "=now", path)) for path in asked) == [
        "/events/event.gif?name=nothing&data=null&c=cio_7&s=segment+1&site_id=&timestamp=now",
        "/events/identify.gif?user%5Bid%5D=cio_7&c=cio_7&s=segment+1&site_id=&timestamp=now",
        viewed,
        "/other?_cio_id=7&a=1&b=2&b=3",
        "/shop?a=1&b=2&b=3",
    ]


def in_order(edge: Serving) -> list[dict[str, Any]]:
    """As they were said; images come as they like."""
    names = ["looked", None, "bought", "left"]
    told = [said(message) for message in edge.log.messages]
    return sorted(told, key=lambda each: -1 if each["kind"] == "page" else names.index(each.get("name")))


def eventually(found: Callable[[], bool]) -> None:
    until = time.monotonic() + 120  # a browser takes its time to start on a busy machine
    while not found():
        assert time.monotonic() < until, "the browser said less"
        time.sleep(0.02)


def is_beacon(path: str) -> bool:
    return path.startswith("/events/")


@contextmanager
def shop(edge: Serving, asked: list[str]) -> Iterator[str]:
    """Serve pages that load the script from an edge; yields their address. asked: is told of each path."""

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/favicon.ico":
                asked.append(self.path)
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(pages.get(self.path.partition("?")[0], "").encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        address = f"http://localhost:{server.server_address[1]}"
        attributes = {"base-url": f"{address}/", "auto-track-page": "false", "enable-in-memory-storage": "true"}
        pages = {
            "/shop": page(edge, {"site-id": KEY, "use-array-params": "true"}, SHOP, AFTERWARDS),
            "/other": page(edge, attributes, OTHER),
        }
        threading.Thread(target=server.serve_forever).start()
        yield address
        server.shutdown()


def page(edge: Serving, attributes: Mapping[str, str], calls: str, later: str = "") -> str:
    """calls: what it says at once. later: once that is sent."""
    filled = PAGE.replace("EDGE", f"http://127.0.0.1:{edge.port}").replace("ATTRIBUTES", json.dumps(attributes))
    return filled.replace("CALLS", calls).replace("LATER", later)


@contextmanager
def browsing(address: str, folder: Path) -> Iterator[None]:
    """A browser that has opened a page, and holds it."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        not_run(f"NOT RUN: no browser ({', '.join(BROWSERS)})")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}", address]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()
