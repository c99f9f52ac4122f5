// The simple recurrent cell: h_t = activation(x_t W_x + h_{t-1} W_h + b).
#pragma once

#include "activations.hpp"
#include "layer.hpp"

namespace skrnn {
namespace {

template <class T>
struct SimpleRNN {
    using Type = T;
    using V = Vector<T>;
    static constexpr Index GATES = 1, SLOTS = 2, SIDE = 2, UNIT_VECTORS = 2;
    static constexpr Index X_GATES[SIDE] = {0, 0}, H_GATES[SIDE] = {0, 0};
    static constexpr bool HAS_C = false, DIRECT_DH = false;
    static constexpr Index unit_vector(Index slot) { return slot; }

    static SKRNN_INLINE void gates(T*, const ForwardUnits<T>&) {}

    static SKRNN_INLINE void state(const T* a, const ForwardUnits<T>& u) {
        store_lanes<T>(u.h, function(u.activation, load(a)), u.lanes);
    }

    static SKRNN_INLINE void backward(const BackwardUnits<T>& u, T* da) {
        const V dh = load_lanes<T>(u.dh, u.lanes) + load(u.dh_next);
        store(da, dh * derivative(u.activation, load_lanes<T>(u.h, u.lanes)));
    }

private:
    static SKRNN_INLINE V function(Activation activation, V a) {
        switch (activation) {
            case Activation::TANH: return Tanh<T>::function(a);
            case Activation::RELU: return Relu<T>::function(a);
            case Activation::LOGISTIC: return Logistic<T>::function(a);
            default: return a;
        }
    }

    static SKRNN_INLINE V derivative(Activation activation, V h) {
        switch (activation) {
            case Activation::TANH: return Tanh<T>::derivative(h);
            case Activation::RELU: return Relu<T>::derivative(h);
            case Activation::LOGISTIC: return Logistic<T>::derivative(h);
            default: return broadcast(T(1));
        }
    }
};

}  // namespace
}  // namespace skrnn
