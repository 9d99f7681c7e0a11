"""HTTPS by the `penstock` command: certificates, their renewal, and who speaks something else."""

import asyncio
import http.client
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from customerio import CustomerIO

from ingest.certificates import Certificate
from schemas.settings import BadSettings, load
from tests.load import answer
from tests.ports import free_port
from tests.running import CREDENTIALS, penstock, stop
from tests.serving import request

HSTS = "max-age=31536000; includeSubDomains"


class Secure(NamedTuple):
    authority: trustme.CA
    cert: Path
    key: Path
    port: int
    process: subprocess.Popen[bytes]
    errors: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context

    def certificate(self) -> bytes:
        """What a new connection is shown."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=30) as plain,
            self.context().wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
            assert shown is not None
            return shown

    def renewed(self, before: bytes) -> None:
        """Return once a new connection is shown another certificate."""
        until = time.monotonic() + 60
        while self.certificate() == before:
            assert time.monotonic() < until, "still the old certificate"
            time.sleep(0.05)

    def said(self, text: str) -> None:
        """Return once the edge wrote it."""
        until = time.monotonic() + 60
        while text not in self.errors.read_text():
            assert time.monotonic() < until, self.errors.read_text()
            time.sleep(0.05)


def issue(authority: trustme.CA, cert: Path, key: Path) -> None:
    made = authority.issue_cert("localhost", "127.0.0.1")
    cert.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Secure]:
    authority, cert, key = trustme.CA(), tmp_path / "cert.pem", tmp_path / "key.pem"
    issue(authority, cert, key)
    port, errors = free_port(), tmp_path / "errors"
    settings = CREDENTIALS | {"PENSTOCK_DATA": str(tmp_path / "data"), "PENSTOCK_PORT": str(port)}
    settings |= {"PENSTOCK_TLS_CERT": str(cert), "PENSTOCK_TLS_KEY": str(key)}
    with errors.open("wb") as output:
        process = penstock("edge", settings=settings, output=output)
    try:
        running = Secure(authority, cert, key, port, process, errors)
        running.said("listening")
        yield running
        assert stop(process) == 0
        assert "Traceback" not in errors.read_text()
    finally:
        process.kill()
        process.wait()


def test_every_answer_over_tls_says_to_stay_with_it(secure: Secure) -> None:
    """HSTS on a 200, a 405, a 404 and what is no HTTP; TLS 1.2 is new enough."""
    with closing(http.client.HTTPSConnection("localhost", secure.port, context=secure.context(), timeout=30)) as client:
        for path, status in (("/live", 200), ("/api/v1/customers/5", 405), ("/nowhere", 404)):
            client.request("GET", path)
            got = client.getresponse()
            got.read()
            assert (got.status, got.headers["strict-transport-security"]) == (status, HSTS)
        client.putrequest("GET", "/a#b")
        client.endheaders()
        got = client.getresponse()
        assert (got.status, got.headers["strict-transport-security"]) == (400, HSTS)
        assert got.read().startswith(b'{"meta"')
    old = secure.context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", secure.port), timeout=30) as plain,
        old.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        assert wrapped.version() == "TLSv1.2"


def test_the_official_python_client_works_over_https(secure: Secure, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the authority that it is told to trust, and without verification."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with CustomerIO("site", "key", host="localhost", port=secure.port) as client:
        bundle = secure.cert.with_name("authority.pem")
        secure.authority.cert_pem.write_to_path(str(bundle))
        client.http.verify = str(bundle)
        client.identify(id="5", email="customer@example.com")
        client.track(customer_id="5", name="purchased", data={"price": 23.45})
        client.delete(customer_id="5")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        client.http.verify = True
        client.identify(id="6")


def test_a_renewed_certificate_is_taken_without_a_dropped_request(secure: Secure) -> None:
    """By its change alone and on SIGHUP; open connections go on, new ones see it."""

    trusting = secure.context()

    async def load(until: asyncio.Event, requests: int = 1_000_000) -> None:
        reader, writer = await asyncio.open_connection("localhost", secure.port, ssl=trusting)
        sent = 0
        while not until.is_set() and sent < requests:
            writer.write(request())
            assert await answer(reader) == 200
            sent += 1
        writer.close()
        await writer.wait_closed()

    async def fresh(until: asyncio.Event) -> None:
        while not until.is_set():
            await load(until, 1)

    async def renew_under_load() -> None:
        until = asyncio.Event()
        under_way = [asyncio.create_task(work(until)) for work in (load, load, fresh)]
        for hurry in (False, True, True):
            before = await asyncio.to_thread(secure.certificate)
            issue(secure.authority, secure.cert, secure.key)
            if hurry:
                secure.process.send_signal(signal.SIGHUP)
            await asyncio.to_thread(secure.renewed, before)
        until.set()
        await asyncio.gather(*under_way)

    asyncio.run(renew_under_load())


def test_a_broken_renewal_keeps_the_certificate_before(secure: Secure) -> None:
    """An error is logged once, and the next whole pair is taken."""
    before = secure.certificate()
    issue(secure.authority, secure.cert, secure.key.with_name("another.pem"))
    secure.process.send_signal(signal.SIGHUP)
    secure.said("certificate_not_renewed")
    assert secure.certificate() == before
    secure.key.unlink()
    time.sleep(0.1)
    assert secure.certificate() == before

    issue(secure.authority, secure.cert, secure.key)
    secure.renewed(before)


def test_whoever_speaks_no_tls_leaves_no_trace(secure: Secure) -> None:
    """Plain HTTP, nonsense, a handshake that ends; others are served, and the log has no traceback."""
    for sent in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(500), b"\x16\x03\x01\x00\xff", b""):
        with socket.create_connection(("127.0.0.1", secure.port), timeout=30) as plain:
            plain.sendall(sent)
            if len(sent) < 10:
                continue
            try:
                while plain.recv(1000):
                    pass
            except ConnectionResetError:
                pass
    with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", secure.port), timeout=30) as plain:
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
    assert secure.certificate()


@pytest.mark.parametrize("missing", ["PENSTOCK_TLS_CERT", "PENSTOCK_TLS_KEY"])
def test_certificate_and_key_belong_together(missing: str) -> None:
    """One without the other stops the start."""
    both = {"PENSTOCK_TLS_CERT": "cert.pem", "PENSTOCK_TLS_KEY": "key.pem"}
    with pytest.raises(BadSettings, match="PENSTOCK_TLS_CERT and PENSTOCK_TLS_KEY"):
        load({name: value for name, value in both.items() if name != missing})


def test_proxies_are_addresses() -> None:
    """A name could be anybody's tomorrow."""
    assert load({"PENSTOCK_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}).trusted_proxies
    for wrong in ("proxy.example.com", "10.0.0.1/8", "10.0.0.0/8;::1"):
        with pytest.raises(BadSettings, match="PENSTOCK_TRUSTED_PROXIES"):
            load({"PENSTOCK_TRUSTED_PROXIES": wrong})


def test_a_pair_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """Missing, no PEM, half of it, or not a pair; the text names setting and file."""
    cert, key, other = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "other.pem"
    with pytest.raises(BadSettings, match=r"PENSTOCK_TLS_CERT.*cert\.pem: No such file"):
        Certificate(cert, key)
    issue(trustme.CA(), cert, key)
    Certificate(cert, key)
    issue(trustme.CA(), tmp_path / "unused.pem", other)
    with pytest.raises(BadSettings, match=r"other\.pem is not the key of .*cert\.pem"):
        Certificate(cert, other)
    other.write_bytes(key.read_bytes()[:100])
    with pytest.raises(BadSettings, match=r"PENSTOCK_TLS_KEY.*other\.pem is not in PEM"):
        Certificate(cert, other)
