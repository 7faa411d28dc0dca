# SPDX-License-Identifier: GPL-2.0
"""Every allocation that an operation makes fails once, by its number, until none is left.

faults.py OPERATION...: what must hold after each: an error came back, and what was in force before is
in force still; or the operation went through as if nothing had been, and the new is, whole; and the
next try without a fault succeeds. Only who did not get the answer cannot know which.
(/proc/PID/fail-nth, Documentation/fault-injection.)
"""

import ctypes
import errno
import fcntl
import gc
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
    failed = survived = 0
    for number in range(1, MOST):
        error, hit, wrong = attempt(number)
        if wrong:
            TAP.ok(False, f"{name}: allocation {number}", wrong)
            return
        if not hit:
            TAP.ok(number > 1, f"{name}: {number - 1} of {number - 1} allocations failed once, "
                   f"{failed} with an error, {survived} without", "no allocation was seen")
            return
        failed += error != 0
        survived += error == 0
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
                found = 0, True, f"the test failed: {error!r}"
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
POLICIES = [wire(YNL, zone=ZONES, camera=CAMERAS[:count], rule=RULES[:1]) for count in (1, 2)]
ZONE = {"name": "z", "interface": ["lo0"], "network": [{"address": "192.168.77.0", "prefix-len": 24}]}
# The same, without translation and with it.
PLAIN, MASQUERADING = (
    wire(YNL, zone=[ZONE, {"name": "rest", "interface": ["none"], "any": True}],
         rule=[{"action": "allow", "from": [end("zone", "z")], "to": [end("zone", "rest")],
                "service": [service(0)]} | more])
    for more in ({}, {"masquerade": True}))
# A datagram from 192.168.77.1 to itself.
FROM_ITSELF = bytes.fromhex("4500001c00000000" "40115f7ec0a84d01" "c0a84d0100090009" "00080000")
SPOOFED = 7
TUNSETIFF, SIOCSIFADDR, SIOCSIFFLAGS, IFF_UP, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x8916, 0x8914, 1, 1, 0x1000
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


def ask(raw, command, payload=b""):
    """The messages of an answer; a failure is one of the test's own."""
    error, text, _, told = exchange(raw, command, payload)
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


class Step:
    """One command of a transaction, with what comes before it done. It leads to a state and digest, in the
    next generation, or changes nothing."""

    def __init__(self, command, *before, payload=b"", flags=ACK, start=None, leads=None):
        self.command, self.before, self.payload, self.flags = command, before, payload, flags
        self.start, self.leads = start, leads
        self.raw = self.was = self.usual = None

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
        elif error:
            wrong = self.again() if self.leads and now == self.was else None
        elif self.leads:
            wrong = None if state_in(told) == now else f"in force is {now}, the answer was {told}"
        else:
            self.usual = self.usual or told
            wrong = None if told == self.usual else \
                f"another answer than usual, of {len(told)} messages instead of {len(self.usual)}"
        return error, wrong

    def again(self):
        """What is wrong with the next try, without a fault, from where the failed one left things."""
        told = ask(self.open(), self.command, self.payload)
        now = in_force()
        return None if now == self.after() == state_in(told) else f"the next try led from {self.was} to {now}"


def transactions():
    """Begin, add, commit over another policy, and disarm."""
    second = arm(POLICIES[1])
    begin, add = (BEGIN, b""), (ADD, POLICIES[1])
    for name, step in (
            ("begin", Step(BEGIN)),
            ("add", Step(ADD, begin, payload=POLICIES[1])),
            ("commit", Step(COMMIT, begin, add, start=lambda: arm(POLICIES[0]), leads=second)),
            ("disarm", Step(DISARM, begin, add, (COMMIT, b""), leads=("sealed", None))),
    ):
        every(name, step.prepare, step.call, step.check)


def arming():
    """What only the first policy needs, or the first that translates: over a seal, over a policy that does not
    translate, and in a namespace that is idle."""
    translating = arm(MASQUERADING)
    before = (BEGIN, b""), (ADD, MASQUERADING)
    for name, start in (("arming what is sealed", seal), ("translating", lambda: arm(PLAIN))):
        step = Step(COMMIT, *before, start=start, leads=translating)
        every(name, step.prepare, step.call, step.check)
    seal()

    def attempt(number):
        apart()
        step = Step(COMMIT, *before, leads=translating)
        given = step.prepare()
        result, hit = with_fault(number, lambda: step.call(given))
        error, wrong = step.check(result, hit)
        if not error and not wrong:
            # Perhaps nobody tells which addresses are the router's (locals.rs); all else would be an error.
            wrong = foreign_to_itself()
        return error, hit, wrong

    rounds("arming what is idle", in_child(attempt))
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
    error, _, _, told = exchange(raw, COUNTERS_GET, flags=DUMP)
    raw.close()
    counters = [dict(attrs(value)) for _, data in told for kind, value in attrs(data) if kind == 13]
    [packets] = [int.from_bytes(counter[5], sys.byteorder) for counter in counters
                 if counter.get(1) == struct.pack("=I", SPOOFED)]
    return packets if not error else 0


def foreign_to_itself():
    """What is wrong when a packet claims to come from the router itself."""
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"lo0", IFF_TUN | IFF_NO_PI))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        address = socket.inet_aton("192.168.77.1")
        fcntl.ioctl(sock, SIOCSIFADDR, struct.pack("16sHH4s16x", b"lo0", socket.AF_INET, 0, address))
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo0", IFF_UP))
    os.write(tun, FROM_ITSELF)
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
        arm(POLICIES[0], kind=kind)
        seal(kind)
        return None

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
    """A namespace is made, with its part of the module, by a process of its own."""
    was = in_force()

    def attempt(number):
        result, hit = with_fault(number, apart)
        error = result.errno if isinstance(result, OSError) else 0
        now, wanted = in_force(), was if error else FRESH
        if error and not hit:
            return error, hit, f"it failed without a fault: {os.strerror(error)}"
        return error, hit, None if now == wanted else f"in force is {now} instead of {wanted}"

    rounds("namespace", in_child(attempt))


for operation in sys.argv[1:]:
    {"transactions": transactions, "arming": arming, "dumps": dumps, "logs": logs,
     "namespaces": namespaces, "load": load}[operation]()
TAP.done()
