// One SIMD vector of the instruction set that this file is compiled for.
//
// Everything sits in an anonymous namespace: the same source is compiled once an instruction set,
// and no function of one may stand in for that of another.
//
// The compiler may not contract a * b + c by itself (-ffp-contract=off): `fma` says where a fused
// product is meant, so that every row is computed by the same roundings whatever tile it falls in.
#pragma once

#include <cstdint>
#include <type_traits>

#include "interface.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#else
#error "No kernels for this processor."
#endif

#define SKRNN_INLINE inline __attribute__((always_inline))
#if defined(__clang__)
#define SKRNN_UNROLL _Pragma("unroll")
#define SKRNN_UNROLL_BY_4 _Pragma("unroll 4")
#else
#define SKRNN_UNROLL _Pragma("GCC unroll 24")
#define SKRNN_UNROLL_BY_4 _Pragma("GCC unroll 4")
#endif

namespace skrnn {
namespace {

#if defined(__AVX512F__)

constexpr Index VECTOR_BYTES = 64, REGISTERS = 32;
using Floats = __m512;
using Doubles = __m512d;

SKRNN_INLINE Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
SKRNN_INLINE Doubles fma(Doubles a, Doubles b, Doubles c) { return _mm512_fmadd_pd(a, b, c); }
// As on x86 in general, min and max return the second argument where one is NaN.
SKRNN_INLINE Floats min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
SKRNN_INLINE Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
SKRNN_INLINE Doubles min(Doubles a, Doubles b) { return _mm512_min_pd(a, b); }
SKRNN_INLINE Doubles max(Doubles a, Doubles b) { return _mm512_max_pd(a, b); }
SKRNN_INLINE Floats sqrt(Floats a) { return _mm512_sqrt_ps(a); }
SKRNN_INLINE Doubles sqrt(Doubles a) { return _mm512_sqrt_pd(a); }
SKRNN_INLINE Floats broadcast(float a) { return _mm512_set1_ps(a); }
SKRNN_INLINE Doubles broadcast(double a) { return _mm512_set1_pd(a); }
SKRNN_INLINE Floats load(const float* p) { return _mm512_loadu_ps(p); }
SKRNN_INLINE Doubles load(const double* p) { return _mm512_loadu_pd(p); }
SKRNN_INLINE void store(float* p, Floats a) { _mm512_storeu_ps(p, a); }
SKRNN_INLINE void store(double* p, Doubles a) { _mm512_storeu_pd(p, a); }
SKRNN_INLINE Floats load(const float* p, Index n) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
}
SKRNN_INLINE Doubles load(const double* p, Index n) {
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), p);
}
SKRNN_INLINE void store(float* p, Floats a, Index n) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), a);
}
SKRNN_INLINE void store(double* p, Doubles a, Index n) {
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1), a);
}

#elif defined(__AVX2__)

constexpr Index VECTOR_BYTES = 32, REGISTERS = 16;
using Floats = __m256;
using Doubles = __m256d;

SKRNN_INLINE Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
SKRNN_INLINE Doubles fma(Doubles a, Doubles b, Doubles c) { return _mm256_fmadd_pd(a, b, c); }
SKRNN_INLINE Floats min(Floats a, Floats b) { return _mm256_min_ps(a, b); }
SKRNN_INLINE Floats max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
SKRNN_INLINE Doubles min(Doubles a, Doubles b) { return _mm256_min_pd(a, b); }
SKRNN_INLINE Doubles max(Doubles a, Doubles b) { return _mm256_max_pd(a, b); }
SKRNN_INLINE Floats sqrt(Floats a) { return _mm256_sqrt_ps(a); }
SKRNN_INLINE Doubles sqrt(Doubles a) { return _mm256_sqrt_pd(a); }
SKRNN_INLINE Floats broadcast(float a) { return _mm256_set1_ps(a); }
SKRNN_INLINE Doubles broadcast(double a) { return _mm256_set1_pd(a); }
SKRNN_INLINE Floats load(const float* p) { return _mm256_loadu_ps(p); }
SKRNN_INLINE Doubles load(const double* p) { return _mm256_loadu_pd(p); }
SKRNN_INLINE void store(float* p, Floats a) { _mm256_storeu_ps(p, a); }
SKRNN_INLINE void store(double* p, Doubles a) { _mm256_storeu_pd(p, a); }

