# SPDX-License-Identifier: GPL-2.0
"""Every allocation that an operation makes fails once, by its number, until none is left.

faults.py OPERATION...: what must hold after each: an error came back, and what was in force before is
in force still; or the operation went through as if nothing had been, and the new is, whole: what is told
of it, what it counts and which packets pass are as without a fault; and the next try without a fault
succeeds. Only who did not get the answer cannot know which.
(/proc/PID/fail-nth, Documentation/fault-injection.)
"""

import ctypes
import errno
import fcntl
import gc
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import time

from camzone import (CAMERAS, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, RULES,
                     ZONES, Raw, Tap, attrs, end, family, service, wire)

STATUS, BEGIN, ADD, COMMIT, POLICY_GET, COUNTERS_GET, DISARM = 1, 2, 3, 4, 6, 7, 8
ACK = NLM_F_REQUEST | NLM_F_ACK
DUMP = ACK | NLM_F_DUMP
MOST = 20000
# With fewer allocations something else was made to fail than what was meant: about half of what there are.
LEAST = {
    "begin": 8, "add": 37, "commit": 100, "disarm": 10,
    "arming what is sealed": 95, "translating": 97, "arming what is idle": 115,
    "status": 7, "policy dump": 17, "counters dump": 9, "log": 4, "load": 150, "namespace": 400,
}

LIBC = ctypes.CDLL(None, use_errno=True)
TAP = Tap()


def setting(path, value):
    """A knob of the fault injector."""
    with open(f"/sys/kernel/debug/{path}", "w", encoding="ascii") as file:
        file.write(str(value))


# Also what may wait for memory, and single pages.
for kind in ("failslab", "fail_page_alloc"):
    setting(f"{kind}/ignore-gfp-wait", "N")
    setting(f"{kind}/verbose", 0)
setting("fail_page_alloc/min-order", 0)


def with_fault(number, call):
    """What came of `call` whose allocation with this number failed: (result or error, it was made)."""
    nth = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
    os.pwrite(nth, b"%d" % number, 0)
    try:
        result = call()
    except OSError as error:
        result = error
    left = int(os.pread(nth, 16, 0).rstrip(b"\0\n"))
    os.pwrite(nth, b"0", 0)
    os.close(nth)
    return result, left == 0


def rounds(name, attempt):
    """Makes each allocation fail. `attempt` gives the error (0: none), whether the fault was made, and
    what is wrong, if anything is."""
    failed = 0
    for number in range(1, MOST):
        error, hit, wrong, *_ = attempt(number)
        if wrong:
            TAP.ok(False, f"{name}: allocation {number}", wrong)
            return
        if not hit:
            made = number - 1
            TAP.ok(made >= LEAST[name], f"{name}: {made} of {made} allocations failed once, "
                   f"{failed} with an error, the rest survived whole", f"at least {LEAST[name]} were expected")
            return
        failed += error != 0
    TAP.ok(False, f"{name}: more than {MOST} allocations")


def every(name, prepare, call, check):
    """The whole round in this process; `check` gives the error, and what is wrong."""
    for _ in range(3):
        # What is allocated only once, or by Python, is there by then.
        check(call(prepare()), False)

    def attempt(number):
        given = prepare()
        result, hit = with_fault(number, lambda: call(given))
        error, wrong = check(result, hit)
        return error, hit, wrong

    gc.disable()
    rounds(name, attempt)
    gc.enable()
    _, wrong = check(call(prepare()), False)
    TAP.ok(not wrong, f"{name}: and without a fault it goes as ever", wrong)


def in_child(attempt):
    """`attempt` in a process of its own, since a namespace that it makes ends with it."""
    def run(number):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                found = attempt(number)
            except Exception as error:  # pylint: disable=broad-exception-caught
                found = 0, True, f"the test failed: {error!r}", None
            os.write(writer, json.dumps(found).encode())
            os._exit(0)
        os.close(writer)
        with open(reader, "rb") as pipe:
            found = json.load(pipe)
        os.waitpid(child, 0)
        return found

    return run


# --- the family --------------------------------------------------------------------------------

YNL = family()
STATES = ["idle", "sealed", "armed"]
FRESH = ("idle", 0, None)
NUMBER = Raw().kind
EXPECTED = {errno.ENOMEM, errno.ENOBUFS}
POLICIES = [wire(YNL, zone=ZONES, camera=CAMERAS[:cameras], rule=RULES[:rules])
            for cameras, rules in ((1, 1), (2, 3))]
