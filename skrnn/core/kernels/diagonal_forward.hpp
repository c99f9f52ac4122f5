// One layer of a diagonal recurrence over whole sequences, from the inputs to the states.
//
// No product waits for a state. So the products of several steps of one sequence are one tile, and
// the steps that its states then take are few instructions.
#pragma once

#include <cstring>

#include "diagonal_units.hpp"
#include "tasks.hpp"

namespace skrnn {
namespace {

template <class Cell>
class DiagonalForward {
    using T = typename Cell::Type;
    static constexpr Index V = LANES<T>, MOST = TILE_ROWS<2>, CHUNK = 2 * MOST;

public:
    explicit DiagonalForward(const ForwardArguments<T>& args) : args_(args), panels_(args.hidden) {}

    std::size_t packed_bytes() const {
        return Pieces::bytes<T>(x_size()) + Pieces::bytes<T>(panels_.count * 2 * V);
    }

    void pack_into(void* block) {
        place(block);
        pack(panels_, Pairs<T>::X_GATES, args_.W_x, args_.inputs, W_x_);
        for (Index p = 0; p < panels_.count; p++)
            Complex<T>::from(panels_, p, args_.b).to(b_ + p * 2 * V);
    }

    void run() {
        if (args_.packed)
            place(const_cast<void*>(args_.packed));
        else
            pack_into(scratch(Scratch::SHARED, packed_bytes()));
        const RowBlocks blocks(args_.rows);
        for_each_task(blocks.slices, args_.team, [&](Index slice) {
            blocks.for_each_block(slice, [&](Index first, Index rows) { run_block(first, rows); });
        });
        if (!args_.packed) release_scratch(Scratch::SHARED);
    }

private:
    Index x_size() const { return panels_.count * args_.inputs * 2 * V; }

    void place(void* block) {
        Pieces pieces(block);
        W_x_ = pieces.take<T>(x_size());
        b_ = pieces.take<T>(panels_.count * 2 * V);
    }

    // A few steps of every row, then the next few: what a row reads and writes at one step lies
    // beside that of the row before it.
    void run_block(Index first, Index rows) const {
        const Index hidden = args_.hidden;
        const std::size_t bytes = static_cast<std::size_t>(rows * hidden) * sizeof(T);
        if (args_.h0)
            std::memcpy(args_.h + first * hidden, args_.h0 + first * hidden, bytes);
        else
            std::memset(args_.h + first * hidden, 0, bytes);
        for (Index t = 0; t < args_.steps; t += CHUNK) {
            const Index most = smaller(CHUNK, args_.steps - t);
            for (Index row = first; row < first + rows; row++) {
                const Index count = running_steps(args_.n_active, t, most, row);
                for_each_tile(count, MOST, [&](Index k, Index n) { run_steps(t + k, n, row); });
                for (Index k = count; k < most; k++) clear(t + k, row);
            }
        }
    }

    void clear(Index t, Index row) const {
        const Index at = (t * args_.rows + row) * args_.hidden;
        const std::size_t bytes = static_cast<std::size_t>(args_.hidden) * sizeof(T);
        std::memset(args_.h + at + args_.rows * args_.hidden, 0, bytes);
        if (args_.gates) std::memset(args_.gates + at, 0, bytes);
    }

    void run_steps(Index t, Index count, Index row) const {
        const T* x = args_.x.data + t * args_.x.step + row * args_.x.row;
        alignas(64) T u[MOST * 2 * V];
        for (Index p = 0; p < panels_.count; p++) {
            with_constant<MOST>(count, [&](auto m) {
                Tile<T, decltype(m)::value, 2> tile;
                tile.load_rows(b_ + p * 2 * V, 0);
                tile.add_product(x, args_.x.step, 1, args_.inputs,
                                 W_x_ + p * args_.inputs * 2 * V, 2 * V);
                tile.store_rows(u, 2 * V);
            });
            Cell::with_activation(args_.activation, [&](auto activation) {
                using Function = decltype(activation);
                for (Index i = 0; i < count * 2; i++)
                    store(u + i * V, Function::function(load(u + i * V)));
            });
            take_steps(t, count, row, p, u);
        }
    }

    void take_steps(Index t, Index count, Index row, Index p, const T* u) const {
        const Index step = args_.rows * args_.hidden, at = t * step + row * args_.hidden;
        const Rates<T> rates(panels_, p, args_);
        T* h = args_.h + at;
        T* gates = args_.gates ? args_.gates + at : nullptr;
        Complex<T> c = Complex<T>::from(panels_, p, h);
        for (Index k = 0; k < count; k++, u += 2 * V) {
            const Complex<T> u_k = Complex<T>::from(u);
            c = rates.step(c, u_k);
            h += step;
            c.to(panels_, p, h);
            if (gates) {
                u_k.to(panels_, p, gates);
                gates += step;
            }
        }
    }

    const ForwardArguments<T>& args_;
    Panels<Pairs<T>> panels_;
    T *W_x_ = nullptr, *b_ = nullptr;
};

}  // namespace
}  // namespace skrnn