// n ones from the end of the first half on: read at 8 - n (4 - n), they mask the first n lanes.
alignas(32) const std::int32_t MASK32[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
alignas(32) const std::int64_t MASK64[8] = {-1, -1, -1, -1};
SKRNN_INLINE __m256i mask32(Index n) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(MASK32 + 8 - n));
}
SKRNN_INLINE __m256i mask64(Index n) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(MASK64 + 4 - n));
}
SKRNN_INLINE Floats load(const float* p, Index n) { return _mm256_maskload_ps(p, mask32(n)); }
SKRNN_INLINE Doubles load(const double* p, Index n) { return _mm256_maskload_pd(p, mask64(n)); }
SKRNN_INLINE void store(float* p, Floats a, Index n) { _mm256_maskstore_ps(p, mask32(n), a); }
SKRNN_INLINE void store(double* p, Doubles a, Index n) { _mm256_maskstore_pd(p, mask64(n), a); }

#else

constexpr Index VECTOR_BYTES = 16;

#if defined(__x86_64__)

constexpr Index REGISTERS = 16;
using Floats = __m128;
using Doubles = __m128d;

// No fused product before FMA: two roundings, the same two everywhere.
SKRNN_INLINE Floats fma(Floats a, Floats b, Floats c) { return a * b + c; }
SKRNN_INLINE Doubles fma(Doubles a, Doubles b, Doubles c) { return a * b + c; }
SKRNN_INLINE Floats min(Floats a, Floats b) { return _mm_min_ps(a, b); }
SKRNN_INLINE Floats max(Floats a, Floats b) { return _mm_max_ps(a, b); }
SKRNN_INLINE Doubles min(Doubles a, Doubles b) { return _mm_min_pd(a, b); }
SKRNN_INLINE Doubles max(Doubles a, Doubles b) { return _mm_max_pd(a, b); }
SKRNN_INLINE Floats sqrt(Floats a) { return _mm_sqrt_ps(a); }
SKRNN_INLINE Doubles sqrt(Doubles a) { return _mm_sqrt_pd(a); }
SKRNN_INLINE Floats broadcast(float a) { return _mm_set1_ps(a); }
SKRNN_INLINE Doubles broadcast(double a) { return _mm_set1_pd(a); }
SKRNN_INLINE Floats load(const float* p) { return _mm_loadu_ps(p); }
SKRNN_INLINE Doubles load(const double* p) { return _mm_loadu_pd(p); }
SKRNN_INLINE void store(float* p, Floats a) { _mm_storeu_ps(p, a); }
SKRNN_INLINE void store(double* p, Doubles a) { _mm_storeu_pd(p, a); }

#else

constexpr Index REGISTERS = 32;
using Floats = float32x4_t;
using Doubles = float64x2_t;

SKRNN_INLINE Floats fma(Floats a, Floats b, Floats c) { return vfmaq_f32(c, a, b); }
SKRNN_INLINE Doubles fma(Doubles a, Doubles b, Doubles c) { return vfmaq_f64(c, a, b); }
SKRNN_INLINE Floats min(Floats a, Floats b) { return vminq_f32(a, b); }
SKRNN_INLINE Floats max(Floats a, Floats b) { return vmaxq_f32(a, b); }
SKRNN_INLINE Doubles min(Doubles a, Doubles b) { return vminq_f64(a, b); }
SKRNN_INLINE Doubles max(Doubles a, Doubles b) { return vmaxq_f64(a, b); }
SKRNN_INLINE Floats sqrt(Floats a) { return vsqrtq_f32(a); }
SKRNN_INLINE Doubles sqrt(Doubles a) { return vsqrtq_f64(a); }
SKRNN_INLINE Floats broadcast(float a) { return vdupq_n_f32(a); }
SKRNN_INLINE Doubles broadcast(double a) { return vdupq_n_f64(a); }
SKRNN_INLINE Floats load(const float* p) { return vld1q_f32(p); }
SKRNN_INLINE Doubles load(const double* p) { return vld1q_f64(p); }
SKRNN_INLINE void store(float* p, Floats a) { vst1q_f32(p, a); }
SKRNN_INLINE void store(double* p, Doubles a) { vst1q_f64(p, a); }

#endif

template <class T>
SKRNN_INLINE auto load(const T* p, Index n) {
    alignas(16) T lanes[16 / sizeof(T)] = {};
    for (Index i = 0; i < n; i++) lanes[i] = p[i];
    return load(lanes);
}
template <class T, class V>
SKRNN_INLINE void store(T* p, V a, Index n) {
    alignas(16) T lanes[16 / sizeof(T)];
    store(lanes, a);
    for (Index i = 0; i < n; i++) p[i] = lanes[i];
}

