"""The page of presets in `docs/presets.md`, from the presets themselves."""

from __future__ import annotations

from simulator.scenario.presets import PACKS

HEAD = """# Presets

Generated from `simulator/scenario/presets.py` by `python -m tests.docs.presets_table > docs/presets.md`; a test checks
that it is current. A preset stands for a pack of numbers; numbers that the file gives itself win:

    [behavior]
    preset = "high"      # response of partners to pay
    inert_share = 0.3    # wins over the preset

    [gaming]
    preset = "low"       # opportunism

Grades: A study or official document, B trade press or survey, C marketing, J judgement. None of the numbers was
measured on partner firms: compare designs under several presets, or make the numbers uncertain.
"""


def presets_page() -> str:
    """The whole page."""
    parts = [HEAD]
    for section, packs in PACKS.items():
        parts.append(f"\n## `[{section}]`\n\n| preset | numbers | grade | source |\n|---|---|---|---|\n")
        for name, pack in packs.items():
            values = ", ".join(f"`{field} = {value:g}`" for field, value in pack.values.items())
            parts.append(f"| `{name}` | {values} | {pack.grade} | {pack.source} |\n")
    return "".join(parts)


if __name__ == "__main__":
    print(presets_page(), end="")
