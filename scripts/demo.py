#!/usr/bin/env python3
"""A sleeping phone gets paid: four dozed processes on a regtest bitcoind, payer and recipient both asleep when it matters.

Waits for states that the API reports, never for a time; ends only what it started; exits with 1 if anything is wrong.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
AMOUNT_MSAT = 50_000_000
PATIENCE_S = 60  # for every wait; a longer wait has failed
started = time.monotonic()
running = []  # processes, in the order of their start
given = set()  # ports


class Wrong(Exception):
    pass


def say(text):
    print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)


def free_port():
    """Below those that outgoing connections get (32768 and up), so that none of these has it when its node comes back."""
    while True:
        port = random.randint(10_000, 32_000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in given:
            given.add(port)
            return port


def until(what, check, patience=PATIENCE_S):
    """Polls until the check succeeds."""
    end = time.monotonic() + patience
    last = None
    while time.monotonic() < end:
        try:
            result = check()
            if result:
                return result
        except Wrong as error:
            last = error
        time.sleep(0.05)
    raise Wrong(f"waited {patience} s for: {what}" + (f" ({last})" if last else ""))


class Bitcoind:
    def __init__(self, program, folder):
        self.folder, self.port, p2p = folder, free_port(), free_port()
        folder.mkdir(parents=True)
        # Knots' own policy is narrower than that of most nodes: of its wallet's transactions it refuses those whose lock
        # time comes out as 21. Core, which lacks the setting, only logs that it does not know it.
        (folder / "bitcoin.conf").write_text("[regtest]\ncorepolicy=1\n")
        self.process = subprocess.Popen(
            [program, "-regtest", f"-datadir={folder}", f"-rpcport={self.port}", f"-bind=127.0.0.1:{p2p}", "-server=1",
             "-listenonion=0", "-fallbackfee=0.0002", "-disablewallet=0", "-printtoconsole=0", "-txindex=0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        running.append(self.process)
        self.cookie = folder / "regtest" / ".cookie"
        until("bitcoind", lambda: self.cookie.exists() and self.call("getblockchaininfo"))
        self.call("createwallet", "demo")
        self.address = self.call("getnewaddress")
        self.mine(101)

    def call(self, method, *params):
        import base64
        import urllib.error
        import urllib.request
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/", json.dumps({"method": method, "params": params}).encode(),
            {"Authorization": "Basic " + base64.b64encode(self.cookie.read_bytes().strip()).decode()})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            raise Wrong(f"bitcoind {method}: {error.read().decode()[:200]}")
        except OSError as error:
            raise Wrong(f"bitcoind {method}: {error}")

    def mine(self, count):
        self.call("generatetoaddress", count, self.address)

    def height(self):
        return self.call("getblockcount")


class Node:
    def __init__(self, name, what, role, build, base, bitcoind, profile):
        self.name, self.what, self.build, self.folder = name, what, build, base / name
        self.port, self.rpc = free_port(), free_port()
        self.process, self.dozed_options, self.dozed_limits = None, [], None  # limits: called in the new process
        options = ["--network", "regtest", "--role", role, "--alias", name, "--listen-port", str(self.port), "--rpc-port",
                   str(self.rpc), "--bitcoind-port", str(bitcoind.port), "--bitcoind-cookie", str(bitcoind.cookie)]
        if profile:
            options += ["--profile", profile]
        self.cli("init", *options, plain=True)
        config = (self.folder / "doze.toml").read_text()
        (self.folder / "doze.toml").write_text(config.replace("# poll_ms = 1000", "poll_ms = 100"))

    def cli(self, *words, plain=False):
        command = [str(self.build / "doze"), "--datadir", str(self.folder)] + ([] if plain else ["--json"]) + list(words)
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S * 2)
        if done.returncode != 0:
            raise Wrong(f"doze {words[0]} at {self.name}: {done.stderr.strip()}")
        return done.stdout if plain else json.loads(done.stdout)

    def start(self, *options):
        log = open(self.folder / "log", "a")
        self.process = subprocess.Popen(
            [str(self.build / "dozed"), "--datadir", str(self.folder), *self.dozed_options, *options], stdout=log,
            stderr=log, start_new_session=True, preexec_fn=self.dozed_limits)
        running.append(self.process)
        self.info = until(f"{self.name} to answer", self.answers)
        self.id = self.info["node_id"]

    def answers(self):
        if self.process.poll() is not None:
            tail = (self.folder / "log").read_text().strip().splitlines()[-1:]
            raise Wrong(f"{self.name} exited unexpectedly: {' '.join(tail)}")
        return self.cli("getinfo")

    def stop(self, kill):
        if kill:
            self.process.kill()
        else:
            self.cli("stop")
        self.process.wait(timeout=PATIENCE_S)
        running.remove(self.process)
        self.process = None

    def balance(self):
        return sum(c["local_balance_msat"] for c in self.cli("listchannels")["channels"] if c["phase"] == "normal")

    def synced(self, height):
        info = self.cli("getinfo")
        return info["chain"]["synced"] and info["block_height"] == height

    def usable(self, count):
        return sum(c["usable"] for c in self.cli("listchannels")["channels"]) >= count


def open_channel(bitcoind, a, b, amount, count_a, count_b):
    until(f"coins at {a.name}", lambda: a.cli("listfunds")["confirmed_sat"] >= amount + 10_000)
    for node in (a, b):
        until(f"{node.name} to be synced", lambda: node.synced(bitcoind.height()))
    a.cli("openchannel", b.id, f"{amount}sat")
    until("the funding transaction in the mempool", lambda: bitcoind.call("getrawmempool"))
    bitcoind.mine(7)
    until(f"channel {a.name}-{b.name}", lambda: a.usable(count_a) and b.usable(count_b))
    say(f"channel {a.name}-{b.name} open, {amount:,} sat")


def show(node, *words):
    """Prints the answer as a person sees it."""
    print("".join("            " + line + "\n" for line in node.cli(*words, plain=True).splitlines()), end="", flush=True)


def demo(args, base):
    build = pathlib.Path(args.build)
    say("starting bitcoind (regtest)")
    bitcoind = Bitcoind(args.bitcoind, base / "bitcoind")
    roles = [("S", "payer", "client"), ("L", "payer's LSP", "server"), ("M", "recipient's LSP", "server"),
             ("R", "recipient", "client")]
    nodes = [Node(name, what, role, build, base, bitcoind, args.profile) for name, what, role in roles]
    s, l, m, r = nodes
    for node in nodes:
        node.start()
        say(f"{node.name} ({node.what}) is up: {node.id[:16]}…")
    for node in (s, l, m):
        bitcoind.call("sendtoaddress", node.cli("newaddress")["address"], 0.1)
    bitcoind.mine(1)
    s.cli("connect", f"{l.id}@127.0.0.1:{l.port}")
    l.cli("connect", f"{m.id}@127.0.0.1:{m.port}")
    r.cli("connect", f"{m.id}@127.0.0.1:{m.port}")
    open_channel(bitcoind, s, l, 1_000_000, 1, 1)
    open_channel(bitcoind, l, m, 2_000_000, 2, 1)
    open_channel(bitcoind, m, r, 1_500_000, 2, 1)
    until("S to learn of the public channel L-M", lambda: s.cli("getinfo")["graph_channels"] >= 1)

    say("1. M invites R; R joins and makes an offer")
    link = m.cli("asyncinvite", "phone")["link"]
    r.cli("asyncjoin", link)
    offer = r.cli("createoffer", "--async", "--amount-msat", str(AMOUNT_MSAT), "--description", "coffee")["offer"]
    say(f"   {offer[:60]}…")
    before = {node.name: node.balance() for node in nodes}

    say("2. R goes to sleep" + (" (kill -9)" if args.kill else ""))
    r.stop(args.kill)

    say("3. S pays")
    paid = s.cli("pay", offer)
    if paid["state"] != "notified" or not paid["safe_to_sleep"]:
        raise Wrong(f"pay answered {paid}, expected state notified")
    say(f"   state {paid['state']}: M has the message, S may sleep; R has until height "
        f"{paid['release_deadline_height']} to wake (about a day)")

    say("4. S goes to sleep; L dies with kill -9 and comes back")
    s.stop(args.kill)
    l.stop(True)
    l.start()
    holds = l.cli("listholds")["holds"]
    if len(holds) != 1:
        raise Wrong(f"L should hold one HTLC, but listholds shows {holds}")
    say("   doze listholds at L, after its restart:")
    show(l, "listholds")
    boxes = m.cli("listmailboxes")["mailboxes"]
    if sum(box["messages"] for box in boxes) < 1:
        raise Wrong(f"a message should wait at M, but listmailboxes shows {boxes}")
    say("   doze listmailboxes at M:")
    show(m, "listmailboxes")

    height = bitcoind.height()
    bitcoind.mine(6)
    for node in (l, m):
        until(f"{node.name} at height {height + 6}", lambda: node.synced(height + 6))
    say("5. six blocks later R wakes")
    woke = time.monotonic()
    r.start()
    until("the money at R", lambda: r.balance() == before["R"] + AMOUNT_MSAT)
    say(f"   R has it, {time.monotonic() - woke:.1f} s after its process started")

    say("6. S wakes and learns the outcome")
    s.start()
    payment = until("the payment's end", lambda: (lambda p: p if p["state"] in ("settled", "failed", "expired") else None)(
        s.cli("getpayment", paid["payment_id"])))
    if payment["state"] != "settled":
        raise Wrong(f"the payment ended as {payment}")
    quiet = lambda node: all(c["offered_htlcs"] + c["received_htlcs"] == 0 for c in node.cli("listchannels")["channels"])
    until("all HTLCs gone", lambda: all(quiet(node) for node in nodes))
    after = {node.name: node.balance() for node in nodes}
    fee = payment["fee_msat"]
    print(f"\n   {'node':<6}{'before (msat)':>18}{'after (msat)':>18}{'change':>16}")
    for node in nodes:
        print(f"   {node.name:<6}{before[node.name]:>18,}{after[node.name]:>18,}{after[node.name] - before[node.name]:>+16,}")
    if after["S"] != before["S"] - AMOUNT_MSAT - fee or after["R"] != before["R"] + AMOUNT_MSAT:
        raise Wrong("the balances of S and R are not as expected")
    earned = sum(after[n] - before[n] for n in "LM")
    if sum(after.values()) != sum(before.values()) or earned != fee:
        raise Wrong("the sum of all balances has changed")
    print(f"\n   S paid {AMOUNT_MSAT:,} + {fee:,} msat fee, R got {AMOUNT_MSAT:,}, L and M earned {earned:,}: exact to the msat.\n")
    say(f"settled (profile {args.profile or 'ldk'})")
    return nodes, bitcoind


def how_to_play(args, nodes, bitcoind):
    s, l, m, r = nodes
    doze = {node: f"{os.path.relpath(node.build / 'doze')} --datadir {os.path.relpath(node.folder)}" for node in nodes}
    offer = r.cli("listoffers")["offers"][0]["offer"]  # whole: R may be asleep when it is pasted
    cli = pathlib.Path(args.bitcoind).with_name("bitcoin-cli")
    bitcoin = f"{os.path.relpath(cli) if cli.exists() else 'bitcoin-cli'} -regtest -rpcport={bitcoind.port} " \
              f"-rpccookiefile={os.path.relpath(bitcoind.cookie)}"
    print(f"""The four nodes keep running. Commands to try:

  {doze[r]} stop                    # R sleeps
  {doze[s]} pay {offer}
  {doze[l]} listholds
  {doze[m]} listmailboxes
  {os.path.relpath(r.build / 'dozed')} --datadir {os.path.relpath(r.folder)} >> {os.path.relpath(r.folder / 'log')} &   # R wakes
  {doze[s]} listpayments
  {bitcoin} generatetoaddress 6 {bitcoind.address}
  {doze[s]} help                    # all commands; the same for L, M and R

Ctrl-C stops all of them.""", flush=True)


def end_all():
    for process in reversed(running):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in running:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
    running.clear()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="folder with dozed and doze")
    parser.add_argument("--bitcoind", required=True)
    parser.add_argument("--folder", required=True, help="folder for the nodes; emptied first")
    parser.add_argument("--profile", choices=["ldk", "draft"], default="ldk")
    parser.add_argument("--keep", action="store_true", help="leave everything running and print commands to try")
    parser.add_argument("--kill", action="store_true", help="kill -9 instead of every orderly stop")
    args = parser.parse_args()
    base = pathlib.Path(args.folder)
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        nodes, bitcoind = demo(args, base)
        if args.keep:
            how_to_play(args, nodes, bitcoind)
            signal.pause()
        return 0
    except Wrong as error:
        print(f"\ndemo: {error}\n(logs: {os.path.relpath(base)}/*/log)", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncleaning up")
        return 0 if args.keep else 130
    finally:
        end_all()


if __name__ == "__main__":
    sys.exit(main())