#endif

typedef std::int32_t Ints __attribute__((vector_size(VECTOR_BYTES)));
typedef std::int64_t Longs __attribute__((vector_size(VECTOR_BYTES)));

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
    using type = Floats;
};
template <>
struct VectorOf<double> {
    using type = Doubles;
};
template <class T>
using Vector = typename VectorOf<T>::type;

template <class T>
constexpr Index LANES = VECTOR_BYTES / static_cast<Index>(sizeof(T));

template <class T>
SKRNN_INLINE Vector<T> load_lanes(const T* from, Index lanes) {
    return lanes == LANES<T> ? load(from) : lanes == 0 ? Vector<T>{} : load(from, lanes);
}

template <class T>
SKRNN_INLINE void store_lanes(T* to, Vector<T> a, Index lanes) {
    if (lanes == LANES<T>)
        store(to, a);
    else if (lanes > 0)
        store(to, a, lanes);
}

// The first (HIGH: last) halves of a and b, element by element: a0 b0 a1 b1 ...
template <class T, bool HIGH>
SKRNN_INLINE Vector<T> interleave(Vector<T> a, Vector<T> b) {
    using Indices = std::conditional_t<sizeof(T) == 4, Ints, Longs>;
    constexpr Index V = LANES<T>;
    Indices from{};
    for (Index i = 0; i < V; i++) from[i] = (HIGH ? V / 2 : 0) + i / 2 + i % 2 * V;
#if defined(__clang__)
    Vector<T> both{};
    for (Index i = 0; i < V; i++) both[i] = i % 2 ? b[from[i] - V] : a[from[i]];
    return both;
#else
    return (Vector<T>)__builtin_shuffle(a, b, from);
#endif
}

// Turns V vectors, the rows of a square, into its columns.
template <class T>
SKRNN_INLINE void transpose(Vector<T> (&square)[LANES<T>]) {
    constexpr Index V = LANES<T>;
    for (Index round = 1; round < V; round *= 2) {
        Vector<T> next[V];
        SKRNN_UNROLL for (Index i = 0; i < V / 2; i++) {
            next[2 * i] = interleave<T, false>(square[i], square[i + V / 2]);
            next[2 * i + 1] = interleave<T, true>(square[i], square[i + V / 2]);
        }
        SKRNN_UNROLL for (Index i = 0; i < V; i++) square[i] = next[i];
    }
}

// Keeps a vector in a register: the compiler would load it again for each product.
template <class V>
SKRNN_INLINE void keep(V& a) {
#if defined(__aarch64__)
    asm("" : "+w"(a));
#elif defined(__AVX512F__)
    asm("" : "+v"(a));
#else
    asm("" : "+x"(a));
#endif
}

// Asks for the line of `p` into the second-level cache; nothing happens where there is no memory.
SKRNN_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }

// Subnormal numbers count as zero on this thread while the object lives. A gradient that vanishes
// over hundreds of steps passes through them, and the processor takes a hundred cycles for each.
class FlushSubnormals {
public:
    FlushSubnormals() : before_(read()) { write(before_ | FLUSH); }
    ~FlushSubnormals() { write(before_); }
    FlushSubnormals(const FlushSubnormals&) = delete;
    FlushSubnormals& operator=(const FlushSubnormals&) = delete;

private:
#if defined(__x86_64__)
    using Control = unsigned;
    static constexpr Control FLUSH = 0x8040;  // results (FTZ) and operands (DAZ)
    static Control read() { return _mm_getcsr(); }
    static void write(Control control) { _mm_setcsr(control); }
#else
    using Control = std::uint64_t;
    static constexpr Control FLUSH = Control{1} << 24;  // FZ
    static Control read() {
        Control control;
        asm volatile("mrs %0, fpcr" : "=r"(control));
        return control;
    }
    static void write(Control control) { asm volatile("msr fpcr, %0" : : "r"(control)); }
#endif
    Control before_;
};

SKRNN_INLINE constexpr Index smaller(Index a, Index b) { return a < b ? a : b; }
SKRNN_INLINE constexpr Index larger(Index a, Index b) { return a > b ? a : b; }
SKRNN_INLINE constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

}  // namespace
}  // namespace skrnn
