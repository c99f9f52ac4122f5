// Matrix products on packed panels, accumulated in registers.
#pragma once

#include "vector.hpp"

namespace skrnn {
namespace {

// Rows of accumulators beside a panel of N vectors: as many as leave room for the operands.
template <Index N>
constexpr Index TILE_ROWS = (REGISTERS == 32 ? 24 : 12) / N;

// M rows by N vectors that stay in registers while products are added to them.
template <class T, Index M, Index N>
struct Tile {
    Vector<T> acc[M][N];

    // acc += A B for A (M, depth) with strides (a_row, 1 or a_depth) and B (depth, N vectors).
    SKRNN_INLINE void add_product(const T* a, Index a_row, Index a_depth, Index depth, const T* b,
                                  Index b_depth) {
        // The shorter side of the tile is held, the longer one streams: M * N + min + 1 registers.
        if constexpr (N <= M) {
            for (Index k = 0; k < depth; k++, a += a_depth, b += b_depth) {
                Vector<T> bs[N];
                SKRNN_UNROLL for (Index n = 0; n < N; n++) bs[n] = load(b + n * LANES<T>);
                SKRNN_UNROLL for (Index m = 0; m < M; m++) {
                    const Vector<T> am = broadcast(a[m * a_row]);
                    SKRNN_UNROLL for (Index n = 0; n < N; n++) acc[m][n] = fma(am, bs[n], acc[m][n]);
                }
            }
        } else {
            SKRNN_UNROLL_BY_4 for (Index k = 0; k < depth; k++, a += a_depth, b += b_depth) {
                Vector<T> as[M];
                SKRNN_UNROLL for (Index m = 0; m < M; m++) as[m] = broadcast(a[m * a_row]);
                SKRNN_UNROLL for (Index n = 0; n < N; n++) {
                    Vector<T> bn = load(b + n * LANES<T>);
                    keep(bn);
                    SKRNN_UNROLL for (Index m = 0; m < M; m++) acc[m][n] = fma(as[m], bn, acc[m][n]);
                }
            }
        }
    }

    // acc[m] += a B_m for one row a and M panels B_m (depth, N vectors), b_panel apart.
    SKRNN_INLINE void add_row_product(const T* a, Index depth, const T* b, Index b_depth,
                                      Index b_panel) {
        for (Index k = 0; k < depth; k++, b += b_depth) {
            const Vector<T> ak = broadcast(a[k]);
            SKRNN_UNROLL for (Index m = 0; m < M; m++)
                SKRNN_UNROLL for (Index n = 0; n < N; n++)
                    acc[m][n] = fma(ak, load(b + m * b_panel + n * LANES<T>), acc[m][n]);
        }
    }

    SKRNN_INLINE void clear() {
        for (Index m = 0; m < M; m++)
            for (Index n = 0; n < N; n++) acc[m][n] = Vector<T>{};
    }

    SKRNN_INLINE void load_rows(const T* from, Index row) {
        SKRNN_UNROLL for (Index m = 0; m < M; m++)
            SKRNN_UNROLL for (Index n = 0; n < N; n++) acc[m][n] = load(from + m * row + n * LANES<T>);
    }

    SKRNN_INLINE void store_rows(T* to, Index row) const {
        SKRNN_UNROLL for (Index m = 0; m < M; m++)
            SKRNN_UNROLL for (Index n = 0; n < N; n++) store(to + m * row + n * LANES<T>, acc[m][n]);
    }
};

// Calls visit(first, count) for tiles of nearly equal size: 16 rows by at most 3 are
// 3 3 3 3 2 2, since a last tile of one row would take as long as a full one.
template <class Visit>
SKRNN_INLINE void for_each_tile(Index rows, Index most, Visit visit) {
    const Index tiles = ceil_div(rows, most);
    Index first = 0;
    for (Index i = 0; i < tiles; i++) {
        const Index stop = rows * (i + 1) / tiles;
        visit(first, stop - first);
        first = stop;
    }
}

}  // namespace
}  // namespace skrnn