ZONE = {"name": "z", "interface": ["lo0"], "network": [{"address": "192.168.77.0", "prefix-len": 24}]}
# The same, without translation and with it.
PLAIN, MASQUERADING = (
    wire(YNL, zone=[ZONE, {"name": "rest", "interface": ["none"], "any": True}],
         rule=[{"action": "allow", "from": [end("zone", "z")], "to": [end("zone", "rest")],
                "service": [service(0)]} | more])
    for more in ({}, {"masquerade": True}))
# A datagram from 192.168.77.1 to itself.
FROM_ITSELF = bytes.fromhex("4500001c00000000" "40115f7ec0a84d01" "c0a84d0100090009" "00080000")
GENERATION, COUNTER, REASON, PACKETS, BYTES, DROPPED, SPOOFED = 2, 13, 1, 5, 6, 7, 7
TUNSETIFF, SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS = 0x400454ca, 0x8916, 0x891c, 0x8914
IFF_UP, IFF_TUN, IFF_NO_PI = 1, 1, 0x1000
# Several buffers long, with an item that a dump's first buffer has no room for.
LONG = wire(
    YNL,
    zone=[dict(ZONES[0], network=[{"address": f"10.{i >> 8}.{i & 255}.0", "prefix-len": 24}
                                  for i in range(0, 600, 2)])],
    camera=[{"name": f"cam-{i:03}", "zone": "camera", "address": [f"10.0.0.{i}"]} for i in range(1, 200)],
    rule=[{"action": "allow", "from": [end("zone", "camera")], "to": [end("router")],
           "service": [service(6, port)]} for port in range(1, 200)])


def exchange(raw, command, payload=b"", flags=ACK):
    """Sends, and reads all that is answered: errno (0 if it went well), its text, whether that is only the
    socket's word for an answer that got lost, and the messages. Who cannot send raises."""
    seq = raw.send(command, payload, flags=flags)
    error, text, told = 0, None, []
    try:
        for kind, flag, data in raw.messages(seq):
            if kind in (NLMSG_ERROR, NLMSG_DONE):
                error, text, _ = raw.verdict(kind, flag, data)
            else:
                told.append((flag, data[4:]))
    except OSError as fault:
        return fault.errno or errno.ETIMEDOUT, None, True, told
    return error, text, False, told


def ask(raw, command, payload=b"", flags=ACK):
    """The messages of an answer; a failure is one of the test's own."""
    error, text, _, told = exchange(raw, command, payload, flags)
    if error:
        raise OSError(error, f"command {command} failed without a fault: {text}")
    return told


def state_in(told):
    """State, generation and digest that an answer tells."""
    [(_, data)] = told
    said = dict(attrs(data))
    state, generation = (struct.unpack("=I", said[kind])[0] for kind in (1, 2))
    return STATES[state], generation, said[3].hex() if 3 in said else None


def in_force(kind=NUMBER):
    """The same, of what is in force."""
    raw = Raw(kind)
    told = ask(raw, STATUS)
    raw.close()
    return state_in(told)


def arm(policy, settings=b"", kind=NUMBER):
    """A policy comes into force; its state and digest."""
    raw = Raw(kind)
    ask(raw, BEGIN, settings)
    ask(raw, ADD, policy)
    state, _, digest = state_in(ask(raw, COMMIT))
    raw.close()
    return state, digest


def seal(kind=NUMBER):
    """Sealed, whatever was in force; its state and digest."""
    raw = Raw(kind)
    state, _, digest = state_in(ask(raw, DISARM))
    raw.close()
    return state, digest


# The interfaces' other ends, and the router's address at each.
ROUTER = {"eth0": "192.168.0.1", "eth1": "192.168.8.1", "eth2": "192.168.5.1", "lo0": "192.168.77.1",
          "none": "10.0.0.1"}
CABLES = {}


def plug(*names):
    """Interfaces: what is written to them comes in there, and what leaves can be read."""
    for name in names:
        CABLES[name] = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        which = name.encode()
        fcntl.ioctl(CABLES[name], TUNSETIFF, struct.pack("16sH22x", which, IFF_TUN | IFF_NO_PI))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for knob, value in ((SIOCSIFADDR, ROUTER[name]), (SIOCSIFNETMASK, "255.255.255.0")):
                address = socket.inet_aton(value)
                fcntl.ioctl(sock, knob, struct.pack("16sHH4s16x", which, socket.AF_INET, 0, address))
            fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH22x", which, IFF_UP))


