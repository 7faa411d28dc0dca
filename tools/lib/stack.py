# SPDX-License-Identifier: GPL-2.0
"""How deep the stack gets under each function that the kernel may call in a module.

stack.py KO BOUNDS: run by tools/check-stack inside the sysroot. Both how deep a function's own
frame is at a call and who calls whom come from the code as it is loaded, Rust's and C's alike.
What the kernel's own functions take, once they are called from here, is not in it.
"""

import collections
import re
import struct
import subprocess
import sys

# The psABI of x86-64.
R_X86_64_64, R_X86_64_PC32, R_X86_64_PLT32, R_X86_64_32S = 1, 2, 4, 11

# Where the address of a function that the kernel calls stands.
TAKES = (".text", ".data", ".rodata", ".init", ".exit", ".gnu.linkonce", "__param")

Section = collections.namedtuple("Section", "name type flags offset size link info entsize")


class Elf:
    """Sections, functions and relocations of a relocatable file of 64 bits, little endian."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:6] != b"\x7fELF\x02\x01" or self.data[16:18] != b"\x01\0":
            sys.exit(f"{path} is no object file that this reads")
        place, = struct.unpack_from("<Q", self.data, 40)
        size, count, names = struct.unpack_from("<HHH", self.data, 58)
        raw = [struct.unpack_from("<IIQQQQIIQQ", self.data, place + i * size) for i in range(count)]
        start = raw[names][4]
        self.sections = [Section(self.text(start + s[0]), s[1], s[2], s[4], s[5], s[6], s[7], s[9])
                         for s in raw]
        table = next(s for s in self.sections if s.type == 2)
        strings = self.sections[table.link].offset
        self.symbols = []
        for at in range(table.offset, table.offset + table.size, 24):
            name, info, _, section, value, length = struct.unpack_from("<IBBHQQ", self.data, at)
            self.symbols.append((self.text(strings + name), info & 15, section, value, length))

    def text(self, at):
        """The C string there."""
        return self.data[at:self.data.index(b"\0", at)].decode()

    def relocations(self):
        """(section, offset, type, symbol, addend), of sections that end up in memory."""
        for section in self.sections:
            if section.type == 4 and self.sections[section.info].flags & 2:
                for at in range(section.offset, section.offset + section.size, 24):
                    place, info, addend = struct.unpack_from("<QQq", self.data, at)
                    yield section.info, place, info & 0xffffffff, self.symbols[info >> 32], addend


class Code:
    """The functions of a module, and what each calls at which depth."""

    def __init__(self, path):
        self.elf = Elf(path)
        self.executable = {i: s for i, s in enumerate(self.elf.sections) if s.flags & 4}
        self.functions = {}
        for name, kind, section, value, length in self.elf.symbols:
            if kind == 2 and section in self.executable and length:
                self.functions[section, value] = (name, length)
        # By an address to the function around it.
        self.around = {}
        for (section, value), (_, length) in self.functions.items():
            self.around.update({(section, at): (section, value) for at in range(value, value + length)})
        self.instructions, self.depths, self.results = {}, {}, {}
        self.calls, self.taken = collections.defaultdict(set), set()
        self.disassemble(path)
        self.relocated = {(section, place) for section, place, *_ in self.elf.relocations()}
        for function in self.functions:
            self.frame(function)
        self.read_calls()

    def disassemble(self, path):
        """For each section its instructions: the words of each, by its place, and the next place."""
        for section, body in self.executable.items():
            text = subprocess.run(["llvm-objdump", "--disassemble", "--no-show-raw-insn",
                                   f"--section={body.name}", path],
                                  capture_output=True, text=True, check=True).stdout
            lines = re.findall(r"^[ \t]*([0-9a-f]+):[ \t]+(\S+)[ \t]*([^#<\n]*)", text, re.M)
            places = [int(place, 16) for place, _, _ in lines]
            for (_, word, operands), place, behind in zip(lines, places, places[1:] + [body.size]):
                self.instructions[section, place] = word, operands.strip(), behind

    def frame(self, function):
        """Follows a function's code and says how deep its frame is at each of its instructions."""
        section, start = function
        todo = [(start, 8, None)]
        while todo:
            place, depth, base = todo.pop()
            if self.around.get((section, place)) != function or (section, place) in self.depths:
                continue
            self.depths[section, place] = depth
            word, operands, behind = self.instructions[section, place]
            if re.match(r"(call|j\w+$)", word):
                target = re.fullmatch(r"0x([0-9a-f]+)", operands)
                # With a relocation the operand is not where it goes.
                if word[0] == "j" and target and not self.patched(section, place):
                    todo.append((int(target[1], 16), depth, base))
                if word.startswith("jmp"):
                    continue
            elif re.match(r"(ret|ud2|int3)", word):
                continue
            else:
                depth, base = self.step(f"{word} {operands}", depth, base)
            todo.append((behind, depth, base))

    @staticmethod
    def step(text, depth, base):
        """What an instruction does to the depth, and to that which %rbp keeps."""
        if re.match(r"push", text):
            return depth + 8, base
        if re.match(r"pop", text):
            return depth - 8, base
        if match := re.fullmatch(r"(sub|add)q \$(-?0x[0-9a-f]+|-?\d+), %rsp", text):
            size = int(match[2], 0)
            return depth + (size if match[1] == "sub" else -size), base
        if match := re.fullmatch(r"andq \$-(0x[0-9a-f]+|\d+), %rsp", text):
            return depth + int(match[1], 0) - 8, base
        if match := re.fullmatch(r"leaq (-?)(0x[0-9a-f]+|\d+)\(%r(sp|bp)\), %rsp", text):
            size = int(match[1] + str(int(match[2], 0)))
            return (depth if match[3] == "sp" else base) - size, base
        if text == "movq %rsp, %rbp":
            return depth, depth
        if text.startswith("leave"):
            return base - 8, base
        if text.endswith(" %rsp") and not text.startswith(("cmp", "test")):
            sys.exit(f"what does this do to the stack: {text}")
        return depth, base

    def patched(self, section, place):
        """Whether the linker fills in where the instruction there goes."""
        return bool({(section, place + skip) for skip in (1, 2)} & self.relocated)

    def read_calls(self):
        """Fills in the calls: those with a relocation, and those that the assembler resolved."""
        for section, place, kind, symbol, addend in self.elf.relocations():
            name, _, target, value, _ = symbol
            opcode = section in self.executable and self.opcode(section, place)
            if opcode and kind in (R_X86_64_PLT32, R_X86_64_PC32):
                where = (target, value + addend + 4) if target in self.executable else name
                self.call(section, place - (2 if opcode == "jcc" else 1), where, opcode == "call")
            elif target in self.executable and kind in (R_X86_64_64, R_X86_64_32S, R_X86_64_PC32):
                more = 4 if kind == R_X86_64_PC32 and section in self.executable else 0
                where = (target, value + addend + more)
                # The kernel's own lists of places (call sites, mcount) name functions and call none.
                known = self.elf.sections[section].name.startswith(TAKES)
                if known and where in self.functions:
                    self.taken.add(where)
        for (section, place), (word, operands, _) in self.instructions.items():
            if not re.match(r"(call|j\w+$)", word) or self.patched(section, place):
                continue
            target = re.fullmatch(r"0x([0-9a-f]+)", operands)
            where = (section, int(target[1], 16)) if target else "(indirect)"
            self.call(section, place, where, word.startswith("call"))

    def opcode(self, section, place):
        """Whether the four bytes at this place are a call's or a jump's, and which."""
        body = self.executable[section]
        before = self.elf.data[body.offset + place - 2:body.offset + place]
        if before[1:] == b"\xe8":
            return "call"
        if before[1:] == b"\xe9":
            return "jmp"
        return "jcc" if before[:1] == b"\x0f" and before[1] & 0xf0 == 0x80 else None

    def call(self, section, place, where, returns):
        """Notes that the instruction there goes elsewhere."""
        function = self.around.get((section, place))
        if function is None or where in ("__fentry__", "__x86_return_thunk", "__pfx___fentry__"):
            return
        if isinstance(where, str) and where.startswith("__x86_indirect_thunk"):
            where = "(indirect)"
        if not isinstance(where, str):
            if self.around.get(where) == function and (not returns or where != function):
                return
        depth = self.depths.get((section, place))
        if depth is None:  # Nobody gets there: padding.
            return
        # A jump leaves the return address to whom it jumps; what that adds is on top of the rest.
        self.calls[function].add((depth if returns else depth - 8, where))

    def deepest(self, function, path=()):
        """The greatest depth from this function on, and the way there."""
        if function in path:
            sys.exit("a function calls itself: " + " > ".join(self.name(f) for f in (*path, function)))
        if function not in self.results:
            section, start = function
            length = self.functions[function][1]
            own = max(self.depths.get((section, place), 0) for place in range(start, start + length))
            best, way, indirect = own, (), False
            for depth, where in self.calls[function]:
                below, rest = 0, (where,)
                if not isinstance(where, str):
                    # A part of a function that gcc put elsewhere goes on in the same frame.
                    target = self.around.get(where)
                    if target is None:
                        sys.exit(f"{self.name(function)} goes to {where}, where no function is")
                    below, rest, inner = self.deepest(target, (*path, function))
                    rest, indirect = (target, *rest), indirect or inner
                indirect = indirect or where == "(indirect)"
                if depth + below > best:
                    best, way = depth + below, rest
            self.results[function] = best, way, indirect
        return self.results[function]

    def within(self, function, begins):
        """How deep the stack is when some other function is called whose name begins so, or 0."""
        best = 0
        for depth, where in self.calls[function]:
            if isinstance(where, str):
                below = 8 if where.startswith(begins) else 0
            else:
                below = self.within(self.around[where], begins)
            best = max(best, depth + below if below else 0)
        return best

    def name(self, function):
        """What a function is called."""
        return function if isinstance(function, str) else self.functions[function][0]


