"""A Python installation of a job's own, made of one of the machine's: two jobs never share a site-packages, and no job writes
into the machine's.

The copy is an installation, no virtual environment, since tools tell the two apart (`uv pip install --system` skips virtual
environments). Its binary is a copy; its standard library is a folder of links to the machine's; site-packages is its own.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.actions.interpreters import Interpreter

_NOT_OURS = ("site-packages", "dist-packages", "EXTERNALLY-MANAGED")
_SHARED_PREFIXES = ("/usr", "/usr/local", "/")


class Layout(NamedTuple):
    """Where an interpreter says things are. `real` is false in a virtual environment."""

    version: str
    prefix: str
    real: bool
    purelib: str
    scripts: str
    bundled: str


class Unsuitable(Exception):
    """This interpreter does not work from a private folder; says why."""


def create(interpreter: Interpreter, target: str) -> str:
    """Make the installation at `target` (replaced if there is something without a `.complete` marker) and mark it complete.

    Returns how: "installation" or, where an interpreter cannot be one anywhere else, "virtual environment".
    """
    toolkit.remove(target)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    kind = "installation"
    try:
        _link_installation(interpreter, target)
        layout = _probe(os.path.join(target, "bin", interpreter.program))
        _check(layout, interpreter, target)
    except (Unsuitable, OSError) as reason:
        toolkit.info(
            f"{interpreter.executable} cannot be copied into a folder of its own ({reason}); using a virtual environment."
        )
        toolkit.remove(target)
        layout = _virtual_environment(interpreter, target)
        kind = "virtual environment"
    _own_folders(layout, target)
    install_wheels(layout, target, interpreter)
    with open(f"{target}.complete", "w"):
        pass
    return kind


def adopt(target: str, interpreter: Interpreter) -> None:
    """Complete an installation that already stands at `target` and is the job's own: names, pip, marker."""
    _name_binaries(os.path.join(target, "bin"), interpreter.program)
    layout = _probe(os.path.join(target, "bin", interpreter.program))
    managed = os.path.join(target, "lib", interpreter.program, "EXTERNALLY-MANAGED")
    toolkit.remove(managed)
    if not os.path.isdir(os.path.join(layout.purelib, "pip")):
        install_wheels(layout, target, interpreter)
    with open(f"{target}.complete", "w"):
        pass


# The folders


def _link_installation(interpreter: Interpreter, target: str) -> None:
    program, source = interpreter.program, interpreter.prefix
    binaries = os.path.join(target, "bin")
    os.makedirs(binaries)
    _copy(interpreter.executable, os.path.join(binaries, program))
    _name_binaries(binaries, program)
    for name in ("python3-config", f"{program}-config"):
        if os.path.exists(os.path.join(source, "bin", name)):
            os.symlink(os.path.join(source, "bin", name), os.path.join(binaries, name))
    found = False
    for folder in ("lib", "lib64"):
        library = os.path.join(source, folder, program)
        if not os.path.isdir(library) or os.path.islink(os.path.join(source, folder)):
            continue
        found = True
        _link_entries(library, os.path.join(target, folder, program))
        _link_libraries(os.path.join(source, folder), os.path.join(target, folder), source)
    if not found:
        raise Unsuitable(f"it has no library folder {os.path.join(source, 'lib', program)}")
    os.makedirs(os.path.join(target, "lib", program, "site-packages"), exist_ok=True)
    headers = os.path.join(source, "include")
    for name in os.listdir(headers) if os.path.isdir(headers) else []:
        if name.startswith(program):  # `python3.7m` in its day
            _link_entries(os.path.join(headers, name), os.path.join(target, "include", name))
    pkgconfig = os.path.join(source, "lib", "pkgconfig")
    if os.path.isdir(pkgconfig) and source not in _SHARED_PREFIXES:
        _link_entries(pkgconfig, os.path.join(target, "lib", "pkgconfig"))


def _name_binaries(folder: str, program: str) -> None:
    for name in ("python3", "python", program.rstrip("t")):
        path = os.path.join(folder, name)
        if not os.path.lexists(path):
            os.symlink(program, path)


def _link_entries(source: str, target: str) -> None:
    """A real folder whose entries are links, so that what a job adds stays in the job."""
    os.makedirs(target)
    for name in os.listdir(source):
        if name not in _NOT_OURS:
            os.symlink(os.path.join(source, name), os.path.join(target, name))


def _link_libraries(source: str, target: str, prefix: str) -> None:
    """What stands beside the library folder: libpython, and in an installation with a prefix of its own Tcl and its like."""
    shared = prefix in _SHARED_PREFIXES
    for name in os.listdir(source):
        if name.startswith("libpython") or not (shared or name.startswith("python") or name == "pkgconfig"):
            os.symlink(os.path.join(source, name), os.path.join(target, name))


def _copy(source: str, target: str) -> None:
    """A copy with blocks of its own, made by the kernel where it can."""
    with open(source, "rb") as reading, open(target, "wb") as writing:
        length = os.fstat(reading.fileno()).st_size
        done = 0
        while done < length:
            count = os.sendfile(writing.fileno(), reading.fileno(), done, length - done)
            if count == 0:
                raise Unsuitable("it changed while it was copied")
            done += count
    os.chmod(target, 0o755)


def _virtual_environment(interpreter: Interpreter, target: str) -> Layout:
    program = os.path.join(target, "bin", interpreter.program)
    status = toolkit.run([interpreter.executable, "-I", "-m", "venv", "--without-pip", target])
    if status != 0:
        raise ActionFailed(
            f"{interpreter.executable} can make no virtual environment (exit code {status}). Install its venv module, on Debian "
            f"and Ubuntu `apt-get install {interpreter.program}-venv`, or another Python of this version with pyenv or uv."
        )
    _name_binaries(os.path.join(target, "bin"), os.path.basename(program))
    return _probe(program)


