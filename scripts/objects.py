"""What the objects of a build know: who defines a name, and who uses it. For scripts/check-*."""
import json
import os
import shlex
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEFINED = set("TDBRVW")  # of nm: code and data, not common, not local


class NotBuilt(Exception):
    pass


def objects(build):
    """{object: source} of all we compile. NotBuilt: one of them is not there."""
    found = {}
    rows = os.path.join(build, "compile_commands.json")
    if not os.path.exists(rows):
        raise NotBuilt(f"{build} is not a build directory")
    with open(rows, encoding="utf-8") as f:
        rows = json.load(f)
    for row in rows:
        words = shlex.split(row["command"])
        path = os.path.join(row["directory"], words[words.index("-o") + 1])
        source = os.path.relpath(row["file"], ROOT)
        if not os.path.exists(path):
            raise NotBuilt(f"{source} is not built in {build}")
        if ".pb-c." not in source:
            found[path] = source
    return found


def symbols(source_of):
    """(source, name, whether it defines it) of all that is not local; a compiler's own left out."""
    out = subprocess.run(["nm", "-P", "-g", "-A", *source_of], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        path, name, kind = line.split()[:3]
        if "." not in name and (kind == "U" or kind in DEFINED):
            yield source_of[path.rstrip(":")], name, kind != "U"
