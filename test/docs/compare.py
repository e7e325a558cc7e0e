# SPDX-License-Identifier: PostgreSQL
"""Compares what is written about the agent with the agent: compare.py CHECK [PROGRAM], in the project's folder."""

import ast
import difflib
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path.cwd()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def check_parameters(program):
    """docs/parameters.md is what the program prints from the tables."""
    printed = subprocess.run([program, "parameters"], stdout=subprocess.PIPE, check=True).stdout.decode()
    yield from difflib.unified_diff(
        text("docs/parameters.md").splitlines(), printed.splitlines(), "docs/parameters.md", "the tables", lineterm="")


def check_versions():
    """One version in all files that have to name it."""
    places = {
        "CMakeLists.txt": r"^project\(pgsqlms VERSION (\S+)",
        "packaging/debian/changelog": r"^pgsqlms \(([^)]+)\)",
        "packaging/rpm/pgsqlms.spec": r"^Version: +(\S+)",
        "docs/CHANGELOG.md": r"^## (\d\S*)",
    }
    versions = {name: re.search(pattern, text(name), re.MULTILINE).group(1) for name, pattern in places.items()}
    if len(set(versions.values())) != 1:
        yield "different versions: " + ", ".join(f"{name} {version}" for name, version in versions.items())


def texts_of_the_agent():
    """All string literals of the sources; those that stand side by side are one."""
    literal = r'"(?:[^"\\\n]|\\.)*"'
    for file in sorted([*(ROOT / "src").rglob("*.cpp"), *(ROOT / "include").rglob("*.hpp")]):
        code = re.sub(r"^\s*//.*$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for match in re.finditer(rf"{literal}(?:\s*{literal})*", code):
            yield "".join(ast.literal_eval(part) for part in re.findall(literal, match.group()))


def is_known(part, known):
    """Whether the agent says this, at once or in two pieces that it puts together."""
    shortest = 8
    pieces = [(part[:cut], part[cut:]) for cut in range(shortest, len(part) - shortest)]
    return part in known or any(first in known and second in known for first, second in pieces)


def check_reasons():
    """The sentences in the first columns of docs/administration.md are the agent's; <...> stands for what differs."""
    known = "\n".join(texts_of_the_agent())
    for reason in re.findall(r"^\| `([^`]+)` \|", text("docs/administration.md"), re.MULTILINE):
        for part in re.split(r"<[^>]*>", reason):
            if not is_known(part.strip(' ":=,'), known):
                yield f'docs/administration.md: the agent never says "{part}" (in "{reason}")'


def check_operations():
    """Timeouts and intervals in the examples are the suggested ones."""
    row = r"^\| `([\w-]+)` \| (\d+s) \| (\d+s|) \| (\w*) \|"
    suggested = {(name, role): (interval, timeout)
                 for name, timeout, interval, role in re.findall(row, text("docs/parameters.md"), re.MULTILINE)}
    for document in DOCUMENTS:
        for name, settings in re.findall(r"\bop (\w+)((?: \w+=\w+)+)", document.read_text(encoding="utf-8")):
            found = dict(setting.split("=") for setting in settings.split())
            expected = suggested.get((name, found.get("role", "")))
            if expected and (found.get("interval", ""), found.get("timeout")) != expected:
                yield f"{document.name}: op {name}{settings}, but suggested are interval and timeout {expected}"


def check_links():
    """Links between the documents lead somewhere."""
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            if not (document.parent / target).exists():
                yield f"{document.name}: {target} does not exist"


def main():
    checks = {name[len("check_"):]: check for name, check in globals().items() if name.startswith("check_")}
    if len(sys.argv) < 2 or sys.argv[1] not in checks:
        sys.exit("usage: compare.py " + "|".join(checks) + " [PROGRAM]")
    problems = list(checks[sys.argv[1]](*sys.argv[2:]))
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
