"""Measure the house: how long files and functions of skrnn are, and how many methods a class has.

    python docs/benchmarks/house.py            # the largest of each kind
    python docs/benchmarks/house.py --all

What can be read in one sitting stays right. The limits are those of `LIMITS`; the exit status is
1 if one of them is broken, and the tests check them too. A function is as long as its body: lines
of code, without signature, docstring, comments and blank lines; functions inside it count as part
of it. A constructor that only stores its arguments has no limit: it is as long as their list,
which scikit-learn asks to be stored one by one, and there is nothing in it to be misread.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {
    "lines of a Python file": 500,
    "lines of a C++ file": 400,
    "methods of a class": 25,
    "lines of a Python function": 40,
    "lines of a C++ function": 40,
}
SHOWN = 10  # largest of each kind, unless all are asked for


class Figure(NamedTuple):
    """One measured thing; `kind` is an entry of `LIMITS`."""

    kind: str
    size: int
    name: str
    place: str


# --- Python --------------------------------------------------------------------------------------

NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def code_lines(source: str) -> set[int]:
    """Return the numbers of the lines with more than comments or nothing."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def body_lines(function: ast.AST, code: set[int]) -> int:
    """Count the lines of code of a function's body; none if it is only a docstring."""
    body = function.body  # type: ignore[attr-defined]
    if ast.get_docstring(function, clean=False) is not None:  # type: ignore[arg-type]
        body = body[1:]
    if not body:
        return 0
    return len(code.intersection(range(body[0].lineno, body[-1].end_lineno + 1)))


def is_stored(statement: ast.stmt, arguments: set[str]) -> bool:
    """Tell whether a statement is ``self.name = name``, or hands names to ``super().__init__``."""
    if isinstance(statement, ast.Assign):
        target, value = statement.targets[0], statement.value
        return (
            isinstance(target, ast.Attribute)
            and isinstance(value, ast.Name)
            and ast.unparse(target) == f"self.{value.id}"
            and value.id in arguments
        )
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "super().__init__":
        return False
    passed = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(isinstance(value, ast.Name) and value.id in arguments for value in passed) and all(
        keyword.arg == ast.unparse(keyword.value) for keyword in call.keywords
    )


def only_stores(function: ast.AST) -> bool:
    """Tell whether a function is a constructor that does nothing but store its arguments."""
    if function.name != "__init__":  # type: ignore[attr-defined]
        return False
    body, signature = function.body, function.args  # type: ignore[attr-defined]
    if ast.get_docstring(function) is not None:  # type: ignore[arg-type]
        body = body[1:]
    names = {a.arg for a in (*signature.posonlyargs, *signature.args, *signature.kwonlyargs)}
    return all(is_stored(statement, names) for statement in body)


def definitions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Walk through classes and functions, with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, FUNCTION | ast.ClassDef):
            yield prefix + node.name, node
            yield from definitions(node, f"{prefix}{node.name}.")
        else:
            yield from definitions(node, prefix)


def python_figures(source: str, place: str) -> Iterator[Figure]:
    """Measure a module, its classes and its functions."""
    yield Figure("lines of a Python file", len(source.splitlines()), place, place)
    code = code_lines(source)
    for name, node in definitions(ast.parse(source)):
        where = f"{place}:{node.lineno}"  # type: ignore[attr-defined]
        if isinstance(node, ast.ClassDef):
            n_methods = sum(isinstance(part, FUNCTION) for part in node.body)
            yield Figure("methods of a class", n_methods, name, where)
        elif not only_stores(node):
            yield Figure("lines of a Python function", body_lines(node, code), name, where)


def repeated_helpers(sources: dict[str, str]) -> dict[str, list[str]]:
    """Return the names of functions that several modules define, each with its places."""
    places: dict[str, list[str]] = {}
    for place, source in sources.items():
        for node in ast.parse(source).body:
            if isinstance(node, FUNCTION) and not node.name.startswith("__"):
                places.setdefault(node.name, []).append(place)
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


# --- C++ -----------------------------------------------------------------------------------------

