# SPDX-License-Identifier: GPL-2.0
"""What of the kernel's a packet can get to that passes.

calls.py KO LIST SOURCE: run by tools/check-calls inside the sysroot. Who calls whom comes from the code
as it is loaded (stack.py); where only packets get to that do not pass comes from LIST.
"""

import os
import sys

from stack import Code, fits, readable

# Where packets come in.
ENTRIES = ("camzone_main::netfilter::hook::called::<*", "camzone_main::netfilter::nat::called")


def listed(path):
    """The lines SYMBOL | FILE | WHY, and not FUNCTION | CALLER | WHY."""
    symbols, ends = {}, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, where, why = (part.strip() for part in line.split("|"))
                if not why:
                    sys.exit(f"{path}: {name} has no reason")
                (ends if name.startswith("not ") else symbols)[name.removeprefix("not ")] = where
    return symbols, ends


def atomics(code):
    """The functions with an instruction that locks the bus: a reference, or a lock that is no call."""
    for place, (word, operands, _) in code.instructions.items():
        if word == "lock" or word.startswith("xchg") and "(" in operands:
            yield code.around.get(place)


def main():
    """Walks; the exit status says whether all that was met is on the list, and the other way round."""
    code = Code(sys.argv[1])
    names = {code.name(function) for function in code.functions}
    names |= {where for calls in code.calls.values() for _, where in calls if isinstance(where, str)}
    plain, locked = readable(sorted(names)), set(atomics(code))
    symbols, ends = listed(sys.argv[2])
    used, bad = set(), []
    ways = {function: () for function in sorted(code.taken)
            if any(fits(plain[code.name(function)], entry) for entry in ENTRIES)}
    todo = list(ways)
    bad += [f"no packet comes in by {entry}" for entry in ENTRIES
            if not any(fits(plain[code.name(function)], entry) for function in todo)]
    for function in todo:  # Grows.
        name = plain[code.name(function)]
        way = (*ways[function], name)
        for where in sorted({where for _, where in code.calls[function]}, key=str):
            target = where if isinstance(where, str) else code.around[where]
            callee = plain[code.name(target)]
            end = next((line for line in ends if fits(callee, line)), None)
            if end:
                used.add(end)
                if not fits(name, ends[end]):
                    bad.append("not on the list: " + "\n    > ".join((*way, callee)))
            elif isinstance(where, str):
                used.add(callee)
                if callee not in symbols:
                    bad.append("not on the list: " + "\n    > ".join((*way, callee)))
            elif target not in ways:
                ways[target] = way
                todo.append(target)
        if function in locked:
            bad.append("locks the bus: " + "\n    > ".join(way))
    bad += [f"no longer called: {line}" for line in (symbols.keys() | ends.keys()) - used]
    for symbol, path in symbols.items():
        path = os.path.join(sys.argv[3], path)
        if not os.path.exists(path) or symbol not in open(path, encoding="utf-8").read():
            bad.append(f"{path} knows no {symbol}")
    print(f"calls: {len(todo)} functions of ours, {len(symbols)} of the kernel's")
    print("".join(f"{sys.argv[2]}: {what}\n" for what in bad), end="")
    sys.exit(bool(bad))


main()
