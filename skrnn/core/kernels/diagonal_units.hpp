// Complex units of a diagonal recurrence, c_t = lambda c_{t-1} + gamma u_t, in vectors.
//
// The real parts of all units come first in u and h, the imaginary parts follow. The last of an odd
// number has no imaginary part: its lane is masked, and its lambda is real.
#pragma once

#include "panels.hpp"

namespace skrnn {
namespace {

// Stands for the cell where weights are packed: one gate, of which a panel holds two vectors.
template <class T>
struct Pairs {
    using Type = T;
    static constexpr Index GATES = 1, SIDE = 2, X_GATES[SIDE] = {0, 0};
};

// A panel is a vector of real parts and one of imaginary parts.
template <class T>
struct Panels<Pairs<T>> {
    static constexpr Index V = LANES<T>;
    Index hidden, units, count;

    explicit Panels(Index hidden_size)
        : hidden(hidden_size), units(ceil_div(hidden_size, 2)), count(ceil_div(units, V)) {}

    Index column(Index panel, Index part) const { return part * units + panel * V; }
    Index lanes(Index panel, Index part) const {
        return larger(0, smaller(V, (part ? hidden - units : units) - panel * V));
    }
    template <class Visit>
    void for_each_slot(Index panel, const Index (&)[2], Visit visit) const {
        for (Index part = 0; part < 2; part++) visit(part, column(panel, part), lanes(panel, part));
    }
};

// One vector of complex numbers.
template <class T>
struct Complex {
    Vector<T> re, im;

    SKRNN_INLINE static Complex from(const Panels<Pairs<T>>& panels, Index p, const T* row) {
        return {load_lanes<T>(row + panels.column(p, 0), panels.lanes(p, 0)),
                load_lanes<T>(row + panels.column(p, 1), panels.lanes(p, 1))};
    }
    SKRNN_INLINE static Complex from(const T* packed) {
        return {load(packed), load(packed + LANES<T>)};
    }
    SKRNN_INLINE void to(const Panels<Pairs<T>>& panels, Index p, T* row) const {
        store_lanes<T>(row + panels.column(p, 0), re, panels.lanes(p, 0));
        store_lanes<T>(row + panels.column(p, 1), im, panels.lanes(p, 1));
    }
    SKRNN_INLINE void to(T* packed) const {
        store(packed, re);
        store(packed + LANES<T>, im);
    }
};

template <class T>
SKRNN_INLINE Complex<T> operator+(Complex<T> a, Complex<T> b) {
    return {a.re + b.re, a.im + b.im};
}

// lambda and gamma of one vector of units. There is no gamma where there is no imaginary part.
template <class T>
struct Rates {
    Complex<T> lambda, gamma;

    Rates(const Panels<Pairs<T>>& panels, Index p, const LayerArguments<T>& args) {
        const Index unit = panels.column(p, 0), lanes = panels.lanes(p, 0);
        lambda = {load_lanes<T>(args.lambda_re + unit, lanes),
                  load_lanes<T>(args.lambda_im + unit, lanes)};
        gamma = {load_lanes<T>(args.gamma + unit, lanes),
                 load_lanes<T>(args.gamma + unit, panels.lanes(p, 1))};
    }
    // lambda c + gamma u
    SKRNN_INLINE Complex<T> step(Complex<T> c, Complex<T> u) const {
        return {fma(lambda.re, c.re, fma(-lambda.im, c.im, gamma.re * u.re)),
                fma(lambda.re, c.im, fma(lambda.im, c.re, gamma.im * u.im))};
    }
    // conj(lambda) d
    SKRNN_INLINE Complex<T> step_back(Complex<T> d) const {
        return {fma(lambda.re, d.re, lambda.im * d.im), fma(lambda.re, d.im, -lambda.im * d.re)};
    }
};

// Steps from t on, at the most `most`, at which a row runs.
inline Index running_steps(const std::int64_t* n_active, Index t, Index most, Index row) {
    Index count = 0;
    while (count < most && n_active[t + count] > row) count++;
    return count;
}

}  // namespace
}  // namespace skrnn
