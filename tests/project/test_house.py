"""No file, class or function grows past what one person can keep in mind.

The figures and their limits are those of docs/benchmarks/house.py, which prints them.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "benchmarks" / "house.py"


def load_script():
    spec = importlib.util.spec_from_file_location("house", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


house = load_script()


@cache
def all_figures():
    return house.figures()


@pytest.mark.parametrize("kind", house.LIMITS)
def test_nothing_is_above_its_limit(kind):
    assert house.too_large(all_figures(), kind) == []


@pytest.mark.parametrize("kind", house.LIMITS)
def test_something_of_every_kind_is_measured(kind):
    assert sum(figure.kind == kind for figure in all_figures()) > 10


def test_what_is_above_a_limit_is_named():
    figure = house.Figure("methods of a class", 26, "Large", "skrnn/large.py:3")
    (line,) = house.too_large([figure], "methods of a class")
    assert line == "26 methods of a class, at most 25: skrnn/large.py:3 Large"


def test_what_reaches_a_limit_is_within_it():
    figure = house.Figure("methods of a class", 25, "Fitting", "skrnn/fitting.py:3")
    assert house.too_large([figure], "methods of a class") == []


# --- Python --------------------------------------------------------------------------------------

PYTHON = '''\
"""A module."""


class Door(Part):
    """A door."""

    width: int = 3

    def __init__(
        self,
        key,
    ):
        """Take the key."""
        # for later
        self.key = key

        self.text = """
            two lines
        """  # and their quotes

    @property
    def open(self):
        def turn(key):
            return key

        return turn(self.key)

    def close(self): self.open = False

    def knock(self):
        """Do nothing."""
'''


def sizes(figures, kind):
    return {figure.name: figure.size for figure in figures if figure.kind == kind}


def test_the_lines_of_a_python_file_are_all_of_its_lines():
    figures = house.python_figures(PYTHON, "door.py")
    assert sizes(figures, "lines of a Python file") == {"door.py": 31}


def test_methods_are_the_functions_of_a_class_itself():
    figures = house.python_figures(PYTHON, "door.py")
    assert sizes(figures, "methods of a class") == {"Door": 4}


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Door.__init__", 4),  # neither signature, docstring, comment nor blank line
        ("Door.open", 3),  # with the function inside
        ("Door.open.turn", 1),
        ("Door.close", 1),
        ("Door.knock", 0),
    ],
)
def test_a_python_function_is_as_long_as_its_body(name, size):
    figures = house.python_figures(PYTHON, "door.py")
    assert sizes(figures, "lines of a Python function")[name] == size


STORING = '''\
class Box:
    def __init__(self, width, *, depth=2):
        """Take the sizes."""
        {body}
'''


@pytest.mark.parametrize(
    ("body", "is_measured"),
    [
        ("self.width = width; self.depth = depth", False),
        ("super().__init__(width, depth=depth)", False),
        ("super().__init__(width); self.depth = depth", False),
        ("self.width = width; self.depth = 2 * depth", True),
        ("self.width = depth", True),
        ("self.width = size", True),
        ("other.width = width", True),
        ("super().__init__(size)", True),
        ("super().__init__(size=size)", True),
        ("super().__init__(width=depth)", True),
        ("super().__init__(width); self.open()", True),
    ],
)
def test_a_constructor_that_only_stores_its_arguments_has_no_limit(body, is_measured):
    figures = house.python_figures(STORING.format(body=body), "box.py")
    assert ("Box.__init__" in sizes(figures, "lines of a Python function")) == is_measured


def test_only_constructors_may_store_without_limit():
    figures = house.python_figures("def take(self, width):\n    self.width = width\n", "box.py")
    assert sizes(figures, "lines of a Python function") == {"take": 1}


def test_a_figure_tells_the_line_of_its_definition():
    (door,) = [f for f in house.python_figures(PYTHON, "door.py") if f.name == "Door"]
    assert door.place == "door.py:4"


def test_helpers_that_several_modules_define_are_found():
    modules = {
        "a.py": "def _plain(): pass\ndef _own(): pass",
        "b.py": "def _plain(): pass\nclass C:\n    def _own(self): pass",
    }
    assert house.repeated_helpers(modules) == {"_plain": ["a.py", "b.py"]}


# --- C++ -----------------------------------------------------------------------------------------

CPP = r"""
#include "vector.hpp"
#define BRACE {                  \
    not_matched

namespace skrnn {
namespace {

constexpr int SIZES[] = {1, 2, 1'000};
enum class Kind { RNN, LSTM };
int declared(int a);

// void commented() {
template <class T, int N = (3 > 2)>
struct Door : Part<T> {
    using Key = T;
    explicit Door(Key key) : key_{key}, width_(3) {
        /* a comment { */
        turn('{');

        turn("\"{");
    }
    Door(const Door&) = delete;
    ~Door() {}

public:
    template <class Visit>
    auto visit(Visit each) const noexcept -> int {
        for (int i = 0; i < N; i++) {
            each(Key{}, [](int a) { return a; });
        }
        return 0;
    }
    explicit operator bool() const { return key_; }
    bool operator==(const Door& other) const {
        return key_ == other.key_;
    }

private:
    Key key_;
    int width_ = 0;
};

}  // namespace

[[nodiscard]] inline Door<int> make() {
#if defined(FAST)
    return Door<int>(1);
#else
    return Door<int>(2);
#endif
}

}  // namespace skrnn
"""


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Door", 2),
        ("~Door", 0),
        ("visit", 4),  # with the lambda inside
        ("operator bool", 1),
        ("operator==", 1),
        ("make", 5),
    ],
)
def test_a_cpp_function_is_as_long_as_its_body(name, size):
    figures = house.cpp_figures(CPP, "door.hpp")
    assert sizes(figures, "lines of a C++ function")[name] == size


def test_only_definitions_are_cpp_functions():
    figures = house.cpp_figures(CPP, "door.hpp")
    assert set(sizes(figures, "lines of a C++ function")) == {
        *("Door", "~Door", "visit", "operator bool", "operator==", "make")
    }


def test_the_line_of_a_cpp_function_is_that_of_its_brace():
    found = {figure.name: figure.place for figure in house.cpp_figures(CPP, "door.hpp")}
    assert found["make"] == "door.hpp:46"


def test_a_file_whose_braces_do_not_match_is_refused():
    with pytest.raises(ValueError, match="braces do not match"):
        list(house.cpp_figures("void f() {", "f.cpp"))
