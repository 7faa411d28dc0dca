# SPDX-License-Identifier: GPL-2.0
"""No message that is wrong in any way gets through, and none changes the policy in force."""

import errno
import random
import struct
import sys

from camzone import (NLM_F_ACK, NLM_F_REQUEST, Raw, Tap, attr, family, nest, status, string, u32,
                     upload)

BEGIN, ADD, COMMIT, ABORT, POLICY_GET, COUNTERS_GET, DISARM = range(2, 9)
STATUS = 1
GENERATION, CHECK, DEFAULTS, FORWARDING, SAVED, ZONE, CAMERA, RULE = 2, 5, 6, 7, 8, 9, 10, 11

tap = Tap()
ynl = family()
upload(ynl)
before = status(ynl)
raw = Raw()


def zone(*attributes):
    """A zone, good unless more is said of it."""
    return nest(ZONE, string(1, "one"), string(2, "eth0"), attr(4), *attributes)


def network(address=b"\x0a\0\0\0", prefix=8):
    """A network."""
    return nest(3, attr(1, address), u32(2, prefix))


def end(kind, name=None):
    """What one end of a rule says."""
    return u32(1, kind) + (string(2, name) if name is not None else b"")


def rule(*attributes):
    """An allow from zone one to the router."""
    return nest(RULE, u32(1, 0), nest(2, end(1, "one")), nest(3, end(0)), *attributes)


SERVICE = nest(4, u32(1, 6), u32(2, 80))
GOOD_CAMERA = (zone(), nest(CAMERA, string(1, "cam"), string(2, "one"), attr(3, b"\x0a\0\0\1")))
EVERY = tuple(range(256))

