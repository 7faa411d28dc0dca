# SPDX-License-Identifier: GPL-2.0
"""The kernel's own client puts a policy in force and reads it back, equal to what was sent."""

import errno
import hashlib

from camzone import CAMERAS, RULES, SETTINGS, ZONES, Tap, begin, download, family, status, upload, wire

tap = Tap()
ynl = family()


def without_ids(rules):
    """What the rules say."""
    return [{key: value for key, value in rule.items() if key != "id"} for rule in rules]


before = status(ynl)
tap.ok(before["state"] != "armed", f"no policy is in force yet: {before['state']}")
tap.equal("the dump of no policy is empty", [], ynl.dump("policy-get", {}))
tap.refused("a commit without a transaction", errno.EBADFD, lambda: ynl.do("policy-commit", {}),
            "no transaction")
tap.refused("an abort without a transaction", errno.EBADFD, lambda: ynl.do("policy-abort", {}),
            "no transaction")

tap.equal("begin tells the generation", before["generation"], begin(ynl))
ynl.do("policy-abort", {})
tap.refused("an aborted transaction is gone", errno.EBADFD, lambda: ynl.do("policy-commit", {}))

checked = upload(ynl, check=True)
tap.equal("a check changes nothing", before, status(ynl))
tap.equal("and answers with what is in force", before["state"], checked["state"])

committed = upload(ynl, generation=before["generation"])
tap.equal("a commit arms", "armed", committed["state"])
tap.equal("and is the next generation", before["generation"] + 1, committed["generation"])
tap.equal("status agrees", committed, status(ynl))

policy = download(ynl)
tap.equal("zones", ZONES, policy.get("zone"))
tap.equal("cameras", CAMERAS, policy.get("camera"))
rules = policy.get("rule", [])
tap.equal("rules", sorted(map(str, RULES)), sorted(map(str, without_ids(rules))))
tap.equal("settings", SETTINGS, {key: policy.get(key) for key in SETTINGS})
tap.equal("the dump has the generation and the digest", (committed["generation"], committed["digest"]),
          (policy["generation"], policy["digest"]))

form = b"".join(wire(ynl, **{key: policy[key]}) for key in ("defaults", "forwarding"))
for key in ("zone", "camera"):
    form += b"".join(wire(ynl, **{key: item}) for item in policy[key])
for rule in without_ids(rules):
    form += wire(ynl, rule=rule)
digest = hashlib.sha256(form).digest()
sent = committed["digest"]
tap.equal("the digest is the SHA-256 of the canonical form", digest.hex(),
          sent.hex() if isinstance(sent, bytes) else sent)
for rule in rules:
    said = {key: value for key, value in rule.items() if key != "id"}
    first = hashlib.sha256(wire(ynl, rule=said)).digest()[:8]
    tap.equal("a rule's id is made of its own", int.from_bytes(first, "little"), rule["id"])

again = upload(ynl, policy["zone"], policy["camera"], rules, generation=committed["generation"])
tap.equal("what was read, ids and all, makes the same policy", committed["digest"], again["digest"])
shuffled = upload(ynl, ZONES[::-1], CAMERAS[::-1], RULES[::-1])
tap.equal("so does any other order", committed["digest"], shuffled["digest"])

counters = ynl.dump("counters-get", {})
reasons = [each["counter"][0] for each in counters if "reason" in each["counter"][0]]
tap.ok(len(reasons) > 20, f"{len(reasons)} reasons are counted")
ids = [each["counter"][0]["rule"] for each in counters if "rule" in each["counter"][0]]
tap.equal("every rule has a counter", sorted(rule["id"] for rule in rules), sorted(ids))
tap.ok(all("packets" in each["counter"][0] and "bytes" in each["counter"][0] for each in counters),
       "and every counter packets and bytes")

zones = {port["name"]: port.get("zone") for port in ynl.do("status-get", {})["port"]}
tap.equal("status tells the zone of each interface", {"eth1": "camera", "stray": None}, zones)

ynl.do("policy-begin", {"forwarding": True, "saved": {"ipv4": 0, "ipv6": 1}})
ynl.do("policy-add", {"zone": ZONES})
ynl.do("policy-commit", {})
tap.equal("the saved sysctls are kept", {"ipv4": 0, "ipv6": 1}, ynl.do("status-get", {}).get("saved"))
disarmed = ynl.do("disarm", {})
tap.equal("disarm seals", "sealed", disarmed["state"])
tap.equal("and hands the saved sysctls back", {"ipv4": 0, "ipv6": 1}, disarmed.get("saved"))
tap.equal("nothing is in force any more", [], ynl.dump("policy-get", {}))
tap.done()
