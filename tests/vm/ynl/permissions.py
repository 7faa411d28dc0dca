# SPDX-License-Identifier: GPL-2.0
"""Who may do what: permissions.py denied | own FLAG-FILE"""

import errno
import sys
import time

from camzone import SETTINGS, ZONES, Tap, download, family, status, upload

COMMANDS = ("status-get", "policy-begin", "policy-add", "policy-commit", "policy-abort", "disarm")


def say(word):
    """Tells the scenario."""
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(word)


def await_word(word):
    """Waits until the scenario tells us."""
    for _ in range(600):
        with open(sys.argv[2], encoding="utf-8") as file:
            if file.read() == word:
                return
        time.sleep(0.05)
    sys.exit(f"nobody said {word}")


def denied(tap):
    """Everything is refused, reading included."""
    ynl = family()
    for command in COMMANDS:
        tap.refused(command, errno.EPERM, lambda command=command: ynl.do(command, {}))
    for command in ("policy-get", "counters-get"):
        tap.refused(command, errno.EPERM, lambda command=command: ynl.dump(command, {}))


def own(tap):
    """The administrator of a namespace of his own has that one, and sees no other."""
    ynl = family()
    first = ynl.do("status-get", {})
    tap.equal("it is idle", "idle", first["state"])
    tap.equal("its interfaces are all that is seen: none but loopback", None, first.get("port"))
    tap.equal("and no policy", [], ynl.dump("policy-get", {}))
    answer = upload(ynl, [dict(zone, name=zone["name"] + "-mine") for zone in ZONES], [], [],
                    {"defaults": SETTINGS["defaults"]})
    tap.equal("a policy of his own can be put in force", "armed", answer["state"])
    tap.equal("which is read back", sorted(zone["name"] + "-mine" for zone in ZONES),
              sorted(zone["name"] for zone in download(ynl)["zone"]))
    say("armed")
    await_word("look")
    tap.equal("and stays in force", answer["generation"], status(ynl)["generation"])
    say("looked")
    await_word("end")


if __name__ == "__main__":
    results = Tap()
    {"denied": denied, "own": own}[sys.argv[1]](results)
    results.done()
