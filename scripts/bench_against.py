#!/usr/bin/env python3
"""The micro rows of two builds, in turn: is any row slower than before?

Each round runs the other build's `bench` and then ours, one round each, and takes the ratio of the two times; the median of
the ratios counts. A row is slower if its median exceeds 1 by more than the spread of its own ratios (p90 - p10).
With --instructions valgrind counts the instructions of a round of each row instead, less those of a round of one or two
operations: what is left are operations of ours and of the floor, and their inputs. For machines where times spread too much.
Exit code 0 even if a row is slower; non-zero only if something did not work.
"""
import argparse
import pathlib
import re
import statistics
import subprocess
import sys


def measure(build, folder, rows, recipients):
    """Microseconds per operation of each row, of one round."""
    table = folder / "rows.md"
    subprocess.run([build / "bench", "--folder", folder / "data", "--rounds", "1", "--recipients", str(recipients),
                    "--markdown", table, *rows], check=True, stdout=subprocess.DEVNULL)
    out = {}
    for line in table.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and cells[1].startswith("`"):
            out[cells[1].strip("`")] = float(cells[3].replace(",", ""))
    return out


def instructions(build, folder, row, recipients):
    """Of the operations alone: what the program does before its first round is in both counts."""
    def counted(*more):
        run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", build / "bench", "--folder",
                              folder / "data", "--rounds", "1", "--recipients", str(recipients), *more, row],
                             check=True, capture_output=True, text=True)
        return int(re.search(r"Collected : (\d+)", run.stderr).group(1))
    return counted() - counted("--quick")


def count(args):
    listed = subprocess.run([args.build / "bench", "--list"], check=True, capture_output=True, text=True).stdout.split()
    rows = [row for row in listed if not args.rows or row.startswith(tuple(args.rows))]
    print("| row | before, million instructions | now | now / before |")
    print("|---|---|---|---|")
    for row in rows:
        before, now = (instructions(build, args.folder, row, args.recipients) for build in (args.against, args.build))
        print(f"| `{row}` | {before / 1e6:.1f} | {now / 1e6:.1f} | {now / before:.3f} |", flush=True)


def part(values, share):
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, type=pathlib.Path, help="a folder with bench")
    parser.add_argument("--against", required=True, type=pathlib.Path, help="another one")
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("rows", nargs="*", help="beginnings of the rows' names; default: all")
    args = parser.parse_args()
    args.build, args.against = args.build.resolve(), args.against.resolve()
    args.folder.mkdir(parents=True, exist_ok=True)
    if args.instructions:
        count(args)
        return 0
    times = {args.against: {}, args.build: {}}
    for _ in range(args.rounds):
        for build, kept in times.items():
            for row, us in measure(build, args.folder, args.rows, args.recipients).items():
                kept.setdefault(row, []).append(us)
    print("| row | before, µs | now, µs | now / before | p10–p90 | slower than its spread |")
    print("|---|---|---|---|---|---|")
    for row, now in times[args.build].items():
        before = times[args.against].get(row)
        if before is None:
            continue
        ratios = [a / b for a, b in zip(now, before)]
        low, middle, high = part(ratios, 0.1), statistics.median(ratios), part(ratios, 0.9)
        slower = "**yes**" if middle > 1 + high - low else "no"
        print(f"| `{row}` | {statistics.median(before):.4g} | {statistics.median(now):.4g} | {middle:.3f} |"
              f" {low:.3f}–{high:.3f} | {slower} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
