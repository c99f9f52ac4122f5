// One layer of a diagonal recurrence over whole sequences, from the gradients of its states to those
// of its inputs and weights.
#pragma once

#include <cstring>

#include "diagonal_units.hpp"
#include "tasks.hpp"

namespace skrnn {
namespace {

template <class Cell>
class DiagonalBackward {
    using T = typename Cell::Type;
    static constexpr Index V = LANES<T>, MOST = TILE_ROWS<2>;
    // Gradients of at least so many steps, of one or more rows, are gathered before they enter the
    // weight gradients; a row adds at most CHUNK steps.
    static constexpr Index GATHERED = 64, CHUNK = 32, ROOM = GATHERED + CHUNK;

public:
    explicit DiagonalBackward(const BackwardArguments<T>& args)
        : args_(args), panels_(args.hidden), blocks_(args.rows) {
        n_x_ = panels_.count * args.inputs * 2 * V;
        n_sums_ = n_x_ + panels_.count * SUMS * V;
    }

    void run() {
        const Index n_W = args_.dx ? panels_.count * 2 * V * padded<T>(args_.inputs) : 0;
        Pieces pieces(scratch(Scratch::SHARED, Pieces::bytes<T>(n_W) +
                                               Pieces::bytes<T>(blocks_.slices * n_sums_)));
        T* W_x = pieces.take<T>(n_W);
        sums_ = pieces.take<T>(blocks_.slices * n_sums_);
        if (args_.dx) pack_transposed(panels_, Pairs<T>::X_GATES, args_.W_x, args_.inputs, W_x);
        W_x_ = W_x;
        for_each_task(blocks_.slices, args_.team, [&](Index slice) { run_slice(slice); });
        for_each_task(panels_.count, args_.team, [&](Index panel) { add_up(panel); });
        release_scratch(Scratch::SHARED);
    }

private:
    // What is summed for a panel beside the gradient of W_x: db (two vectors), dlambda, dgamma.
    static constexpr Index SUMS = 5;

    // Steps whose gradients are gathered: da is [panel][step][2 vectors]. Rows of dx lie where
    // `at` says, in units of a row.
    struct Gathered {
        T *da, *x, *dx;
        Index count, at[ROOM];
    };

    void run_slice(Index slice) const {
        T* sums = sums_ + slice * n_sums_;
        std::memset(sums, 0, static_cast<std::size_t>(n_sums_) * sizeof(T));
        blocks_.for_each_block(slice, [&](Index first, Index rows) { run_block(first, rows, sums); });
        release_scratch(Scratch::TASK);
    }

    void run_block(Index first, Index rows, T* sums) const {
        const Index row_width = panels_.count * 2 * V, n_dc = rows * row_width;
        const Index n_da = ROOM * row_width, n_x = ROOM * spread<T>(args_.inputs);
        const Index n_dx = args_.dx ? ROOM * padded<T>(args_.inputs) : 0;
        Pieces pieces(scratch(Scratch::TASK, Pieces::bytes<T>(n_dc) + Pieces::bytes<T>(n_da) +
                                             Pieces::bytes<T>(n_x) + Pieces::bytes<T>(n_dx)));
        T* dc_next = pieces.take<T>(n_dc);
        Gathered gathered;
        gathered.da = pieces.take<T>(n_da);
        gathered.x = pieces.take<T>(n_x);
        gathered.dx = pieces.take<T>(n_dx);
        gathered.count = 0;
        for (Index row = 0; row < rows; row++) start(first + row, dc_next + row * row_width);
        for (Index stop = args_.steps; stop > 0; stop -= smaller(CHUNK, stop)) {
            const Index t = larger(0, stop - CHUNK);
            for (Index row = first; row < first + rows; row++) {
                const Index count = running_steps(args_.n_active, t, stop - t, row);
                if (args_.dx)
                    for (Index k = t + count; k < stop; k++) clear_dx(k, row);
                if (count == 0) continue;
                for (Index p = 0; p < panels_.count; p++)
                    step_back(t, count, row, p, gathered,
                              dc_next + (row - first) * row_width + p * 2 * V, sums);
                gather(t, count, row, gathered);
                if (gathered.count >= GATHERED) flush(gathered, sums);
            }
        }
        flush(gathered, sums);
        for (Index row = 0; row < rows; row++) finish(first + row, dc_next + row * row_width);
    }

