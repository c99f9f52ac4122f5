"""Change files of `skrnn.save` at random and load them: none may crash, hang or run anything.

``python tests/tables/fuzz_files.py [N] [SEED]`` tries N files (10,000 by default). Half of them are
damaged: `load` has to refuse every one. The others are forged: their SHA-256 is right again, as
someone who wants to do harm would write it. They have to be refused with a ValueError, or to give
an object that is made of what a file may hold; a prediction with it may fail by an exception, and
in no other way. Meanwhile an audit hook watches for what no loading does: to open files, import,
compile or run code, start processes or use the network.
"""

from __future__ import annotations

import faulthandler
import json
import random
import struct
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from saved_models import answers, fitted

from skrnn.persistence._content import from_bytes, to_bytes
from skrnn.persistence._safetensors import TEXT, sealed

MODELS = ["stacked", "frames", "embedding", "objects", "pipeline", "tokens", "hidden states"]
FORBIDDEN = ("open", "import", "exec", "compile", "pickle", "subprocess", "os.", "socket", "ctypes")
SECONDS_PER_FILE = 20
# What an attacker would like to see in place of a number, a name or a part.
VALUES: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        1,
        2,
        624,
        625,
        2**31,
        2**63,
        10**30,
        -(2**63),
        0.5,
        1e308,
        "",
        "relu",
        "x",
    ),
    *("builtins.eval", "os.system", "subprocess.Popen", "sklearn.pipeline.Pipeline", "__class__"),
    *("skrnn.estimators.RNNClassifier", "skrnn.core.LSTM", "skrnn.callbacks.Checkpoint"),
    *([], [0], [1], [-1], [10**9], [[0]], {}, {"list": []}, {"object": "os.system", "state": {}}),
]

seen: list[str] = []
_watching = False


def _hook(event: str, arguments: Any) -> None:
    if _watching and event.startswith(FORBIDDEN):
        seen.append(f"{event} {arguments!r:.200}")


@contextmanager
def watched() -> Iterator[None]:
    """Note what is forbidden in `seen`."""
    global _watching
    if not hasattr(watched, "hooked"):
        sys.addaudithook(_hook)
        watched.hooked = True  # type: ignore[attr-defined]
    _watching = True
    try:
        yield
    finally:
        _watching = False


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a file with some bytes that are not those that were written."""
    changed = bytearray(content)
    kind = rng.choice(["flip", "cut", "more", "swap", "zero", "insert"])
    at, other = sorted(rng.sample(range(len(content)), 2))
    if kind == "flip":
        for _ in range(rng.choice([1, 1, 1, 2, 50])):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del changed[at:]
    elif kind == "more":
        changed += rng.randbytes(rng.randint(1, 100))
    elif kind == "swap":
        middle = rng.randint(at, other)
        changed[at:other] = changed[middle:other] + changed[at:middle]
    elif kind == "zero":
        changed[at:other] = bytes(other - at)
    else:
        changed[at:at] = rng.randbytes(rng.randint(1, 20))
    return bytes(changed)


def forged(content: bytes, rng: random.Random) -> bytes:
    """Return a changed file whose SHA-256 is right."""
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), bytearray(content[8 + length :])
    kind = rng.choice(["tree", "tree", "tree", "array", "numbers", "text"])
    if kind == "tree":
        tree = json.loads(header[TEXT]["tree"])
        for _ in range(rng.choice([1, 1, 2, 5])):
            change_somewhere(tree, rng)
        header[TEXT]["tree"] = json.dumps(tree)
    elif kind == "array":
        change_somewhere(header[rng.choice([name for name in header if name != TEXT])], rng)
    elif kind == "numbers" and data:
        for _ in range(rng.choice([1, 8, 500])):
            data[rng.randrange(len(data))] = rng.choice([0, 255, 127, rng.randrange(256)])
    else:
        change_somewhere({name: header[name] for name in header if name != TEXT}, rng)
        text = header[TEXT]
        text[rng.choice(["skrnn_format", "skrnn_version", "tree"])] = str(rng.choice(VALUES))
    line = json.dumps(header, separators=(",", ":")).encode()
    return sealed(struct.pack("<Q", len(line)) + line + bytes(data))


def change_somewhere(tree: Any, rng: random.Random) -> None:
    """Change a value, a key or the order somewhere in nested lists and dicts."""
    places = []
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | dict) and value:
            places.append(value)
            waiting += value.values() if isinstance(value, dict) else value
    place = rng.choice(places)
    keys: Any = list(place) if isinstance(place, dict) else range(len(place))
    key, other = rng.choice(keys), rng.choice(keys)
    change = rng.choice(["value", "value", "swap", "drop", "rename"])
    if change == "value":
        place[key] = rng.choice(VALUES)
    elif change == "swap":
        place[key], place[other] = place[other], place[key]
    elif change == "drop":
        del place[key]
    elif isinstance(place, dict):
        place[str(rng.choice(VALUES))] = place.pop(key)
    else:
        place.insert(key, place[other])


def outcome(content: bytes, X: Any) -> str:
    """Load a file and predict with what is in it; return how far that came."""
    with watched():
        try:
            loaded = from_bytes(content, "file")
        except ValueError as error:
            return "refused" if "file cannot be loaded: " in str(error) else repr(error)
        try:
            answers(loaded, X)
        except Exception:
            return "loaded, fails by an exception"
    return "loaded, answers"


def run(n_files: int, seed: int, *, at: Callable[[int], None] = lambda i: None) -> Counter[str]:
    """Return how often which outcome was seen.

    Raises
    ------
    AssertionError
        If a damaged file was loaded, or if anything forbidden happened.
    """
    rng, outcomes = random.Random(seed), Counter[str]()
    warnings.simplefilter("ignore")
    models = [(to_bytes(est), X) for est, X in map(fitted, MODELS)]
    for content, X in models:
        assert outcome(content, X) == "loaded, answers"  # imports what loading needs
    seen.clear()
    for i in range(n_files):
        at(i)
        content, X = rng.choice(models)
        make = damaged if i % 2 else forged
        changed = make(content, rng)
        if changed == content:
            outcomes["not changed"] += 1
            continue
        with np.errstate(all="ignore"):
            found = outcome(changed, X)
        assert make is forged or found == "refused", (i, found)
        assert not seen, (i, seen)
        outcomes[f"{make.__name__}: {found}"] += 1
    return outcomes


if __name__ == "__main__":
    n_files, seed = (int(text) for text in [*sys.argv[1:], "10000", "0"][:2])
    found = run(
        n_files,
        seed,
        at=lambda i: faulthandler.dump_traceback_later(SECONDS_PER_FILE, exit=True),
    )
    for name, count in sorted(found.items()):
        print(f"{count:7d}  {name}")
