"""Load by wrk: requests of a thousand customers, over and over, each connection one at a time."""

import base64
import re
import shutil
import subprocess
import tempfile
from typing import NamedTuple

from tests.running import KEY, SITE

DATA = (
    '{"price":23.45,"currency":"EUR","product":"a fine pair of socks","tags":["a","b"],'
    '"cart":{"items":3,"total":70.35},"url":"https://shop.example.com/socks?ref=mail","coupon":null,"first":true}'
)
AUTHORIZATION = "Basic " + base64.b64encode(f"{SITE}:{KEY}".encode()).decode()
BATCH = 100
_ITEM = {
    "v2": '{"type":"person","identifiers":{"id":"%s"},"action":"event","name":"purchased","attributes":' + DATA + "}",
    "cdp": '{"type":"track","userId":"%s","event":"purchased","properties":' + DATA + "}",
}
# As Python's client sends it.
_SENT = (
    '{"integrations": {}, "anonymousId": null, "properties": ' + DATA + ', "timestamp": '
    '"2023-11-14T22:13:20.%03d+00:00", "context": {"library": {"name": "analytics-python", "version": "1.1.0"}}, '
    '"userId": "%%s", "type": "track", "event": "purchased", "messageId": "6ba7b810-9dad-41d1-80b4-%012x"}'
)
_PERSON = (
    '{"type":"person","identifiers":{"id":"%s"},"action":"identify","attributes":{"email":"%s@example.com","age":42,'
    '"plan":"premium","name":"Jane Doe","city":"Berlin","created_at":1700000000,"tags":["a","b"],"beta":true}}'
)


class Asked(NamedTuple):
    """A way in: path and body, with %s for each customer; and how many events, or identifies, it says."""

    path: str
    body: str
    events: int = 1


WAYS = {
    "v1": Asked("/api/v1/customers/%s/events", '{"name":"purchased","data":' + DATA + "}"),
    "v2": Asked("/api/v2/entity", _ITEM["v2"]),
    "v2 identify": Asked("/api/v2/entity", _PERSON),
    "cdp": Asked("/v1/track", _ITEM["cdp"]),
    "v2 batch": Asked("/api/v2/batch", '{"batch":[' + ",".join([_ITEM["v2"]] * BATCH) + "]}", BATCH),
    "cdp batch": Asked("/v1/batch", '{"batch":[' + ",".join([_ITEM["cdp"]] * BATCH) + "]}", BATCH),
    "cdp batch of an SDK": Asked(
        "/v1/batch", '{"batch": [' + ", ".join(_SENT % (at, at) for at in range(BATCH)) + "]}", BATCH
    ),
}
# wrk makes the thousand once; headers: one more that is different in each of them.
_SCRIPT = """
local path, body, headers, requests, next = [==[%(path)s]==], [==[%(body)s]==], %(headers)s, {}, 0
local pause = %(pause)d
local named = 0
local function customer()
    named = named %% 1000 + 1
    return named
end
function init()
    for i = 1, %(customers)d do
        local h = { ["Authorization"] = "%(authorization)s", ["Content-Type"] = "application/json" }
        if headers then h["X-Request-Id"] = "r" .. i .. os.time() end
        requests[i] = wrk.format("POST", (path:gsub("%%%%s", customer)), h, (body:gsub("%%%%s", customer)))
    end
end
function request()
    next = next %% #requests + 1
    return requests[next]
end
if pause > 0 then function delay() return math.random(0, pause) end end
function done(summary, latency)
    local e = summary.errors
    io.write(string.format("said %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
        e.status + e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


class Load(NamedTuple):
    """Requests that were answered 200, events in them, seconds, and latencies in ms."""

    requests: int
    events: int
    seconds: float
    p50: float
    p99: float


def installed() -> bool:
    return shutil.which("wrk") is not None


def version() -> str:
    return subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout.split()[1]


def load(
    asked: Asked, port: int, seconds: int, connections: int, *, pause: int = 0, core: int = 1, unlike: bool = False
) -> Load:
    """pause: ms that a connection rests between two requests at most. core: that wrk has, or all with a negative one.
    unlike: no two heads of the thousand are alike.

    Raises `AssertionError` if anything was not answered 200.
    """
    customers = 1000 if asked.events == 1 else 50
    script = _SCRIPT % {
        "path": asked.path,
        "body": asked.body,
        "headers": str(unlike).lower(),
        "pause": pause,
        "customers": customers,
        "authorization": AUTHORIZATION,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", file.name, f"http://127.0.0.1:{port}"]
        pinned = ["taskset", "-c", str(core)] if core >= 0 else []
        done = subprocess.run([*pinned, *command], capture_output=True, text=True, check=True).stdout
    found = re.search(r"^said (\d+) (\d+) (\d+) (\d+) (\d+)$", done, re.MULTILINE)
    assert found is not None, done
    requests, duration, wrong, p50, p99 = map(int, found.groups())
    assert wrong == 0, f"{wrong} of {requests} went wrong"
    return Load(requests, requests * asked.events, duration / 1e6, p50 / 1e3, p99 / 1e3)
