"""Makefiles, as text: the targets of the described system, for make alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from headrace.init.choices import Shape, extras, relative, word

_PYTHON = """\
PYTHON ?= $(shell command -v python > /dev/null && echo python || echo python3)
UV = $(shell command -v uv > /dev/null && echo uv || echo "$(PYTHON) -m uv")
"""
_CHECK_VENV = """\
check-venv:
	@if [ -z "$$CI" ] && [ -z "$$VIRTUAL_ENV" ]; then \\
		echo "no virtual environment is active: make one with 'python3 -m venv .venv', then '. .venv/bin/activate'" >&2; \\
		exit 1; \\
	fi
"""


def package_makefile(shape: Shape) -> str:
    """The one of a package, to stand in its folder."""
    package = shape.package
    name = package.name.value
    targets = [
        "install",
        "build",
        "check-venv",
        *sorted([*(gate.name for gate in shape.gates), *(["floors"] if shape.lowest else [])]),
        *(["release"] if shape.published else []),
    ]
    parts = [f"# The gates of {name}. Tools come from the environment that is active: `make install` fills it.\n"]
    if any(gate.calls("mypy") for gate in shape.gates) and shape.mypy_path:
        parts.append(f"export MYPYPATH := {':'.join(relative(package.folder, path) for path in shape.mypy_path)}\n")
    parts.append(f"{_PYTHON}CONSTRAINTS := {relative(package.folder, 'constraints.txt')}\nDIST ?= dist\n")
    parts.append(f".PHONY: {' '.join(targets)}\n")
    parts.append(_CHECK_VENV)
    parts.append("\n".join(_install(shape)))
    parts.append("\n".join(_build(shape)))
    parts += ["".join([f"{gate.name}: check-venv\n", *(f"\t{each}\n" for each in gate.commands)]) for gate in shape.gates]
    if shape.lowest:
        parts.append("\n".join(_floors(shape)))
    if shape.published:
        parts.append("\n".join(_release(shape)))
    return "\n".join(parts)


def _install(shape: Shape) -> Iterator[str]:
    package = shape.package
    editable = [f"--editable {word(relative(package.folder, folder))}" for folder in shape.siblings]
    if package.code or package.backend is not None:
        editable.append(f"--editable {word('.' + extras(package))}")
    if shape.siblings:
        yield "# The packages of this repository come from the tree, not from an index."
    yield "install: check-venv"
    yield "\t@command -v uv > /dev/null || \\"
    yield "\t\t$(PYTHON) -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) uv"
    yield '\t$(UV) pip install --quiet --python "$$(command -v $(PYTHON))" \\'
    yield "\t\t--constraint $(CONSTRAINTS) --build-constraint $(CONSTRAINTS) \\"
    yield f"\t\t{' '.join([*editable, *shape.install])}"
    yield ""


def _build(shape: Shape) -> Iterator[str]:
    package = shape.package
    yield "# On a tag the version must be the tag's, so that a wrong tag is refused wherever it is built."
    if shape.package.siblings:
        yield "# What is required of packages of this repository must have a lowest version, and fit those of the tree."
    yield "build:"
    yield "\trm -rf dist"
    yield '\t$(UV) build --quiet --python "$$(command -v $(PYTHON))" --build-constraint $(CONSTRAINTS) --out-dir $(DIST) .'
    script = relative(package.folder, ".github/release.py")
    yield f"\t@$(PYTHON) {script} check {word(package.name.value)} $(DIST){_siblings(shape)}"
    yield ""


def _floors(shape: Shape) -> Iterator[str]:
    package = shape.package
    yield f"# The unit tests once more, with the lowest {' and '.join(shape.lowest)} that users may have, from an index."
    yield "floors: check-venv"
    script = relative(package.folder, ".github/release.py")
    yield '\t@MAKE_INSTALL="make install" MAKE_TESTS="make utest" \\'
    names = " ".join(map(word, (package.name.value, *shape.lowest)))
    yield f"\t\t$(PYTHON) {script} floors {names}"
    yield ""


def _release(shape: Shape) -> Iterator[str]:
    package = shape.package
    name = word(package.name.value)
    if shape.wanted.release == "headrace":
        yield "# RELEASE_ARGS: --dry-run shows what would be done; `headrace release --help` lists the others."
        yield "release:"
        yield f'\theadrace release $(RELEASE_ARGS) -- {name} "$$VERSION"'
    else:
        yield "# make release VERSION=1.2.3"
        yield "release:"
        # Not $(MAKE): a line that names it is done even by `make --dry-run`, and this one pushes.
        script = relative(package.folder, ".github/release.py")
        yield f'\t@MAKE_BUILD="make build" $(PYTHON) {script} release {name} "$$VERSION"{_siblings(shape)}'
    yield ""


def _siblings(shape: Shape) -> str:
    """The packages of the repository that it requires, as words: what is built must ask for what the gates have tried."""
    return "".join(f" {word(each.value)}" for each in shape.package.siblings)


def root_makefile(shapes: Sequence[Shape], names: Sequence[Mapping[str, str]]) -> str:
    """The one of the root, which goes through the packages. `names`: what targets of ours are called in each, where otherwise."""
    lines = ["# The whole repository at once; each package has its own Makefile."]
    lines += ["", "PYTHON ?= $(shell command -v python > /dev/null && echo python || echo python3)", ""]
    gates = [name for name in ("itest", "lint", "type-check", "utest") if any(_has(shape, name) for shape in shapes)]
    lines += [
        f".PHONY: install build check-venv {' '.join(gates)}{' release' if any(each.published for each in shapes) else ''}",
        "",
    ]
    lines += [*_CHECK_VENV.rstrip("\n").split("\n"), ""]
    for target in ("install", *gates, "build"):
        lines.append(f"{target}:{' check-venv' if target != 'build' else ''}")
        for shape, named in zip(shapes, names, strict=True):
            if target in ("install", "build") or _has(shape, target):
                called = f"-C {word(shape.package.folder)} {named.get(target, target)}"
                lines.append(f'\t@$(MAKE) --no-print-directory {called} PYTHON="$(PYTHON)"')
        lines.append("")
    published = [shape for shape in shapes if shape.published]
    if published:
        lines += ["# make release PACKAGE=name VERSION=1.2.3", "release:", '\t@case "$(PACKAGE)" in \\']
        for shape in published:
            folder, name = word(shape.package.folder), shape.package.name.value
            lines.append(f'\t{name}) $(MAKE) --no-print-directory -C {folder} release PYTHON="$(PYTHON)" ;; \\')
        every = [shape.package.name.value for shape in published]
        call = f"make release PACKAGE={every[0]} VERSION=1.2.3"
        lines.append(f'\t*) echo "say which package: {call} (there is {", ".join(every)})" >&2; exit 1 ;; \\')
        lines += ["\tesac", ""]
    return "\n".join(lines)


def _has(shape: Shape, gate: str) -> bool:
    return any(each.name == gate for each in shape.gates)
