# SPDX-License-Identifier: GPL-2.0
"""What the netlink tests share: the kernel's client on our spec, a raw socket, and TAP."""

import errno
import functools
import os
import pickle
import socket
import struct
import sys

import yaml

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
SPEC = os.path.join(TOP, "netlink/specs/camzone.yaml")
sys.path.insert(0, "/usr/lib/ynl/pyynl")
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from lib import NlError, YnlFamily  # noqa: E402
from lib.ynl import GenlProtocol  # noqa: E402


@functools.cache
def _parsed(text):
    return pickle.dumps(yaml.load(text, Loader=yaml.CSafeLoader))


# The client parses the spec for each socket, which takes a second without KVM.
yaml.safe_load = lambda stream: pickle.loads(_parsed(stream.read()))

NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_DUMP = 1, 2, 4, 0x10, 0x300
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLA_F_NESTED = 0x8000
SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 10, 11


def family():
    """The kernel's own client: one socket, so one transaction."""
    # It keeps the number that a family had, which is another after the module was loaded again.
    GenlProtocol.genl_family_name_to_id = {}
    return YnlFamily(SPEC, schema="")


def wire(ynl, **attributes):
    """Attributes of the root as they go over the wire."""
    # pylint: disable=protected-access
    return b"".join(ynl._add_attr("camzone", name, value, None)
                    for name, value in attributes.items())


class Tap:
    """Test results; the exit status says whether all were good."""

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, good, text, why=""):
        """One result."""
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {text}", flush=True)
        if not good and why != "":
            print(f"  # {why}", flush=True)
        return good

    def equal(self, text, expected, got):
        """Both are the same."""
        return self.ok(expected == got, text, f"expected {expected!r}, got {got!r}")

    def refused(self, text, error, call, word=None, attribute=None):
        """`call` fails with this errno, and its extended ACK has the word and names the attribute."""
        try:
            got = call()
        except NlError as err:
            extack = err.nl_msg.extack or {}
            wrong = []
            if err.error != error:
                wrong.append(f"errno {errno.errorcode.get(err.error, err.error)}")
            if word is not None and word not in extack.get("msg", ""):
                wrong.append(f"message {extack.get('msg')!r}")
            if attribute is not None and extack.get("bad-attr") != attribute:
                wrong.append(f"attribute {extack.get('bad-attr')!r}")
            return self.ok(not wrong, f"{text}: {extack.get('msg', err)}", ", ".join(wrong))
        return self.ok(False, text, f"it was accepted: {got!r}")

    def done(self):
        """Prints the plan and ends the process."""
        print(f"1..{self.count}")
        if self.failed:
            print(f"# {self.failed} of {self.count} failed")
        sys.exit(1 if self.failed else 0)


# --- a policy, in the order of its canonical form ----------------------------------------------


def end(kind, name=None):
    """One end of a rule."""
    return {"kind": kind} | ({"name": name} if name else {})


def service(protocol, first=None, last=None):
    """A range of ports."""
    ports = {} if first is None else {"first": first, "last": last if last is not None else first}
    return {"protocol": protocol} | ports


ZONES = [
    {
        "name": "camera",
        "interface": ["eth1"],
        "network": [{"address": "192.168.8.0", "prefix-len": 24}],
    },
    {"name": "external", "interface": ["eth0"], "any": True},
    {
        "name": "private",
        "interface": ["eth2", "eth3"],
        "network": [
            {"address": "192.168.5.0", "prefix-len": 24},
            {"address": "fd00:5::", "prefix-len": 64},
        ],
        "ipv6": "full",
    },
]
CAMERAS = [
    {"name": "back-door", "zone": "camera", "address": ["192.168.8.111"]},
    {"name": "front-door", "zone": "camera", "address": ["192.168.8.110"], "mac": "02:00:00:00:00:01"},
]
RULES = [
    {
        "action": "allow",
        "from": [end("zone", "camera")],
        "to": [end("router")],
        "service": [service(6, 21), service(6, 50000, 50100)],
    },
    {
        "action": "allow",
        "from": [end("zone", "private")],
        "to": [end("camera", "back-door"), end("camera", "front-door")],
        "service": [service(6, 80), service(6, 554)],
    },
    {"action": "deny", "from": [end("zone", "camera")], "to": [end("zone", "external")],
     "service": [service(0)], "reject": True},
]
SETTINGS = {"defaults": {"input": "drop", "forward": "drop", "output": "accept"}, "forwarding": True}


def begin(ynl, settings=None):
    """Begins a transaction, and returns the generation."""
    return ynl.do("policy-begin", SETTINGS if settings is None else settings)["generation"]


