# SPDX-License-Identifier: GPL-2.0
"""arm.py arm|disarm|status|counters [NAME=JSON...]: the smallest client, for scenarios that are
about the module and not about the tool. NAME is zones, cameras, rules or settings."""

import json
import sys

from camzone import NlError, family, upload


def main(command, *parts):
    """One command."""
    ynl = family()
    try:
        if command == "arm":
            given = {name: json.loads(value) for name, value in (part.split("=", 1) for part in parts)}
            print(upload(ynl, **given)["generation"])
        elif command == "disarm":
            print(ynl.do("disarm", {})["generation"])
        elif command == "status":
            status = ynl.do("status-get", {})
            zones = {port["name"]: port.get("zone") for port in status.get("port", [])}
            print(status["state"], status["generation"], json.dumps(zones, sort_keys=True))
        elif command == "counters":
            for each in ynl.dump("counters-get", {}):
                counter = each["counter"][0]
                who = counter.get("reason") or counter.get("rule") or \
                    f"{counter.get('from')}>{counter.get('to')}"
                print(who, counter["packets"], counter["bytes"], counter.get("dropped", 0))
    except NlError as err:
        sys.exit(f"{command}: {err}")


main(*sys.argv[1:])
