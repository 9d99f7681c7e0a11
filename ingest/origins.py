"""Where a request comes from: the address and the scheme, seen by ourselves or told by a proxy that we trust."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, NamedTuple

from ingest.errors import HttpsRequired
from schemas.settings import Settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Scheme = Literal["http", "https"]

PROBES = (b"/live", b"/ready")  # orchestrators ask in plain HTTP, and nothing secret travels


class Origin(NamedTuple):
    address: str
    scheme: Scheme


class Origins:
    """proxies: who is believed. https_only: whether plain HTTP is refused."""

    def __init__(self, proxies: Sequence[Network] = (), *, https_only: bool = False) -> None:
        self._proxies = proxies
        self.https_only = https_only

    def trusts(self, address: str) -> bool:
        return bool(self._proxies) and self._is_proxy(_address(address))

    def told(self, proxy: str, scheme: Scheme, headers: Iterable[tuple[bytes, bytes]]) -> Origin:
        """By a proxy that is trusted: each hop adds to the right, so what stands left of a stranger is hearsay."""
        hops: list[str] = []
        schemes: list[str] = [scheme]
        for name, value in headers:
            if name == b"x-forwarded-for":
                hops += value.decode("latin-1").split(",")
            elif name == b"x-forwarded-proto":
                schemes += value.decode("latin-1").lower().split(",")
        return Origin(self._client(proxy, hops), "https" if schemes[-1].strip() == "https" else "http")

    def checked(self, proxy: str, scheme: Scheme, headers: Iterable[tuple[bytes, bytes]], url: bytes) -> Origin | None:
        """As a proxy told it, if there is one. Raises `HttpsRequired`. Never a redirect: the keys have travelled in the
        clear by then."""
        origin = self.told(proxy, scheme, headers) if proxy else None
        came = origin.scheme if origin else scheme
        if self.https_only and came != "https" and url.partition(b"?")[0] not in PROBES:
            raise HttpsRequired
        return origin

    def _client(self, proxy: str, hops: Sequence[str]) -> str:
        nearest = proxy
        for hop in reversed(hops):
            address = _address(hop.strip())
            if address is None:
                break
            nearest = str(address)
            if not self._is_proxy(address):
                break
        return nearest

    def _is_proxy(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._proxies)


def refuses_plain_http(settings: Settings, bound_to: str) -> bool:
    """By the address that it listens on: whoever comes over loopback is on this machine already."""
    address = _address(bound_to)
    return not (settings.allow_http or (address is not None and address.is_loopback))


def advice(settings: Settings) -> str:
    """What to set where plain HTTP is refused and there is no certificate."""
    if settings.trusted_proxies:
        return "what a trusted proxy got over https is taken, everything else is answered 403"
    return (
        "every request is answered 403 until PENSTOCK_TLS_CERT and PENSTOCK_TLS_KEY are set,"
        " or PENSTOCK_TRUSTED_PROXIES, or PENSTOCK_ALLOW_HTTP=true"
    )


def networks(text: str) -> list[Network]:
    """Comma-separated addresses and networks. Raises `ValueError`."""
    return [ip_network(part.strip()) for part in text.split(",") if part.strip()]


def _address(text: str) -> Address | None:
    """Also of `1.2.3.4:5678`, `[::1]:5678`, and an IPv4 address on an IPv6 socket; None if it is nothing of it."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
