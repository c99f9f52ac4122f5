// The gated recurrent unit, reset after the recurrent product; gates z, r, n.
#pragma once

#include "activations.hpp"
#include "layer_backward.hpp"
#include "layer_forward.hpp"

namespace skrnn {
namespace {

template <class T>
struct GRU {
    using Type = T;
    using Forward = LayerForward<GRU>;
    using Backward = LayerBackward<GRU>;
    using V = Vector<T>;
    // Slots: the x side of n, then z and r, which both sides share, then the h side of n.
    static constexpr Index GATES = 3, SLOTS = 4, SIDE = 3, UNIT_VECTORS = 1;
    static constexpr Index X_GATES[SIDE] = {2, 0, 1}, H_GATES[SIDE] = {0, 1, 2};
    static constexpr bool HAS_C = false, HAS_GATES = true, HAS_C_OUT = false, HAS_S = true;
    static constexpr bool DIRECT_DH = true, DIAGONAL = false;
    static constexpr Activation ACTIVATIONS[] = {Activation::TANH};
    static constexpr Index unit_vector(Index) { return 0; }

    template <class Visit>
    static SKRNN_INLINE void with_activation(Activation, Visit visit) {
        visit(Tanh<T>{});
    }

    template <class Units>
    static SKRNN_INLINE void gates(T* a, const Units& u) {
        using Sigma = Logistic<T>;
        const SplitExp<T, 2> e({Sigma::within(load(a + LANES<T>)),
                                Sigma::within(load(a + 2 * LANES<T>))},
                               {Sigma::RATE, Sigma::RATE});
        const V z = Sigma::of_exp(e, 0), r = Sigma::of_exp(e, 1), s = load(a + 3 * LANES<T>);
        store(a, fma(r, s, load(a)));
        store(a + LANES<T>, z);
        if (u.gates) {
            store_lanes<T>(u.gates, z, u.lanes);
            store_lanes<T>(u.gates + u.hidden, r, u.lanes);
            store_lanes<T>(u.s, s, u.lanes);
        }
    }

    template <class Function, class Units>
    static SKRNN_INLINE void state(const T* a, const Units& u) {
        const V n = Function::function(load(a)), z = load(a + LANES<T>);
        // (1 - z_t) * n_t + z_t * h_{t-1}
        const V h = fma(z, load_lanes<T>(u.h_prev, u.lanes), (broadcast(T(1)) - z) * n);
        store_lanes<T>(u.h, h, u.lanes);
        if (u.gates) store_lanes<T>(u.gates + 2 * u.hidden, n, u.lanes);
    }

    template <class Function, class Units>
    static SKRNN_INLINE void backward(const Units& u, T* da) {
        const V z = load_lanes<T>(u.gates, u.lanes);
        const V r = load_lanes<T>(u.gates + u.hidden, u.lanes);
        const V n = load_lanes<T>(u.gates + 2 * u.hidden, u.lanes);
        const V dh = load_lanes<T>(u.dh, u.lanes) + load(u.dh_next);
        // h_t = (1 - z_t) * n_t + z_t * h_{t-1}
        const V da_z = dh * (load_lanes<T>(u.h_prev, u.lanes) - n) * Logistic<T>::derivative(z);
        const V da_n = dh * (broadcast(T(1)) - z) * Function::derivative(n);
        // n_t = tanh(x_t W_xn + b_n + r_t * s_t)
        store(da, da_n);
        store(da + LANES<T>, da_z);
        store(da + 2 * LANES<T>,
              da_n * load_lanes<T>(u.s, u.lanes) * Logistic<T>::derivative(r));
        store(da + 3 * LANES<T>, da_n * r);
        store(u.dh_next, dh * z);
    }
};

}  // namespace
}  // namespace skrnn