COMMENT_OR_LITERAL = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    | R"(?P<mark>\w*)\(.*?\)(?P=mark)"
    | "(?:\\.|[^"\\\n])*"
    | (?<!\w)'(?:\\.|[^'\\\n])+'   # not the ' between the digits of a number
    """,
    re.VERBOSE | re.DOTALL,
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
ACCESS = re.compile(r"\b(?:public|private|protected)\s*:(?!:)")
ATTRIBUTE = re.compile(r"\[\[.*?\]\]|__attribute__\s*\(\(.*?\)\)|alignas\s*\([^)]*\)")
SCOPE = re.compile(r"(?:(?:inline|static|typedef) )*(?:namespace|class|struct|union)\b[^()]*$")
PARENTHESES = re.compile(r"\([^()]*\)")
MEMBER = re.compile(r"\)[^():]*:(?!:).*[\w>]$")  # head of a constructor up to a member's brace
NAME = re.compile(r"(operator ?[^(]+|[~\w:]+) ?\(")


def line_breaks(match: re.Match) -> str:
    """Return what is left of a text that is taken out: the lines keep their numbers."""
    return "\n" * match.group().count("\n")


def without_comments(source: str) -> str:
    return COMMENT_OR_LITERAL.sub(
        lambda match: line_breaks(match) if match["comment"] else match.group(), source
    )


def only_structure(source: str) -> str:
    """Take out comments, literals and directives: what is left nests as its braces do."""
    structure = DIRECTIVE.sub(line_breaks, COMMENT_OR_LITERAL.sub(line_breaks, source))
    if structure.count("{") != structure.count("}"):
        raise ValueError("The braces do not match: this counter does not understand the file.")
    return ACCESS.sub(lambda match: line_breaks(match) + ";", structure)


def tidy(head: str) -> str:
    """Take line breaks, attributes and ``template <...>`` off what stands before a brace."""
    head = ATTRIBUTE.sub("", " ".join(head.split())).lstrip()
    while head.startswith("template"):
        # A comparison among the defaults stands in parentheses.
        angles = PARENTHESES.sub(lambda match: " " * len(match.group()), head)
        depths = accumulate((letter == "<") - (letter == ">") for letter in angles)
        ends = [i for i, depth in enumerate(depths) if depth == 0 and head[i] == ">"]
        head = head[ends[0] + 1 :].lstrip()
    return head


def kind_of_block(head: str) -> str:
    """Tell what a brace outside of all functions opens: a scope, a function or a value."""
    if SCOPE.match(head):
        return "scope"
    if "(" not in head or head.endswith("=") or MEMBER.search(head):
        return "value"
    return "function"


def cpp_functions(structure: str) -> Iterator[tuple[str, int, int]]:
    """Find the functions: name, and offsets of the start and the end of the body."""
    start_of_head, start, depth = 0, 0, 0
    head, kind = "", ""
    for token in re.finditer(r"[{};]", structure):
        letter = token.group()
        if depth > 0:
            depth += {"{": 1, "}": -1}.get(letter, 0)
            if depth == 0 and kind == "function":
                match = NAME.search(head)
                yield match.group(1) if match else head, start, token.start()
                start_of_head = token.end()
            continue
        if letter == "{":
            head, start = tidy(structure[start_of_head : token.start()]), token.end()
            kind = kind_of_block(head)
            if kind != "scope":
                depth = 1
                continue
        start_of_head = token.end()


def cpp_figures(source: str, place: str) -> Iterator[Figure]:
    """Measure a source or header and its functions."""
    yield Figure("lines of a C++ file", len(source.splitlines()), place, place)
    code, structure = without_comments(source).splitlines(), only_structure(source)
    for name, start, end in cpp_functions(structure):
        first, last = (structure.count("\n", 0, offset) for offset in (start, end))
        size = sum(bool(line.strip()) for line in code[first + 1 : last])
        if first == last:
            size = int(bool(structure[start:end].strip()))
        yield Figure("lines of a C++ function", size, name, f"{place}:{first + 1}")


# --- the report ----------------------------------------------------------------------------------


def sources(package: Path, *patterns: str) -> dict[str, str]:
    """Read the files of the package, by their path from its parent."""
    paths = sorted(path for pattern in patterns for path in package.rglob(pattern))
    return {
        path.relative_to(package.parent).as_posix(): path.read_text(encoding="utf-8")
        for path in paths
    }


def figures(package: Path = ROOT / "skrnn") -> list[Figure]:
    """Measure everything, the largest first."""
    found = [
        figure
        for place, source in sources(package, "*.py").items()
        for figure in python_figures(source, place)
    ]
    found += [
        figure
        for place, source in sources(package, "*.hpp", "*.cpp").items()
        for figure in cpp_figures(source, place)
    ]
    return sorted(found, key=lambda figure: -figure.size)


def label(figure: Figure) -> str:
    """Return place and name; of a file they are the same."""
    return figure.place if figure.name == figure.place else f"{figure.place} {figure.name}"


def too_large(found: list[Figure], kind: str) -> list[str]:
    """Return a line for every figure of a kind that is above its limit."""
    return [
        f"{figure.size} {kind}, at most {LIMITS[kind]}: {label(figure)}"
        for figure in found
        if figure.kind == kind and figure.size > LIMITS[kind]
    ]


def show(found: list[Figure], kind: str, n_shown: int | None) -> None:
    of_kind = [figure for figure in found if figure.kind == kind]
    sizes = [figure.size for figure in of_kind]
    print(
        f"\n{kind}: {len(sizes)} measured, {sum(sizes)} in all, median {median(sizes):g}, "
        f"limit {LIMITS[kind]}"
    )
    for figure in of_kind[:n_shown]:
        mark = "*" if figure.size > LIMITS[kind] else " "
        print(f"{figure.size:6d} {mark} {label(figure)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", action="store_true", help=f"not only the {SHOWN} largest")
    arguments = parser.parse_args()
    found = figures()
    for kind in LIMITS:
        show(found, kind, None if arguments.all else SHOWN)
    print("\nnames of functions that several modules define")
    for name, places in repeated_helpers(sources(ROOT / "skrnn", "*.py")).items():
        print(f"{len(places):6d}   {name}  {', '.join(places)}")
    broken = [line for kind in LIMITS for line in too_large(found, kind)]
    print(f"\n{len(broken)} above the limits", *broken, sep="\n  ")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
