// The linear recurrent unit: u_t = activation(x_t W_x + b), c_t = lambda c_{t-1} + gamma u_t.
#pragma once

#include "activations.hpp"
#include "diagonal_backward.hpp"
#include "diagonal_forward.hpp"

namespace skrnn {
namespace {

template <class T>
struct LRU {
    using Type = T;
    using Forward = DiagonalForward<LRU>;
    using Backward = DiagonalBackward<LRU>;
    static constexpr Index GATES = 1, SLOTS = 2, SIDE = 2;
    static constexpr bool HAS_C = false, HAS_GATES = true, HAS_C_OUT = false, HAS_S = false;
    static constexpr bool DIAGONAL = true;
    static constexpr Activation ACTIVATIONS[] = {Activation::TANH, Activation::RELU,
                                                 Activation::LOGISTIC, Activation::IDENTITY};

    template <class Visit>
    static SKRNN_INLINE void with_activation(Activation activation, Visit visit) {
        switch (activation) {
            case Activation::TANH: return visit(Tanh<T>{});
            case Activation::RELU: return visit(Relu<T>{});
            case Activation::LOGISTIC: return visit(Logistic<T>{});
            case Activation::IDENTITY: return visit(Identity<T>{});
        }
    }
};

}  // namespace
}  // namespace skrnn
