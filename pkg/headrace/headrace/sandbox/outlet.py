"""The way out of a job's own network where nothing better is there: an HTTP proxy and the run's services, on the job's loopback.

One process a leg, outside of the job, over listeners that the job's process 1 has opened. It takes `CONNECT` and absolute-form
requests, resolves names itself, and connects neither to this machine nor to what only this machine can reach.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.base.sockets import Socket

if TYPE_CHECKING:
    import socket

_HEAD = 65536  # bytes of a request's head at most
_CONNECT_SECONDS = 30.0
_HOP = (b"proxy-connection", b"proxy-authorization", b"connection", b"keep-alive")


def start(proxy: Socket | None, forwards: Sequence[tuple[Socket, int]], environ: Mapping[str, str]) -> int:
    """Fork the process and return its pid. `proxy` is the listener of the proxy; each of `forwards` is a listener and the port of
    the machine's loopback that its connections go to. The listeners are closed here. The process ends with this one, however that
    ends."""
    watched, _ = os.pipe2(os.O_CLOEXEC)  # its other end is held until we end
    pid = os.fork()
    if pid == 0:
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            listeners = [listener.fileno() for listener in (*([proxy] if proxy else []), *(one for one, _ in forwards))]
            _keep_only([watched, *listeners])
            _serve(proxy, {listener.fileno(): (listener, port) for listener, port in forwards}, environ, watched)
        finally:
            os._exit(0)
    os.close(watched)
    for listener in (proxy, *(one for one, _ in forwards)):
        if listener is not None:
            listener.close()
    return pid


def variables(port: int) -> dict[str, str]:
    """What tells programs of the proxy."""
    url = f"http://127.0.0.1:{port}"
    found = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"), url)
    return found | dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1,[::1]")


def _keep_only(fds: list[int]) -> None:
    start = 3
    for fd in sorted(fds):
        os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def _serve(proxy: Socket | None, forwards: dict[int, tuple[Socket, int]], environ: Mapping[str, str], watched: int) -> None:
    """Until `watched` ends, or it is ended with its leg."""
    poll = select.poll()
    for fd in (*([proxy.fileno()] if proxy else []), *forwards, watched):
        poll.register(fd, select.POLLIN)
    known = upstreams(environ)
    poll.poll()  # most legs never come here: what the rest needs is loaded now
    import socket
    import threading

    accepting = {fd: socket.socket(fileno=os.dup(fd)) for fd in (*([proxy.fileno()] if proxy else []), *forwards)}
    while True:
        for fd, _ in poll.poll():
            if fd == watched:
                return
            try:
                client, _ = accepting[fd].accept()
            except OSError:
                continue
            if fd in forwards:
                work: Any = (_forward, (client, forwards[fd][1]))
            else:
                work = (_proxy, (client, known))
            threading.Thread(target=_quietly, args=work, daemon=True).start()


def _quietly(work: Any, arguments: tuple[Any, ...]) -> None:
    client = arguments[0]
    try:
        work(*arguments)
    except (OSError, ValueError):
        pass
    finally:
        client.close()


def _forward(client: socket.socket, port: int) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", port)) as server:
        _pump(client, server)


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Copy both ways until both have ended."""
    poll = select.poll()
    ways = {one.fileno(): (one, other), other.fileno(): (other, one)}
    for fd in ways:
        poll.register(fd, select.POLLIN)
    while ways:
        for fd, _ in poll.poll():
            source, target = ways[fd]
            try:
                data = source.recv(1 << 16)
                if data:
                    target.sendall(data)
                    continue
            except OSError:
                data = b""
            poll.unregister(fd)
            del ways[fd]
            try:
                target.shutdown(1)
            except OSError:
                return


# The proxy -----------------------------------------------------------------------------------------------------------


class Refused(ValueError):
    """The job may not connect there."""


