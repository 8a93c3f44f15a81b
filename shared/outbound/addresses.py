"""Addresses: which of them belong to the public internet.

Stricter than `is_global` of the standard library, whose answer has changed between Python versions and which counts
multicast, relay and translation prefixes in. IANA's special-purpose registries are the source.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

SPECIAL_IPV4 = [
    IPv4Network("0.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT, and some clouds' metadata
    IPv4Network("127.0.0.0/8"),
    IPv4Network("168.63.129.16/32"),  # Azure's host, a public address answered inside every machine
    IPv4Network("169.254.0.0/16"),  # link-local, and most clouds' metadata
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("192.168.0.0/16"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("224.0.0.0/3"),  # multicast, reserved, broadcast
]
GLOBAL_UNICAST = IPv6Network("2000::/3")
SPECIAL_IPV6 = [
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),  # 6to4, an IPv4 address inside
    IPv6Network("3fff::/20"),
]
NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether a connection to this literal address stays out of private networks."""
    ip = ip_address(address)
    return _is_public_ipv4(ip) if isinstance(ip, IPv4Address) else _is_public_ipv6(ip)


def _is_public_ipv4(ip: IPv4Address) -> bool:
    return not any(ip in network for network in SPECIAL_IPV4)


def _is_public_ipv6(ip: IPv6Address) -> bool:
    if (inner := _reached_ipv4(ip)) is not None:
        return _is_public_ipv4(inner)
    return ip in GLOBAL_UNICAST and not any(ip in network for network in SPECIAL_IPV6)


def _reached_ipv4(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a connection to a mapped or NAT64 address ends at."""
    if ip in NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped
