"""The two kinds of node under one roof: what the line-ups may ask of a node, whichever implementation it is."""
import json
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time

import demo
from demo import PATIENCE_S, Wrong, free_port, until
from proxy import Proxy

LDK, DOZE = "ldk", "doze"
SETTLED, FAILED, PENDING = "settled", "failed", "pending"


class Peer:
    """What both kinds share. A node remembers whom it is connected to and says so again after each start. Servers and
    listeners are dialled, and announced, by their proxy's port."""

    def __init__(self, name, role):
        self.name, self.role = name, role
        self.listens = self.port = free_port()
        self.process, self.id, self.peers = None, None, []
        if role != "client":
            self.proxy = Proxy(self.listens)
            self.port = self.proxy.port

    def __repr__(self):
        return self.name

    @property
    def alive(self):
        return self.process is not None

    def connect(self, other):
        if other not in self.peers:
            self.peers.append(other)
        self.dial(other)

    def connect_again(self):
        for other in self.peers:
            if other.alive:
                self.dial(other)

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=PATIENCE_S)
        demo.running.remove(self.process)
        self.process = None

    def balance(self):
        return sum(c["balance_msat"] for c in self.channels())

    def channel(self, other):
        found = [c for c in self.channels() if c["peer"] == other.id and not c["closed"]]
        if len(found) != 1:
            raise Wrong(f"{self.name} has {len(found)} channels with {other.name}")
        return found[0]

    def usable(self):
        return sum(c["usable"] for c in self.channels())

    def size(self):
        return self.log().stat().st_size if self.log().exists() else 0


class DozePeer(Peer):
    kind = DOZE

    def __init__(self, name, role, world):
        super().__init__(name, role)
        self.node = demo.Node(name, "", role, world.build, world.base, world.bitcoind, None)
        config = self.node.folder / "doze.toml"
        text = config.read_text().replace('# log_level = "info"', 'log_level = "debug"')
        text = re.sub("listen = .*", f'listen = "127.0.0.1:{self.listens}"', text)
        if role == "server":
            text = re.sub("(# )?announce = .*", f'announce = ["127.0.0.1:{self.port}"]', text)
        config.write_text(text)
        self.cli = self.node.cli

    def start(self, role=None):
        self.hold = (role or self.role) != "none"
        self.started_at = self.size()
        self.node.start()
        self.process, self.id = self.node.process, self.node.id

    def stop(self):
        self.node.stop(False)
        self.process = None

    def dial(self, other):
        self.cli("connect", f"{other.id}@127.0.0.1:{other.port}")

    def connected(self, other):
        return any(p["connected"] for p in self.cli("listpeers")["peers"] if p["node_id"] == other.id)

    def height(self):
        info = self.cli("getinfo")
        return info["block_height"] if info["chain"]["synced"] else -1

    def address(self):
        return self.cli("newaddress")["address"]

    def confirmed_sat(self):
        return self.cli("listfunds")["confirmed_sat"]

    onchain_sat = confirmed_sat

    def open(self, other, sat, push_msat=0, announce=False):
        how = "--announce" if announce else "--private"
        self.cli("openchannel", other.id, f"{sat}sat", "--push-msat", str(push_msat), how)

    def channels(self):
        return [{"id": c["channel_id"], "peer": c["peer"], "balance_msat": c["local_balance_msat"], "usable": c["usable"],
                 "htlcs": c["offered_htlcs"] + c["received_htlcs"], "feerate": c["feerate_per_kw"],
                 "closed": c["phase"] == "closed", "type": c["channel_type"], "funder": c["funder"]}
                for c in self.cli("listchannels")["channels"]]

    def close(self, channel_id):
        self.cli("closechannel", channel_id)

    def graph_knows(self, others, channels, both_directions=False):
        info = self.cli("getinfo")
        found = (info["graph_channels"], info["graph_nodes_with_address"])
        if found[0] < channels or found[1] < len(others):
            raise Wrong(f"{self} knows {found[0]} channels and {found[1]} nodes with addresses")
        return True

    def invite(self, label):
        return self.cli("asyncinvite", label, "--raw")["link"]

    def join(self, raw):
        self.cli("asyncjoin", raw)

    def async_offer(self):
        return self.cli("createoffer", "--async", "--description", self.name)["offer"]

    def offer(self, msat):
        return self.cli("createoffer", "--amount-msat", str(msat), "--description", self.name)["offer"]

    def invoice(self, msat):
        return self.cli("createinvoice", "--amount-msat", str(msat), "--description", self.name)["invoice"]

    def pay_invoice(self, invoice):
        return self.cli("pay", invoice)["payment_id"]

    def pay(self, offer, msat=None):
        words = ["pay", offer] + (["--amount-msat", str(msat)] if msat else []) + ([] if self.hold else ["--no-hold"])
        return self.cli(*words)["payment_id"]

    def pay_soon(self, offer, msat):
        """`doze pay` waits for the end: here it waits beside."""
        threading.Thread(target=self.pay_beside, args=(offer, msat), daemon=True).start()
        return until(f"{self} to begin", lambda: next((p["payment_id"] for p in self.cli("listpayments", "--limit", "1000")["payments"]
                                                       if p["direction"] == "outgoing" and p["amount_msat"] == msat), None))

    def pay_beside(self, offer, msat):
        try:
            self.pay(offer, msat)
        except (Wrong, subprocess.TimeoutExpired):
            pass  # the payment itself says how it ended

    def payment(self, payment_id):
        p = self.cli("getpayment", payment_id)
        state = {"settled": SETTLED, "failed": FAILED, "expired": FAILED}.get(p["state"], PENDING)
        return {"state": state, "says": p["state"], "hash": p.get("payment_hash"), "fee_msat": p.get("fee_msat"),
                "why": p.get("failure")}

    def notified(self, payment_id):
        return self.payment(payment_id)["says"] not in ("fetching", "held")

    def received(self):
        """Hash and amount of each payment received."""
        return {p["payment_hash"]: p["amount_msat"] for p in self.cli("listpayments", "--limit", "1000")["payments"]
                if p["direction"] == "incoming"}

    def held(self):
        """How many HTLCs wait here for their recipients."""
        return sum(h["state"] == "held" for h in self.cli("listholds", "--limit", "1000")["holds"])

    holding = held

    def parked(self, client, since_start=False):
        """How many messages wait here for a client, or have waited."""
        return sum(b["messages"] for b in self.cli("listmailboxes")["mailboxes"] if b["node_id"] == client.id)

    def mark(self):
        pass

    def log(self):
        return self.node.folder / "log"

    def told(self):
        """Whether an announcement has come since its start: the answer leaves in the same step, or soon."""
        with open(self.log(), "rb") as log:
            log.seek(self.started_at)
            return b"held_htlc_available" in log.read()