def unplug():
    """A process in another namespace has none of them."""
    CABLES.clear()
    # Nobody sends but the test.
    with open("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "w", encoding="ascii") as file:
        file.write("1")


def checksum(data):
    """The internet's."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack("!H", ~total & 0xffff)


PORTS = itertools.count(10000)


def syn(source, destination, port):
    """Opens a connection that never was before."""
    ends = socket.inet_aton(source) + socket.inet_aton(destination)
    segment = struct.pack("!HHIIBBHHH", next(PORTS), port, 0, 0, 0x50, 2, 1024, 0, 0)
    segment = segment[:16] + checksum(ends + struct.pack("!HH", 6, 20) + segment) + segment[18:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + ends
    return header[:10] + checksum(header) + header[12:] + segment


def ipv6():
    """A packet of the other family, which is off where it comes in."""
    ends = (socket.inet_pton(socket.AF_INET6, address) for address in ("fd00:8::9", "fd00:8::1"))
    return struct.pack("!IHBB16s16s", 0x60000000, 0, 59, 64, *ends)


# Where a packet comes in, for each hook and policy. Who may not sends too.
SENT = [
    ("eth2", lambda: syn("192.168.5.9", "192.168.8.110", 554)),
    ("eth1", lambda: syn("192.168.8.111", "192.168.8.1", 21)),
    ("eth1", lambda: syn("192.168.8.111", "192.168.0.10", 443)),
    ("eth1", ipv6),
    ("lo0", lambda: syn("192.168.77.9", "10.0.0.9", 80)),
    ("none", lambda: syn("10.0.0.9", "192.168.77.9", 80)),
    ("lo0", ipv6),
]
# And what comes out then: by the second policy (with an answer, and a refusal), and translated.
OF_SECOND = ["eth1: 192.168.5.9 to 192.168.8.110", "eth1: 192.168.8.1 to 192.168.8.111",
             "eth1: 192.168.0.10 to 192.168.8.111"]
TRANSLATED = ["none: 10.0.0.1 to 10.0.0.9"]


def heard():
    """What came out since the last time."""
    out = []
    for name, cable in CABLES.items():
        while True:
            try:
                data = os.read(cable, 2048)
            except BlockingIOError:
                break
            out.append(f"{name}: {socket.inet_ntoa(data[12:16])} to {socket.inet_ntoa(data[16:20])}")
    return out


def counted(raw):
    """The counters: packets, bytes and packets that were dropped, by what they are of."""
    counters = {}
    for _, data in ask(raw, COUNTERS_GET, flags=DUMP):
        for kind, value in attrs(data):
            if kind == COUNTER:
                parts = dict(attrs(value))
                sums = [int.from_bytes(parts.pop(part, b""), sys.byteorder) for part in (PACKETS, BYTES, DROPPED)]
                counters[repr(sorted(parts.items()))] = sums
    return counters


def evidence(before, kind=NUMBER):
    """What is in force, looked at from every side, for comparison: what is told of it and of the interfaces,
    what went on from the counters before, what comes of packets, and by which counters."""
    raw = Raw(kind)
    [(_, data)] = ask(raw, STATUS)
    start = counted(raw)
    heard()
    for name, packet in SENT:
        if name in CABLES:
            os.write(CABLES[name], packet())
    out, end = heard(), counted(raw)
    raw.close()
    both = before.keys() & start.keys()
    return {
        "what passes": repr(out),
        "status": repr([part for part in attrs(data) if part[0] != GENERATION]),
        "counters": repr(sorted(end)),
        "what ends": repr(sorted(before.keys() - both)),
        "what goes on": repr([name for name in sorted(both) if before[name] != start[name]]),
        "what is counted": repr([(name, [now - was for now, was in zip(sums, start.get(name, [0] * 3))])
                                 for name, sums in sorted(end.items()) if sums != start.get(name)]),
    }


def normal(found, passes):
    """What was found without a fault, with the packets that have to pass."""
    return found | {"what passes": repr(passes)}


def differs(usual, found):
    """What is not as without a fault."""
    odd = [f"{name} is {found[name]}, was {usual[name]}" for name in usual if found[name] != usual[name]]
    return "; ".join(odd) or None


class Step:
    """One command of a transaction, with what comes before it done. It leads to a state and digest, in the
    next generation, by which this passes, or changes nothing."""

    # pylint: disable=too-many-instance-attributes
    def __init__(self, command, *before, payload=b"", flags=ACK, start=None, leads=None, passes=(), settle=None):
        self.command, self.before, self.payload, self.flags = command, before, payload, flags
        self.start, self.leads, self.passes, self.settle = start, leads, list(passes), settle
        self.raw = self.was = self.usual = self.counters = None

    def prepare(self):
        """All that comes before."""
        if self.start:
            self.start()
        return self.open()

    def open(self):
        """The commands before."""
        if self.raw:
            self.raw.close()
        # Small enough for several rounds of a dump, with room for the longest item.
        self.raw = Raw(NUMBER, receive=8192)
        for command, payload in self.before:
            ask(self.raw, command, payload)
        self.was = in_force()
        if self.leads:
            self.counters = counted(self.raw)
        return self.raw

    def call(self, raw):
        """The command, with all that is done while its answer is read."""
        return exchange(raw, self.command, self.payload, self.flags)

    def after(self):
        """What is in force once it went well."""
        return (self.leads[0], self.was[1] + 1, self.leads[1]) if self.leads else self.was

    def check(self, result, hit):
        """Old or new, nothing between; an error only if there was a fault, and only with the old."""
        if isinstance(result, OSError):
            result = result.errno, None, False, []
        error, text, lost, told = result
        now = in_force()
        # An answer that got lost is no failure of the commit.
        allowed = [self.was, self.after()] if lost else [self.was] if error else [self.after()]
        if error and not hit:
            wrong = f"it failed without a fault: {os.strerror(error)}"
        elif error not in EXPECTED | {0} or lost and error != errno.ENOBUFS:
            wrong = f"an odd error: {os.strerror(error)}"
        elif text not in (None, "out of memory"):
            wrong = f"{os.strerror(error)} is explained: {text}"
        elif now not in allowed:
            wrong = f"in force is {now}, was {self.was}; {os.strerror(error)}{', says the socket' if lost else ''}"
        elif self.leads and not lost and not error and state_in(told) != now:
            wrong = f"in force is {now}, the answer was {told}"
        elif self.leads and now == self.after():
            wrong = self.whole()
        elif error:
            wrong = self.again() if self.leads else None
        else:
            self.usual = self.usual or told
            wrong = None if told == self.usual else \
                f"another answer than usual, of {len(told)} messages instead of {len(self.usual)}"
        return error, wrong

    def again(self):
        """What is wrong with the next try, without a fault, from where the failed one left things."""
        told = ask(self.open(), self.command, self.payload)
        now = in_force()
        if now != self.after() or now != state_in(told):
            return f"the next try led from {self.was} to {now}"
        return self.whole()

    def whole(self):
        """What is wrong with what is in force, but for its state and digest. The first time is without a fault."""
        if self.settle:
            self.settle()
        found = evidence(self.counters)
        self.usual = self.usual or normal(found, self.passes)
        return differs(self.usual, found)


def transactions():
    """Begin, add, commit over another policy, and disarm."""
    second = arm(POLICIES[1])
    begin, add = (BEGIN, b""), (ADD, POLICIES[1])
    for name, step in (
            ("begin", Step(BEGIN)),
            ("add", Step(ADD, begin, payload=POLICIES[1])),
            ("commit", Step(COMMIT, begin, add, start=lambda: arm(POLICIES[0]), leads=second, passes=OF_SECOND)),
            ("disarm", Step(DISARM, begin, add, (COMMIT, b""), start=seal, leads=("sealed", None))),
    ):
        every(name, step.prepare, step.call, step.check)


def arming():
    """What only the first policy needs, or the first that translates: over a seal, over a policy that does not
    translate, and in a namespace that is idle."""
    translating = arm(MASQUERADING)
    before = (BEGIN, b""), (ADD, MASQUERADING)
    for name, start in (("arming what is sealed", seal), ("translating", lambda: arm(PLAIN))):
        step = Step(COMMIT, *before, start=start, leads=translating, passes=TRANSLATED)
        every(name, step.prepare, step.call, step.check)
    seal()

    def attempt(number, usual=None):
        apart()
        unplug()
        step = Step(COMMIT, *before, leads=translating, passes=TRANSLATED, settle=lambda: plug("lo0", "none"))
        step.usual = usual
        given = step.prepare()
        result, hit = with_fault(number, lambda: step.call(given))
        error, wrong = step.check(result, hit)
        if not error and not wrong:
            # Perhaps nobody tells which addresses are the router's (locals.rs); all else would be an error.
            wrong = foreign_to_itself()
        return error, hit, wrong, step.usual

    _, _, wrong, usual = in_child(attempt)(MOST)
    TAP.ok(not wrong, "arming what is idle goes without a fault", wrong)
    rounds("arming what is idle", in_child(lambda number: attempt(number, usual)))
    TAP.ok(within(60, lambda: holders() == 0), "nobody holds the module", f"{holders()} do")


def dumps():
    """What is asked for."""
    arm(LONG)
    for name, step in (
            ("status", Step(STATUS)),
            ("policy dump", Step(POLICY_GET, flags=DUMP)),
            ("counters dump", Step(COUNTERS_GET, flags=DUMP)),
    ):
        every(name, step.prepare, step.call, step.check)


def packet(sock):
    """One of the router's own, for nobody."""
    with sock:
        sock.sendto(b"x", ("192.168.77.2", 9))


def logs():
    """A packet of the router's own that is dropped and logged, in this process's context."""
    policy = wire(YNL, zone=[ZONE])
    drop = wire(YNL, defaults={"input": "drop", "forward": "drop", "output": "drop"})

    def prepare():
        # In force anew, with a log limit that nobody has used up.
        arm(policy, drop)
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def call(sock):
        try:
            return packet(sock)
        except OSError as error:
            return error

    def check(result, _hit):
        if isinstance(result, OSError) and result.errno in EXPECTED | {errno.EPERM}:
            return result.errno if result.errno != errno.EPERM else 0, None
        return 0, f"it was sent: {result}"

    every("log", prepare, call, check)


def spoofed():
    """How many packets were."""
    raw = Raw(NUMBER)
    [packets, _, _] = counted(raw)[repr([(REASON, struct.pack("=I", SPOOFED))])]
    raw.close()
    return packets


def foreign_to_itself():
    """What is wrong when a packet claims to come from the router itself."""
    os.write(CABLES["lo0"], FROM_ITSELF)
    return None if within(10, lambda: spoofed() == 1) else "its own address is not known to be spoofed"


# --- the module, and namespaces ------------------------------------------------------------------


def within(seconds, good):
    """Whether it is so in that time."""
    deadline = time.monotonic() + seconds
    while not good():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def holders():
    """How many references to the module there are."""
    with open("/sys/module/camzone/refcnt", encoding="ascii") as file:
        return int(file.read())


def load():
    """finit_module(2) by hand: what it needs is there, and it is alone."""
    path = subprocess.run(["modinfo", "-n", "camzone"], capture_output=True, check=True, text=True).stdout.strip()
    seal()
    subprocess.run(["rmmod", "camzone"], check=True)
    there = "/sys/module/camzone"
    usual = {}

    def whole(state, passes, kind):
        """What is wrong with what is in force, sealed or armed."""
        found = evidence({}, kind)
        return differs(usual.setdefault(state, normal(found, passes)), found)
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def prepare():
        if os.path.exists(there):
            subprocess.run(["rmmod", "camzone"], check=True)

    def call(_):
        if LIBC.syscall(313, file, b"", 0) != 0:
            return OSError(ctypes.get_errno(), "finit_module")
        return 0

    def works():
        """What is wrong with it. That nobody tells it of addresses only makes it ask more (locals.rs), and
        the next policy tries again."""
        kind = Raw().kind
        now = in_force(kind)
        if now != ("sealed", 1, None):
            return f"in force is {now}"
        try:
            packet(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            return "it is sealed, and a packet was sent"
        except PermissionError:
            pass
        wrong = whole("sealed", [], kind)
        arm(POLICIES[1], kind=kind)
        wrong = wrong or whole("armed", OF_SECOND, kind)
        seal(kind)
        return wrong

    def check(result, hit):
        loaded = os.path.exists(there)
        if isinstance(result, OSError):
            wrong = f"{result}, and it is there" if loaded else None
            return result.errno, wrong if hit else f"{result} without a fault"
        return 0, works() if loaded else "it is not there"

    every("load", prepare, call, check)


def apart():
    """From here on this process is in a namespace of its own."""
    if LIBC.unshare(0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def namespaces():
    """A namespace is made, with its part of the module, by a process of its own, and can be armed."""
    was = in_force()

    def attempt(number, usual=None):
        result, hit = with_fault(number, apart)
        error = result.errno if isinstance(result, OSError) else 0
        now, wanted = in_force(), was if error else FRESH
        if error and not hit:
            return error, hit, f"it failed without a fault: {os.strerror(error)}"
        if now != wanted:
            return error, hit, f"in force is {now} instead of {wanted}"
        if error:
            return error, hit, None
        unplug()
        arm(MASQUERADING)
        plug("lo0", "none")
        found = evidence({})
        usual = usual or normal(found, TRANSLATED)
        return error, hit, differs(usual, found), usual

    _, _, wrong, usual = in_child(attempt)(MOST)
    TAP.ok(not wrong, "a namespace is made and armed without a fault", wrong)
    rounds("namespace", in_child(lambda number: attempt(number, usual)))


plug(*ROUTER)
for operation in sys.argv[1:]:
    {"transactions": transactions, "arming": arming, "dumps": dumps, "logs": logs,
     "namespaces": namespaces, "load": load}[operation]()
TAP.done()
