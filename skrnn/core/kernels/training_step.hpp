// What a training step does beside its layers: the loss, the penalty, the optimizer. Each is a pass
// over arrays that NumPy would read and write a dozen times; in a small network that took as long
// as the layers.
#pragma once

#include <cmath>

#include "activations.hpp"
#include "tasks.hpp"

namespace skrnn {
namespace {

template <class T>
void moment_update(const MomentUpdateArguments<T>& args) {
    constexpr Index CHUNK = 1 << 14;
    using V = Vector<T>;
    const V beta_1 = broadcast(args.beta_1), beta_2 = broadcast(args.beta_2);
    const V one_minus_beta_1 = broadcast(args.one_minus_beta_1);
    const V one_minus_beta_2 = broadcast(args.one_minus_beta_2);
    const V m_factor = broadcast(args.m_factor), g_factor = broadcast(args.g_factor);
    const V epsilon = broadcast(args.epsilon);
    for_each_task(ceil_div(args.size, CHUNK), args.team, [&](Index chunk) {
        const Index stop = smaller(args.size, (chunk + 1) * CHUNK);
        for (Index i = chunk * CHUNK; i < stop; i += LANES<T>) {
            const Index lanes = smaller(LANES<T>, stop - i);
            const V g = load_lanes<T>(args.gradient + i, lanes);
            const V v =
                fma(beta_2, load_lanes<T>(args.v + i, lanes), one_minus_beta_2 * (g * g));
            store_lanes<T>(args.v + i, v, lanes);
            V direction = g_factor * g;
            if (args.m) {
                const V m =
                    fma(beta_1, load_lanes<T>(args.m + i, lanes), one_minus_beta_1 * g);
                store_lanes<T>(args.m + i, m, lanes);
                direction = fma(m_factor, m, direction);
            }
            const V w = load_lanes<T>(args.vector + i, lanes);
            store_lanes<T>(args.vector + i, w - direction / (sqrt(v) + epsilon), lanes);
        }
    });
}

template <class T>
T horizontal(Vector<T> a) {
    T sum = 0;
    for (Index i = 0; i < LANES<T>; i++) sum += a[i];
    return sum;
}

template <class T>
double sum_of_squares(const T* a, Index size) {
    // A few hundred squares at a time: float32 keeps their precision.
    constexpr Index CHUNK = 64 * LANES<T>;
    const FlushSubnormals flush;
    double squares = 0;
    for (Index first = 0; first < size; first += CHUNK) {
        Vector<T> sum{};
        for (Index i = first; i < smaller(size, first + CHUNK); i += LANES<T>) {
            const Vector<T> ai = load_lanes<T>(a + i, smaller(LANES<T>, size - i));
            sum = fma(ai, ai, sum);
        }
        squares += static_cast<double>(horizontal<T>(sum));
    }
    return squares;
}

template <class T>
double add_decay(T* gradient, const T* weights, T rate, Index size) {
    const FlushSubnormals flush;
    for (Index i = 0; i < size; i += LANES<T>) {
        const Index lanes = smaller(LANES<T>, size - i);
        const Vector<T> g = load_lanes<T>(gradient + i, lanes);
        store_lanes<T>(gradient + i, fma(broadcast(rate), load_lanes<T>(weights + i, lanes), g),
                       lanes);
    }
    return sum_of_squares(weights, size);
}

// l = log(sum_k e^raw_k) - raw_y, and softmax - one-hot, each times the weight of its row
template <class T>
double softmax_cross_entropy(const SoftmaxCrossEntropyArguments<T>& args) {
    using V = Vector<T>;
    using C = ExpConstants<T>;
    const FlushSubnormals flush;
    const Index classes = args.classes;
    double loss = 0;
    for (Index row = 0; row < args.rows; row++) {
        const T* raw = args.raw_prediction + row * classes;
        T* d_raw = args.d_raw + row * classes;
        T highest = raw[0];
        for (Index k = 1; k < classes; k++)
            if (!(raw[k] <= highest)) highest = raw[k];
        const V shift = broadcast(highest), lowest = broadcast(-C::EXP_LIMIT);
        for (Index k = 0; k < classes; k += LANES<T>) {
            const Index lanes = smaller(LANES<T>, classes - k);
            const SplitExp<T, 1> e({max(lowest, load_lanes<T>(raw + k, lanes) - shift)}, {T(1)});
            store_lanes<T>(d_raw + k, fma(e.scale[0], e.f[0] * e.r[0], e.scale[0]), lanes);
        }
        T total = 0;
        for (Index k = 0; k < classes; k++) total += d_raw[k];
        const Index y = static_cast<Index>(args.y[row]);
        const T weight = args.sample_weight[row];
        loss += static_cast<double>(weight) *
                (std::log(static_cast<double>(total)) - static_cast<double>(raw[y] - highest));
        const T share = weight / total;
        for (Index k = 0; k < classes; k++) d_raw[k] *= share;
        d_raw[y] -= weight;
    }
    return loss;
}

}  // namespace
}  // namespace skrnn
