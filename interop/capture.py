#!/usr/bin/env python3
"""Writes down a payment between Doze and LDK as test vectors: held, both ends asleep, every message that a Doze node
sent or got, with all of Doze's keys. vectors/async/README.md describes the files. Each run gives other bytes."""
import argparse
import hashlib
import hmac
import json
import pathlib
import shutil
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "interop")]

import demo  # noqa: E402
from demo import Wrong, say, until  # noqa: E402
from lineups import Payment, all_settled, hold_all, sums_are_exact, wake_payers, wake_recipients  # noqa: E402
from network import SHORT, Network, World  # noqa: E402
from nodes import DOZE, LDK, DozePeer, LdkPeer  # noqa: E402

MIXES = {"doze-ldk-doze-ldk": (DOZE, LDK, DOZE, LDK), "ldk-doze-ldk-doze": (LDK, DOZE, LDK, DOZE)}
GOSSIP = {256, 257, 258, 261, 262, 263, 264, 265}
ONION_MESSAGE = 513
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Four(Network):
    """S, L, M and R, of these kinds; Doze's record."""

    def __init__(self, args, base, kinds):
        World.__init__(self, args, base)
        s, l, m, r = [self.made(kind, name, role) for kind, name, role in
                      zip(kinds, "SLMR", ("client", "server", "server", "client"))]
        self.l, self.m = {kinds[1]: l}, {kinds[2]: m}
        self.s, self.r, self.apart = {(kinds[0], kinds[1]): s}, {(kinds[3], kinds[2]): r}, {}
        self.servers, self.payers, self.recipients = [l, m], [s], [r]
        self.server_of, self.offers = {r: m}, {}

    def made(self, kind, name, role):
        node = (DozePeer if kind == DOZE else LdkPeer)(name, role, self)
        if kind == DOZE:
            node.node.dozed_options = ["--record", str(self.base / f"{name}.record")]
        node.start()
        self.nodes.append(node)
        return node

    def join(self, r, server):
        self.began_us = time.time_ns() // 1000  # what was before is opening channels
        super().join(r, server)

    def quiet(self):
        """The commitments behind the last HTLC, too. LDK's count of HTLCs is not shown."""
        return all(c["htlcs"] == 0 for n in self.nodes if n.kind == DOZE for c in n.channels())


def pay(net):
    (s,), (r,) = net.payers, net.recipients
    before, payments = net.balances(), [Payment(net, s, r, (*net.l.values(), *net.m.values()))]
    hold_all(net, payments)
    wake_recipients(net, payments)
    wake_payers(net, payments)
    all_settled(payments)
    sums_are_exact(net, before, payments)
    until("no HTLC", net.quiet)
    for node in reversed(net.nodes):
        node.stop()


def child(key, chain, index):
    """BIP 32, a hardened child."""
    data = b"\0" + key.to_bytes(32, "big") + (index | 1 << 31).to_bytes(4, "big")
    both = hmac.digest(chain, data, "sha512")
    return (int.from_bytes(both[:32], "big") + key) % CURVE_ORDER, both[32:]


def node_key(words):
    """m/1017'/1'/0' of the seed words."""
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic", 2048)
    both = hmac.digest(b"Bitcoin seed", seed, "sha512")
    key, chain = int.from_bytes(both[:32], "big"), both[32:]
    for index in (1017, 1, 0):
        key, chain = child(key, chain, index)
    return f"{key:064x}"


def keys_of(net):
    """All of Doze's; of LDK's nodes the public ones."""
    out = []
    for node in net.nodes:
        one = {"name": node.name}
        if node.kind == DOZE:
            one["seed_words"] = (node.node.folder / "seed").read_text().splitlines()[0]
            one["private_key"] = node_key(one["seed_words"])
            made = node.cli("keys", one["private_key"])["keys"][0]["public_key"]
            if made != node.id:
                raise Wrong(f"the key of {node} is another one: {made}, not {node.id}")
        out.append(one | {"public_key": node.id})
    return out