def readable(names):
    """As a person would write them."""
    result = subprocess.run(["llvm-cxxfilt"], input="\n".join(names), capture_output=True, text=True, check=True)
    return dict(zip(names, result.stdout.splitlines()))


def bounds(path):
    """The lines ENTRY | BYTES | WHEN."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                entry, most, _ = (part.strip() for part in line.split("|"))
                yield entry, int(most)


def fits(entry, line):
    """Whether a line's name is the entry's: in full, or how it begins."""
    return line == entry or line.endswith("*") and entry.startswith(line[:-1])


def named(line):
    """Whether a line names one function, or one for each of its generic arguments."""
    return line is not None and (not line.endswith("*") or line.endswith("::<*"))


def main():
    """Compares; the exit status says whether all are within their bounds."""
    code = Code(sys.argv[1])
    plain = readable([name for name, _ in code.functions.values()])
    allowed, used, rows = dict(bounds(sys.argv[2])), set(), []
    entries = {function: plain[code.name(function)] for function in code.taken}
    for function, entry in entries.items():
        depth, way, indirect = code.deepest(function)
        way = [plain.get(code.name(f), code.name(f)) for f in way]
        line = next((line for line in allowed if " in " not in line and fits(entry, line)), None)
        rows.append((depth, entry, line, way, indirect))
    for line in allowed:
        outer, _, inner = line.partition(" in ")
        ways = [code.within(function, inner) for function, entry in entries.items() if fits(entry, outer)]
        if inner and max(ways, default=0):
            again = max(depth for depth, entry, *_ in rows if fits(entry, outer))
            rows.append((max(ways) + again, line, line, [f"{max(ways)} to get there"], False))
    bad = []
    for depth, entry, line, way, indirect in sorted(rows, key=lambda row: (-row[0], row[1])):
        used.add(line)
        if line is None:
            bad.append(f"{entry} is not on the list")
        elif depth > allowed[line]:
            bad.append(f"{entry} takes {depth} bytes, more than {allowed[line]}")
        elif named(line) and indirect:
            bad.append(f"{entry} calls something by a pointer: how deep that is nobody knows")
        if named(line) or line is None or depth > allowed[line]:
            print(f"{depth:5} {entry}")
            print("".join(f"        > {step}\n" for step in way), end="")
    bad += [f"nothing is called {line}" for line in allowed.keys() - used]
    print(f"{len(rows)} ways in, the deepest takes {max(row[0] for row in rows)} bytes")
    print("".join(f"{sys.argv[2]}: {what}\n" for what in bad), end="")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
