# SPDX-License-Identifier: GPL-2.0
"""A transaction is its socket's, ends with it, and loses against a commit that came between."""

import errno
import os
import threading

from camzone import (CAMERAS, RULES, ZONES, NlError, Raw, Tap, begin, download, family, status,
                     upload, wire)

MOST = 16
tap = Tap()
ynl = family()
upload(ynl)
before = status(ynl)

# Abandoned.
half = family()
begin(half)
half.do("policy-add", {"zone": ZONES})
tap.equal("what is half sent is not seen", before, status(ynl))
half.close()
tap.equal("nor when its socket is closed", before, status(ynl))

raw = Raw()
raw.ask(2)
port = raw.sock.getsockname()[0]
raw.close()
raw = Raw(kind=raw.kind, port=port)
(got, text, _), _ = raw.ask(4)
tap.equal(f"a new socket of the same number has none: {text}", errno.EBADFD, got)
raw.close()

child = os.fork()
if child == 0:
    dying = family()
    begin(dying)
    dying.do("policy-add", {"zone": ZONES})
    os._exit(0)
_, code = os.waitpid(child, 0)
tap.equal("nor when its tool dies", (0, before), (code, status(ynl)))

# Nor when its namespace goes with it, armed and with more on the way.
codes = set()
for _ in range(10):
    child = os.fork()
    if child == 0:
        os.unshare(os.CLONE_NEWNET)
        dying = family()
        upload(dying)
        begin(dying)
        dying.do("policy-add", {"zone": ZONES})
        os._exit(0)
    codes.add(os.waitpid(child, 0)[1])
tap.equal("nor when its namespace goes", ({0}, before), (codes, status(ynl)))

# Their number is bounded, and each end gives its place back.
many = [Raw() for _ in range(MOST)]
tap.equal(f"{MOST} are open at once", [0] * MOST, [each.ask(2)[0][0] for each in many])
tap.refused("one more is refused", errno.EBUSY, lambda: begin(ynl), "already")
tap.equal("one of them may begin anew", 0, many[0].ask(2)[0][0])
many.pop().close()
tap.equal("and a closed one makes room", before["generation"], begin(ynl))
ynl.do("policy-abort", {})
for each in many:
    each.close()
for _ in range(200):
    each = Raw(kind=raw.kind)
    each.ask(2)
    each.close()
tap.equal("200 were left open and forgotten", before["generation"], begin(ynl))
ynl.do("policy-abort", {})

# A refused item ends the transaction.
begin(ynl)
tap.refused("an item that is refused", errno.EINVAL,
            lambda: ynl.do("policy-add", {"zone": [{"name": "one", "interface": ["lo"]}]}),
            "loopback", ".zone.interface")
tap.refused("ends the transaction", errno.EBADFD, lambda: ynl.do("policy-add", {"zone": ZONES}))
tap.refused("so that nothing can be committed", errno.EBADFD, lambda: ynl.do("policy-commit", {}))
begin(ynl)
tap.refused("neither can a policy without a zone", errno.EINVAL,
            lambda: ynl.do("policy-commit", {}), "needs a zone")
begin(ynl)
ynl.do("policy-add", {"zone": ZONES})
begin(ynl)
tap.refused("begin forgets what was there", errno.EINVAL, lambda: ynl.do("policy-commit", {}),
            "needs a zone")
tap.equal("and the policy in force is the one it was", before, status(ynl))

# Two commits.
first, second = family(), family()
for each in (first, second):
    begin(each)
    each.do("policy-add", {"zone": ZONES})
now = before["generation"]
done = first.do("policy-commit", {})
tap.equal("of two transactions the first is committed", now + 1, done["generation"])
tap.refused("and the second is not", errno.ESTALE, lambda: second.do("policy-commit", {}),
            f"generation is {now + 1}, not {now}: another commit came between")
tap.refused("it is gone", errno.EBADFD, lambda: second.do("policy-commit", {}))
tap.refused("an old generation is refused", errno.ESTALE, lambda: upload(ynl, generation=now),
            "another commit", ".generation")
tap.refused("also by a check", errno.ESTALE, lambda: upload(ynl, generation=now, check=True))
tap.equal("what is in force is the first's", done["digest"], status(ynl)["digest"])
begin(first)
first.do("policy-add", {"zone": ZONES})
second.do("disarm", {})
tap.refused("a disarm comes between too", errno.ESTALE, lambda: first.do("policy-commit", {}))

# Many at once: every generation is somebody's, and what is in force is what its owner committed.
won, lost, wrong, lock = {}, [0], [], threading.Lock()


def commits(name):
    """Tries 40 times."""
    client = family()
    zones = [dict(ZONES[0], name=name), *ZONES[1:]]
    for _ in range(40):
        try:
            answer = upload(client, zones, [], [])
        except NlError as err:
            if err.error != errno.ESTALE:
                wrong.append(err)
            with lock:
                lost[0] += 1
            continue
        with lock:
            if answer["generation"] in won:
                wrong.append(f"generation {answer['generation']} twice")
            won[answer["generation"]] = name
    client.close()


start = status(ynl)["generation"]
threads = [threading.Thread(target=commits, args=(f"zone-{i}",)) for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
tap.equal("nothing else went wrong", [], wrong)
end = status(ynl)["generation"]
tap.equal(f"four tools: {len(won)} committed, {lost[0]} were too late", (160, end - start),
          (len(won) + lost[0], len(won)))
names = {zone["name"] for zone in download(ynl)["zone"]}
tap.ok(won[end] in names, f"in force is the last one's, {won[end]}", names)
upload(ynl, ZONES, CAMERAS, RULES)
tap.equal("the policy from before has its digest again", before["digest"], status(ynl)["digest"])

# Who does not read his answers loses them, and nothing else.
deaf = Raw()
deaf.sock.setsockopt(1, 8, 4096)
deaf.ask(2)
deaf.ask(3, wire(ynl, zone=ZONES))
now = status(ynl)["generation"]
deaf.sock.settimeout(1)
for _ in range(500):
    deaf.send(1, flags=1)
deaf.send(4, flags=1)
tap.equal("a commit whose answer has no room is one", now + 1, status(ynl)["generation"])
deaf.close()

# A text that does not fit the message's 79 bytes is cut, not lost.
begin(ynl)
ynl.do("policy-add", {"zone": [
    {"name": letter * 31, "interface": [letter], "ipv6": "full",
     "network": [{"address": "fd00:1111:2222:3333:4444:5555:6666:7777", "prefix-len": length}]}
    for letter, length in (("a", 128), ("b", 128))]})
try:
    ynl.do("policy-commit", {})
    tap.ok(False, "two zones with the same network")
except NlError as err:
    text = err.nl_msg.extack["msg"]
    tap.equal(f"a long text is cut: {text}", 79, len(text))
ynl.do("disarm", {})
tap.done()
