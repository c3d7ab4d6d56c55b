"""The client's address behind any number of trusted proxies, and the form in which it is counted.

Each proxy appends the address of its own peer to `X-Forwarded-For`. Only the part that trusted proxies wrote is
evidence, so the header is read from the right and the first untrusted address is the client's.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_ADDRESS_LENGTH = 45
# One subscriber's line has a whole /64 of IPv6 addresses, so each of them would be a fresh start for every limit.
IPV6_PREFIX_LENGTH = 64
# A request asks several times for the forms of its client's address.
REMEMBERED_ADDRESSES = 4096


class TrustedProxies:
    """Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Addresses and networks. Raises ValueError."""
        self._networks = [_read_network(network) for network in networks]

    def trusts(self, peer: str) -> bool:
        return self._includes(read_address(peer))

    def client_address(self, peer: str, forwarded_for: str = "") -> str:
        """Plain address of the client; the peer's own if no trusted proxy names another.

        `forwarded_for` holds all lines of the header, joined by commas. An entry that is no address ends the walk: the
        proxy that wrote it is as far as the evidence reaches.
        """
        client = read_address(peer)
        if client is None:
            return peer[:MAX_ADDRESS_LENGTH]  # A Unix socket has a path or nothing.
        for entry in reversed(forwarded_for.split(",") if forwarded_for else []):
            if not self._includes(client):
                break
            named = read_address(entry)
            if named is None:
                break
            client = named
        return str(client)

    def scheme(self, peer: str, forwarded_proto: str, *, own: str) -> str:
        """`https` or `http` as the client used it; `own` is the scheme of this connection."""
        if not forwarded_proto or not self.trusts(peer):
            return own
        return "https" if {part.strip().lower() for part in forwarded_proto.split(",")} == {"https"} else "http"

    def _includes(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


@lru_cache(maxsize=REMEMBERED_ADDRESSES)
def read_address(text: str) -> Address | None:
    """The address of a peer or of an entry of `X-Forwarded-For`: brackets, port and zone are accepted and dropped.

    An IPv4 address in IPv6 form is the IPv4 address. None for anything else.
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text, _, port = text[1:].partition("]")
        if port and not _is_port(port):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=REMEMBERED_ADDRESSES)
def counted_address(address: str) -> str:
    """The form that limits, locks, caps and logs count by: an IPv4 address, or the /64 of an IPv6 address."""
    read = read_address(address)
    if isinstance(read, IPv6Address):
        return str(IPv6Network((int(read) >> IPV6_PREFIX_LENGTH << IPV6_PREFIX_LENGTH, IPV6_PREFIX_LENGTH)))
    return address if read is None else str(read)


def _read_network(text: str) -> Network:
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.prefixlen >= 96 and network.network_address.ipv4_mapped:
        # Peers are compared in their IPv4 form.
        return ip_network(f"{network.network_address.ipv4_mapped}/{network.prefixlen - 96}")
    return network


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isdecimal() and len(text) <= 6
