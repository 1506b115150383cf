#!/usr/bin/env python3
"""What the demo does not show, on real dozed processes and a regtest bitcoind: a line a test, exit code 1 if one fails."""
import argparse
import http.client
import json
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

import demo
from bench import Api, network
from demo import Node, Wrong, until

BLOCKS_AT_MOST = 300  # a hold's window of 144 blocks, and what the way back needs


class World:
    def __init__(self, args, base):
        self.args, self.base = args, base
        self.bitcoind, self.nodes, self.offer, _ = network(args, base)
        self.s, self.l, self.m, self.r = self.nodes
        self.connect_apis()

    def connect_apis(self):
        self.api = {node.name: Api(node) for node in self.nodes}

    def balances(self):
        return {node.name: node.balance() for node in self.nodes}

    def quiet(self):
        return all(c["offered_htlcs"] + c["received_htlcs"] == 0
                   for node in self.nodes for c in node.cli("listchannels")["channels"])

    def state(self, payment_id):
        return self.s.cli("getpayment", payment_id)

    def settles(self, payment_id, before, amount):
        """The payment settles and every balance is exact to the msat."""
        ended = until("the payment's end", lambda: (lambda p: p if p["state"] in ("settled", "failed", "expired") else None)(
            self.state(payment_id)))
        check(ended["state"] == "settled", f"it ended as {ended}")
        until("all HTLCs gone", self.quiet)
        after = self.balances()
        check(after["S"] == before["S"] - amount - ended["fee_msat"], "S does not add up")
        check(after["R"] == before["R"] + amount, "R does not add up")
        check(sum(after.values()) == sum(before.values()), "the sums differ")

    def r_leaves(self):
        self.r.stop(False)
        until("R to be gone", lambda: not any(
            p["connected"] for p in self.m.cli("listpeers")["peers"] if p["node_id"] == self.r.id))

    def r_comes(self):
        self.r.start()
        until("R's channel", lambda: self.r.usable(1) and self.m.usable(2))


def check(true, otherwise):
    if not true:
        raise Wrong(otherwise)


def doze(world, *words, datadir=None, code=1):
    """Runs the command line as a person does; it must say one line on stderr when it fails."""
    done = subprocess.run([str(pathlib.Path(world.args.build) / "doze"), "--datadir", str(datadir or world.s.folder),
                           *words], capture_output=True, text=True, timeout=60)
    check(done.returncode == code, f"doze {' '.join(words)}: exit code {done.returncode}, not {code}: {done.stderr}")
    if code != 0:
        check(len(done.stderr.strip().splitlines()) == 1, f"doze {' '.join(words)}: not one line: {done.stderr!r}")
    return done.stdout if code == 0 else done.stderr


def recipient_online(world):
    before = world.balances()
    paid = world.s.cli("pay", world.offer, "--amount-msat", "1000001")
    world.settles(paid["payment_id"], before, 1_000_001)


def payer_stays_online(world):
    before = world.balances()
    world.r_leaves()
    paid = world.s.cli("pay", world.offer, "--amount-msat", "2000002", "--no-hold")
    check(not paid["safe_to_sleep"], f"a payer that keeps the payment itself must stay online, pay says {paid}")
    check(world.l.cli("listholds")["holds"] == [], "nothing is held for a payer that stays online")
    world.r_comes()
    world.settles(paid["payment_id"], before, 2_000_002)


def never_released(world):
    before = world.balances()
    world.r_leaves()
    paid = world.s.cli("pay", world.offer, "--amount-msat", "3000003")
    check(paid["state"] == "notified" and paid["safe_to_sleep"], f"pay says {paid}")
    doze(world, "cancelpayment", paid["payment_id"])
    hold = world.l.cli("listholds")["holds"][0]
    mined = 0
    while world.state(paid["payment_id"])["state"] == "notified" and mined < BLOCKS_AT_MOST:
        world.bitcoind.mine(8)
        mined += 8
        height = world.bitcoind.height()
        for node in (world.s, world.l, world.m):
            until(f"{node.name} at {height}", lambda: node.synced(height))
        if height >= hold["fail_back_height"]:
            until("the way back", lambda: world.state(paid["payment_id"])["state"] in ("expired", "failed"))
    ended = world.state(paid["payment_id"])
    check(ended["state"] in ("expired", "failed"), f"after {mined} blocks it is {ended}")
    world.r_comes()
    until("all HTLCs gone", world.quiet)
    check(world.balances() == before, f"balances changed: {before} before, {world.balances()} after")
    check(all(c["usable"] for node in world.nodes for c in node.cli("listchannels")["channels"]), "a channel is not usable")


