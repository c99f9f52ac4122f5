"""What makes long entries of the reference readable.

A page of several entries begins with a list of them. The parameters of the estimators stand under
headings, parameters have links of their own, and an entry ends with the examples of the gallery
that use it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from groups import GROUPS
from sphinx import addnodes

GROUPED = {"skrnn.RNNClassifier", "skrnn.RNNRegressor"}


def with_contents(app: Any, docname: str, source: list[str]) -> None:
    """Begin a page of the reference with the names on it and what each is for."""
    names = re.findall(r"^\.\. auto(?:class|function):: (\S+)$", source[0], re.M)
    if not docname.startswith("api/") or len(names) < 3:
        return
    lines = ["```{eval-rst}", ".. autosummary::", "   :nosignatures:", ""]
    lines += [f"   ~{name}" for name in names] + ["```", "", ""]
    first = re.search(r"^(## |```{eval-rst})", source[0], re.M)
    assert first is not None
    source[0] = source[0][: first.start()] + "\n".join(lines) + source[0][first.start() :]


def without_signature(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: str, returned: str
) -> tuple[str, str] | None:
    """Leave the signature out of a protocol, which nobody calls."""
    return ("", "") if getattr(obj, "_is_protocol", False) else None


def examples_using(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """End the documentation of a class or function with the examples that use it."""
    file = Path(app.srcdir, app.config.sphinx_gallery_conf["backreferences_dir"])
    names = file / "backreferences_all.json"
    if what not in ("class", "function") or not names.exists():
        return
    used = json.loads(names.read_text(encoding="utf-8"))
    found = [each for each in used if each == name or each.startswith(f"{name}.")]
    if found:
        short = name.rpartition(".")[2]
        lines += ["", f".. rubric:: Examples using {short}", ""]
        lines += [f".. minigallery:: {' '.join(found)}", ""]


def parameter_lists(entry: addnodes.desc) -> Iterator[nodes.definition_list]:
    """Yield the list of parameters of a class or function, not of its methods."""
    for field in entry.findall(nodes.field):
        owner = field.parent
        while not isinstance(owner, addnodes.desc):
            owner = owner.parent
        if owner is entry and field[0].astext() == "Parameters":
            yield from (each for each in field[1] if isinstance(each, nodes.definition_list))


def name_of(item: nodes.definition_list_item) -> str:
    """Return the name of a parameter."""
    return next(item.findall(nodes.strong)).astext()


def link_parameters(entry: addnodes.desc, full_name: str) -> set[str]:
    """Give every parameter an anchor, and a mark to link to it; return their names."""
    names = set()
    for parameters in parameter_lists(entry):
        for item in parameters.findall(nodes.definition_list_item):
            if not item.next_node(nodes.strong):
                continue
            term, name = item[0], name_of(item)
            if "," in name or "*" in name:
                continue
            term["ids"].append(f"{full_name}-{name}")
            mark = nodes.reference("", "#", refuri=f"#{full_name}-{name}", internal=True)
            mark["classes"].append("headerlink")
            mark["reftitle"] = "Link to this parameter"
            term += mark
            names.add(name)
    return names


def group_parameters(entry: addnodes.desc) -> None:
    """Put the parameters of an estimator in groups, each under its heading."""
    (parameters,) = parameter_lists(entry)
    items = {name_of(item): item for item in parameters.children}
    grouped: list[nodes.Node] = []
    for title, names in GROUPS.items():
        own = [items.pop(name) for name in names.split() if name in items]
        heading = nodes.paragraph(text=title, classes=["skrnn-group"])
        grouped += [heading, nodes.definition_list("", *own)]
    if items:
        raise ValueError(f"parameters without a group in {__file__}: {', '.join(items)}")
    parameters.parent.replace(parameters, grouped)


def link_signature(signature: addnodes.desc_signature, full_name: str, names: set[str]) -> None:
    """Let the parameters in a signature lead to where they are described."""
    for parameter in signature.findall(addnodes.desc_parameter):
        name = parameter.next_node(addnodes.desc_sig_name)
        if name is not None and name.astext() in names:
            link = nodes.reference("", "", refuri=f"#{full_name}-{name.astext()}", internal=True)
            link += name.deepcopy()
            name.parent.replace(name, link)


def arrange(app: Any, doctree: nodes.document) -> None:
    """Arrange the parameters of all that a page describes."""
    for entry in list(doctree.findall(addnodes.desc)):
        signature = entry.next_node(addnodes.desc_signature)
        if signature is None or not signature.get("ids"):
            continue
        full_name = signature["ids"][0]
        names = link_parameters(entry, full_name)
        link_signature(signature, full_name, names)
        if full_name in GROUPED:
            group_parameters(entry)
    for classifier in doctree.findall(nodes.classifier):
        straighten(classifier)


def straighten(classifier: nodes.classifier) -> None:
    """Take typographic quotes out of a type: what stands in them is Python."""
    for text in list(classifier.findall(nodes.Text)):
        straight = text.translate(str.maketrans("‘’“”", "''\"\""))
        text.parent.replace(text, nodes.Text(straight))


def setup(app: Any) -> dict[str, Any]:
    """Connect the above, behind numpydoc."""
    app.connect("source-read", with_contents)
    app.connect("autodoc-process-signature", without_signature)
    app.connect("autodoc-process-docstring", examples_using, priority=900)
    app.connect("doctree-read", arrange)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
