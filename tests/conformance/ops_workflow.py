"""The conformance operations about whole workflow files: reading them, filters, matrices and cron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.workflow import canonical, cron, matrix
from headrace.workflow.model import Pattern
from headrace.workflow.patterns import decide
from headrace.workflow.reader import Loaded, Options, load
from headrace.workflow.yaml_tokens import Limits

if TYPE_CHECKING:
    from collections.abc import Callable


class _Files:
    """Called files by reference, as the request gives them."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def read(self, reference: str) -> bytes | None:
        content = self.files.get(reference)
        return None if content is None else content.encode()


def _options(given: dict[str, Any]) -> Options:
    return Options(
        limits=Limits(
            characters=given["max_file_size"],
            depth=given["max_depth"],
            size=given["max_result_size"],
            anchors=given["allow_anchors"],
        ),
        events="lenient",
        calls="skip" if given["skip_reusable_workflows"] else "load",
        call_levels=given["max_nested_reusable_workflows_depth"],
        jobs=given["max_job_limit"],
        default_permissions="write" if given["permissions_policy"] == "Write" else "read",
    )


def parse_workflow(request: dict[str, Any]) -> dict[str, Any]:
    options = request["options"]
    loaded = load(request["name"], request["content"].encode(), source=_Files(request["files"]), options=_options(options))
    found = canonical.document(loaded, "keep" if options["include_source"] else "drop")
    if options["is_partial_rerun"] and "file-table" in found:
        found["file-table"] = [*sorted(_called(loaded)), request["name"]]  # a quirk of partial re-runs that the data holds
    if "errors" in found:
        return {"errors": [{"message": error["Message"]} for error in found["errors"]]}
    return {"template": found}


def _called(loaded: Loaded) -> list[str]:
    return list(loaded.files)[1:]


def match_filter(request: dict[str, Any]) -> dict[str, Any]:
    patterns = [Pattern(text) for text in request["patterns"]]
    said = [decide(patterns, value)[0] for value in request["values"]]
    return {"result": not all(said) if request["filter"].endswith("-ignore") else any(said)}


def expand_matrix(request: dict[str, Any]) -> dict[str, Any]:
    name = request["job_name"]
    try:
        rows = matrix.expand(request["matrix"], job=name)
    except matrix.MatrixError as error:
        return {"error": {"message": error.problems[0].message}}
    if not rows:
        return {"result": [{"matrix": None, "name": name}]}
    return {"result": [{"matrix": row.values, "name": matrix.display_name(name, row)} for row in rows]}


def check_cron(request: dict[str, Any]) -> dict[str, Any]:
    return {"result": cron.check(request["cron"])}


OPS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "parse_workflow": parse_workflow,
    "match_filter": match_filter,
    "expand_matrix": expand_matrix,
    "check_cron": check_cron,
}