# What is wrong, the command, the attributes, the errno, the offset of what is to blame.
# An offset counts from the beginning of the message: 20 bytes of headers come first.
CASES = [
    ("an unknown attribute of begin", BEGIN, attr(14, b"four"), errno.EINVAL, 20),
    ("an attribute of another command", BEGIN, u32(GENERATION, 1), errno.EINVAL, 20),
    ("attribute 0", BEGIN, attr(0, b"four"), errno.EINVAL, 20),
    ("the highest attribute", BEGIN, attr(0x3fff, b"four"), errno.EINVAL, 20),
    ("defaults that are not a nest", BEGIN, attr(DEFAULTS, u32(1, 0)), errno.EINVAL, 20),
    ("a flag that is a nest", BEGIN, nest(FORWARDING), errno.EINVAL, 20),
    ("a flag with a payload", BEGIN, u32(FORWARDING, 1), errno.ERANGE, 20),
    ("a default that rejects", BEGIN, nest(DEFAULTS, u32(1, 2)), errno.ERANGE, 24),
    ("a default of two bytes", BEGIN, nest(DEFAULTS, attr(1, b"\0\0")), errno.EINVAL, 24),
    ("a default of eight bytes", BEGIN, nest(DEFAULTS, attr(1, bytes(8))), errno.EINVAL, 24),
    ("an unknown default", BEGIN, nest(DEFAULTS, u32(4, 0)), errno.EINVAL, 24),
    ("defaults twice", BEGIN, nest(DEFAULTS) + nest(DEFAULTS), errno.EINVAL, 24),
    ("one default twice", BEGIN, nest(DEFAULTS, u32(1, 0), u32(1, 1)), errno.EINVAL, 32),
    ("forwarding twice", BEGIN, attr(FORWARDING) + attr(FORWARDING), errno.EINVAL, 24),
    ("half of saved", BEGIN, nest(SAVED, u32(1, 0)), errno.EINVAL, 20),
    ("a saved that is no sysctl", BEGIN, nest(SAVED, u32(1, 2), u32(2, 0)), errno.ERANGE, 24),
    ("a length beyond the message", BEGIN, attr(DEFAULTS, b"", True, 400), errno.EINVAL, None),
    ("a length below the header", BEGIN, attr(DEFAULTS, b"", True, 3), errno.EINVAL, None),
    ("a length of none", BEGIN, attr(DEFAULTS, b"", True, 0), errno.EINVAL, None),
    ("three bytes behind the last", BEGIN, attr(FORWARDING) + b"abc", errno.EINVAL, None),
    ("a nest whose inside is cut", BEGIN, attr(DEFAULTS, attr(1, b"", False, 9), True), errno.EINVAL,
     None),
    ("an empty name", ADD, nest(ZONE, attr(1, b"\0")), errno.EINVAL, 24),
    ("no name at all", ADD, nest(ZONE, attr(1)), errno.EINVAL, 24),
    ("a name without a NUL", ADD, nest(ZONE, attr(1, b"one")), errno.EINVAL, 24),
    ("a name that is too long", ADD, nest(ZONE, string(1, "a" * 32)), errno.EINVAL, 24),
    ("a name with a NUL in it", ADD, nest(ZONE, attr(1, b"o\0e\0"), string(2, "eth0"), attr(4)),
     errno.EINVAL, 24),
    ("a name in capitals", ADD, nest(ZONE, string(1, "One")), errno.EINVAL, 24),
    ("the router's name", ADD, nest(ZONE, string(1, "router"), string(2, "eth0"), attr(4)),
     errno.EINVAL, None),
    ("two names", ADD, zone(string(1, "two")), errno.EINVAL, None),
    ("an interface that is too long", ADD, zone(string(2, "e" * 16)), errno.EINVAL, None),
    ("an interface with a slash", ADD, zone(string(2, "a/b")), errno.EINVAL, None),
    ("the loopback interface", ADD, zone(string(2, "lo")), errno.EINVAL, None),
    ("any twice", ADD, zone(attr(4)), errno.EINVAL, None),
    ("a mode of IPv6 that is none", ADD, zone(u32(5, 3)), errno.ERANGE, None),
    ("an address of three bytes", ADD, zone(network(b"abc")), errno.ERANGE, None),
    ("an address of eight bytes", ADD, zone(network(bytes(8))), errno.EINVAL, None),
    ("an address of seventeen bytes", ADD, zone(network(bytes(17))), errno.ERANGE, None),
    ("a prefix beyond the address", ADD, nest(ZONE, string(1, "one"), string(2, "eth0"),
                                              network(prefix=33)), errno.EINVAL, None),
    ("a prefix beyond any address", ADD, zone(network(prefix=129)), errno.ERANGE, None),
    ("host bits", ADD, nest(ZONE, string(1, "one"), string(2, "eth0"), network(b"\x0a\0\0\1", 8)),
     errno.EINVAL, None),
    ("a network without an address", ADD, zone(nest(3, u32(2, 8))), errno.EINVAL, None),
    ("the same zone twice", ADD, zone() + zone(), errno.EINVAL, None),
    ("a zone in a zone", ADD, zone(zone()), errno.EINVAL, None),
    ("a camera before its zone", ADD, b"".join(GOOD_CAMERA[::-1]), errno.EINVAL, None),
    ("a camera of no zone", ADD, zone() + nest(CAMERA, string(1, "cam"), string(2, "two"),
                                               attr(3, b"\x0a\0\0\1")), errno.EINVAL, None),
    ("a MAC of five bytes", ADD, zone() + nest(CAMERA, attr(4, bytes(5))), errno.ERANGE, None),
    ("a zone after a camera", ADD, b"".join(GOOD_CAMERA) + zone(), errno.EINVAL, None),
    ("an action that is none", ADD, zone() + nest(RULE, u32(1, 2)), errno.ERANGE, None),
    ("a rule without an action", ADD, zone() + nest(RULE, nest(2, end(0))), errno.EINVAL, None),
    ("an end that is none", ADD, zone() + rule(nest(2, u32(1, 3))), errno.ERANGE, None),
    ("an end of no zone", ADD, zone() + rule(nest(2, end(1, "two")), SERVICE), errno.EINVAL, None),
    ("a port beyond the last", ADD, zone() + rule(nest(4, u32(1, 6), u32(2, 65536))), errno.ERANGE,
     None),
    ("a protocol beyond the last", ADD, zone() + rule(nest(4, u32(1, 256))), errno.ERANGE, None),
    ("a range that descends", ADD, zone() + rule(nest(4, u32(1, 6), u32(2, 9), u32(3, 8))),
     errno.EINVAL, None),
    ("ports of a protocol without", ADD, zone() + rule(nest(4, u32(1, 47), u32(2, 9))), errno.EINVAL,
     None),
    ("an id that is no number", ADD, zone() + rule(SERVICE, attr(8, b"four")), errno.EINVAL, None),
    ("a deny that masquerades", ADD, zone() + nest(RULE, u32(1, 1), nest(2, end(1, "one")),
                                                   nest(3, end(0)), SERVICE, attr(6)), errno.EINVAL,
     None),
    ("an allow that rejects", ADD, zone() + rule(SERVICE, attr(7)), errno.EINVAL, None),
    ("the same rule twice", ADD, zone() + rule(SERVICE) + rule(SERVICE), errno.EINVAL, None),
    ("a generation of two bytes", COMMIT, attr(GENERATION, b"\0\0"), errno.EINVAL, 20),
    ("a check with a payload", COMMIT, u32(CHECK, 1), errno.ERANGE, 20),
    ("two generations", COMMIT, u32(GENERATION, 1) + u32(GENERATION, 1), errno.EINVAL, 28),
    ("an attribute of status", STATUS, u32(GENERATION, 1), errno.EINVAL, 20),
    ("an attribute of abort", ABORT, attr(CHECK), errno.EINVAL, 20),
    ("an attribute of disarm", DISARM, attr(FORWARDING), errno.EINVAL, 20),
]

