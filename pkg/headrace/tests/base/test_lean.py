"""The lean import of msgspec: it works, and what was left out can be had later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import headrace

CODE = """
import sys
sys.path.insert(0, {root!r})
from headrace.base.lean import import_msgspec
{before}
import_msgspec()
import msgspec
class A(msgspec.Struct):
    x: dict[str, list[int]]
assert msgspec.msgpack.decode(msgspec.msgpack.encode(A({{"a": [1]}})), type=A) == A({{"a": [1]}})
assert msgspec.json.decode(b'{{"x": {{}}}}', type=A).x == {{}}
assert msgspec.structs.replace(A({{}}), x={{"b": []}}).x == {{"b": []}}
print(sorted(name for name in ("uuid", "decimal", "textwrap", "typing_extensions", "msgspec.inspect") if name in sys.modules))
import decimal, uuid, textwrap, msgspec.inspect
assert decimal.Decimal("1.5") + 1 == decimal.Decimal("2.5")
assert uuid.UUID(int=1).int == 1 and textwrap.dedent(" a") == "a"
assert msgspec.inspect.type_info(int)
"""


def run(before: str = "") -> str:
    code = CODE.format(root=str(Path(headrace.__file__).parents[1]), before=before)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_nothing_that_a_call_has_no_use_for_is_loaded_and_all_of_it_can_be_had_later() -> None:
    assert run() == "[]"


def test_what_is_loaded_already_stays() -> None:
    assert run("import decimal") == "['decimal']"


def test_a_msgspec_that_takes_more_is_imported_with_all_of_it() -> None:
    before = "import headrace.base.lean as lean; lean._TAKES = {**lean._TAKES, 'uuid': ()}"
    assert "uuid" in run(before)
