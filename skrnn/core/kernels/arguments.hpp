// The arguments of one call by name, in a Python dict: each is looked up where it is used, and what
// is left over is an error.
#pragma once

#include "array.hpp"

namespace skrnn {

class Arguments {
public:
    explicit Arguments(nb::dict named) : named_(named) {}

    // Views of arrays live as long as this object.
    const Array& read(const char* name) { return open(name, Access::READ); }
    const Array& write(const char* name) { return open(name, Access::WRITE); }
    template <class E>
    const E* read(const char* name, const Shape& shape) {
        return read(name).contiguous<E>(shape);
    }
    template <class E>
    E* write(const char* name, const Shape& shape) {
        return write(name).contiguous<E>(shape);
    }

    // Null where there is no such array, or None in its place.
    template <class E>
    const E* read_if_given(const char* name, const Shape& shape) {
        return is_given(name) ? read<E>(name, shape) : nullptr;
    }
    template <class E>
    E* write_if_given(const char* name, const Shape& shape) {
        return is_given(name) ? write<E>(name, shape) : nullptr;
    }

    double number(const char* name) { return nb::cast<double>(take(name)); }

    // To be called when all have been looked up.
    void expect_no_others() const {
        Index n_given = 0;
        for (const auto [name, value] : named_) n_given += !value.is_none();
        if (n_given == n_taken_) return;
        std::string names;
        for (const auto [name, value] : named_)
            names += (names.empty() ? "" : ", ") + nb::cast<std::string>(name);
        raise_type_error("There is an argument too many among " + names + ".");
    }

private:
    static constexpr Index MOST_ARRAYS = 24;

    nb::handle find(const char* name) const { return PyDict_GetItemString(named_.ptr(), name); }

    bool is_given(const char* name) const {
        const nb::handle value = find(name);
        return value.is_valid() && !value.is_none();
    }

    nb::handle take(const char* name) {
        const nb::handle value = find(name);
        if (!value.is_valid() || value.is_none())
            raise_type_error(std::string(name) + " must be given.");
        n_taken_++;
        return value;
    }

    const Array& open(const char* name, Access access) {
        const nb::handle value = take(name);
        if (n_arrays_ == MOST_ARRAYS) raise_type_error("There are too many arrays.");
        Array& array = arrays_[n_arrays_++];
        array.open(name, value, access);
        return array;
    }

    nb::dict named_;
    Index n_taken_ = 0, n_arrays_ = 0;
    Array arrays_[MOST_ARRAYS];
};

}  // namespace skrnn
