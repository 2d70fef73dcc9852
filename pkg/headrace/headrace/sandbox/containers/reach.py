"""The run's services for processes in a container: on the loopback of the container's own network, at the port that they have on
the machine, so that an address of theirs means the same in there."""

from __future__ import annotations

import array
import os

from headrace.base.sockets import AF_INET, AF_UNIX, CMSG_SPACE, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, Socket, socketpair


def listen(pid: int, port: int) -> Socket:
    """A listener on 127.0.0.1 in the network of a process. Raises OSError where we may not enter it."""
    ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
    child = os.fork()
    if child == 0:
        try:
            listener = _listener(pid, port)
            theirs.sendmsg([b"x"], [(SOL_SOCKET, SCM_RIGHTS, array.array("i", [listener.fileno()]).tobytes())])
        except OSError as error:
            theirs.sendall((error.errno or 1).to_bytes(2, "big"))
        finally:
            os._exit(0)
    theirs.close()
    try:
        data, ancillary, _, _ = ours.recvmsg(2, CMSG_SPACE(4))
    finally:
        ours.close()
        os.waitpid(child, 0)
    if not ancillary:
        number = int.from_bytes(data, "big") or 1
        raise OSError(number, os.strerror(number), f"the network of process {pid}")
    fds = array.array("i")
    fds.frombytes(ancillary[0][2])
    os.set_inheritable(fds[0], False)
    return Socket(fileno=fds[0])


def _listener(pid: int, port: int) -> Socket:
    from headrace.sandbox import kernel

    spaces = {name: os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in ("user", "net")}
    try:
        kernel.join(spaces["net"], kernel.NEWNET)
    except PermissionError:  # it belongs to a user namespace, of which we have the power
        kernel.join(spaces["user"], kernel.NEWUSER)
        kernel.join(spaces["net"], kernel.NEWNET)
    listener = Socket(AF_INET, SOCK_STREAM)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener
