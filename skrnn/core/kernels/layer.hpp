// One recurrent layer over whole sequences, forward and backward, for any cell.
//
// A cell (simple_rnn.hpp, lstm.hpp, gru.hpp) says how its gates lie in a panel and what happens
// to one vector of units; this file does the rest. The units are cut into panels of
// Cell::UNIT_VECTORS vectors; the weights of all gates of a panel stand side by side, so that the
// pre-activations of a few rows and one panel are one tile of registers:
//
//     slot       0 ............... SLOTS - 1     one vector each
//     x side     0 .... SIDE - 1                 columns of W_x
//     h side        SLOTS - SIDE .. SLOTS - 1    columns of W_h
//
// The two sides are the same for all cells but the GRU, which gates its recurrent term.
// A block of rows goes through all time steps on one thread, so no step waits for another thread.
#pragma once

#include <cstring>
#include <type_traits>

#include "product.hpp"
#include "tasks.hpp"

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
struct Cut {
    Index rows, block_rows, slices;

    explicit Cut(Index n_rows) : rows(n_rows) {
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

// ---------------------------------------------------------------------------------------------
// Forward

// One vector of units of one row: where it is read and written. Null where it is not kept.
// Lanes is a number, or that of a whole vector as a constant of the compiler's.
template <class T, class Lanes>
struct ForwardUnits {
    Index hidden;
    Lanes lanes;
    const T *h_prev, *c_prev;
    T *h, *c, *gates, *c_out, *s;

    SKRNN_INLINE void next_row(Index n_gates) {
        h_prev += hidden;
        h += hidden;
        if (c) c_prev += hidden, c += hidden;
        if (gates) gates += n_gates * hidden;
        if (c_out) c_out += hidden;
        if (s) s += hidden;
    }

    // Ask for the lines that will be written `rows` rows further on.
    SKRNN_INLINE void prefetch_outputs(Index rows, Index n_gates) const {
        const Index ahead = rows * hidden;
        prefetch(h + ahead);
        if (c) prefetch(c + ahead);
        for (Index gate = 0; gates && gate < n_gates; gate++)
            prefetch(gates + n_gates * ahead + gate * hidden);
        if (c_out) prefetch(c_out + ahead);
        if (s) prefetch(s + ahead);
    }
};

template <class Cell>
class ForwardPass {
    using T = typename Cell::Type;
    static constexpr Index V = LANES<T>, SLOTS = Cell::SLOTS, SIDE = Cell::SIDE,
                           OWN = SLOTS - SIDE, MOST = TILE_ROWS<SIDE>;

public:
    explicit ForwardPass(const Forward<T>& args)
        : args_(args),
          panels_(args.hidden),
          prefetches_(prefetches(args)) {}

    void run() {
        const Index n = panels_.count;
        const Index n_x = n * args_.inputs * SIDE * V, n_h = n * args_.hidden * SIDE * V;
        Pieces pieces(scratch(SHARED_SLOT, Pieces::bytes<T>(n_x) + Pieces::bytes<T>(n_h) +
                                               Pieces::bytes<T>(n * SLOTS * V)));
        W_x_ = pieces.take<T>(n_x);
        W_h_ = pieces.take<T>(n_h);
        b_ = pieces.take<T>(n * SLOTS * V);
        pack(panels_, Cell::X_GATES, args_.W_x, args_.inputs, W_x_);
        pack(panels_, Cell::H_GATES, args_.W_h, args_.hidden, W_h_);
        pack_bias();
        const Cut cut(args_.rows);
        for_each_task(cut.slices, args_.team, [&](Index slice) {
            cut.for_each_block(slice, [&](Index first, Index rows) { run_block(first, rows); });
            release_scratch(TASK_SLOT);
        });
        release_scratch(SHARED_SLOT);
    }

private:
    // A cache of many steps lies in memory, which takes longer to open a line for writing than the
    // tile before it takes to compute: its lines are asked for a step ahead, if those of a step
    // find room beside the weights.
    static bool prefetches(const Forward<T>& args) {
        constexpr double SECOND_LEVEL = 1.25 * (1 << 20);
        const double hidden = static_cast<double>(args.hidden), gates = Cell::GATES;
        const double weights = (static_cast<double>(args.inputs) + hidden) * gates * hidden;
        const double row = (gates + 2) * hidden;
        const double step = row * static_cast<double>(Cut(args.rows).block_rows);
        const double all = row * static_cast<double>(args.rows) * static_cast<double>(args.steps);
        return args.gates && sizeof(T) * all > 4 * SECOND_LEVEL &&
               sizeof(T) * (weights + step) < SECOND_LEVEL;
    }

    void pack_bias() {
        for (Index p = 0; p < panels_.count; p++) {
            T* to = b_ + p * SLOTS * V;
            panels_.for_each_slot(p, Cell::X_GATES, [&](Index slot, Index column, Index lanes) {
                store(to + slot * V, load_lanes<T>(args_.b + column, lanes));
            });
            for (Index slot = SIDE; slot < SLOTS; slot++)
                store(to + slot * V,
                      load_lanes<T>(args_.b_hn + panels_.first_unit(p, 0), panels_.lanes(p, 0)));
        }
    }

    void run_block(Index first, Index rows) {
        const Index hidden = args_.hidden, step = args_.rows * hidden;
        const std::size_t block_bytes = static_cast<std::size_t>(rows * hidden) * sizeof(T);
        start(args_.h + first * hidden, args_.h0, first, block_bytes);
        // Without a cache, c is updated in place.
        T* c = nullptr;
        if (Cell::HAS_C) {
            c = args_.c ? args_.c + first * hidden
                        : static_cast<T*>(scratch(TASK_SLOT, block_bytes));
            start(c, args_.c0, first, block_bytes);
        }
        for (Index t = 0; t < args_.steps; t++) {
            const Index active = active_rows(args_.n_active, t, first, rows);
            const Index at = t * step + first * hidden;
            T* c_next = args_.c ? c + step : c;
            if (active > 0) run_step(t, first, active, c, c_next);
            if (active < rows) clear_padding(at, active, rows);
            c = c_next;
        }
    }

    void start(T* to, const T* from, Index first, std::size_t bytes) const {
        if (from)
            std::memcpy(to, from + first * args_.hidden, bytes);
        else
            std::memset(to, 0, bytes);
    }

    void clear_padding(Index at, Index active, Index rows) const {
        const Index hidden = args_.hidden, step = args_.rows * hidden;
        const Index from = at + active * hidden, count = (rows - active) * hidden;
        const auto clear = [](T* array, Index begin, Index n) {
            if (array) std::memset(array + begin, 0, static_cast<std::size_t>(n) * sizeof(T));
        };
        clear(args_.h, from + step, count);
        clear(args_.c, from + step, count);
        clear(args_.gates, Cell::GATES * from, Cell::GATES * count);
        clear(args_.c_out, from, count);
        clear(args_.s, from, count);
    }

    void run_step(Index t, Index first, Index active, const T* c, T* c_next) const {
        const Index hidden = args_.hidden, step = args_.rows * hidden;
        const T* x = args_.x.data + t * args_.x.step + first * args_.x.row;
        const T* h = args_.h + t * step + first * hidden;
        if (active == 1)
            run_row(t, first, x, h, c, c_next);
        else
            run_rows(t, first, active, x, h, c, c_next);
    }

    void run_rows(Index t, Index first, Index active, const T* x, const T* h, const T* c,
                  T* c_next) const {
        const Index hidden = args_.hidden, inputs = args_.inputs;
        alignas(64) T tile[MOST * SLOTS * V];
        for (Index p = 0; p < panels_.count; p++) {
            const T* W_x = W_x_ + p * inputs * SIDE * V;
            const T* W_h = W_h_ + p * hidden * SIDE * V;
            for_each_tile(active, MOST, [&](Index row, Index count) {
                with_constant<MOST>(count, [&](auto m) {
                    fill_tile<decltype(m)::value>(
                        b_ + p * SLOTS * V, 0, tile,
                        [&](auto& to) {
                            to.add_product(x + row * args_.x.row, args_.x.row, 1, inputs, W_x,
                                           SIDE * V);
                        },
                        [&](auto& to) {
                            to.add_product(h + row * hidden, hidden, 1, hidden, W_h, SIDE * V);
                        });
                });
                for (Index u = 0; u < Cell::UNIT_VECTORS; u++)
                    finish_tile(t, first + row, row, count, p, u, tile + u * V, c, c_next);
            });
        }
    }

    // A single row takes several panels at a time: with one, every product would wait for the
    // sum before it. Weights beyond the first-level cache set the pace themselves, and come fastest
    // in few streams.
    void run_row(Index t, Index row, const T* x, const T* h, const T* c, T* c_next) const {
        const Index n_x = args_.inputs * SIDE * V, n_h = args_.hidden * SIDE * V;
        constexpr Index FIRST_LEVEL = 32 << 10, FEW = larger(1, 6 / SIDE);
        const Index weights = panels_.count * (n_x + n_h) * static_cast<Index>(sizeof(T));
        alignas(64) T tile[MOST * SLOTS * V];
        const Index most = weights > FIRST_LEVEL ? FEW : MOST;
        for_each_tile(panels_.count, most, [&](Index first, Index count) {
            const T *W_x = W_x_ + first * n_x, *W_h = W_h_ + first * n_h;
            with_constant<MOST>(count, [&](auto m) {
                fill_tile<decltype(m)::value>(
                    b_ + first * SLOTS * V, SLOTS * V, tile,
                    [&](auto& to) { to.add_row_product(x, args_.inputs, W_x, SIDE * V, n_x); },
                    [&](auto& to) { to.add_row_product(h, args_.hidden, W_h, SIDE * V, n_h); });
            });
            for (Index p = 0; p < count; p++)
                for (Index u = 0; u < Cell::UNIT_VECTORS; u++)
                    finish_tile(t, row, 0, 1, first + p, u, tile + (p * SLOTS + u) * V, c, c_next);
        });
    }

    // tile (M, SLOTS vectors) = b + x W_x | h W_h, of M rows and a panel or of a row and M panels
    template <Index M, class AddX, class AddH>
    static SKRNN_INLINE void fill_tile(const T* b, Index b_row, T* to, AddX add_x, AddH add_h) {
        Tile<T, M, SIDE> tile;
        tile.load_rows(b, b_row);
        add_x(tile);
        if constexpr (OWN > 0) {
            // The first slots belong to the x side alone, the last ones to the h side.
            for (Index m = 0; m < M; m++) {
                for (Index n = 0; n < OWN; n++) store(to + (m * SLOTS + n) * V, tile.acc[m][n]);
                for (Index n = OWN; n < SIDE; n++) tile.acc[m][n - OWN] = tile.acc[m][n];
                for (Index n = SIDE; n < SLOTS; n++)
                    tile.acc[m][n - OWN] = load(b + m * b_row + n * V);
            }
        }
        add_h(tile);
        tile.store_rows(to + OWN * V, SLOTS * V);
    }

    // Turn the pre-activations of one vector of units into the new state.
    void finish_tile(Index t, Index row, Index block_row, Index count, Index panel, Index u,
                     T* tile, const T* c, T* c_next) const {
        const Index hidden = args_.hidden, unit = panels_.first_unit(panel, u);
        const Index at = (t * args_.rows + row) * hidden;
        const auto offset = [](auto* array, Index i) { return array ? array + i : nullptr; };
        with_lanes<T>(panels_.lanes(panel, u), [&](auto lanes) {
            finish_units(tile, count,
                         ForwardUnits<T, decltype(lanes)>{
                             hidden,
                             lanes,
                             args_.h + at + unit,
                             offset(c, block_row * hidden + unit),
                             args_.h + at + args_.rows * hidden + unit,
                             offset(c_next, block_row * hidden + unit),
                             offset(args_.gates, Cell::GATES * at + unit),
                             offset(args_.c_out, at + unit),
                             offset(args_.s, at + unit)});
        });
    }

    // Gates of all rows, then states of all rows: what is computed side by side is independent.
    template <class Units>
    SKRNN_INLINE void finish_units(T* tile, Index count, const Units& first) const {
        const auto for_each_row = [&](auto visit) {
            Units units = first;
            for (Index m = 0; m < count; m++, units.next_row(Cell::GATES))
                visit(tile + m * SLOTS * V, units);
        };
        if (prefetches_)
            for_each_row([&](const T*, const Units& units) {
                units.prefetch_outputs(args_.rows, Cell::GATES);
            });
        for_each_row([](T* a, const Units& units) { Cell::gates(a, units); });
        Cell::with_activation(args_.activation, [&](auto activation) {
            using Function = decltype(activation);
            for_each_row([](const T* a, const Units& units) {
                Cell::template state<Function>(a, units);
            });
        });
    }

    const Forward<T>& args_;
    Panels<Cell> panels_;
    bool prefetches_;
    T *W_x_ = nullptr, *W_h_ = nullptr, *b_ = nullptr;
};

// ---------------------------------------------------------------------------------------------
// Backward

// One vector of units of one row: what the gradient of its pre-activations is made of.
template <class T, class Lanes>
struct BackwardUnits {
    Index hidden;
    Lanes lanes;
    const T *dh, *h_prev, *h, *c_prev, *gates, *c_out, *s;
    T *dh_next, *dc_next;  // padded: whole vectors
};

template <class Cell>
class BackwardPass {
    using T = typename Cell::Type;
    static constexpr Index V = LANES<T>, SLOTS = Cell::SLOTS, SIDE = Cell::SIDE,
                           OWN = SLOTS - SIDE, MOST = TILE_ROWS<SIDE>,
                           MOST_OUTPUT_ROWS = TILE_ROWS<OUTPUT_VECTORS>;
    // Gradients of this many rows at least, of one or more steps, are gathered before they enter
    // the weight gradients.
    static constexpr Index GATHERED_ROWS = 64, MOST_STEPS = 64;

public:
    explicit BackwardPass(const Backward<T>& args)
        : args_(args), panels_(args.hidden), cut_(args.rows) {
        n_x_ = panels_.count * args.inputs * SIDE * V;
        n_h_ = panels_.count * args.hidden * SIDE * V;
        n_b_ = panels_.count * SLOTS * V;
        width_ = padded<T>(args.hidden);
        gather_steps_ = smaller(MOST_STEPS, ceil_div(GATHERED_ROWS, cut_.block_rows));
    }

    void run() {
        const Index depth = panels_.count * SIDE * V;
        const Index n_W_h = depth * width_, n_W_x = args_.dx ? depth * padded<T>(args_.inputs) : 0;
        const Index n_sums = n_x_ + n_h_ + n_b_;
        Pieces pieces(scratch(SHARED_SLOT, Pieces::bytes<T>(n_W_h) + Pieces::bytes<T>(n_W_x) +
                                               Pieces::bytes<T>(cut_.slices * n_sums)));
        T* W_h = pieces.take<T>(n_W_h);
        T* W_x = pieces.take<T>(n_W_x);
        sums_ = pieces.take<T>(cut_.slices * n_sums);
        pack_transposed(panels_, Cell::H_GATES, args_.W_h, args_.hidden, W_h);
        if (args_.dx) pack_transposed(panels_, Cell::X_GATES, args_.W_x, args_.inputs, W_x);
        W_h_ = W_h, W_x_ = W_x;
        for_each_task(cut_.slices, args_.team, [&](Index slice) { run_slice(slice); });
        for_each_task(panels_.count, args_.team, [&](Index panel) { add_up(panel); });
        release_scratch(SHARED_SLOT);
    }

private:
    // The steps whose gradients are gathered; da is [panel][row][SLOTS vectors].
    struct Gathered {
        T *da, *rows_of_x_and_h;
        Index panel_stride, rows, steps;
        Index t[MOST_STEPS], active[MOST_STEPS], at[MOST_STEPS];

        T* step(Index i, Index panel) const { return da + panel * panel_stride + at[i] * SLOTS * V; }
    };

    // Weight gradients of a slice; the first ones are written, later ones added.
    struct Sums {
        T* data;
        bool begun;
    };

    void run_slice(Index slice) {
        const Index n_sums = n_x_ + n_h_ + n_b_;
        Sums sums = {sums_ + slice * n_sums, false};
        cut_.for_each_block(slice, [&](Index first, Index rows) { run_block(first, rows, sums); });
        if (!sums.begun) std::memset(sums.data, 0, static_cast<std::size_t>(n_sums) * sizeof(T));
        release_scratch(TASK_SLOT);
    }

    void run_block(Index first, Index rows, Sums& sums) const {
        const Index n_da = panels_.count * gather_steps_ * rows * SLOTS * V, n_next = rows * width_;
        const Index n_u = gather_steps_ * rows * (spread<T>(args_.inputs) + spread<T>(args_.hidden));
        const Index n_dx = args_.dx ? rows * padded<T>(args_.inputs) : 0;
        Pieces pieces(scratch(TASK_SLOT, Pieces::bytes<T>(n_da) + Pieces::bytes<T>(n_u) +
                                             2 * Pieces::bytes<T>(n_next) + Pieces::bytes<T>(n_dx)));
        Gathered gathered;
        gathered.da = pieces.take<T>(n_da);
        gathered.rows_of_x_and_h = pieces.take<T>(n_u);
        gathered.panel_stride = gather_steps_ * rows * SLOTS * V;
        gathered.rows = gathered.steps = 0;
        T* dh_next = pieces.take<T>(n_next);
        T* dc_next = pieces.take<T>(n_next);
        T* dx = pieces.take<T>(n_dx);
        start(dh_next, args_.dh_last, first, rows);
        start(dc_next, args_.dc_last, first, rows);
        for (Index t = args_.steps - 1; t >= 0; t--) {
            const Index active = active_rows(args_.n_active, t, first, rows);
            if (args_.dx && active < rows) clear_dx(t, first + active, rows - active);
            if (active > 0) {
                const Index i = gathered.steps++;
                gathered.t[i] = t, gathered.active[i] = active, gathered.at[i] = gathered.rows;
                gathered.rows += active;
                if (args_.dh_total) store_dh(t + 1, first, active, dh_next, args_.dh_total);
                differentiate_units(t, first, active, gathered, dh_next, dc_next);
                transposed_product(gathered, i, OWN, W_h_, args_.hidden, Cell::DIRECT_DH, dh_next);
                if (args_.cut) cut_gradients(t, first, active, dh_next, dc_next);
            }
            if (gathered.steps == gather_steps_ || (t == 0 && gathered.steps > 0)) {
                add_weight_gradients(first, gathered, sums);
                if (args_.dx) store_input_gradients(first, gathered, dx);
                gathered.rows = gathered.steps = 0;
            }
        }
        finish_state(first, rows, dh_next, dc_next);
    }

    // Gradients from beyond the last step, zero for the rows that ended before it.
    void start(T* next, const T* last, Index first, Index rows) const {
        const std::size_t size = sizeof(T), hidden = static_cast<std::size_t>(args_.hidden);
        std::memset(next, 0, static_cast<std::size_t>(rows * width_) * size);
        if (!last) return;
        const Index active = active_rows(args_.n_active, args_.steps - 1, first, rows);
        for (Index row = 0; row < active; row++)
            std::memcpy(next + row * width_, last + (first + row) * args_.hidden, hidden * size);
    }

    void clear_dx(Index t, Index row, Index rows) const {
        std::memset(args_.dx + (t * args_.rows + row) * args_.inputs, 0,
                    static_cast<std::size_t>(rows * args_.inputs) * sizeof(T));
    }

    void differentiate_units(Index t, Index first, Index active, const Gathered& gathered,
                             T* dh_next, T* dc_next) const {
        const auto lanes_of = [&](Index panel, Index u) { return panels_.lanes(panel, u); };
        const auto all_lanes = [](Index, Index) { return std::integral_constant<Index, V>{}; };
        Cell::with_activation(args_.activation, [&](auto activation) {
            using Function = decltype(activation);
            if (args_.hidden % Panels<Cell>::UNITS == 0)
                differentiate<Function>(t, first, active, gathered, dh_next, dc_next, all_lanes);
            else
                differentiate<Function>(t, first, active, gathered, dh_next, dc_next, lanes_of);
        });
    }

    template <class Function, class LanesOf>
    SKRNN_INLINE void differentiate(Index t, Index first, Index active, const Gathered& gathered,
                                    T* dh_next, T* dc_next, LanesOf lanes_of) const {
        const Index hidden = args_.hidden, step = args_.rows * hidden;
        const auto offset = [](const T* array, Index i) { return array ? array + i : nullptr; };
        for (Index row = 0; row < active; row++) {
            const Index at = t * step + (first + row) * hidden;
            const T* dh = args_.dh.data + (t + 1) * args_.dh.step + (first + row) * args_.dh.row;
            T* da = gathered.step(gathered.steps - 1, 0) + row * SLOTS * V;
            for (Index p = 0; p < panels_.count; p++, da += gathered.panel_stride)
                for (Index u = 0; u < Cell::UNIT_VECTORS; u++) {
                    const Index unit = panels_.first_unit(p, u);
                    const auto lanes = lanes_of(p, u);
                    if (lanes == 0) {
                        store(da + u * V, Vector<T>{});
                        continue;
                    }
                    const BackwardUnits<T, std::remove_const_t<decltype(lanes)>> units = {
                        hidden,
                        lanes,
                        dh + unit,
                        args_.h + at + unit,
                        args_.h + at + step + unit,
                        offset(args_.c, at + unit),
                        offset(args_.gates, Cell::GATES * at + unit),
                        offset(args_.c_out, at + unit),
                        offset(args_.s, at + unit),
                        dh_next + row * width_ + unit,
                        dc_next + row * width_ + unit};
                    Cell::template backward<Function>(units, da + u * V);
                }
        }
    }

    // to (active, outputs) = da W' of one gathered step, or += where `add` says so.
    void transposed_product(const Gathered& gathered, Index i, Index side_at, const T* W,
                            Index outputs, bool add, T* to) const {
        const Index depth = panels_.count * SIDE * V, to_row = padded<T>(outputs);
        for (Index first = 0; first < outputs; first += OUTPUT_VECTORS * V, to += OUTPUT_VECTORS * V)
            for_each_tile(gathered.active[i], MOST_OUTPUT_ROWS, [&](Index row, Index count) {
                const T* da = gathered.step(i, 0) + (row * SLOTS + side_at) * V;
                const auto run = [&](auto m, auto n) {
                    transposed_tile<decltype(m)::value, decltype(n)::value>(
                        da, gathered.panel_stride, W + first * depth, add, to + row * to_row,
                        to_row);
                };
                with_constant<MOST_OUTPUT_ROWS>(count, [&](auto m) {
                    if (outputs - first > V)
                        run(m, std::integral_constant<Index, OUTPUT_VECTORS>{});
                    else
                        run(m, std::integral_constant<Index, 1>{});
                });
            });
    }

    template <Index M, Index N>
    void transposed_tile(const T* da, Index panel_stride, const T* W, bool add, T* to,
                         Index to_row) const {
        Tile<T, M, N> tile;
        if (add)
            tile.load_rows(to, to_row);
        else
            tile.clear();
        for (Index p = 0; p < panels_.count; p++, da += panel_stride, W += SIDE * V * N * V)
            tile.add_product(da, SLOTS * V, 1, SIDE * V, W, N * V);
        tile.store_rows(to, to_row);
    }

    void cut_gradients(Index t, Index first, Index active, T* dh_next, T* dc_next) const {
        const bool* cut = args_.cut + t * args_.rows + first;
        const std::size_t bytes = static_cast<std::size_t>(width_) * sizeof(T);
        for (Index row = 0; row < active; row++)
            if (cut[row]) {
                std::memset(dh_next + row * width_, 0, bytes);
                std::memset(dc_next + row * width_, 0, bytes);
            }
    }

    // sums += [x | h | 1]' da over the gathered rows.
    void add_weight_gradients(Index first, const Gathered& gathered, Sums& sums) const {
        const Index inputs = args_.inputs, hidden = args_.hidden;
        const Sequences<const T> x = {args_.x.data + first * args_.x.row, args_.x.step, args_.x.row};
        const Sequences<const T> h = {args_.h + first * hidden, args_.rows * hidden, hidden};
        const Index x_row = spread<T>(inputs), h_row = spread<T>(hidden);
        T* x_rows = gathered.rows_of_x_and_h;
        T* h_rows = x_rows + gathered.rows * x_row;
        gather_rows(x, inputs, gathered, x_rows, x_row);
        gather_rows(h, hidden, gathered, h_rows, h_row);
        for (Index p = 0; p < panels_.count; p++) {
            const T* da = gathered.step(0, p);
            add_outer_products(x_rows, x_row, inputs, gathered.rows, da, sums.begun,
                               sums.data + p * inputs * SIDE * V);
            add_outer_products(h_rows, h_row, hidden, gathered.rows, da + OWN * V, sums.begun,
                               sums.data + n_x_ + p * hidden * SIDE * V);
            T* db = sums.data + n_x_ + n_h_ + p * SLOTS * V;
            for (Index slot = 0; slot < SLOTS; slot++) {
                Vector<T> sum = sums.begun ? load(db + slot * V) : Vector<T>{};
                for (Index row = 0; row < gathered.rows; row++)
                    sum = sum + load(da + (row * SLOTS + slot) * V);
                store(db + slot * V, sum);
            }
        }
        sums.begun = true;
    }

    // The gathered rows of u, one after the other.
    void gather_rows(Sequences<const T> u, Index width, const Gathered& gathered, T* to,
                     Index to_row) const {
        for (Index i = 0; i < gathered.steps; i++) {
            const T* from = u.data + gathered.t[i] * u.step;
            for (Index row = 0; row < gathered.active[i]; row++, from += u.row, to += to_row)
                for (Index k = 0; k < width; k += V)
                    store(to + k, load_lanes<T>(from + k, smaller(V, width - k)));
        }
    }

    // sums (width, SIDE vectors) = u' da of one panel, or += where `add` says so.
    void add_outer_products(const T* u, Index u_row, Index width, Index rows, const T* da, bool add,
                            T* sums) const {
        for_each_tile(width, MOST, [&](Index k, Index count) {
            with_constant<MOST>(count, [&](auto m) {
                Tile<T, decltype(m)::value, SIDE> tile;
                if (add)
                    tile.load_rows(sums + k * SIDE * V, SIDE * V);
                else
                    tile.clear();
                tile.add_product(u + k, 1, u_row, rows, da, SLOTS * V);
                tile.store_rows(sums + k * SIDE * V, SIDE * V);
            });
        });
    }

    void store_input_gradients(Index first, const Gathered& gathered, T* dx) const {
        const Index inputs = args_.inputs, dx_row = padded<T>(inputs);
        for (Index i = 0; i < gathered.steps; i++) {
            transposed_product(gathered, i, 0, W_x_, inputs, false, dx);
            T* to = args_.dx + (gathered.t[i] * args_.rows + first) * inputs;
            for (Index row = 0; row < gathered.active[i]; row++, to += inputs)
                std::memcpy(to, dx + row * dx_row, static_cast<std::size_t>(inputs) * sizeof(T));
        }
    }

    void finish_state(Index first, Index rows, const T* dh_next, const T* dc_next) const {
        const Index hidden = args_.hidden;
        store_dh(0, first, rows, dh_next, args_.dh0);
        if (args_.dh_total) store_dh(0, first, rows, dh_next, args_.dh_total);
        if (!args_.dc0) return;
        for (Index row = 0; row < rows; row++)
            std::memcpy(args_.dc0 + (first + row) * hidden, dc_next + row * width_,
                        static_cast<std::size_t>(hidden) * sizeof(T));
    }

    // to[t] (rows, hidden) = dh[t] + dh_next: what arrives from above and from later steps.
    void store_dh(Index t, Index first, Index rows, const T* dh_next, T* to) const {
        const Index hidden = args_.hidden;
        for (Index row = 0; row < rows; row++) {
            const T* dh = args_.dh.data + t * args_.dh.step + (first + row) * args_.dh.row;
            T* out = to + (t * args_.rows + first + row) * hidden;
            for (Index j = 0; j < hidden; j++) out[j] = dh[j] + dh_next[row * width_ + j];
        }
    }

    // Weight gradients of one panel: the sums of the slices, in their order.
    void add_up(Index p) const {
        const Index inputs = args_.inputs, hidden = args_.hidden, columns = Cell::GATES * hidden;
        panels_.for_each_slot(p, Cell::X_GATES, [&](Index slot, Index column, Index lanes) {
            add_up_slot(p * inputs * SIDE + slot, SIDE, inputs, args_.dW_x + column, columns, lanes);
            add_up_slot((n_x_ + n_h_) / V + p * SLOTS + slot, SLOTS, 1, args_.db + column, 0, lanes);
        });
        panels_.for_each_slot(p, Cell::H_GATES, [&](Index slot, Index column, Index lanes) {
            add_up_slot(n_x_ / V + p * hidden * SIDE + slot, SIDE, hidden, args_.dW_h + column,
                        columns, lanes);
        });
        for (Index slot = SIDE; slot < SLOTS; slot++)
            add_up_slot((n_x_ + n_h_) / V + p * SLOTS + slot, SLOTS, 1,
                        args_.db_hn + panels_.first_unit(p, 0), 0, panels_.lanes(p, 0));
    }

    // to (depth, lanes) = sum over slices of every `stride`-th vector from `vector` on
    void add_up_slot(Index vector, Index stride, Index depth, T* to, Index to_row,
                     Index lanes) const {
        const Index n_sums = n_x_ + n_h_ + n_b_;
        for (Index k = 0; k < depth; k++, to += to_row) {
            const T* from = sums_ + (vector + k * stride) * V;
            Vector<T> sum = load(from);
            for (Index slice = 1; slice < cut_.slices; slice++)
                sum = sum + load(from + slice * n_sums);
            store_lanes<T>(to, sum, lanes);
        }
    }

    const Backward<T>& args_;
    Panels<Cell> panels_;
    Cut cut_;
    Index n_x_, n_h_, n_b_, width_, gather_steps_;
    const T *W_h_ = nullptr, *W_x_ = nullptr;
    T* sums_ = nullptr;
};

}  // namespace
}  // namespace skrnn
