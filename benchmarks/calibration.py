"""Rows a CRM export may have: time and peak memory of reading it, and of the whole calibration.

    python -m benchmarks.calibration --rows 5_000_000 --format csv [--fit]

The export is made up (2,000 partners, three currencies, 1 % exact duplicates) and written to a temporary folder by a
process of its own, so that the peak is that of the reading alone.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

PART = 250_000
START = np.datetime64("2019-01-01")


def part(first: int, rows: int) -> pd.DataFrame:
    """Rows of the export, the same at every run."""
    number = first + np.arange(rows)
    number[number % 100 == 99] -= 50  # copies of earlier rows
    created = START + (number * 7919 % 1800).astype("timedelta64[D]")
    length = 5 + number * 104_729 % 140
    closed = created + length.astype("timedelta64[D]")
    is_open = closed > START + np.timedelta64(1800, "D")
    amount = np.exp(10 + (number * 15_485_863 % 1000) / 250)
    # No partner may win all or nothing, as it would if its number told the outcome.
    won = (number * 2_654_435_761 >> 16) % 10 < 3
    outcome = np.where(is_open, "Negotiation/Review", np.where(won, "Closed Won", "Closed Lost"))
    return pd.DataFrame({
        "Opportunity ID": np.char.add("006", np.char.zfill(number.astype(str), 12)),
        "Partner Account": np.char.add("Partner ", (number * 31 % 2000).astype(str)),
        "Account Name": np.char.add("Account ", (number * 17 % 400_000).astype(str)),
        "Amount": np.round(amount, 2), "Amount Currency": np.array(["USD", "EUR", "GBP"])[number * 13 % 3],
        "Created Date": created.astype(str), "Close Date": closed.astype(str), "Stage": outcome,
    })  # fmt: skip


def write(path: Path, rows: int) -> None:
    """The export as CSV or Parquet by the ending of `path`."""
    if path.suffix == ".csv":
        for first in range(0, rows, PART):
            part(first, min(PART, rows - first)).to_csv(path, mode="a", header=first == 0, index=False)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for first in range(0, rows, PART):
        table = pa.Table.from_pandas(part(first, min(PART, rows - first)), preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--fit", action="store_true", help="the whole calibration, with its report")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        write(asked.write, asked.rows)
        return
    from simulator.calibration.calibrate import calibrate
    from simulator.calibration.clean import read_export
    from simulator.calibration.crm_detection import source_of
    from simulator.calibration.side_files import CompanionFiles

    with tempfile.TemporaryDirectory() as folder:
        export, rates = Path(folder) / f"export.{asked.format}", Path(folder) / "rates.csv"
        command = [sys.executable, "-m", "benchmarks.calibration", "--rows", str(asked.rows), "--write", str(export)]
        subprocess.run(command, check=True)
        rates.write_text("Currency,Rate\nUSD,1\nEUR,1.1\nGBP,1.3\n")
        start = time.perf_counter()
        if asked.fit:
            out, page = Path(folder) / "fitted.toml", Path(folder) / "fitted.html"
            calibrate(export, None, out, companions=CompanionFiles(rates=rates), report_path=page)
        else:
            found = read_export(export, source=source_of(export, None, rates))
            print("\n".join(f"{r.kind}: {r.reason}: {r.count:,}" for r in found.remarks))
        took, size = time.perf_counter() - start, export.stat().st_size / 2**20
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{asked.rows:,} rows, {size:,.0f} MiB of {asked.format}: {took:.0f} s, peak {peak:.2f} GiB")


if __name__ == "__main__":
    main()