def two_held_at_once(world):
    before = world.balances()
    world.r_leaves()
    ids = [world.s.cli("pay", world.offer, "--amount-msat", str(amount))["payment_id"] for amount in (4_000_004, 5_000_005)]
    check(len(world.l.cli("listholds")["holds"]) == 2, "L should hold two")
    world.r_comes()
    fees = 0
    for payment_id in ids:
        until("both settled", lambda: world.state(payment_id)["state"] == "settled")
        fees += world.state(payment_id)["fee_msat"]
    until("all HTLCs gone", world.quiet)
    after = world.balances()
    check(after["R"] == before["R"] + 9_000_009 and after["S"] == before["S"] - 9_000_009 - fees, "S and R do not add up")


def openapi(world):
    connection = http.client.HTTPConnection("127.0.0.1", world.s.rpc, timeout=10)
    token = (world.s.folder / "api-token").read_text().strip()

    def post(path, body, bearer=token):
        connection.request("POST", path, body, {"Authorization": "Bearer " + bearer, "Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    connection.request("GET", "/openapi.json", headers={"Authorization": "Bearer " + token})
    document = json.loads(connection.getresponse().read())
    methods = {path.removeprefix("/v1/"): spec["post"] for path, spec in document["paths"].items()}
    listed = {line.split()[0] for line in doze(world, "help", code=0).splitlines()
              if line.startswith("  ") and line.split() and line.split()[0].isalpha()}
    check(set(methods) <= listed, f"doze help does not list {set(methods) - listed}")
    for name, spec in methods.items():
        schema = spec["requestBody"]["content"]["application/json"]["schema"]
        status, body = post("/v1/" + name, json.dumps({"no_such_parameter": 1}))
        check(status == 400 and "error" in json.loads(body), f"{name}: an unknown parameter gives {status} {body}")
        if schema.get("required"):
            status, body = post("/v1/" + name, "{}")
            check(status == 400 and schema["required"][0] in json.loads(body)["error"]["message"],
                  f"{name}: a missing parameter gives {status} {body}")
        elif name not in ("stop", "newaddress", "createoffer", "createinvoice", "asyncinvite"):
            status, body = post("/v1/" + name, "{}")
            check(status == 200 and isinstance(json.loads(body), dict), f"{name}: {status} {body}")
    check(post("/v1/nosuchmethod", "{}")[0] == 404, "an unknown method is not 404")
    check(post("/v1/getinfo", "{}", "wrong")[0] == 401, "a wrong token is not 401")
    check(post("/v1/getinfo", "{not json")[0] == 400, "no JSON is not 400")
    check(post("/v1/getinfo", "{}")[0] == 200, "getinfo")


def bad_input_costs_one_line(world):
    for words in (["nosuchcommand"], ["pay"], ["pay", "lno1nonsense"], ["pay", "lnbcrt1nonsense"], ["connect", "02ab"],
                  ["getpayment", "00" * 32], ["openchannel", world.m.id, "abc"],
                  ["sendtoaddress", "bcrt1nonsense", "1000"], ["decode", "x"], ["asyncjoin", "lnai1nonsense"],
                  ["failhold", "00" * 32, "0"], ["revokeinvitation", "nosuch"]):
        doze(world, *words)
    check("doze init" in doze(world, "getinfo", datadir=world.base / "nowhere"), "a missing node is not explained")
    doze(world, "help", code=0)
    doze(world, "help", "pay", code=0)


def dozed_ends(world, node, says, *options):
    done = subprocess.run([str(node.build / "dozed"), "--datadir", str(node.folder), *options], capture_output=True,
                          text=True, timeout=30)
    check(done.returncode == 1, f"dozed should refuse to start: {done.returncode} {done.stdout}")
    check(says in done.stderr and len(done.stderr.strip().splitlines()) == 1, f"dozed says {done.stderr!r}, not {says!r}")


def starts_only_if_it_may(world):
    for name in ("api-token", "seed"):
        mode = (world.s.folder / name).stat().st_mode & 0o777
        check(mode == 0o600, f"{name} has mode {mode:o}")
    dozed_ends(world, world.s, "another dozed")
    node = Node("X", "", "client", pathlib.Path(world.args.build), world.base, world.bitcoind, "ldk")
    config = node.folder / "doze.toml"
    good = config.read_text()
    config.write_text(good + "\nno_such_key = 1\n")
    dozed_ends(world, node, f"{len(good.splitlines()) + 2}:1")
    config.write_text(good.replace('"regtest"', '"mainnet"'))
    dozed_ends(world, node, "mainnet")
    config.write_text(good.replace('"regtest"', '"signet"'))
    dozed_ends(world, node, "regtest only", "--record", str(world.base / "record"))
    check(not (world.base / "record").exists(), "a node on signet recorded")
    config.write_text(good)
    # A node that has run has a database. Without it its channels are gone, and new ones would use their keys again.
    node.start()
    node.stop(False)
    for file in node.folder.glob("doze.sqlite*"):
        file.unlink()
    dozed_ends(world, node, "doze.sqlite")
    again = Node("Z", "", "client", pathlib.Path(world.args.build), world.base, world.bitcoind, "ldk")
    again.start()
    again.stop(False)
    (again.folder / "api-token").write_text("")
    dozed_ends(world, again, "api-token")


def a_stopped_node_can_be_started_at_once(world):
    """`doze stop` comes back when another dozed may have the folder."""
    for _ in range(10):
        old = world.s.process
        doze(world, "stop", code=0)
        world.s.start()
        demo.running.remove(old)
        check(old.wait(timeout=20) == 0, f"the old one ended with {old.returncode}")


def words_restore_the_wallet(world):
    lost = Node("W", "", "client", pathlib.Path(world.args.build), world.base, world.bitcoind, None)
    lost.start()
    until("W to follow", lambda: lost.synced(world.bitcoind.height()))
    birthday = world.bitcoind.height() + 1
    world.bitcoind.call("sendtoaddress", lost.cli("newaddress")["address"], 0.001)
    world.bitcoind.mine(3)
    until("W's coin", lambda: lost.cli("listfunds")["confirmed_sat"] == 100_000)
    lost.stop(False)
    words = (lost.folder / "seed").read_text().strip()
    lost.folder.rename(world.base / "W-lost")

    def restore(stdin, *options):
        return subprocess.run(
            [str(lost.build / "doze"), "--datadir", str(lost.folder), "init", "--listen-port", str(lost.port), "--rpc-port",
             str(lost.rpc), "--bitcoind-port", str(world.bitcoind.port), "--bitcoind-cookie", str(world.bitcoind.cookie),
             "--restore", *options], input=stdin, capture_output=True, text=True, timeout=60)

    bad = restore(words.rsplit(" ", 1)[0] + "\n")
    check(bad.returncode == 1 and len(bad.stderr.strip().splitlines()) == 1, f"eleven words: {bad.stderr!r}")
    check(not lost.folder.exists(), "bad words made a folder")
    for options in (["--birthday", str(birthday)], []):
        done = restore(words + "\n", *options)
        check(done.returncode == 0, f"not restored: {done.stderr}")
        check(words not in done.stdout + done.stderr, "the words are shown")
        node_id = lost.id
        lost.start()
        check(lost.id == node_id, "another node id")
        until("W's coin again", lambda: lost.cli("listfunds")["confirmed_sat"] == 100_000)
        lost.stop(False)
        shutil.rmtree(lost.folder)


def bitcoind_goes_away(world):
    before = world.balances()
    world.bitcoind.process.terminate()
    world.bitcoind.process.wait(timeout=60)
    demo.running.remove(world.bitcoind.process)
    until("S to say so", lambda: not world.s.cli("getinfo")["chain"]["connected"])
    command = world.bitcoind.process.args
    world.bitcoind.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                              start_new_session=True)
    demo.running.append(world.bitcoind.process)
    until("bitcoind", lambda: world.bitcoind.cookie.exists() and world.bitcoind.call("getblockchaininfo"))
    world.bitcoind.call("loadwallet", "demo")
    world.bitcoind.mine(2)
    for node in world.nodes:
        until(f"{node.name} to follow", lambda: node.synced(world.bitcoind.height()))
    paid = world.s.cli("pay", world.offer, "--amount-msat", "6000006")
    world.settles(paid["payment_id"], before, 6_000_006)


def nothing_is_sent_on_chain_while_bitcoind_is_away(world):
    """sendtoaddress must not leave its user without an answer: who tries again pays twice."""
    config = world.s.folder / "doze.toml"
    good = config.read_text()
    world.s.stop(False)
    config.write_text(good.replace(f"port = {world.bitcoind.port}", "port = 1"))
    world.s.start()
    says = doze(world, "sendtoaddress", world.bitcoind.address, "10000")
    check("not synced" in says, f"it says {says!r}")
    world.s.stop(False)
    config.write_text(good)
    world.s.start()


def a_frozen_bitcoind_leaves_nobody_waiting(world):
    """It takes connections and answers nothing. What is under way is queued, and sent once."""
    world.bitcoind.process.send_signal(signal.SIGSTOP)
    try:
        sent = world.s.cli("sendtoaddress", world.bitcoind.address, "10000sat")
        check(sent["state"] == "queued", f"it says {sent}")
        chain = world.s.cli("getinfo")["chain"]
        check(not chain["connected"] and "since" in chain, f"getinfo says {chain}")
        check("not synced" in doze(world, "sendtoaddress", world.bitcoind.address, "10000"), "it can be sent again")
    finally:
        world.bitcoind.process.send_signal(signal.SIGCONT)
    until("it in the mempool", lambda: world.bitcoind.call("getrawmempool") == [sent["txid"]])
    world.bitcoind.mine(1)
    for node in world.nodes:
        until(f"{node.name} to follow", lambda: node.synced(world.bitcoind.height()))


def full_disk_stops_before_signing(world):
    """The files of S may not grow any more, as on a full disk: it says so and ends; with room again nothing is lost."""
    before = world.balances()
    world.s.stop(False)
    size = max((world.s.folder / name).stat().st_size for name in ("doze.sqlite", "log"))
    limit = size + 8192
    log = open(world.s.folder / "log", "a")
    small = subprocess.Popen(
        [str(world.s.build / "dozed"), "--datadir", str(world.s.folder)], stdout=subprocess.PIPE, stderr=log, text=True,
        start_new_session=True, preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                                                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))))
    demo.running.append(small)
    words = [str(world.s.build / "doze"), "--datadir", str(world.s.folder), "--json", "pay", world.offer, "--amount-msat",
             "1000000"]
    end = time.monotonic() + 60
    while small.poll() is None and time.monotonic() < end:
        subprocess.run(words, capture_output=True, timeout=120)
    check(small.poll() is not None, "it still runs with a full disk")
    check(small.returncode == 1, f"exit code {small.returncode}")
    demo.running.remove(small)
    check("the disk failed" in small.stdout.read(), "it does not say why")
    world.s.start()
    until("S's channel", lambda: world.s.usable(1) and world.l.usable(2))
    until("all payments ended", lambda: all(p["state"] in ("settled", "failed", "expired") for p in
                                            world.s.cli("listpayments")["payments"]))
    until("all HTLCs gone", world.quiet)
    after = world.balances()
    check(sum(after.values()) == sum(before.values()), "the sums differ")


TESTS = [recipient_online, payer_stays_online, never_released, two_held_at_once, openapi, bad_input_costs_one_line,
         starts_only_if_it_may, a_stopped_node_can_be_started_at_once, words_restore_the_wallet, bitcoind_goes_away,
         nothing_is_sent_on_chain_while_bitcoind_is_away, a_frozen_bitcoind_leaves_nobody_waiting, full_disk_stops_before_signing]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="folder with dozed and doze")
    parser.add_argument("--bitcoind", required=True)
    parser.add_argument("--folder", required=True, help="where the nodes live; emptied first")
    parser.add_argument("--only", help="one test by its name")
    args = parser.parse_args()
    base = pathlib.Path(args.folder)
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = 0
    try:
        world = World(args, base)
        for test in TESTS:
            if args.only and test.__name__ != args.only:
                continue
            began = time.monotonic()
            try:
                for node in world.nodes:
                    if node.process is None:
                        node.start()
                test(world)
                print(f"ok      {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
            except (Wrong, KeyError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAILED  {test.__name__}: {error}", flush=True)
    except Wrong as error:
        print(f"FAILED  set-up: {error}")
        failed += 1
    finally:
        demo.end_all()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
