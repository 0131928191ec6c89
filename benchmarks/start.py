"""How long it takes to start: import of the package, and the command line's help, best of several processes."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator

COMMANDS = {
    "python alone": ["-c", "pass"],
    "import simulator": ["-c", "import simulator"],
    "incentive-sim --help": ["-m", "simulator", "--help"],
    "import simulator.run": ["-c", "import simulator.run"],
}


def table(long: bool) -> Iterator[str]:
    """Lines of the table."""
    for name, arguments in COMMANDS.items():
        best = min(_seconds([sys.executable, *arguments]) for _ in range(10 if long else 3))
        yield f"{name:<24}{1000 * best:8.0f} ms"


def _seconds(command: list[str]) -> float:
    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = spent()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return spent() - before