class LdkPeer(Peer):
    kind = LDK

    def __init__(self, name, role, world, anchors=True):
        super().__init__(name, role)
        self.world, self.anchors = world, anchors
        self.folder = world.base / name
        self.folder.mkdir(parents=True)
        self.seed = name.encode().hex().ljust(128, "7")[:128]
        self.logs = "all"  # or "info": then what the trace says cannot be asked for
        self.events, self.number, self.counted_from = [], 0, 0

    def start(self, role=None):
        self.answers, self.lock = queue.Queue(), threading.Lock()
        self.started_at = self.size()
        user, password = self.world.bitcoind.cookie.read_text().strip().split(":")
        config = {"dir": str(self.folder), "seed": self.seed, "bitcoind_port": self.world.bitcoind.port,
                  "bitcoind_user": user, "bitcoind_password": password, "anchors": self.anchors,
                  "role": "none" if self.role == "listener" else role or self.role, "log": self.logs}
        if self.role in ("server", "listener"):
            config |= {"listen": f"127.0.0.1:{self.listens}", "announce": f"127.0.0.1:{self.port}", "alias": self.name}
        self.process = subprocess.Popen([str(self.world.ldk_peer)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(self.folder / "stderr", "a"), text=True, start_new_session=True)
        demo.running.append(self.process)
        threading.Thread(target=self.listen, args=(self.process, self.answers), daemon=True).start()
        self.process.stdin.write(json.dumps(config) + "\n")
        self.process.stdin.flush()
        self.id = self.answer(0)["node_id"]
        # It starts with the height that it knew; paying or judging HTLCs by that one goes wrong.
        until(f"{self} to see the tip", lambda: self.height() == self.world.bitcoind.height())

    def listen(self, process, answers):
        for line in process.stdout:
            line = json.loads(line)
            if "event" in line:
                self.events.append(line | {"at": time.monotonic()})
            else:
                answers.put(line)
        answers.put({"error": "it has ended"})

    def answer(self, number):
        while True:
            try:
                line = self.answers.get(timeout=PATIENCE_S)
            except queue.Empty:
                raise Wrong(f"{self.name} does not answer")
            if "error" in line:
                raise Wrong(f"{self.name}: {line['error']}")
            if line["id"] == number:
                return line["ok"]

    def ask(self, what, **arguments):
        if self.process is None:
            raise Wrong(f"{self.name} does not run")
        with self.lock:
            self.number += 1
            try:
                self.process.stdin.write(json.dumps({"id": self.number, "do": what} | arguments) + "\n")
                self.process.stdin.flush()
            except OSError as error:
                raise Wrong(f"{self.name}: {error}")
            return self.answer(self.number)

    def stop(self):
        self.ask("stop")
        self.process.wait(timeout=PATIENCE_S)
        demo.running.remove(self.process)
        self.process = None

    def kill(self):
        """LDK closes its channels by force when it was killed after a monitor was written and before the manager was
        (lightning 0.2.7, ln/channelmanager.rs:16859), and says that it has written a little before it has. So it is stopped
        where both have been for a while, and killed if nothing has come meanwhile."""
        seen = []

        def on_disk():
            trace = self.log().read_bytes()
            update, begun = trace.rfind(b"Updating ChannelMonitor to id"), trace.rfind(b"Persisting ChannelManager...")
            seen.append((update, begun))
            quiet = len(seen) >= 8 and len(set(seen[-8:])) == 1
            return quiet and trace.rfind(b"Done persisting ChannelManager") > begun > update

        def stopped():
            until(f"{self} to be on disk", on_disk)
            self.process.send_signal(signal.SIGSTOP)
            tasks = list(pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/stat"))
            until(f"{self} to stand still", lambda: all(t.read_text().rpartition(")")[2].split()[0] == "T" for t in tasks))
            if on_disk():
                return True
            self.process.send_signal(signal.SIGCONT)
            return False

        until(f"{self} to stand where it may be killed", stopped)
        super().kill()

    def dial(self, other):
        self.ask("connect", node_id=other.id, address=f"127.0.0.1:{other.port}")

    def connected(self, other):
        return other.id in self.ask("peers")

    def height(self):
        return self.ask("info")["height"]

    def address(self):
        return self.ask("address")

    def confirmed_sat(self):
        return self.ask("info")["spendable_sat"]

    def onchain_sat(self):
        return self.ask("info")["onchain_sat"]

    def open(self, other, sat, push_msat=0, announce=False):
        self.ask("open", node_id=other.id, address=f"127.0.0.1:{other.port}", sat=sat, push_msat=push_msat, announce=announce)

    def channels(self):
        return [{"id": c["channel_id"], "peer": c["peer"], "usable": c["usable"], "feerate": c["feerate"], "closed": False,
                 "balance_msat": c["outbound_msat"] + 1000 * (c["reserve_sat"] or 0), "htlcs": 0} for c in self.ask("channels")]

    def close(self, channel_id):
        self.ask("close", channel_id=channel_id)

    def graph_knows(self, others, channels, both_directions=False):
        graph = self.ask("graph")
        known = {n["node_id"] for n in graph["nodes"] if n["addresses"]}
        lacking = [o.name for o in others if o.id not in known]
        if lacking or graph["channels"] < channels or both_directions and graph["updates"] < 2 * channels:
            raise Wrong(f"{self} lacks {lacking}, knows {graph['channels']} channels and {graph['updates']} updates")
        return True

    def invite(self, label):
        return self.ask("server_paths", recipient=label)

    def join(self, raw):
        self.ask("use_server_paths", paths=raw)

    def invoice(self, msat):
        return self.ask("invoice", msat=msat, description="bolt 11")

    def pay_invoice(self, invoice):
        return self.ask("pay_invoice", invoice=invoice)

    def async_offer(self):
        return self.ask("async_offer")

    def offer(self, msat):
        return self.ask("offer", msat=msat, description=self.name)

    def pay(self, offer, msat=None):
        return self.ask("pay_offer", offer=offer, **({"msat": msat} if msat else {}))

    pay_soon = pay

    def payment(self, payment_id):
        p = self.ask("payment", payment_id=payment_id)
        why = [e["reason"] for e in self.events if e["event"] == "failed" and e["payment_id"] == payment_id]
        return {"state": {"Succeeded": SETTLED, "Failed": FAILED}.get(p["status"], PENDING), "says": p["status"],
                "hash": p["hash"], "fee_msat": p["fee_msat"], "why": why[-1] if why else None}

    def received(self):
        return {p["hash"]: p["msat"] for p in self.ask("payments") if not p["outbound"] and p["status"] == "Succeeded"}

    def log(self):
        return self.folder / "trace"

    def mark(self):
        """From here on the trace counts."""
        self.counted_from = self.size()

    def seen(self, *words, start=None):
        """How many lines of the trace hold all these words."""
        with open(self.log(), "rb") as trace:
            trace.seek(self.counted_from if start is None else start)
            return sum(all(word in line for word in words) for line in trace.read().decode(errors="replace").splitlines())

    # LDK has no call for these: its trace says them.
    def announcements(self):
        return self.seen("Constructing onion message", "HeldHtlcAvailable")

    def held(self):
        return self.seen("Intercepted held HTLC")

    def holding(self):
        return self.held() - self.seen("Timing out intercepted HTLC") - self.seen("Releasing held htlc")

    def told(self):
        return self.seen("Constructing onion message", "ReleaseHeldHtlc", start=self.started_at) > 0

    def parked(self, client, since_start=False):
        start = self.started_at if since_start else 0
        return self.seen("Generating OnionMessageIntercepted", client.id, "when forwarding peeled", start=start)
