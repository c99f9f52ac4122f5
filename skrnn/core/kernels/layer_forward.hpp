// One recurrent layer over whole sequences, from the inputs to the states, for any cell.
//
// A block of rows goes through all time steps on one thread, so no step waits for another thread.
#pragma once

#include <cstring>

#include "panels.hpp"
#include "tasks.hpp"

namespace skrnn {
namespace {

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
class LayerForward {
    using T = typename Cell::Type;
    static constexpr Index V = LANES<T>, SLOTS = Cell::SLOTS, SIDE = Cell::SIDE,
                           OWN = SLOTS - SIDE, MOST = TILE_ROWS<SIDE>;

public:
    explicit LayerForward(const ForwardArguments<T>& args)
        : args_(args),
          panels_(args.hidden),
          prefetches_(prefetches(args)) {}

    std::size_t packed_bytes() const {
        return Pieces::bytes<T>(x_size()) + Pieces::bytes<T>(h_size()) +
               Pieces::bytes<T>(panels_.count * SLOTS * V);
    }

    void pack_into(void* block) {
        place(block);
        pack(panels_, Cell::X_GATES, args_.W_x, args_.inputs, W_x_);
        pack(panels_, Cell::H_GATES, args_.W_h, args_.hidden, W_h_);
        pack_bias();
    }

    void run() {
        if (args_.packed)
            place(const_cast<void*>(args_.packed));
        else
            pack_into(scratch(Scratch::SHARED, packed_bytes()));
        const RowBlocks blocks(args_.rows);
        for_each_task(blocks.slices, args_.team, [&](Index slice) {
            blocks.for_each_block(slice, [&](Index first, Index rows) { run_block(first, rows); });
            release_scratch(Scratch::TASK);
        });
        if (!args_.packed) release_scratch(Scratch::SHARED);
    }

private:
    // A cache of many steps lies in memory, which takes longer to open a line for writing than the
    // tile before it takes to compute: its lines are asked for a step ahead, if those of a step
    // find room beside the weights.
    static bool prefetches(const ForwardArguments<T>& args) {
        constexpr double SECOND_LEVEL = 1.25 * (1 << 20);
        const double hidden = static_cast<double>(args.hidden), gates = Cell::GATES;
        const double weights = (static_cast<double>(args.inputs) + hidden) * gates * hidden;
        const double row = (gates + 2) * hidden;
        const double step = row * static_cast<double>(RowBlocks(args.rows).block_rows);
        const double all = row * static_cast<double>(args.rows) * static_cast<double>(args.steps);
        return args.gates && sizeof(T) * all > 4 * SECOND_LEVEL &&
               sizeof(T) * (weights + step) < SECOND_LEVEL;
    }

    Index x_size() const { return panels_.count * args_.inputs * SIDE * V; }
    Index h_size() const { return panels_.count * args_.hidden * SIDE * V; }

    void place(void* block) {
        Pieces pieces(block);
        W_x_ = pieces.take<T>(x_size());
        W_h_ = pieces.take<T>(h_size());
        b_ = pieces.take<T>(panels_.count * SLOTS * V);
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
            T* const kept = args_.c ? args_.c : args_.c_last;
            c = kept ? kept + first * hidden
                     : static_cast<T*>(scratch(Scratch::TASK, block_bytes));
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
        if (!from)
            std::memset(to, 0, bytes);
        else if (from + first * args_.hidden != to)
            std::memcpy(to, from + first * args_.hidden, bytes);
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

    const ForwardArguments<T>& args_;
    Panels<Cell> panels_;
    bool prefetches_;
    T *W_x_ = nullptr, *W_h_ = nullptr, *b_ = nullptr;
};

}  // namespace
}  // namespace skrnn
