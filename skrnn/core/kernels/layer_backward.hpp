// One recurrent layer over whole sequences, from the gradients of its states to those of its inputs
// and weights, for any cell. Blocks of rows are dealt to threads as in layer_forward.hpp.
#pragma once

#include <cstring>
#include <type_traits>

#include "panels.hpp"
#include "tasks.hpp"

namespace skrnn {
namespace {

// One vector of units of one row: what the gradient of its pre-activations is made of.
template <class T, class Lanes>
struct BackwardUnits {
    Index hidden;
    Lanes lanes;
    const T *dh, *h_prev, *h, *c_prev, *gates, *c_out, *s;
    T *dh_next, *dc_next;  // padded: whole vectors
};

template <class Cell>
class LayerBackward {
    using T = typename Cell::Type;
    static constexpr Index V = LANES<T>, SLOTS = Cell::SLOTS, SIDE = Cell::SIDE,
                           OWN = SLOTS - SIDE, MOST = TILE_ROWS<SIDE>,
                           MOST_OUTPUT_ROWS = TILE_ROWS<OUTPUT_VECTORS>;
    // Gradients of this many rows at least, of one or more steps, are gathered before they enter
    // the weight gradients.
    static constexpr Index GATHERED_ROWS = 64, MOST_STEPS = 64;

public:
    explicit LayerBackward(const BackwardArguments<T>& args)
        : args_(args), panels_(args.hidden), blocks_(args.rows) {
        n_x_ = panels_.count * args.inputs * SIDE * V;
        n_h_ = panels_.count * args.hidden * SIDE * V;
        n_b_ = panels_.count * SLOTS * V;
        width_ = padded<T>(args.hidden);
        gather_steps_ = smaller(MOST_STEPS, ceil_div(GATHERED_ROWS, blocks_.block_rows));
    }

    void run() {
        const Index depth = panels_.count * SIDE * V;
        const Index n_W_h = depth * width_, n_W_x = args_.dx ? depth * padded<T>(args_.inputs) : 0;
        const Index n_sums = n_x_ + n_h_ + n_b_;
        Pieces pieces(scratch(Scratch::SHARED, Pieces::bytes<T>(n_W_h) + Pieces::bytes<T>(n_W_x) +
                                               Pieces::bytes<T>(blocks_.slices * n_sums)));
        T* W_h = pieces.take<T>(n_W_h);
        T* W_x = pieces.take<T>(n_W_x);
        sums_ = pieces.take<T>(blocks_.slices * n_sums);
        pack_transposed(panels_, Cell::H_GATES, args_.W_h, args_.hidden, W_h);
        if (args_.dx) pack_transposed(panels_, Cell::X_GATES, args_.W_x, args_.inputs, W_x);
        W_h_ = W_h, W_x_ = W_x;
        for_each_task(blocks_.slices, args_.team, [&](Index slice) { run_slice(slice); });
        for_each_task(panels_.count, args_.team, [&](Index panel) { add_up(panel); });
        release_scratch(Scratch::SHARED);
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
        blocks_.for_each_block(slice, [&](Index first, Index rows) { run_block(first, rows, sums); });
        if (!sums.begun) std::memset(sums.data, 0, static_cast<std::size_t>(n_sums) * sizeof(T));
        release_scratch(Scratch::TASK);
    }

    void run_block(Index first, Index rows, Sums& sums) const {
        const Index n_da = panels_.count * gather_steps_ * rows * SLOTS * V, n_next = rows * width_;
        const Index n_u = gather_steps_ * rows * (spread<T>(args_.inputs) + spread<T>(args_.hidden));
        const Index n_dx = args_.dx ? rows * padded<T>(args_.inputs) : 0;
        Pieces pieces(scratch(Scratch::TASK, Pieces::bytes<T>(n_da) + Pieces::bytes<T>(n_u) +
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
        const TimeMajor<const T> x = {args_.x.data + first * args_.x.row, args_.x.step, args_.x.row};
        const TimeMajor<const T> h = {args_.h + first * hidden, args_.rows * hidden, hidden};
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
    void gather_rows(TimeMajor<const T> u, Index width, const Gathered& gathered, T* to,
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
            for (Index slice = 1; slice < blocks_.slices; slice++)
                sum = sum + load(from + slice * n_sums);
            store_lanes<T>(to, sum, lanes);
        }
    }

    const BackwardArguments<T>& args_;
    Panels<Cell> panels_;
    RowBlocks blocks_;
    Index n_x_, n_h_, n_b_, width_, gather_steps_;
    const T *W_h_ = nullptr, *W_x_ = nullptr;
    T* sums_ = nullptr;
};

}  // namespace
}  // namespace skrnn
