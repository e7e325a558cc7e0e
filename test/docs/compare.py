# SPDX-License-Identifier: PostgreSQL
"""Compares what is written about the agent with the agent: compare.py CHECK [PROGRAM], in the project's folder.

docs/parameters.md is printed from the agent's tables, which the check `parameters` proves; the other checks go by it.
"""

import ast
import difflib
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

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
        "packaging/rpm/resource-agents-pgsqlms.spec": r"^Version: +(\S+)",
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


def check_diagnostics():
    """The same for the man page, which gives examples with names and numbers in them."""
    known = "\n".join(texts_of_the_agent())
    page = text("docs/ocf_heartbeat_pgsqlms.7.in")
    diagnostics = page[page.index(".Sh DIAGNOSTICS"):page.index(".Sh SEE ALSO")]
    for reason in re.findall(r"^\.It (.+)", diagnostics, re.MULTILINE):
        for part in re.split(r"\\\(dq\w+\\\(dq|srv\d|[0-9A-F]+/[0-9A-F]+|\b\d+\b", reason):
            if not is_known(part.strip(' ":=,'), known):
                yield f'the man page: the agent never says "{part}" (in "{reason}")'


def rows_below(heading):
    """The cells of the table below a heading of docs/parameters.md."""
    section = text("docs/parameters.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip(" `") for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line.startswith("|")]
    return rows[2:]


def check_operations():
    """Timeouts and intervals in the examples, and in the table about them, are the suggested ones."""
    suggested = {(name, role): (interval, timeout) for name, timeout, interval, role, _ in rows_below("Actions")}
    timeouts = {name: timeout for (name, _), (_, timeout) in suggested.items()}
    for document in DOCUMENTS:
        content = document.read_text(encoding="utf-8")
        for name, settings in re.findall(r"\bop (\w+)((?: \w+=\w+)+)", content):
            found = dict(setting.split("=") for setting in settings.split())
            expected = suggested.get((name, found.get("role", "")))
            if expected and (found.get("interval", ""), found.get("timeout")) != expected:
                yield f"{document.name}: op {name}{settings}, but suggested are interval and timeout {expected}"
        for name, timeout in re.findall(r"^\| `([\w-]+)` \| (\d+s) \|", content, re.MULTILINE):
            if timeouts.get(name) != timeout:
                yield f"{document.name}: {timeout} for {name}, but suggested is {timeouts.get(name)}"


def check_names():
    """Parameters, actions and exit codes that the documents name are the agent's."""
    parameters = {row[0] for row in rows_below("Parameters")}
    actions = {row[0] for row in rows_below("Actions")}
    codes = {row[1] for row in rows_below("Exit codes")}
    pages = [*DOCUMENTS, ROOT / "docs/ocf_heartbeat_pgsqlms.7.in"]
    for page in pages:
        content = re.sub(r"\\e?\n\s*", " ", page.read_text(encoding="utf-8"))
        for definition in re.findall(r"(?:primitive|resource create) \w+ ocf:heartbeat:pgsqlms (.*)", content):
            settings = re.split(r" op ", definition)[0]
            for name in re.findall(r"(\w+)=(?:\"[^\"]*\"|\S+)", settings):
                if name not in parameters:
                    yield f"{page.name}: there is no parameter {name}"
        for line in re.findall(r"(?:heartbeat/pgsqlms|\$agent) (.*)", content):
            options = set(re.findall(r"--(\w+)", line.split("`")[0]))
            for name in options - parameters - {"help", "version"}:
                yield f"{page.name}: there is no option --{name}"
            action = re.sub(r"--\S+|`.*", "", line).split()
            if not options & {"help", "version"} and action and action[0] not in actions:
                yield f"{page.name}: there is no action {action[0]}"
        for name in re.findall(r"\bOCF_(?:SUCCESS|NOT_RUNNING|(?:ERR|RUNNING|FAILED|DEGRADED)\w*)", content):
            if name not in codes:
                yield f"{page.name}: there is no exit code {name}"


def anchors_of(document):
    """What a link can point at in a document: its headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_links():
    """Links between the documents lead somewhere."""
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^):]+)\)", document.read_text(encoding="utf-8")):
            name, _, anchor = link.partition("#")
            target = document.parent / name if name else document
            if not target.exists():
                yield f"{document.name}: {link} does not exist"
            elif anchor and anchor not in anchors_of(target):
                yield f"{document.name}: {target.name} has no heading for #{anchor}"


def words_in(picture):
    """The words of a drawing in their order of place; where they are placed depends on the fonts of a machine."""
    return sorted(word for element in xml.parse(picture).iter() if element.tag.endswith("}text") or element.tag == "text"
                  for word in "".join(element.itertext()).split())


def check_pictures():
    """Each picture is what its text draws."""
    folder = ROOT / "docs/pictures"
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([folder / "draw", scratch], check=True)
        drawn = {picture.name for picture in pathlib.Path(scratch).glob("*.svg")}
        kept = {picture.name for picture in folder.glob("*.svg")}
        yield from (f"{name} is only drawn or only kept" for name in sorted(drawn ^ kept))
        for name in sorted(drawn & kept):
            if words_in(pathlib.Path(scratch) / name) != words_in(folder / name):
                yield f"docs/pictures/{name} is not what its text draws: run docs/pictures/draw"


def main():
    checks = {name[len("check_"):]: check for name, check in globals().items() if name.startswith("check_")}
    if len(sys.argv) < 2 or sys.argv[1] not in checks:
        sys.exit("usage: compare.py " + "|".join(checks) + " [PROGRAM]")
    problems = list(checks[sys.argv[1]](*sys.argv[2:]))
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
