// tanh, logistic and their kin on vectors, to a few units in the last place; NaN goes through.
#pragma once

#include "vector.hpp"

namespace skrnn {
namespace {

// e^x = 2^n e^f with n = round(x / ln 2) and |f| <= ln(2) / 2, and e^f - 1 = f + f^2 q(f), where q
// is the polynomial of least relative error (Remez exchange). ROUND is so large that adding it
// leaves an integer in the low bits, and carries the bias of the exponent.
template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
    static constexpr float ROUND = 12582912.0f + 127.0f;
    static constexpr float LOG2_E = 1.44269504f, LN2_HIGH = 0.693359375f,
                           LN2_LOW = -2.12194440e-4f;
    static constexpr float LOWEST = -87.3f, HIGHEST = 88.37f, TANH_IS_1 = 10.0f;
    static constexpr float Q[] = {0.50000000957045491784f, 0.16666518306154118015f,
                                  0.041666204126187615712f, 0.0083689535013379869671f,
                                  0.001395060308574658294f};
    static SKRNN_INLINE Floats power_of_2(Floats rounded) { return (Floats)((Ints)rounded << 23); }
};

template <>
struct ExpConstants<double> {
    static constexpr double ROUND = 6755399441055744.0 + 1023.0;
    static constexpr double LOG2_E = 1.4426950408889634, LN2_HIGH = 6.93145751953125e-1,
                            LN2_LOW = 1.42860682030941723212e-6;
    static constexpr double LOWEST = -708.3, HIGHEST = 709.4, TANH_IS_1 = 20.0;
    static constexpr double Q[] = {0.50000000000000128568,    0.16666666666666699344,
                                   0.041666666666514324324,   0.0083333333333070276871,
                                   0.0013888888947330837971,  0.00019841269917766751997,
                                   0.000024801489590956538757, 2.7557215958427779017e-6,
                                   2.7631413658789289686e-7,  2.5117969684469476552e-8};
    static SKRNN_INLINE Doubles power_of_2(Doubles rounded) {
        return (Doubles)((Longs)rounded << 52);
    }
};

// e^x = scale + scale * expm1_f for N vectors at once, LOWEST <= x <= HIGHEST. One vector is a
// long chain of dependent instructions; in step, several hide each other's latency.
template <class T, Index N>
struct SplitExp {
    Vector<T> scale[N], expm1_f[N];

    SKRNN_INLINE explicit SplitExp(const Vector<T> (&x)[N]) {
        using C = ExpConstants<T>;
        constexpr int DEGREE = sizeof(C::Q) / sizeof(T) - 1;
        Vector<T> f[N], q[N];
        SKRNN_UNROLL for (Index i = 0; i < N; i++) {
            const Vector<T> rounded = fma(x[i], broadcast(C::LOG2_E), broadcast(C::ROUND));
            const Vector<T> n = rounded - broadcast(C::ROUND);
            f[i] = fma(n, broadcast(-C::LN2_HIGH), x[i]);
            f[i] = fma(n, broadcast(-C::LN2_LOW), f[i]);
            scale[i] = C::power_of_2(rounded);
            q[i] = broadcast(C::Q[DEGREE]);
        }
        SKRNN_UNROLL for (int k = DEGREE - 1; k >= 0; k--)
            SKRNN_UNROLL for (Index i = 0; i < N; i++)
                q[i] = fma(q[i], f[i], broadcast(C::Q[k]));
        SKRNN_UNROLL for (Index i = 0; i < N; i++) expm1_f[i] = fma(q[i], f[i] * f[i], f[i]);
    }
};

// An activation gives h from a, and dh/da from h. Those made of an exponential say of which
// number (`exponent`), so that a cell may take the exponentials of its gates together.
template <class T>
struct Logistic {
    using V = Vector<T>;
    static SKRNN_INLINE V exponent(V a) {
        using C = ExpConstants<T>;
        return max(broadcast(C::LOWEST), min(broadcast(C::HIGHEST), -a));
    }
    template <Index N>
    static SKRNN_INLINE V of_exp(const SplitExp<T, N>& e, Index i) {
        const V one = broadcast(T(1));
        return one / (one + fma(e.scale[i], e.expm1_f[i], e.scale[i]));
    }
    static SKRNN_INLINE V function(V a) { return of_exp(SplitExp<T, 1>({exponent(a)}), 0); }
    static SKRNN_INLINE V derivative(V h) { return h * (broadcast(T(1)) - h); }
};

// tanh(a) = expm1(2 a) / (expm1(2 a) + 2) keeps its relative precision near zero.
template <class T>
struct Tanh {
    using V = Vector<T>;
    static SKRNN_INLINE V exponent(V a) {
        using C = ExpConstants<T>;
        const V x = max(broadcast(-C::TANH_IS_1), min(broadcast(C::TANH_IS_1), a));
        return x + x;
    }
    template <Index N>
    static SKRNN_INLINE V of_exp(const SplitExp<T, N>& e, Index i) {
        const V expm1 = fma(e.scale[i], e.expm1_f[i], e.scale[i] - broadcast(T(1)));
        return expm1 / (expm1 + broadcast(T(2)));
    }
    static SKRNN_INLINE V function(V a) { return of_exp(SplitExp<T, 1>({exponent(a)}), 0); }
    static SKRNN_INLINE V derivative(V h) { return fma(-h, h, broadcast(T(1))); }
};

template <class T>
struct Relu {
    using V = Vector<T>;
    static SKRNN_INLINE V function(V a) { return max(broadcast(T(0)), a); }
    static SKRNN_INLINE V derivative(V h) {
        return h > broadcast(T(0)) ? broadcast(T(1)) : broadcast(T(0));
    }
};

}  // namespace
}  // namespace skrnn
