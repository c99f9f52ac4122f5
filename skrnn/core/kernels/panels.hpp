// Weights in panels, as one layer reads them for any cell, and its rows in blocks.
//
// A cell (simple_rnn.hpp, lstm.hpp, gru.hpp) says how its gates lie in a panel and what happens
// to one vector of units; layer_forward.hpp and layer_backward.hpp do the rest. The units are cut
// into panels of Cell::UNIT_VECTORS vectors; the weights of all gates of a panel stand side by
// side, so that the pre-activations of a few rows and one panel are one tile of registers:
//
//     slot       0 ............... SLOTS - 1     one vector each
//     x side     0 .... SIDE - 1                 columns of W_x
//     h side        SLOTS - SIDE .. SLOTS - 1    columns of W_h
//
// The two sides are the same for all cells but the GRU, which gates its recurrent term.
#pragma once

#include <type_traits>

#include "product.hpp"

namespace skrnn {
namespace {

// Calls visit with `rows`, known now, as a constant of the compiler's.
template <Index MOST, class Visit>
SKRNN_INLINE void with_constant(Index rows, Visit visit) {
    if constexpr (MOST == 1) {
        visit(std::integral_constant<Index, 1>{});
    } else {
        if (rows == MOST)
            visit(std::integral_constant<Index, MOST>{});
        else
            with_constant<MOST - 1>(rows, visit);
    }
}

// Calls visit with `lanes`, known to be those of a whole vector where they are; not for none.
template <class T, class Visit>
SKRNN_INLINE void with_lanes(Index lanes, Visit visit) {
    if (lanes == LANES<T>)
        visit(std::integral_constant<Index, LANES<T>>{});
    else if (lanes > 0)
        visit(lanes);
}

// Rows that run at step t among the `rows` from `first` on.
inline Index active_rows(const std::int64_t* n_active, Index t, Index first, Index rows) {
    return larger(0, smaller(static_cast<Index>(n_active[t]) - first, rows));
}

// How the rows of a batch are cut. Slices are the unit of summation: each sums its own weight
// gradient and the sums are added in order, so their number must not depend on the threads.
struct RowBlocks {
    Index rows, block_rows, slices;

    explicit RowBlocks(Index n_rows) : rows(n_rows) {
        constexpr Index MOST_ROWS = 32, MOST_SLICES = 16;
        Index blocks = ceil_div(larger(rows, 1), MOST_ROWS);
        blocks = rows >= 32 ? ceil_div(blocks, 4) * 4 : rows >= 12 ? 2 : 1;
        block_rows = ceil_div(larger(rows, 1), blocks);
        slices = smaller(ceil_div(rows, block_rows), MOST_SLICES);
    }

    // Calls visit(first row, count) for the blocks of a slice.
    template <class Visit>
    void for_each_block(Index slice, Visit visit) const {
        const Index blocks = ceil_div(rows, block_rows);
        for (Index i = blocks * slice / slices; i < blocks * (slice + 1) / slices; i++)
            visit(i * block_rows, smaller(block_rows, rows - i * block_rows));
    }
};

// Deals out aligned pieces of one scratch block.
class Pieces {
public:
    template <class T>
    static std::size_t bytes(Index count) {
        return (static_cast<std::size_t>(count) * sizeof(T) + 63) / 64 * 64;
    }
    explicit Pieces(void* block) : next_(static_cast<char*>(block)) {}
    template <class T>
    T* take(Index count) {
        T* piece = reinterpret_cast<T*>(next_);
        next_ += bytes<T>(count);
        return piece;
    }

private:
    char* next_;
};

// Where the slots of a cell lie among the columns [gate][unit] of its weights.
template <class Cell>
struct Panels {
    using T = typename Cell::Type;
    static constexpr Index V = LANES<T>, UNITS = Cell::UNIT_VECTORS * V;
    Index hidden, count;

    explicit Panels(Index hidden_size) : hidden(hidden_size), count(ceil_div(hidden_size, UNITS)) {}

    Index first_unit(Index panel, Index unit_vector) const {
        return panel * UNITS + unit_vector * V;
    }
    Index lanes(Index panel, Index unit_vector) const {
        return larger(0, smaller(V, hidden - first_unit(panel, unit_vector)));
    }

    // Calls visit(slot, first column, lanes) for the slots of one side of a panel.
    template <class Visit>
    void for_each_slot(Index panel, const Index (&gates)[Cell::SIDE], Visit visit) const {
        for (Index j = 0; j < Cell::SIDE; j++) {
            const Index u = Cell::unit_vector(j);
            visit(j, gates[j] * hidden + first_unit(panel, u), lanes(panel, u));
        }
    }
};

// W (depth, gates * hidden) -> [panel][depth][SIDE vectors], zero beyond the width. A few rows at a
// time: rows of a large layer lie on pages of their own, more than the processor keeps track of.
template <class Cell, class T = typename Cell::Type>
void pack(const Panels<Cell>& panels, const Index (&gates)[Cell::SIDE], const T* W, Index depth,
          T* to) {
    constexpr Index V = LANES<T>, ROWS = 4;
    const Index columns = Cell::GATES * panels.hidden;
    for (Index first = 0; first < depth; first += ROWS)
        for (Index p = 0; p < panels.count; p++)
            panels.for_each_slot(p, gates, [&](Index slot, Index column, Index lanes) {
                for (Index k = first; k < smaller(depth, first + ROWS); k++)
                    store(to + ((p * depth + k) * Cell::SIDE + slot) * V,
                          load_lanes<T>(W + k * columns + column, lanes));
            });
}

template <class T>
Index padded(Index width) {
    return ceil_div(width, LANES<T>) * LANES<T>;
}

// A row of `width` numbers in an odd number of vectors: rows of 2^k numbers, one below the other,
// would compete for the same few lines of the cache.
template <class T>
Index spread(Index width) {
    return (ceil_div(width, LANES<T>) | 1) * LANES<T>;
}

// Transposed products give up to this many vectors of outputs at a time.
constexpr Index OUTPUT_VECTORS = 2;

// W (outputs, gates * hidden) -> its transpose as [outputs / 2 V][panel][SIDE][V][2 V], zero
// beyond the width. The last panel of outputs has one vector where that is enough.
template <class Cell, class T = typename Cell::Type>
void pack_transposed(const Panels<Cell>& panels, const Index (&gates)[Cell::SIDE], const T* W,
                     Index outputs, T* to) {
    constexpr Index V = LANES<T>;
    const Index columns = Cell::GATES * panels.hidden, depth = panels.count * Cell::SIDE * V;
    for (Index first = 0; first < outputs; first += OUTPUT_VECTORS * V) {
        const Index width = smaller(OUTPUT_VECTORS * V, padded<T>(outputs - first));
        for (Index p = 0; p < panels.count; p++)
            panels.for_each_slot(p, gates, [&](Index slot, Index column, Index lanes) {
                for (Index o = 0; o < width; o += V) {
                    const T* from = W + (first + o) * columns + column;
                    const Index rows = smaller(V, outputs - first - o);
                    Vector<T> square[V];
                    SKRNN_UNROLL for (Index i = 0; i < V; i++)
                        square[i] = load_lanes<T>(from + i * columns, i < rows ? lanes : 0);
                    transpose<T>(square);
                    T* out = to + first * depth + (p * Cell::SIDE + slot) * V * width + o;
                    SKRNN_UNROLL for (Index i = 0; i < V; i++) store(out + i * width, square[i]);
                }
            });
    }
}

}  // namespace
}  // namespace skrnn
