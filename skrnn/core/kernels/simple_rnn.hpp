// The simple recurrent cell: h_t = activation(x_t W_x + h_{t-1} W_h + b).
#pragma once

#include "activations.hpp"
#include "layer_backward.hpp"
#include "layer_forward.hpp"

namespace skrnn {
namespace {

template <class T>
struct SimpleRNN {
    using Type = T;
    using Forward = LayerForward<SimpleRNN>;
    using Backward = LayerBackward<SimpleRNN>;
    using V = Vector<T>;
    static constexpr Index GATES = 1, SLOTS = 2, SIDE = 2, UNIT_VECTORS = 2;
    static constexpr Index X_GATES[SIDE] = {0, 0}, H_GATES[SIDE] = {0, 0};
    static constexpr bool HAS_C = false, HAS_GATES = false, HAS_C_OUT = false, HAS_S = false;
    static constexpr bool DIRECT_DH = false, DIAGONAL = false;
    static constexpr Activation ACTIVATIONS[] = {Activation::TANH, Activation::RELU,
                                                 Activation::LOGISTIC, Activation::IDENTITY};
    static constexpr Index unit_vector(Index slot) { return slot; }

    template <class Visit>
    static SKRNN_INLINE void with_activation(Activation activation, Visit visit) {
        switch (activation) {
            case Activation::TANH: return visit(Tanh<T>{});
            case Activation::RELU: return visit(Relu<T>{});
            case Activation::LOGISTIC: return visit(Logistic<T>{});
            case Activation::IDENTITY: return visit(Identity<T>{});
        }
    }

    template <class Units>
    static SKRNN_INLINE void gates(T*, const Units&) {}

    template <class Function, class Units>
    static SKRNN_INLINE void state(const T* a, const Units& u) {
        store_lanes<T>(u.h, Function::function(load(a)), u.lanes);
    }

    template <class Function, class Units>
    static SKRNN_INLINE void backward(const Units& u, T* da) {
        const V dh = load_lanes<T>(u.dh, u.lanes) + load(u.dh_next);
        store(da, dh * Function::derivative(load_lanes<T>(u.h, u.lanes)));
    }
};

}  // namespace
}  // namespace skrnn
