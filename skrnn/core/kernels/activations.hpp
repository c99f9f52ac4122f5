// tanh, logistic and their kin on vectors. NaN goes through all of them.
//
// Errors are in units in the last place (ulp) of the exact value, the largest that
// tests/core/test_kernels.py finds over the whole range of float and double, on every instruction
// set. A derivative takes h, which is rounded: it adds the roundings of its own one or two
// operations.
#pragma once

#include "vector.hpp"

namespace skrnn {
namespace {

// e^x = 2^n e^f with n = round(x / ln 2) and |f| <= ln(2) / 2, and e^f - 1 = f r(f), where r is the
// polynomial of least relative error (Remez exchange). ROUND is so large that adding it leaves an
// integer in the low bits, and carries the bias of the exponent.
template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
    static constexpr float ROUND = 12582912.0f + 127.0f;
    static constexpr float LOG2_E = 1.44269504f, LN2_HIGH = 0.693359375f,
                           LN2_LOW = -2.12194440e-4f;
    static constexpr float EXP_LIMIT = 87.3f, TANH_IS_1 = 10.0f;
    static constexpr float R[] = {1.0f, 0.49999998124618770004f, 0.16666506219970015788f,
                                  0.041667136268112738129f, 0.008369068540793930984f,
                                  0.0013888869117741421722f};
    static SKRNN_INLINE Floats power_of_2(Floats rounded) { return (Floats)((Ints)rounded << 23); }
};

template <>
struct ExpConstants<double> {
    static constexpr double ROUND = 6755399441055744.0 + 1023.0;
    static constexpr double LOG2_E = 1.4426950408889634, LN2_HIGH = 6.93145751953125e-1,
                            LN2_LOW = 1.42860682030941723212e-6;
    static constexpr double EXP_LIMIT = 708.3, TANH_IS_1 = 20.0;
    static constexpr double R[] = {1.0, 0.50000000000000055479, 0.16666666666666563553,
                                   0.041666666666573910151, 0.008333333333397820294,
                                   0.0013888888932258329597, 0.00019841269707496769492,
                                   0.000024801504602794676198, 2.7557414762200186812e-6,
                                   2.7626262540719698984e-7, 2.5052105456907820074e-8};
    static SKRNN_INLINE Doubles power_of_2(Doubles rounded) {
        return (Doubles)((Longs)rounded << 52);
    }
};

// e^(rate a) = scale + scale f r for N vectors a at once, each with its own rate, whose powers are
// exact and go into the constants. One vector is a long chain of dependent instructions; in step,
// several hide each other's latency.
template <class T, Index N>
struct SplitExp {
    Vector<T> scale[N], f[N], r[N];

    SKRNN_INLINE explicit SplitExp(const Vector<T> (&a)[N], const T (&rate)[N]) {
        using C = ExpConstants<T>;
        constexpr int DEGREE = sizeof(C::R) / sizeof(T) - 1;
        T power[N];
        SKRNN_UNROLL for (Index i = 0; i < N; i++) {
            const Vector<T> rounded = fma(a[i], broadcast(rate[i] * C::LOG2_E), broadcast(C::ROUND));
            const Vector<T> n = rounded - broadcast(C::ROUND);
            f[i] = fma(n, broadcast(-C::LN2_HIGH / rate[i]), a[i]);
            f[i] = fma(n, broadcast(-C::LN2_LOW / rate[i]), f[i]);
            scale[i] = C::power_of_2(rounded);
            power[i] = rate[i];
            for (int k = 0; k < DEGREE; k++) power[i] *= rate[i];
            r[i] = broadcast(power[i] * C::R[DEGREE]);
        }
        SKRNN_UNROLL for (int k = DEGREE - 1; k >= 0; k--)
            SKRNN_UNROLL for (Index i = 0; i < N; i++) {
                power[i] /= rate[i];
                r[i] = fma(r[i], f[i], broadcast(power[i] * C::R[k]));
            }
    }
};

// An activation gives h from a, and dh/da from h. Those made of an exponential say of which
// argument: of a `within` the bounds beyond which nothing changes, times RATE. So a cell may take
// the exponentials of its gates together.
//
// logistic: below 2.5 ulp for a >= -EXP_LIMIT. Further down, where the exact value falls below the
// smallest normal number, the result stays 1.0 to 1.2 times that number.
template <class T>
struct Logistic {
    using V = Vector<T>;
    static constexpr T RATE = -1;
    static SKRNN_INLINE V within(V a) {
        using C = ExpConstants<T>;
        return max(broadcast(-C::EXP_LIMIT), min(broadcast(C::EXP_LIMIT), a));
    }
    template <Index N>
    static SKRNN_INLINE V of_exp(const SplitExp<T, N>& e, Index i) {
        const V one = broadcast(T(1));
        return one / fma(e.scale[i], fma(e.f[i], e.r[i], one), one);
    }
    static SKRNN_INLINE V function(V a) { return of_exp(SplitExp<T, 1>({within(a)}, {RATE}), 0); }
    static SKRNN_INLINE V derivative(V h) { return h * (broadcast(T(1)) - h); }
};

// tanh(a) = expm1(2 a) / (expm1(2 a) + 2) keeps its relative precision near zero: below 3 ulp for
// every a, 1 exactly from TANH_IS_1 on.
template <class T>
struct Tanh {
    using V = Vector<T>;
    static constexpr T RATE = 2;
    static SKRNN_INLINE V within(V a) {
        using C = ExpConstants<T>;
        return max(broadcast(-C::TANH_IS_1), min(broadcast(C::TANH_IS_1), a));
    }
    template <Index N>
    static SKRNN_INLINE V of_exp(const SplitExp<T, N>& e, Index i) {
        const V expm1 = fma(e.scale[i], e.f[i] * e.r[i], e.scale[i] - broadcast(T(1)));
        return expm1 / (expm1 + broadcast(T(2)));
    }
    static SKRNN_INLINE V function(V a) { return of_exp(SplitExp<T, 1>({within(a)}, {RATE}), 0); }
    static SKRNN_INLINE V derivative(V h) { return fma(-h, h, broadcast(T(1))); }
};

// relu and identity are exact for every a.
template <class T>
struct Relu {
    using V = Vector<T>;
    static SKRNN_INLINE V function(V a) { return max(broadcast(T(0)), a); }
    static SKRNN_INLINE V derivative(V h) {
        return h > broadcast(T(0)) ? broadcast(T(1)) : broadcast(T(0));
    }
};

template <class T>
struct Identity {
    using V = Vector<T>;
    static SKRNN_INLINE V function(V a) { return a; }
    static SKRNN_INLINE V derivative(V) { return broadcast(T(1)); }
};

}  // namespace
}  // namespace skrnn