    // The gradient from beyond the last step, zero for the rows that ended before it.
    void start(Index row, T* dc_next) const {
        const bool runs = args_.dh_last && args_.n_active[args_.steps - 1] > row;
        for (Index p = 0; p < panels_.count; p++) {
            Complex<T> dc{};
            if (runs) dc = Complex<T>::from(panels_, p, args_.dh_last + row * args_.hidden);
            dc.to(dc_next + p * 2 * V);
        }
    }

    void clear_dx(Index t, Index row) const {
        std::memset(args_.dx + (t * args_.rows + row) * args_.inputs, 0,
                    static_cast<std::size_t>(args_.inputs) * sizeof(T));
    }

    // From step t + count - 1 down to t of one row: da of one panel, its sums, and dc before t.
    void step_back(Index t, Index count, Index row, Index p, const Gathered& gathered, T* dc_next,
                   T* sums) const {
        Cell::with_activation(args_.activation, [&](auto activation) {
            using Function = decltype(activation);
            T* da = gathered.da + (p * ROOM + gathered.count) * 2 * V;
            T* sum = sums + n_x_ + p * SUMS * V;
            const Rates<T> rates(panels_, p, args_);
            Complex<T> dc_later = Complex<T>::from(dc_next), db = Complex<T>::from(sum);
            Complex<T> dlambda = Complex<T>::from(sum + 2 * V);
            Vector<T> dgamma = load(sum + 4 * V);
            for (Index k = count - 1; k >= 0; k--) {
                const Index i = (t + k) * args_.rows + row, at = i * args_.hidden;
                const Complex<T> dc = dh(t + k + 1, row, p) + dc_later;
                if (args_.dh_total)
                    dc.to(panels_, p, args_.dh_total + at + args_.rows * args_.hidden);
                const Complex<T> c = Complex<T>::from(panels_, p, args_.h + at);
                const Complex<T> u = Complex<T>::from(panels_, p, args_.gates + at);
                // c_t = lambda c_{t-1} + gamma u_t
                dlambda.re = fma(c.re, dc.re, fma(c.im, dc.im, dlambda.re));
                dlambda.im = fma(c.re, dc.im, fma(-c.im, dc.re, dlambda.im));
                dgamma = fma(dc.re, u.re, fma(dc.im, u.im, dgamma));
                const Complex<T> da_k = {rates.gamma.re * dc.re * Function::derivative(u.re),
                                         rates.gamma.im * dc.im * Function::derivative(u.im)};
                da_k.to(da + k * 2 * V);
                db = db + da_k;
                dc_later = rates.step_back(dc);
                if (args_.cut && args_.cut[i]) dc_later = Complex<T>{};
            }
            dc_later.to(dc_next);
            db.to(sum);
            dlambda.to(sum + 2 * V);
            store(sum + 4 * V, dgamma);
        });
    }

    SKRNN_INLINE Complex<T> dh(Index t, Index row, Index p) const {
        return Complex<T>::from(panels_, p,
                                args_.dh.data + t * args_.dh.step + row * args_.dh.row);
    }

    // The inputs of these steps, one after the other.
    void gather(Index t, Index count, Index row, Gathered& gathered) const {
        const Index inputs = args_.inputs, x_row = spread<T>(inputs);
        for (Index k = 0; k < count; k++, gathered.count++) {
            const T* from = args_.x.data + (t + k) * args_.x.step + row * args_.x.row;
            T* to = gathered.x + gathered.count * x_row;
            for (Index i = 0; i < inputs; i += V)
                store(to + i, load_lanes<T>(from + i, smaller(V, inputs - i)));
            gathered.at[gathered.count] = (t + k) * args_.rows + row;
        }
    }