def upload(ynl, zones=None, cameras=None, rules=None, settings=None, **commit):
    """A whole transaction."""
    begin(ynl, settings)
    ynl.do("policy-add", {"zone": ZONES if zones is None else zones})
    ynl.do("policy-add", {"camera": CAMERAS if cameras is None else cameras,
                          "rule": RULES if rules is None else rules})
    return ynl.do("policy-commit", commit)


def status(ynl):
    """State, generation and digest."""
    return {key: value for key, value in ynl.do("status-get", {}).items()
            if key in ("state", "generation", "digest")}


def download(ynl):
    """The policy in force, put together from the messages of the dump."""
    whole = {}
    for message in ynl.dump("policy-get", {}):
        for key, value in message.items():
            if isinstance(value, list):
                whole.setdefault(key, []).extend(value)
            else:
                whole[key] = value
    return whole


# --- raw messages -------------------------------------------------------------------------------


def attr(kind, payload=b"", nested=False, length=None):
    """An attribute; `length` lies about how long it is."""
    length = 4 + len(payload) if length is None else length
    kind |= NLA_F_NESTED if nested else 0
    return struct.pack("=HH", length, kind) + payload + b"\0" * (-len(payload) % 4)


def nest(kind, *attributes):
    """An attribute of attributes."""
    return attr(kind, b"".join(attributes), nested=True)


def u32(kind, value):
    """A number."""
    return attr(kind, struct.pack("=I", value))


def string(kind, value):
    """A string with its NUL."""
    return attr(kind, value.encode() + b"\0")


def attrs(data, at=0):
    """Yields (kind, value) of each attribute from `at` on."""
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        yield kind & 0x3fff, data[at + 4:at + length]
        at += (length + 3) & ~3


class Raw:
    """A socket that sends what it is told, right or wrong."""

    def __init__(self, kind=None, receive=1 << 17, port=0):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.sock.bind((port, 0))
        self.sock.settimeout(20)
        self.receive, self.seq = receive, 0
        self.kind = kind if kind is not None else self.resolve()

    def close(self):
        """Closes the socket."""
        self.sock.close()

    def resolve(self):
        """The number of the family."""
        self.kind = 16
        for _, _, payload in self.ask(3, string(2, "camzone"), version=2)[1]:
            for kind, value in attrs(payload):
                if kind == 1:
                    return struct.unpack("=H", value)[0]
        raise OSError(errno.ENOENT, "no family camzone")

    def send(self, command, payload=b"", flags=NLM_F_REQUEST | NLM_F_ACK, version=1,
             reserved=0, length=None):
        """Sends a message; `length` lies about how long it is."""
        self.seq += 1
        body = struct.pack("=BBH", command, version, reserved) + payload
        length = 16 + len(body) if length is None else length
        self.sock.send(struct.pack("=IHHII", length, self.kind, flags, self.seq, 0) + body)
        return self.seq

    def messages(self, seq):
        """Yields (type, flags, payload) of the answers to request `seq`, the last one included."""
        while True:
            data, at = self.sock.recv(self.receive), 0
            while at < len(data):
                length, kind, flags, got, _ = struct.unpack_from("=IHHII", data, at)
                if got == seq:
                    yield kind, flags, data[at + 16:at + length]
                    if kind in (NLMSG_ERROR, NLMSG_DONE):
                        return
                at += (length + 3) & ~3

    def ask(self, command, payload=b"", **more):
        """Sends and waits: ((errno, message, offset), [(type, flags, attributes)])."""
        answers, final = [], None
        for kind, flags, data in self.messages(self.send(command, payload, **more)):
            if kind in (NLMSG_ERROR, NLMSG_DONE):
                final = self.verdict(kind, flags, data)
            else:
                answers.append((kind, flags, data[4:]))
        return final, answers

    @staticmethod
    def verdict(kind, flags, data):
        """Errno (positive), text and offset of an acknowledgement."""
        error = -struct.unpack_from("=i", data)[0] if len(data) >= 4 else 0
        text = offset = None
        if flags & NLM_F_ACK_TLVS:
            at = 4
            if kind == NLMSG_ERROR:
                inner = struct.unpack_from("=I", data, 4)[0]
                at = 20 if flags & NLM_F_CAPPED else 4 + ((inner + 3) & ~3)
            for tlv, value in attrs(data, at):
                if tlv == 1:
                    text = value.rstrip(b"\0").decode()
                elif tlv == 2:
                    offset = struct.unpack("=I", value)[0]
        return error, text, offset
