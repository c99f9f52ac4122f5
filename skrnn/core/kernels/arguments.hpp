// The arguments of one call by name, in a Python dict: each is looked up where it is used, and what
// is left over is an error.
#pragma once

#include "array.hpp"

namespace skrnn {

class Arguments {
public:
    explicit Arguments(nb::dict named) {
        if (named.size() > MOST) raise_type_error("There are too many arguments.");
        for (const auto [name, value] : named)
            if (!value.is_none()) given_[n_given_++] = {name_of(name), value, false};
    }

    // Views of arrays live as long as this object.
    const Array& read(const char* name) { return open(name, Access::READ); }
    const Array& write(const char* name) { return open(name, Access::WRITE); }
    template <class E>
    const E* read(const char* name, const Shape& shape) {
        return read(name).contiguous<const E>(shape);
    }
    template <class E>
    E* write(const char* name, const Shape& shape) {
        return write(name).contiguous<E>(shape);
    }

    // Null where there is no such array, or None in its place.
    template <class E>
    const E* read_if_given(const char* name, const Shape& shape) {
        return find(name) ? read<E>(name, shape) : nullptr;
    }
    template <class E>
    E* write_if_given(const char* name, const Shape& shape) {
        return find(name) ? write<E>(name, shape) : nullptr;
    }

    double number(const char* name) { return nb::cast<double>(take(name).value); }

    // To be called when all have been looked up.
    void expect_no_others() const {
        for (std::size_t i = 0; i < n_given_; i++)
            if (!given_[i].taken)
                raise_type_error(std::string("There is no argument ") + given_[i].name + ".");
    }

private:
    static constexpr std::size_t MOST = 24;

    struct Given {
        const char* name;
        nb::handle value;
        bool taken;
    };

    static const char* name_of(nb::handle name) {
        const char* text = PyUnicode_AsUTF8(name.ptr());
        if (!text) throw nb::python_error();
        return text;
    }

    // They mostly come in the order in which they are looked up: the search goes on from the last.
    Given* find(const char* name) {
        for (std::size_t i = 0; i < n_given_; i++, at_++) {
            if (at_ >= n_given_) at_ = 0;
            if (std::strcmp(given_[at_].name, name) == 0) return &given_[at_];
        }
        return nullptr;
    }

    const Given& take(const char* name) {
        Given* const given = find(name);
        if (!given) raise_type_error(std::string(name) + " must be given.");
        given->taken = true;
        return *given;
    }

    const Array& open(const char* name, Access access) {
        const Given& given = take(name);
        Array& array = arrays_[&given - given_];
        array.open(name, given.value, access);
        return array;
    }

    std::size_t n_given_ = 0, at_ = 0;
    Given given_[MOST];
    Array arrays_[MOST];
};

}  // namespace skrnn