    // sums += x' da and dx = da W_x' of the gathered steps.
    void flush(Gathered& gathered, T* sums) const {
        const Index inputs = args_.inputs, x_row = spread<T>(inputs);
        for (Index p = 0; p < panels_.count; p++)
            for_each_tile(inputs, MOST, [&](Index i, Index count) {
                T* sum = sums + (p * inputs + i) * 2 * V;
                with_constant<MOST>(count, [&](auto m) {
                    Tile<T, decltype(m)::value, 2> tile;
                    tile.load_rows(sum, 2 * V);
                    tile.add_product(gathered.x + i, 1, x_row, gathered.count,
                                     gathered.da + p * ROOM * 2 * V, 2 * V);
                    tile.store_rows(sum, 2 * V);
                });
            });
        if (args_.dx) store_input_gradients(gathered);
        gathered.count = 0;
    }

    void store_input_gradients(const Gathered& gathered) const {
        const Index inputs = args_.inputs, dx_row = padded<T>(inputs);
        const Index depth = panels_.count * 2 * V;
        for (Index first = 0; first < inputs; first += OUTPUT_VECTORS * V)
            for_each_tile(gathered.count, MOST, [&](Index k, Index count) {
                with_constant<MOST>(count, [&](auto m) {
                    constexpr Index M = decltype(m)::value;
                    const T *da = gathered.da + k * 2 * V, *W = W_x_ + first * depth;
                    T* to = gathered.dx + k * dx_row + first;
                    if (inputs - first > V)
                        transposed_tile<M, OUTPUT_VECTORS>(da, W, to, dx_row);
                    else
                        transposed_tile<M, 1>(da, W, to, dx_row);
                });
            });
        for (Index k = 0; k < gathered.count; k++)
            std::memcpy(args_.dx + gathered.at[k] * inputs, gathered.dx + k * dx_row,
                        static_cast<std::size_t>(inputs) * sizeof(T));
    }

    template <Index M, Index N>
    void transposed_tile(const T* da, const T* W, T* to, Index to_row) const {
        Tile<T, M, N> tile;
        tile.clear();
        for (Index p = 0; p < panels_.count; p++, da += ROOM * 2 * V, W += 2 * V * N * V)
            tile.add_product(da, 2 * V, 1, 2 * V, W, N * V);
        tile.store_rows(to, to_row);
    }

    void finish(Index row, const T* dc_next) const {
        for (Index p = 0; p < panels_.count; p++) {
            const Complex<T> dc = dh(0, row, p) + Complex<T>::from(dc_next + p * 2 * V);
            dc.to(panels_, p, args_.dh0 + row * args_.hidden);
            if (args_.dh_total) dc.to(panels_, p, args_.dh_total + row * args_.hidden);
        }
    }

    // Weight gradients of one panel: the sums of the slices, in their order.
    void add_up(Index p) const {
        const Index inputs = args_.inputs, others = n_x_ + p * SUMS * V;
        for (Index part = 0; part < 2; part++) {
            const Index column = panels_.column(p, part), lanes = panels_.lanes(p, part);
            for (Index i = 0; i < inputs; i++)
                add_up_vector(((p * inputs + i) * 2 + part) * V,
                              args_.dW_x + i * args_.hidden + column, lanes);
            add_up_vector(others + part * V, args_.db + column, lanes);
        }
        const Index unit = panels_.column(p, 0), lanes = panels_.lanes(p, 0);
        add_up_vector(others + 2 * V, args_.dlambda_re + unit, lanes);
        add_up_vector(others + 3 * V, args_.dlambda_im + unit, lanes);
        add_up_vector(others + 4 * V, args_.dgamma + unit, lanes);
    }

    void add_up_vector(Index at, T* to, Index lanes) const {
        Vector<T> sum = load(sums_ + at);
        for (Index slice = 1; slice < blocks_.slices; slice++)
            sum = sum + load(sums_ + slice * n_sums_ + at);
        store_lanes<T>(to, sum, lanes);
    }

    const BackwardArguments<T>& args_;
    Panels<Pairs<T>> panels_;
    RowBlocks blocks_;
    Index n_x_, n_sums_;
    const T* W_x_ = nullptr;
    T* sums_ = nullptr;
};

}  // namespace
}  // namespace skrnn
