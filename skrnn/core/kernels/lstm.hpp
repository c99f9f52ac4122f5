// The long short-term memory cell; gates i, f, g, o.
#pragma once

#include "activations.hpp"
#include "layer_backward.hpp"
#include "layer_forward.hpp"

namespace skrnn {
namespace {

template <class T>
struct LSTM {
    using Type = T;
    using Forward = LayerForward<LSTM>;
    using Backward = LayerBackward<LSTM>;
    using V = Vector<T>;
    static constexpr Index GATES = 4, SLOTS = 4, SIDE = 4, UNIT_VECTORS = 1;
    static constexpr Index X_GATES[SIDE] = {0, 1, 2, 3}, H_GATES[SIDE] = {0, 1, 2, 3};
    static constexpr bool HAS_C = true, HAS_GATES = true, HAS_C_OUT = true, HAS_S = false;
    static constexpr bool DIRECT_DH = false, DIAGONAL = false;
    static constexpr Activation ACTIVATIONS[] = {Activation::TANH};
    static constexpr Index unit_vector(Index) { return 0; }

    template <class Visit>
    static SKRNN_INLINE void with_activation(Activation, Visit visit) {
        visit(Tanh<T>{});
    }

    template <class Units>
    static SKRNN_INLINE void gates(T* a, const Units& u) {
        using Sigma = Logistic<T>;
        const SplitExp<T, 4> e({Sigma::within(load(a)), Sigma::within(load(a + LANES<T>)),
                                Tanh<T>::within(load(a + 2 * LANES<T>)),
                                Sigma::within(load(a + 3 * LANES<T>))},
                               {Sigma::RATE, Sigma::RATE, Tanh<T>::RATE, Sigma::RATE});
        const V i = Sigma::of_exp(e, 0), f = Sigma::of_exp(e, 1), g = Tanh<T>::of_exp(e, 2),
                o = Sigma::of_exp(e, 3);
        const V c = fma(f, load_lanes<T>(u.c_prev, u.lanes), i * g);
        store_lanes<T>(u.c, c, u.lanes);
        store(a, c);
        store(a + LANES<T>, o);
        if (u.gates) {
            store_lanes<T>(u.gates, i, u.lanes);
            store_lanes<T>(u.gates + u.hidden, f, u.lanes);
            store_lanes<T>(u.gates + 2 * u.hidden, g, u.lanes);
            store_lanes<T>(u.gates + 3 * u.hidden, o, u.lanes);
        }
    }

    template <class Function, class Units>
    static SKRNN_INLINE void state(const T* a, const Units& u) {
        const V c_out = Function::function(load(a));
        store_lanes<T>(u.h, load(a + LANES<T>) * c_out, u.lanes);
        if (u.c_out) store_lanes<T>(u.c_out, c_out, u.lanes);
    }

    template <class Function, class Units>
    static SKRNN_INLINE void backward(const Units& u, T* da) {
        const V i = load_lanes<T>(u.gates, u.lanes);
        const V f = load_lanes<T>(u.gates + u.hidden, u.lanes);
        const V g = load_lanes<T>(u.gates + 2 * u.hidden, u.lanes);
        const V o = load_lanes<T>(u.gates + 3 * u.hidden, u.lanes);
        const V c_out = load_lanes<T>(u.c_out, u.lanes);
        // h_t = o_t * tanh(c_t)
        const V dh = load_lanes<T>(u.dh, u.lanes) + load(u.dh_next);
        const V dc = fma(dh * o, Function::derivative(c_out), load(u.dc_next));
        // c_t = f_t * c_{t-1} + i_t * g_t
        store(da, dc * g * Logistic<T>::derivative(i));
        store(da + LANES<T>, dc * load_lanes<T>(u.c_prev, u.lanes) * Logistic<T>::derivative(f));
        store(da + 2 * LANES<T>, dc * i * Function::derivative(g));
        store(da + 3 * LANES<T>, dh * c_out * Logistic<T>::derivative(o));
        store(u.dc_next, dc * f);
    }
};

}  // namespace
}  // namespace skrnn