for what, command, payload, error, offset in CASES:
    raw.ask(BEGIN)
    (got, text, at), _ = raw.ask(command, payload)
    good = got == error and text and (offset is None or at == offset)
    tap.ok(good, f"{what}: {text}",
           f"errno {errno.errorcode.get(got, got)} at {at}, expected {errno.errorcode[error]} at {offset}")
    if command == ADD:
        (got, _, _), _ = raw.ask(COMMIT, u32(GENERATION, before["generation"]))
        # The core refused some before the transaction saw them; what is left has no zone.
        if got not in (errno.EBADFD, errno.EINVAL):
            tap.ok(False, f"{what}: what is left of it was committed ({got})")
tap.equal("and the policy in force is the one it was", before, status(ynl))

# Headers.
for what, error, more in [
    ("a flag of no meaning", errno.EINVAL, {"flags": NLM_F_REQUEST | NLM_F_ACK | 0x400}),
    ("a reserved field", errno.EINVAL, {"reserved": 1}),
    ("command 0", errno.EOPNOTSUPP, {"command": 0}),
    ("a command behind the last", errno.EOPNOTSUPP, {"command": 9}),
    ("a dump of what has none", errno.EOPNOTSUPP, {"flags": 0x305}),
    ("a do of what is a dump", errno.EOPNOTSUPP, {"command": POLICY_GET}),
]:
    (got, text, _), _ = raw.ask(**{"command": STATUS} | more)
    tap.equal(f"{what}: {text}", errno.errorcode[error], errno.errorcode.get(got, got))
raw.send(STATUS, length=18)
(got, _, _), _ = raw.ask(STATUS)
tap.equal("a message shorter than its header is passed over", 0, got)

# A message that is as long as the socket lets it be, of attributes that are.
big = zone() + nest(CAMERA, string(1, "cam"), string(2, "one"),
                    *[attr(3, b"\x0a\0\0" + bytes([i])) for i in range(1, 250)])
raw.ask(BEGIN)
(got, text, _), _ = raw.ask(ADD, big)
tap.equal(f"a camera of 249 addresses: {text}", "E2BIG", errno.errorcode.get(got, got))
many = b"".join(nest(ZONE, string(1, f"z{i}"), string(2, f"e{i}"), network(struct.pack(">I", i << 8), 24))
                for i in range(0x0a0000, 0x0a0000 + 257))
raw.ask(BEGIN)
(got, text, _), _ = raw.ask(ADD, many)
tap.equal(f"257 zones: {text}", "E2BIG", errno.errorcode.get(got, got))
raw.ask(BEGIN)
full = nest(ZONE, string(1, "one"), string(2, "eth0"),
            *[network(struct.pack(">I", 0x0a000000 + (i << 8)), 24) for i in range(2330)])
(got, text, _), _ = raw.ask(ADD, full)
tap.equal(f"a nest of {len(full)} bytes", 0, got)
raw.ask(ABORT)

# Anything at all: good messages with bytes turned, cut and doubled.
random.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 7)
good = [
    (BEGIN, nest(DEFAULTS, u32(1, 0), u32(2, 0), u32(3, 1)) + nest(SAVED, u32(1, 0), u32(2, 0))),
    (ADD, zone() + rule(SERVICE)),
    (ADD, nest(ZONE, string(1, "one"), string(2, "eth0"), network()) + GOOD_CAMERA[1] + rule(SERVICE)),
    (COMMIT, u32(GENERATION, before["generation"])),
]
rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
answers = {}
for _ in range(rounds):
    command, payload = random.choice(good)
    data = bytearray(payload)
    for _ in range(random.choice((1, 1, 2, 5))):
        how, at = random.randrange(4), random.randrange(len(data)) if data else 0
        if how == 0 and data:
            data[at] = random.choice(EVERY)
        elif how == 1:
            del data[at:at + random.randrange(1, 9)]
        elif how == 2:
            data[at:at] = data[at:at + random.randrange(1, 40)]
        elif data:
            data[at] ^= 1 << random.randrange(8)
    if command == COMMIT:
        # Otherwise one that lost its attributes would be a good one.
        data += attr(CHECK)
    if random.randrange(4) == 0:
        raw.ask(BEGIN)
    (got, _, _), _ = raw.ask(command, bytes(data))
    answers[got] = answers.get(got, 0) + 1
said = ", ".join(f"{errno.errorcode.get(key, 'accepted')} {count}"
                 for key, count in sorted(answers.items()))
allowed = {0, errno.EINVAL, errno.ERANGE, errno.EBADFD, errno.E2BIG, errno.ESTALE}
tap.ok(set(answers) <= allowed, f"{rounds} messages with turned bytes: {said}")
tap.equal("and the policy in force is still the one it was", before, status(ynl))
ynl.do("disarm", {})
tap.done()
