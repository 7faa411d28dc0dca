# SPDX-License-Identifier: GPL-2.0
"""Dumps of any length are whole, or say that they are not."""

import subprocess
import threading
import time

from camzone import (NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_DONE,
                     ZONES, NlError, Raw, Tap, attrs, begin, download, family)

POLICY_GET, COUNTERS_GET = 6, 7
DUMP = NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP
tap = Tap()
ynl = family()


def cameras(count, prefix="cam"):
    """As many cameras, in the order of their names."""
    return [{"name": f"{prefix}-{i:06}", "zone": "camera",
             "address": [f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"]} for i in range(count)]


WIDE = [dict(ZONES[0], network=[{"address": "10.0.0.0", "prefix-len": 8}]), *ZONES[1:]]


def arm(count, prefix="cam"):
    """Puts a policy of many cameras in force."""
    begin(ynl)
    ynl.do("policy-add", {"zone": WIDE})
    all_of_them = cameras(count, prefix)
    for at in range(0, count, 500):
        ynl.do("policy-add", {"camera": all_of_them[at:at + 500]})
    return ynl.do("policy-commit", {})


# Long ones.
COUNT = 5000
arm(COUNT)
policy = download(ynl)
tap.equal(f"{COUNT} cameras are read back", cameras(COUNT), policy["camera"])
small = Raw(receive=4096)
seq = small.send(POLICY_GET, flags=DUMP)
flags = {kind: set() for kind in range(64)}
messages = 0
for kind, flag, _ in small.messages(seq):
    flags.setdefault(kind, set()).add(flag)
    messages += 1
tap.equal("also by who reads 4096 bytes at a time", 1 + len(WIDE) + COUNT + 1, messages)
tap.equal("every message is one of many", {NLM_F_MULTI}, flags[small.kind])

# Items that are longer than a buffer usually is.
nets = [{"address": f"10.{i >> 8}.{i & 255}.0", "prefix-len": 24} for i in range(2300)]
begin(ynl)
ynl.do("policy-add", {"zone": [dict(ZONES[0], network=nets[::2]), *ZONES[1:]]})
ynl.do("policy-commit", {})
tap.equal("a zone of 1150 networks", nets[::2], download(ynl)["zone"][0]["network"])
begin(ynl)
ynl.do("policy-add", {"zone": [dict(ZONES[0], network=nets), *ZONES[1:]]})
ynl.do("policy-commit", {})
got = download(ynl)["zone"][0]["network"]
tap.equal("a zone of 2300 networks is read back", len(nets), len(got))

# Swapped in the middle: said at once, on both dumps.
for name, command in (("policy-get", POLICY_GET), ("counters-get", COUNTERS_GET)):
    arm(COUNT)
    if command == COUNTERS_GET:
        rules = [{"action": "allow", "from": [{"kind": "zone", "name": "camera"}],
                  "to": [{"kind": "router"}], "service": [{"protocol": 6, "first": i, "last": i}]}
                 for i in range(1, 1500)]
        begin(ynl)
        ynl.do("policy-add", {"zone": WIDE})
        for at in range(0, len(rules), 300):
            ynl.do("policy-add", {"rule": rules[at:at + 300]})
        ynl.do("policy-commit", {})
    seq = small.send(command, flags=DUMP)
    steps = small.messages(seq)
    quiet = [next(steps) for _ in range(3)]
    arm(700, "other")
    rest = list(steps)
    tap.equal(f"{name}: what was read before the swap is not marked", 0,
              sum(bool(flag & NLM_F_DUMP_INTR) for _, flag, _ in quiet))
    tap.ok(any(flag & NLM_F_DUMP_INTR for _, flag, _ in rest), f"{name}: the rest is")
    tap.equal(f"{name}: and it ends", NLMSG_DONE, rest[-1][0])

# Swapped all the time: a dump that is not marked is one of the two policies, whole.
wanted = {}
for prefix, count in (("even", 600), ("odd", 601)):
    digest = arm(count, prefix)["digest"]
    wanted[digest if isinstance(digest, bytes) else bytes.fromhex(digest)] = (prefix, count)
stop = threading.Event()


def swap():
    """Puts one and the other in force."""
    try:
        while not stop.is_set():
            for prefix, count in wanted.values():
                arm(count, prefix)
    except (NlError, OSError) as err:
        tap.ok(False, "the swapper went on", err)


swapper = threading.Thread(target=swap)
swapper.start()
whole = marked = wrong = 0
reader = Raw(receive=8192)
dumped = 0
end = time.monotonic() + 60
while dumped < 60 or (not (whole and marked) and time.monotonic() < end):
    dumped += 1
    seq = reader.send(POLICY_GET, flags=DUMP)
    interrupted, digest, names = False, None, []
    for kind, flag, data in reader.messages(seq):
        interrupted |= bool(flag & NLM_F_DUMP_INTR)
        for attribute, value in attrs(data, 4) if kind == reader.kind else ():
            if attribute == 3:
                digest = value
            elif attribute == 10:
                names.append(value[4:value.index(b"\0", 4)].decode())
    if interrupted:
        marked += 1
        continue
    whole += 1
    prefix, count = wanted.get(digest, ("?", 0))
    wrong += names != [camera["name"] for camera in cameras(count, prefix)]
stop.set()
swapper.join()
tap.equal(f"of {dumped} dumps {marked} were marked, {whole} were not, and of those this many are mixed",
          (True, 0), (bool(whole and marked), wrong))

# A dump that is under way holds the module, and its socket's end lets it go.
ynl.do("disarm", {})
arm(COUNT)
held = Raw(receive=4096)
steps = held.messages(held.send(POLICY_GET, flags=DUMP))
next(steps)
ynl.do("disarm", {})
gone = subprocess.run(["rmmod", "camzone"], capture_output=True, text=True, check=False)
tap.ok(gone.returncode != 0 and "in use" in gone.stderr, f"rmmod is refused: {gone.stderr.strip()}")
tap.equal("and the dump goes on to its end", NLMSG_DONE, list(steps)[-1][0])
arm(COUNT)
next(held.messages(held.send(POLICY_GET, flags=DUMP)))
ynl.do("disarm", {})
held.close()
gone = subprocess.run(["rmmod", "camzone"], capture_output=True, text=True, check=False)
tap.equal("after its socket is closed, it is not", "", gone.stderr)
tap.done()