def _proxy(client: socket.socket, known: Mapping[str, tuple[str, int]]) -> None:
    head, rest = _read_head(client)
    line, _, headers = head.partition(b"\r\n")
    words = line.split(b" ")
    if len(words) != 3:
        _answer(client, 400, "that is no request")
        return
    method, target, version = words
    try:
        if method == b"CONNECT":
            host, port = split(target.decode("ascii"), 443)
            with _reach(host, port, _on_the_way(host, known.get("https")), tunnel=True) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                server.sendall(rest)
                _pump(client, server)
            return
        scheme, separator, after = target.partition(b"://")
        if not separator or scheme.lower() != b"http":
            _answer(client, 400, "an address must begin with http://")
            return
        place, slash, path = after.partition(b"/")
        host, port = split(place.decode("ascii"), 80)
        upstream = _on_the_way(host, known.get("http"))
        with _reach(host, port, upstream, tunnel=False) as server:
            asked = target if upstream else slash + path if slash else b"/"
            kept = [each for each in headers.split(b"\r\n") if each and each.partition(b":")[0].strip().lower() not in _HOP]
            server.sendall(b"\r\n".join([b" ".join([method, asked, version]), *kept, b"Connection: close", b"", b""]) + rest)
            _pump(client, server)
    except Refused as error:
        _answer(client, 403, str(error))
    except (OSError, UnicodeError, ValueError) as error:
        _answer(client, 502, str(error))


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    client.settimeout(_CONNECT_SECONDS)
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(4096)
        if not more or len(data) > _HEAD:
            raise ValueError("no request")
        data += more
    client.settimeout(None)
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _answer(client: socket.socket, status: int, text: str) -> None:
    body = f"headrace: {text}\n".encode("utf-8", "replace")
    reason = {400: "Bad Request", 403: "Forbidden", 502: "Bad Gateway"}[status]
    lines = [f"HTTP/1.1 {status} {reason}", "Content-Type: text/plain", f"Content-Length: {len(body)}", "Connection: close"]
    client.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def split(place: str, usual: int) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, `[v6]:port`. Raises ValueError.

    >>> split("example.org:8443", 443), split("[::1]", 80)
    (('example.org', 8443), ('::1', 80))
    """
    place = place.rpartition("@")[2]
    if place.startswith("["):
        host, _, after = place[1:].partition("]")
        return host, int(after[1:]) if after.startswith(":") else usual
    host, colon, port = place.partition(":")
    if not host:
        raise ValueError("no host")
    return host, int(port) if colon else usual


def _reach(host: str, port: int, upstream: tuple[str, int] | None, *, tunnel: bool) -> socket.socket:
    """A connection to there, through the proxy `upstream` if there is one. Raises Refused, OSError."""
    import socket

    if upstream is not None:
        server = socket.create_connection(upstream, timeout=_CONNECT_SECONDS)
        server.settimeout(None)
        if tunnel:
            name = f"[{host}]" if ":" in host else host
            server.sendall(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode("ascii"))
            head, _ = _read_head(server)
            if head.split(b" ")[1:2] != [b"200"]:
                server.close()
                raise OSError("the proxy of this machine refuses it: " + head.split(b"\r\n")[0].decode("latin-1"))
        return server
    problem: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not allowed(str(address[0]), own_addresses()):
            raise Refused(f"{host} is {address[0]}, which is this machine or its own network; jobs cannot reach that")
        one = socket.socket(family, kind, protocol)
        try:
            one.settimeout(_CONNECT_SECONDS)
            one.connect(address)
            one.settimeout(None)
            return one
        except OSError as error:
            one.close()
            problem = error
    raise problem or OSError(f"{host} has no address")


def _on_the_way(host: str, upstream: tuple[str, int] | None) -> tuple[str, int] | None:
    """The proxy that this machine itself needs to get there."""
    from urllib.request import proxy_bypass

    return None if upstream is None or _resolves_here(host) or proxy_bypass(host) else upstream


def _resolves_here(host: str) -> bool:
    """Is that a name or an address of this machine, whatever a proxy would say of it?"""
    import ipaddress

    try:
        return not allowed(str(ipaddress.ip_address(host)), own_addresses())
    except ValueError:
        return host.lower().rstrip(".") in ("localhost", os.uname().nodename.lower()) or host.lower().endswith(".localhost")


def allowed(address: str, own: frozenset[str]) -> bool:
    """Whether a job may connect there: neither this machine, nor what has a meaning only on this machine's links.

    >>> own = frozenset({"192.168.1.7"})
    >>> [allowed(a, own) for a in ("1.2.3.4", "10.0.0.1", "127.1.2.3", "169.254.169.254", "192.168.1.7", "::1")]
    [True, True, False, False, False, False]
    >>> [allowed(a, frozenset()) for a in ("::ffff:127.0.0.1", "fe80::1", "0.0.0.0", "224.0.0.1", "2001:db8::1")]
    [False, False, False, False, True]
    """
    import ipaddress

    given = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(given, "ipv4_mapped", None)
    if mapped is not None:
        given = mapped
    if given.is_loopback or given.is_link_local or given.is_unspecified or given.is_multicast:
        return False
    return str(given) not in own


def own_addresses() -> frozenset[str]:
    """The addresses of this machine's interfaces."""
    found = set()
    try:
        with open("/proc/net/fib_trie") as file:
            last = ""
            for line in file:
                words = line.split()
                if "host LOCAL" in line:
                    found.add(last)
                elif words[:1] in (["|--"], ["+--"]):
                    last = words[1]
        with open("/proc/net/if_inet6") as file:
            import ipaddress

            found |= {str(ipaddress.ip_address(int(line.split()[0], 16).to_bytes(16, "big"))) for line in file}
    except OSError:
        pass
    return frozenset(found)


def upstreams(environ: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """The proxies that this machine itself needs, by scheme."""
    found = {}
    for scheme in ("http", "https"):
        for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
            url = environ.get(name, "")
            kind, separator, place = url.partition("://")
            if url and (not separator or kind.lower() == "http"):
                try:
                    found[scheme] = split((place if separator else url).rstrip("/"), 80)
                except ValueError:
                    continue
                break
    return found
