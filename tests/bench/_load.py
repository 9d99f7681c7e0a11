"""HTTP load by wrk: as many requests as the connections can have answered."""

import shutil
import subprocess
import tempfile
from base64 import b64encode
from typing import NamedTuple

from tests.running import KEY, SITE

EVENT = (
    '{"name":"purchased","data":{"price":23.45,"currency":"EUR","product":"a fine pair of socks","tags":["a","b"],'
    '"cart":{"items":3,"total":70.35},"url":"https://shop.example.com/socks?ref=mail","coupon":null,"first":true}}'
)
BATCHED = (
    '{{"type":"person","action":"event","identifiers":{{"id":"{id}"}},"name":"purchased","attributes":{{"price":23.45,'
    '"currency":"EUR","product":"a fine pair of socks","tags":["a","b"],"coupon":null,"first":true}}}}'
)
BATCH = 100
SINGLE = f"""
local body = [==[{EVENT}]==]
request = function()
    return wrk.format("POST", "/api/v1/customers/" .. math.random(100000) .. "/events", nil, body)
end
"""
BATCHES = f"""
local body = [==[{{"batch":[{",".join(BATCHED.format(id=number) for number in range(BATCH))}]}}]==]
request = function()
    return wrk.format("POST", "/api/v2/batch", nil, body)
end
"""
DONE = """
done = function(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format("\\nFIGURES %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50),
        latency:percentile(99), errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


class Load(NamedTuple):
    """rate: requests answered 2xx a second. p50, p99: ms from a request to its answer."""

    rate: float
    p50: float
    p99: float


def available() -> bool:
    return shutil.which("wrk") is not None


def wrk(port: int, script: str, *, connections: int, seconds: int) -> Load:
    """Fails if anything was not answered 2xx."""
    head = f"""
wrk.headers["Authorization"] = "Basic " .. [==[{_credentials()}]==]
wrk.headers["Content-Type"] = "application/json"
"""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(head + script + DONE)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", file.name, f"http://127.0.0.1:{port}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests, took, p50, p99, errors = map(int, said.partition("FIGURES ")[2].split())
    assert not errors, said
    return Load(requests / took * 1e6, p50 / 1e3, p99 / 1e3)


def _credentials() -> str:
    return b64encode(f"{SITE}:{KEY}".encode()).decode()
