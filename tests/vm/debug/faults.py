# SPDX-License-Identifier: GPL-2.0
"""Every allocation that an operation makes fails once, by its number, until none is left.

faults.py OPERATION...: what must hold after each: an error came back, or the operation went through
as if nothing had been; what was in force before is in force still, or the new is, whole; and the
next try without a fault succeeds. (/proc/PID/fail-nth, Documentation/fault-injection.)
"""

import ctypes
import errno
import gc
import os
import socket
import subprocess
import sys

from camzone import (CAMERAS, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, RULES,
                     ZONES, Raw, Tap, family, wire)

STATUS, BEGIN, ADD, COMMIT, POLICY_GET, COUNTERS_GET, DISARM = 1, 2, 3, 4, 6, 7, 8
DUMP = NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP
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
NTH = os.open("/proc/thread-self/fail-nth", os.O_RDWR)


def with_fault(number, call, nth=NTH):
    """What came of `call` whose allocation with this number failed: (result or error, it was made)."""
    os.pwrite(nth, b"%d" % number, 0)
    try:
        result = call()
    except OSError as error:
        result = error
    left = int(os.pread(nth, 16, 0).rstrip(b"\0\n"))
    os.pwrite(nth, b"0", 0)
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


# --- the family --------------------------------------------------------------------------------

YNL = family()
POLICIES = [wire(YNL, zone=ZONES, camera=CAMERAS[:count], rule=RULES[:1]) for count in (1, 2)]
NUMBER = Raw().kind
EXPECTED = {errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN}


def say(raw, command, payload=b"", **more):
    """Sends; what it gives is for `answer`."""
    return raw, raw.send(command, payload, **more)


def answer(said):
    """The errno of an answer, 0 if it went well."""
    raw, seq = said
    error = 0
    raw.sock.settimeout(5)
    try:
        for kind, flags, data in raw.messages(seq):
            if kind in (NLMSG_ERROR, NLMSG_DONE):
                error = raw.verdict(kind, flags, data)[0]
    except OSError as fault:
        # An acknowledgement for which there was no memory: the socket says so.
        error = fault.errno or errno.EAGAIN
    return error


def ask(raw, command, payload=b"", **more):
    """Both; a failure is one of the test's own."""
    error = answer(say(raw, command, payload, **more))
    if error:
        raise SystemExit(f"command {command} failed without a fault: {error}")


def in_force():
    """Generation and digest."""
    now = YNL.do("status-get", {})
    return now["state"], now["generation"], now.get("digest")


def arm(policy):
    """A policy comes into force."""
    raw = Raw(NUMBER)
    ask(raw, BEGIN)
    ask(raw, ADD, policy)
    ask(raw, COMMIT)
    raw.close()


class Step:
    """One command of a transaction, with what comes before it done."""

    def __init__(self, command, *before, payload=b"", flags=NLM_F_REQUEST | NLM_F_ACK):
        self.command, self.before, self.payload, self.flags = command, before, payload, flags
        self.was = self.raw = None

    def prepare(self):
        """The commands before."""
        if self.raw:
            self.raw.close()
        self.raw = Raw(NUMBER)
        for command, payload in self.before:
            ask(self.raw, command, payload)
        self.was = in_force()
        return self.raw

    def call(self, raw):
        """The command: the kernel does all of it while it is sent."""
        return say(raw, self.command, self.payload, flags=self.flags)

    def check(self, result, hit):
        """Old or new, nothing between; an error only if there was a fault."""
        error = result.errno if isinstance(result, OSError) else answer(result)
        now = in_force()
        wrong = None
        if error and not hit:
            wrong = f"it failed without a fault: {os.strerror(error)}"
        elif error not in EXPECTED | {0}:
            wrong = f"an odd error: {os.strerror(error)}"
        elif self.command not in (COMMIT, DISARM):
            if now != self.was:
                wrong = f"in force is {now}, was {self.was}"
        # An answer that got lost is no failure of the commit.
        elif now != self.was and now[1] != self.was[1] + 1:
            wrong = f"in force is {now}, was {self.was}"
        elif not error and now == self.was:
            wrong = "it went well, and changed nothing"
        return error, wrong


def transactions():
    """Begin, add, commit over another policy, and disarm."""
    arm(POLICIES[0])
    add = (ADD, POLICIES[1])
    begin = (BEGIN, b"")
    for name, step in (
            ("begin", Step(BEGIN)),
            ("add", Step(ADD, begin, payload=POLICIES[1])),
            ("commit", Step(COMMIT, begin, add)),
            ("disarm", Step(DISARM, begin, add, (COMMIT, b""))),
    ):
        every(name, step.prepare, step.call, step.check)


def dumps():
    """What is asked for."""
    arm(POLICIES[1])
    for name, step in (
            ("status", Step(STATUS)),
            ("policy dump", Step(POLICY_GET, flags=DUMP)),
            ("counters dump", Step(COUNTERS_GET, flags=DUMP)),
    ):
        every(name, step.prepare, step.call, step.check)


def logs():
    """A packet of the router's own that is dropped and logged, in this process's context."""
    zone = {"name": "z", "interface": ["lo0"], "network": [{"address": "192.168.77.0", "prefix-len": 24}]}
    policy = wire(YNL, zone=[zone])

    def prepare():
        # In force anew, with a log limit that nobody has used up.
        raw = Raw(NUMBER)
        ask(raw, BEGIN, wire(YNL, defaults={"input": "drop", "forward": "drop", "output": "drop"}))
        ask(raw, ADD, policy)
        ask(raw, COMMIT)
        raw.close()
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def call(sock):
        try:
            sock.sendto(b"x", ("192.168.77.2", 9))
        finally:
            sock.close()
        return 0

    def check(result, _hit):
        if isinstance(result, OSError) and result.errno in EXPECTED | {errno.EPERM}:
            return result.errno if result.errno != errno.EPERM else 0, None
        return 0, f"it was sent: {result}"

    def tolerant(sock):
        try:
            return call(sock)
        except OSError as error:
            return error

    every("log", prepare, tolerant, check)


# --- the module, and namespaces ------------------------------------------------------------------


def load():
    """finit_module(2) by hand: what it needs is there, and it is alone."""
    path = subprocess.run(["modinfo", "-n", "camzone"], capture_output=True, check=True, text=True).stdout.strip()
    if in_force()[0] == "armed":
        YNL.do("disarm", {})
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

    def check(result, hit):
        loaded = os.path.exists(there)
        if isinstance(result, OSError):
            wrong = f"{result}, and it is there" if loaded else None
            return result.errno, wrong if hit else f"{result} without a fault"
        return 0, None if loaded else "it is not there"

    every("load", prepare, call, check)


def namespaces():
    """A namespace is made, with its part of the module, by a process of its own."""
    def made():
        return 0 if LIBC.unshare(0x40000000) == 0 else ctypes.get_errno()

    def attempt(number):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            error, hit = with_fault(number, made, os.open("/proc/thread-self/fail-nth", os.O_RDWR))
            os.write(writer, b"%d %d" % (error, hit))
            os._exit(0)
        os.waitpid(child, 0)
        error, hit = map(int, os.read(reader, 64).split())
        os.close(reader)
        os.close(writer)
        return error, hit, f"it failed without a fault: {os.strerror(error)}" if error and not hit else None

    rounds("namespace", attempt)


for operation in sys.argv[1:]:
    {"transactions": transactions, "dumps": dumps, "logs": logs, "load": load,
     "namespaces": namespaces}[operation]()
TAP.done()
