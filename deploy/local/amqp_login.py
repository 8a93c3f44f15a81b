"""One AMQP 0-9-1 login over a plain socket: the proof that a broker serves its users."""

import socket
import struct

_HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME, _FRAME_END = 1, b"\xce"
_START, _START_OK, _TUNE = (10, 10), (10, 11), (10, 30)


def accepts_login(port: int, username: str, password: str, *, timeout: float = 2) -> bool:
    """Does the broker on this loopback port accept the user?"""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            connection.sendall(_HEADER)
            if _read_method(connection) != _START:
                return False
            connection.sendall(_start_ok(username, password))
            return _read_method(connection) == _TUNE
    except OSError:
        return False


def _start_ok(username: str, password: str) -> bytes:
    no_properties = struct.pack(">I", 0)
    response = f"\0{username}\0{password}".encode()
    arguments = no_properties + _short(b"PLAIN") + struct.pack(">I", len(response)) + response + _short(b"en_US")
    payload = struct.pack(">HH", *_START_OK) + arguments
    return struct.pack(">BHI", _METHOD_FRAME, 0, len(payload)) + payload + _FRAME_END


def _short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def _read_method(connection: socket.socket) -> tuple[int, int]:
    _, _, size = struct.unpack(">BHI", _read(connection, 7))
    payload = _read(connection, size + len(_FRAME_END))
    class_id, method_id = struct.unpack_from(">HH", payload)
    return class_id, method_id


def _read(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionError("the broker hung up")
        received += part
    return received