def _probe(executable: str) -> Layout:
    """Ask an interpreter, of any version from 3.6 on, where its things are."""
    code = (
        "import sys, sysconfig, os\n"
        "there = os.path.join(sysconfig.get_path('stdlib'), 'ensurepip', '_bundled')\n"
        "own = getattr(sys, 'base_prefix', sys.prefix) == sys.prefix\n"
        "print('\\n'.join(['.'.join(map(str, sys.version_info[:3])), sys.prefix, str(own), sysconfig.get_path('purelib'),"
        " sysconfig.get_path('scripts'), there]))"
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    status, text = toolkit.capture([executable, "-B", "-s", "-c", code], env)
    lines = text.split("\n")
    if status != 0 or len(lines) < 6:
        raise Unsuitable(f"started from there it ends with exit code {status}")
    return Layout(lines[0], lines[1], lines[2] == "True", lines[3], lines[4], lines[5])


def _check(layout: Layout, interpreter: Interpreter, target: str) -> None:
    if not layout.real or os.path.realpath(layout.prefix) != os.path.realpath(target):
        raise Unsuitable(f"started from there it takes {layout.prefix} for its prefix")
    if layout.version != ".".join(map(str, interpreter.version[:3])):
        raise Unsuitable(f"started from there it says it is {layout.version}")
    for path in (layout.purelib, layout.scripts):
        if not f"{path}/".startswith(f"{layout.prefix}/"):
            raise Unsuitable(f"it would install into {path}")


def _own_folders(layout: Layout, target: str) -> None:
    """The folders the interpreter installs into. Debian's has them below `local/`: its scripts go to `bin` all the same, which is
    what stands on PATH, and site-packages leads to the folder that counts."""
    os.makedirs(layout.purelib, exist_ok=True)
    binaries = os.path.join(target, "bin")
    if not os.path.lexists(layout.scripts) and layout.scripts != binaries:
        os.makedirs(os.path.dirname(layout.scripts), exist_ok=True)
        os.symlink(os.path.relpath(binaries, os.path.dirname(layout.scripts)), layout.scripts)
    usual = os.path.join(target, "lib", os.path.basename(os.path.dirname(layout.purelib)), "site-packages")
    if not os.path.samefile(layout.purelib, usual) if os.path.isdir(usual) else False:
        os.rmdir(usual)
        os.symlink(os.path.relpath(layout.purelib, os.path.dirname(usual)), usual)


# pip


def install_wheels(layout: Layout, target: str, interpreter: Interpreter) -> None:
    """pip, and setuptools where Python still brings it, from the wheels that `ensurepip` carries; no network."""
    wheels = _wheels(layout.bundled)
    wanted = ["pip"] if interpreter.version >= (3, 12) else ["pip", "setuptools"]
    for name in wanted:
        wheel = wheels.get(name)
        if wheel is not None:
            _unpack(wheel, name, layout.purelib)
        elif name == "pip":
            raise ActionFailed(
                f"{interpreter.executable} brings no pip. Install its ensurepip, on Debian and Ubuntu "
                f"`apt-get install {interpreter.program}-venv`, or another Python of this version with pyenv or uv."
            )
    python = os.path.join(target, "bin", "python")
    minor = f"{interpreter.version.major}.{interpreter.version.minor}"
    module = (
        "pip._internal.cli.main" if os.path.exists(os.path.join(layout.purelib, "pip/_internal/cli/main.py")) else "pip._internal"
    )
    for name in ("pip", f"pip{interpreter.version.major}", f"pip{minor}"):
        _script(os.path.join(target, "bin", name), python, module)


def _wheels(bundled: str) -> dict[str, str]:
    """Distribution → wheel; Debian keeps them in a folder of the system's."""
    found: dict[str, str] = {}
    for folder in (bundled, "/usr/share/python-wheels"):
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if name.endswith(".whl"):
                found.setdefault(name.split("-")[0], os.path.join(folder, name))
    return found


def _unpack(wheel: str, name: str, folder: str) -> None:
    """As an installer would: the files, INSTALLER, and a RECORD that names it."""
    import zipfile

    made: set[str] = set()
    records = f"{name}-{os.path.basename(wheel).split('-')[1]}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            parts = entry.filename.split("/")
            if entry.is_dir() or ".." in parts or parts[0] == "":
                continue
            path = os.path.join(folder, entry.filename)
            parent = os.path.dirname(path)
            if parent not in made:
                os.makedirs(parent, exist_ok=True)
                made.add(parent)
            data = archive.read(entry)
            if entry.filename == f"{records}/RECORD":
                data += f"{records}/INSTALLER,,\n".encode()
            _write(path, data, 0o644)
    _write(os.path.join(folder, records, "INSTALLER"), b"pip\n", 0o644)


def _script(path: str, python: str, module: str) -> None:
    """A console script. The kernel takes no `#!` line with blanks in its path or of great length; then a shell starts it."""
    first = f"#!{python}\n"
    if " " in python or len(first) > 127:
        first = f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n"
    body = f"import sys\n\nfrom {module} import main\n\nif __name__ == '__main__':\n    sys.exit(main())\n"
    _write(path, (first + body).encode("utf-8", "surrogateescape"), 0o755)


def _write(path: str, data: bytes, mode: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
    finally:
        os.close(file)