def heard(net):
    """(time, from, to, message) in the order of Doze's clocks. What both ends recorded is taken from who got it."""
    by_id = {node.id: node for node in net.nodes}
    out = []
    for node in net.nodes:
        if node.kind != DOZE:
            continue
        for line in (net.base / f"{node.name}.record").read_text().splitlines():
            line = json.loads(line)
            other, got = by_id[line["node_id"]], line["direction"] == "received"
            if line["time_us"] < net.began_us or int(line["message"][:4], 16) in GOSSIP:
                continue
            if got or other.kind != DOZE:
                out.append((line["time_us"], *((other, node) if got else (node, other)), line["message"]))
    return sorted(out, key=lambda each: each[0])


def cases_of(number, sender, receiver, message, keys, doze):
    """The message, and the payment onion in it if this node opens that."""
    shown = doze("decode", "--as", "message", message)
    key = keys[receiver.name].get("private_key")
    onion = int(message[:4], 16) == ONION_MESSAGE and key
    out = {"name": f"{number:03} {shown['message']} from {sender} to {receiver}",
           "kind": "onion_message" if onion else "message", "valid": True, "from": sender.name, "to": receiver.name,
           "input": message}
    if onion:
        return [out | {"layers": [{"node_private_key": key, "expect": doze("onion", "peel", message, "--key", key)}]}]
    out["expect"] = shown
    opens = shown["message"] == "update_add_htlc" and key
    return [out, payment_onion(out["name"], shown, key, doze)] if opens else [out]


def payment_onion(name, add, key, doze):
    out = {"name": f"{name}: its onion", "kind": "payment_onion", "valid": True, "input": add["onion_routing_packet"],
           "associated_data": add["payment_hash"], "amount_msat": add["amount_msat"], "cltv_expiry": add["cltv_expiry"]}
    words = ["onion", "peel", out["input"], "--key", key, "--associated-data", add["payment_hash"]]
    if "path_key" in add:
        out["path_key"] = add["path_key"]
        words += ["--path-key", add["path_key"]]
    return out | {"layers": [{"node_private_key": key, "expect": doze(*words)}]}


def written(net, kinds):
    keys = keys_of(net)
    by_name = {key["name"]: key for key in keys}
    doze = next(node for node in net.nodes if node.kind == DOZE).cli
    cases = [case for i, each in enumerate(heard(net)) for case in cases_of(i + 1, *each[1:], by_name, doze)]
    kind = ", ".join(f"{name} {'Doze' if k == DOZE else 'LDK'}" for name, k in zip("SLMR", kinds))
    about = ("A complete async payment between Doze and rust-lightning 0.2.7 (ldk-node 0.7.1): "
             f"{kind}. S pays, L is its LSP and holds, M is the recipient's LSP, mailbox and static-invoice server, "
             "R receives. Every message as Doze's nodes sent or got it, with all of their keys; onion messages that only "
             "LDK opens are plain messages.")
    return {"schema": "doze-vectors-1", "about": about, "keys": keys, "cases": cases}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="folder with dozed and doze")
    parser.add_argument("--ldk-peer", required=True)
    parser.add_argument("--bitcoind", required=True)
    parser.add_argument("--folder", required=True, help="where the nodes live, and the files go; emptied first")
    args = parser.parse_args()
    base = pathlib.Path(args.folder).resolve()
    shutil.rmtree(base, ignore_errors=True)
    try:
        for name, kinds in MIXES.items():
            say(f"{name}: S, L, M, R")
            folder = base / name
            folder.mkdir(parents=True)
            net = Four(args, folder, kinds)
            net.set_up()
            pay(net)
            file = base / f"conversation-with-ldk-{''.join(SHORT[k] for k in kinds)}.json"
            conversation = written(net, kinds)
            file.write_text(json.dumps(conversation, indent=2) + "\n")
            say(f"{len(conversation['cases'])} cases in {file}")
            demo.end_all()
        return 0
    except Wrong as error:
        print(f"\ncapture: {error}\n(logs: {base}/*/*/log)", file=sys.stderr)
        return 1
    finally:
        demo.end_all()


if __name__ == "__main__":
    sys.exit(main())
