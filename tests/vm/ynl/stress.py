# SPDX-License-Identifier: GPL-2.0
"""Everything at once: commits, dumps, status, devices, namespaces, and the module in and out.

stress.py SECONDS: what counts is that nothing hangs, and that the kernel does not complain.
"""

import collections
import errno
import mmap
import os
import random
import signal
import subprocess
import sys
import time

from camzone import (CAMERAS, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, RULES, ZONES, Raw, Tap, family, wire)

STATUS, BEGIN, ADD, COMMIT, POLICY_GET, COUNTERS_GET, DISARM = 1, 2, 3, 4, 6, 7, 8
DUMP = NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP

END = time.monotonic() + float(sys.argv[1])
# The status of a child whose policy was not accepted, or that found no module.
NOT_NOW = 3
# Whether the others are to wait a little: a policy, a dump or a namespace of theirs holds the module.
HOLD = mmap.mmap(-1, 1)
# The module may be away, another may have committed, or the policy may hold the module.
EXPECTED = {0, errno.ENOENT, errno.ESTALE, errno.EBADFD, errno.EINVAL, errno.EOPNOTSUPP}


TEMPLATE = family()
ITEMS = [wire(TEMPLATE, zone=ZONES, camera=CAMERAS[:count], rule=RULES[:1]) for count in range(3)]
TEMPLATE.close()


def ask(raw, command, payload=b"", **more):
    """Sends and waits; whether it went well. Anything unexpected ends the worker."""
    (error, text, _), _ = raw.ask(command, payload, **more)
    if error not in EXPECTED:
        raise OSError(error, f"command {command}: {text}")
    return error == 0


def upload(raw):
    """A whole transaction."""
    ask(raw, BEGIN)
    ask(raw, ADD, random.choice(ITEMS))
    return ask(raw, COMMIT)


def run(command):
    """A program, whose failure is none of ours."""
    return subprocess.run(command, capture_output=True, check=False).returncode


def uploads():
    """Policies in turn, and at last one half sent. (Each says how much of it went well.)"""
    raw = Raw()
    committed = sum(upload(raw) for _ in range(20))
    ask(raw, BEGIN)
    ask(raw, ADD, ITEMS[0])
    raw.close()
    return committed


def dumps():
    """Both of them, by one socket, and at last one half read."""
    raw = Raw(receive=4096)
    read = 0
    for _ in range(20):
        read += ask(raw, POLICY_GET, flags=DUMP)
        read += ask(raw, COUNTERS_GET, flags=DUMP)
    next(raw.messages(raw.send(COUNTERS_GET, flags=DUMP)))
    raw.close()
    return read


def statuses():
    """Status, many times."""
    raw = Raw()
    read = sum(ask(raw, STATUS) for _ in range(50))
    raw.close()
    return read


def devices():
    """A device of a zone comes, is renamed, and goes."""
    run(["ip", "link", "add", "eth3", "type", "veth", "peer", "name", "far3"])
    run(["ip", "link", "set", "eth3", "name", "eth9"])
    return run(["ip", "link", "del", "eth9"]) == 0


def namespaces():
    """A namespace is armed and goes."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        code = 1
        try:
            os.unshare(os.CLONE_NEWNET)
            raw = Raw()
            code = 0 if upload(raw) else NOT_NOW
            ask(raw, BEGIN)
        except OSError as err:
            print(f"# a namespace: {err}", flush=True)
            code = NOT_NOW if err.errno == errno.ENOENT else 1
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, NOT_NOW):
        raise OSError(errno.EIO, f"what armed a namespace ended with {code}")
    return code == 0


def packets():
    """Something to judge."""
    run(["ping", "-c", "3", "-i", "0.002", "-W", "0.1", "192.168.8.9"])
    return run(["ping", "-c", "3", "-i", "0.002", "-W", "0.1", "127.0.0.1"]) == 0


def reloads():
    """The module goes while the others come to a stop, and comes back when they go on."""
    HOLD[0] = 1
    gone = False
    while not gone and time.monotonic() < END:
        raw = Raw()
        ask(raw, DISARM)
        raw.close()
        gone = run(["rmmod", "camzone"]) == 0
    HOLD[0] = 0
    run(["modprobe", "camzone", f"sealed={random.randrange(2)}"])
    time.sleep(random.random() / 2)
    return gone


def work(what):
    """Goes on until the time is over; what it met goes to the parent by its exit status."""
    done = well = 0
    while time.monotonic() < END:
        if HOLD[0] and what is not reloads:
            time.sleep(0.01)
            continue
        try:
            well += what()
            done += 1
        except OSError as err:
            # The family is not there just now.
            if err.errno != errno.ENOENT:
                print(f"# {what.__name__}: {err}", flush=True)
                return 1
    print(f"# {what.__name__}: {done} times, {well} well", flush=True)
    return 0 if well else 2


tap = Tap()
children = {}
for task in (uploads, uploads, dumps, dumps, statuses, devices, namespaces, packets, reloads):
    pid = os.fork()
    if pid == 0:
        random.seed()
        os._exit(work(task))
    children[pid] = task.__name__
ended = collections.Counter()
while children:
    pid, code = os.wait()
    ended[f"{children.pop(pid)} {os.waitstatus_to_exitcode(code)}"] += 1
tap.ok(all(key.endswith(" 0") for key in ended), "all went on to the end", dict(ended))
last = Raw()
ask(last, DISARM)
last.close()
run(["rmmod", "camzone"])
run(["modprobe", "camzone"])
tap.equal("and the family answers", "sealed", family().do("status-get", {})["state"])
tap.done()
