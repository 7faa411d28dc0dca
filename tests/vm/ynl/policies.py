# SPDX-License-Identifier: GPL-2.0
"""What the running kernel says it lets through is what the spec says."""

import yaml

from camzone import SPEC, Tap, family

with open(SPEC, encoding="utf-8") as file:
    spec = yaml.safe_load(file)
sets = {each["name"]: each["attributes"] for each in spec["attribute-sets"]}
enums = {each["name"]: each["entries"] for each in spec["definitions"] if each["type"] == "enum"}
consts = {each["name"]: each["value"] for each in spec["definitions"] if each["type"] == "const"}
tap = Tap()


def number(value):
    """A check's number, which may be a constant's name."""
    return consts.get(value, value)


def expected(attribute, inside):
    """What the kernel is to report of an attribute (strings cannot have a shortest length)."""
    checks = {key: number(value) for key, value in attribute.get("checks", {}).items()}
    kind = attribute["type"]
    if kind == "flag":
        return {"type": "flag"}
    if kind == "string":
        return {"type": "nul-string", "max-length": checks["max-len"]}
    if kind == "binary":
        exact = checks.get("exact-len")
        return {"type": "binary", "min-length": exact or checks["min-len"],
                "max-length": exact or checks["max-len"]}
    if kind == "nest":
        assert inside not in attribute["nested-attributes"]
        return {"type": "nested", "policy": {
            each["name"]: expected(each, attribute["nested-attributes"])
            for each in sets[attribute["nested-attributes"]]}}
    highest = {"u32": 2**32 - 1, "u64": 2**64 - 1}[kind]
    if "enum" in attribute:
        highest = len(enums[attribute["enum"]]) - 1
    return {"type": kind, "min-value": 0, "max-value": checks.get("max", highest)}


def flat(policy, prefix=""):
    """Attribute paths and what is said of each."""
    lines = {}
    for name, said in policy.items():
        said = dict(said)
        inner = said.pop("policy", None)
        lines[f"{prefix}{name}"] = said
        if inner is not None:
            lines |= flat(inner, f"{prefix}{name}.")
    return lines


ynl = family()
for operation in spec["operations"]["list"]:
    mode = "dump" if "dump" in operation else "do"
    names = operation[mode].get("request", {}).get("attributes", [])
    wanted = flat({each["name"]: expected(each, "camzone")
                   for each in sets["camzone"] if each["name"] in names})
    reported = ynl.get_policy(operation["name"], mode)
    got = flat(reported.to_dict()) if reported is not None else {}
    tap.ok(wanted == got, f"{operation['name']}: {len(wanted)} attributes")
    if wanted != got:
        for path in sorted(set(wanted) | set(got)):
            if wanted.get(path) != got.get(path):
                print(f"  # {path}: spec {wanted.get(path)}, kernel {got.get(path)}")
tap.done()
