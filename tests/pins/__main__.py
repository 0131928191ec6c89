"""Renew the pinned figures: `python -m tests.pins`.

It may be used only together with a line in CHANGELOG.md that says which figures move, and why. Names after the command
renew those alone: `python -m tests.pins "select" "red team"`.
"""

from __future__ import annotations

import json
import sys
import time

from tests.pins.figures import PINS
from tests.pins.test_pins import FILE

if __name__ == "__main__":
    pins = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for name in sys.argv[1:] or PINS:
        start = time.monotonic()
        pins[name] = PINS[name]()
        print(f"{time.monotonic() - start:5.1f} s  {name}")
    kept = {name: pins[name] for name in PINS}
    FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
