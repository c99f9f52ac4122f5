// A checked view of a Python array.
#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <type_traits>

#include "interface.hpp"

namespace skrnn {

namespace nb = nanobind;

// At most three axes; on the stack, since every call describes a dozen of them.
struct Shape {
    int dimensions = 0;
    Index lengths[3] = {};

    Shape() = default;
    Shape(std::initializer_list<Index> from) {
        for (Index length : from) lengths[dimensions++] = length;
    }
};

inline std::string describe(const Index* lengths, int dimensions) {
    std::string text = "(";
    for (int i = 0; i < dimensions; i++) text += (i ? ", " : "") + std::to_string(lengths[i]);
    return text + (dimensions == 1 ? ",)" : ")");
}

[[noreturn]] inline void raise_value_error(const std::string& what) {
    throw nb::value_error(what.c_str());
}
[[noreturn]] inline void raise_type_error(const std::string& what) {
    throw nb::type_error(what.c_str());
}

enum class Access { READ, WRITE };

// What the buffer protocol calls elements of a type.
template <class E>
constexpr const char* format_of() {
    using Element = std::remove_const_t<E>;
    constexpr bool IS_INT64 = std::is_same_v<Element, std::int64_t>;
    static_assert(std::is_floating_point_v<Element> || std::is_same_v<Element, bool> || IS_INT64);
    if constexpr (std::is_floating_point_v<Element>)
        return sizeof(Element) == 4 ? "f" : "d";
    else if constexpr (std::is_same_v<Element, bool>)
        return "?";
    else
        return sizeof(long) == 8 ? "l" : "q";
}

class Array {
public:
    Array() = default;
    ~Array() {
        if (view_.obj) PyBuffer_Release(&view_);
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;

    // To be called once, before all else, with a name that lives on.
    void open(const char* name, nb::handle array, Access access) {
        name_ = name;
        const int flags = PyBUF_FORMAT | PyBUF_STRIDES |
                          (access == Access::WRITE ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(array.ptr(), &view_, flags) == 0) return;
        PyErr_Clear();
        raise_type_error(
            std::string(name_) +
            (access == Access::WRITE ? " must be a writable array." : " must be an array."));
    }

    template <class E>
    bool holds() const {
        return std::strcmp(view_.format, format_of<E>()) == 0;
    }
    int dimensions() const { return view_.ndim; }
    Index length(int axis) const { return view_.shape[axis]; }

    void expect_dimensions(int n) const {
        if (view_.ndim != n)
            raise_value_error(std::string(name_) + " must have " + std::to_string(n) + " axes; got " +
                              std::to_string(view_.ndim) + ".");
    }

    // C-contiguous elements of this type and shape.
    template <class E>
    E* contiguous(const Shape& shape) const {
        check<E>(shape);
        Index stride = view_.itemsize;
        for (int axis = view_.ndim - 1; axis >= 0; axis--) {
            expect(view_.shape[axis] == 1 || view_.strides[axis] == stride,
                   "must be C-contiguous");
            stride *= view_.shape[axis];
        }
        return static_cast<E*>(view_.buf);
    }

    // Three axes, the last one contiguous; or the last two of them, for a single step.
    template <class E>
    TimeMajor<const E> time_major(const Shape& shape) const {
        check<E>(shape);
        const Index size = view_.itemsize;
        const int last = view_.ndim - 1;
        const Index step = last > 1 ? view_.strides[0] : 0, row = view_.strides[last - 1];
        expect(view_.shape[last] == 1 || view_.strides[last] == size,
               "must be contiguous along its last axis");
        expect(step % size == 0 && row % size == 0, "must have strides of whole elements");
        return {static_cast<const E*>(view_.buf), step / size, row / size};
    }

private:
    template <class E>
    void check(const Shape& shape) const {
        if (!holds<E>())
            raise_type_error(std::string(name_) + " must have elements of type '" + format_of<E>() + "'; got '" +
                             view_.format + "'.");
        if (view_.ndim != shape.dimensions ||
            !std::equal(view_.shape, view_.shape + view_.ndim, shape.lengths))
            raise_value_error(std::string(name_) + " must have shape " +
                              describe(shape.lengths, shape.dimensions) + "; got " +
                              describe(view_.shape, view_.ndim) + ".");
        expect(reinterpret_cast<std::uintptr_t>(view_.buf) % alignof(E) == 0, "must be aligned");
    }

    void expect(bool condition, const char* what) const {
        if (!condition) raise_value_error(std::string(name_) + " " + what + ".");
    }

    const char* name_ = "";
    Py_buffer view_{};
};

}  // namespace skrnn
