"""The reference of components in `docs/components.md`, from the definitions themselves."""

from __future__ import annotations

import inspect
import re

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import simulator.program.components  # noqa: F401  (registers the component kinds)
from simulator.program.base import COMPONENTS, ComponentSpec

HEAD = """# Components and terms

Generated from `simulator/program` by `python -m tests.docs.components_table > docs/components.md`; a test checks that
it is current. A program is a table of components; each has a `kind` and the fields of its kind, and may have any of the
common fields and terms. Grades of evidence are explained in [scenario files](scenario_files.md).

A kind of your own is a module with a class like those in `simulator/program/components`. Import it before a scenario is
read, name it in the environment variable `INCENTIVE_SIM_COMPONENTS` (modules, separated by commas), or install it with
an entry point of the group `incentive_sim.components`. With several workers only the last two reach them all.
"""
COMMON = set(ComponentSpec.model_fields) - {"kind"}


def components_page() -> str:
    """The whole page."""
    shared = {n: f for n, f in ComponentSpec.model_fields.items() if n != "kind"}
    nested = {f"{n}.{m}": g for n, f in shared.items() for m, g in _model_fields(f).items()}
    parts = [HEAD]
    for kind in sorted(COMPONENTS):
        model = COMPONENTS[kind]
        own = {n: f for n, f in model.model_fields.items() if n not in COMMON and n != "kind"}
        inner = {f"{n}[].{m}": g for n, f in own.items() for m, g in _model_fields(f).items()}
        words = re.sub(r"\s+", " ", inspect.cleandoc(model.__doc__ or ""))
        parts.append(f"\n## `{kind}`\n\n{words}\n\n{_table(own | inner)}")
    parts.append(f"\n## Common to all\n\n{_table({n: f for n, f in shared.items() if not _model_fields(f)} | nested)}")
    return "".join(parts)


def _models(annotation: object) -> list[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in getattr(annotation, "__args__", ()) for m in _models(part)]


def _model_fields(field: FieldInfo) -> dict[str, FieldInfo]:
    """Fields of a nested table."""
    return {n: f for m in _models(field.annotation) for n, f in m.model_fields.items()}


def _table(fields: dict[str, FieldInfo]) -> str:
    head = "| field | default | meaning | source, grade |\n|---|---|---|---|\n"
    return head + "".join(_row(name, field) for name, field in fields.items())


def _row(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    default = "required" if field.is_required() else field.get_default(call_default_factory=True)
    shown = "" if default in (None, "", (), {}) else str(default)
    source = f"{extra['source']}, {extra['grade']}" if "source" in extra else ""
    return f"| `{name}` | {shown} | {field.description or ''} | {source} |\n"


if __name__ == "__main__":
    print(components_page(), end="")
