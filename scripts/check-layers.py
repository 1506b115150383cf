#!/usr/bin/env python3
"""The house: includes go down only, rooms of one floor have no doors, pure floors stay pure.

Each complaint reads `file:line: what is wrong: what to do instead`. The exception list is empty and stays empty.
"""
import pathlib
import re
import sys

FLOORS = [
    {"base"},
    {"crypto"},
    {"wire", "bitcoin"},
    {"transport", "onion", "offers", "commitment", "graph"},
    {"effects"},
    {"paths", "onchain"},
    {"peer", "channel", "wallet", "gossip", "onion_message", "invoicing", "forwarding", "payment", "keys", "toolbox"},
    {"node", "api"},
    {"io", "store", "chain", "rpc"},
    {"app", "sim"},
    {"cli"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
PURE = {room for rooms in FLOORS[:8] for room in rooms} - {"api"}  # JSON comes with exceptions
# Floor 3 is narrower than "everything below": it says who may use what.
ONLY = {
    "transport": {"base", "crypto", "wire"}, "onion": {"base", "crypto", "wire"}, "offers": {"base", "crypto", "wire"},
    "commitment": {"base", "crypto", "wire", "bitcoin"}, "graph": {"base", "crypto", "wire"},
}
# What the floors above the machines may see: `effects` and what is below it, and the rooms named here.
BELOW_MACHINES = {room for rooms in FLOORS[:5] for room in rooms}
MACHINES = {"peer", "channel", "wallet", "gossip", "onion_message", "invoicing", "forwarding", "payment"}
DRIVERS = {"io", "store", "chain", "rpc"}
ONLY |= {
    "node": BELOW_MACHINES | MACHINES | {"paths"}, "api": BELOW_MACHINES | {"toolbox"},
    "io": BELOW_MACHINES, "store": BELOW_MACHINES, "chain": BELOW_MACHINES, "rpc": BELOW_MACHINES | {"api"},
    "app": BELOW_MACHINES | DRIVERS | {"node", "api", "keys"}, "sim": BELOW_MACHINES | {"node", "keys", "toolbox"},
    "cli": BELOW_MACHINES | DRIVERS | {"app", "api", "toolbox"},
}
BANNED = [
    (re.compile(r"\b(std::)?(system_clock|steady_clock|high_resolution_clock)\b"), "a clock: take the time as an argument"),
    (re.compile(r"\bstd::(random_device|mt19937\w*)\b|\brand\(\)"), "chance: take an Rng as an argument"),
    (re.compile(r"\bstd::(thread|jthread|mutex|async|future|promise|condition_variable|atomic)\b"),
     "threads: floors 0-7 have none"),
    (re.compile(r"\bgetenv\b"), "the environment: take configuration as an argument"),
    (re.compile(r"\bstd::(ifstream|ofstream|fstream|filesystem)\b|\bfopen\("), "files: floor 8 has them"),
    (re.compile(r"\b(throw|try|catch)\b\s*[({\w]"), "an exception: return a Result"),
    (re.compile(r"\bstd::unordered_(map|set)\b"), "an unordered container: its order is not deterministic, use std::map"),
]
INCLUDE = re.compile(r'^\s*#include\s+"([a-z_]+)/')
THIRD_PARTY = re.compile(r"^\s*#include\s+<(secp256k1|openssl|sodium|boost|sqlite3|curl|toml)")


def complaints(root):
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        room = path.relative_to(root / "src").parts[0]
        parts = path.relative_to(root / "src").parts
        testing = any(part in ("test", "fuzz", "bench") for part in parts) or path.name == "testing.h"
        where = path.relative_to(root)
        if room not in FLOOR_OF:
            yield f"{where}:1: room '{room}' stands on no floor: add it to scripts/check-layers.py"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            if include and include[1] in FLOOR_OF and include[1] != room and not testing:
                other = include[1]
                if FLOOR_OF[other] > FLOOR_OF[room]:
                    yield f"{where}:{number}: {room} looks up to {other}: includes go down only"
                elif FLOOR_OF[other] == FLOOR_OF[room]:
                    yield f"{where}:{number}: a door between {room} and {other}: move the shared rule a floor down"
                elif room in ONLY and other not in ONLY[room]:
                    yield f"{where}:{number}: {room} may not use {other}: only {', '.join(sorted(ONLY[room]))}"
            if room in PURE and not testing:
                if THIRD_PARTY.match(line) and not (room == "crypto" and path.suffix == ".cc"):
                    yield f"{where}:{number}: third-party header on a pure floor: only crypto/*.cc has them"
                code = line.split("//")[0]
                if code.lstrip().startswith(("*", "/*")):
                    continue
                for pattern, why in BANNED:
                    if pattern.search(re.sub(r'"(\\.|[^"\\])*"', '""', code)):
                        yield f"{where}:{number}: {why}"


def main():
    found = list(complaints(pathlib.Path(__file__).resolve().parent.parent))
    print("\n".join(found) if found else "layers: every include goes down, every pure floor is pure")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
