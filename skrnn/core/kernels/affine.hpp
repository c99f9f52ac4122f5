// Affine maps of rows, their weight gradients, and sums over time: what surrounds the recurrent
// layers of a network. The order of every sum follows from the shapes alone, so that a row does not
// depend on the rows beside it, nor any number on the threads.
#pragma once

#include <cmath>

#include "panels.hpp"
#include "tasks.hpp"

namespace skrnn {
namespace {

// Vectors of outputs that a tile holds, and rows beside them: fewer than would find room, since
// every number of rows is compiled.
constexpr Index AFFINE_VECTORS = 2, AFFINE_ROWS = smaller(TILE_ROWS<AFFINE_VECTORS>, 8);

// The rows of a (steps, rows, width) array one after the other, in as few runs of one stride as
// there are.
template <class T>
struct Rows {
    TimeMajor<const T> at;
    Index steps, rows;

    Rows(TimeMajor<const T> array, Index n_steps, Index n_rows)
        : at(array), steps(n_steps), rows(n_rows) {
        if (rows == 1) {
            at.row = at.step;
        } else if (steps > 1 && at.step != rows * at.row) {
            return;
        }
        rows *= steps;
        steps = 1;
    }

    // Calls visit(pointer to the first row, its index, count) for the runs in [first, stop).
    template <class Visit>
    void for_each_run(Index first, Index stop, Visit visit) const {
        while (first < stop) {
            const Index step = first / rows, row = first % rows;
            const Index count = smaller(rows - row, stop - first);
            visit(at.data + step * at.step + row * at.row, first, count);
            first += count;
        }
    }
};

// out = x W + b
template <class T>
class Affine {
    static constexpr Index V = LANES<T>, N = AFFINE_VECTORS, WIDTH = N * V, TASK_ROWS = 96;

public:
    explicit Affine(const AffineArguments<T>& args)
        : args_(args), x_(args.x, args.steps, args.rows), panels_(ceil_div(args.width, WIDTH)) {}

    std::size_t packed_bytes() const {
        return Pieces::bytes<T>(W_size()) + Pieces::bytes<T>(panels_ * WIDTH);
    }

    void pack_into(void* block) {
        place(block);
        pack();
    }

    void run() {
        if (args_.packed)
            place(const_cast<void*>(args_.packed));
        else
            pack_into(scratch(Scratch::SHARED, packed_bytes()));
        const Index rows = args_.steps * args_.rows;
        for_each_task(ceil_div(rows, TASK_ROWS), args_.team, [&](Index task) {
            const Index first = task * TASK_ROWS, stop = smaller(rows, first + TASK_ROWS);
            for (Index panel = 0; panel < panels_; panel++)
                x_.for_each_run(first, stop, [&](const T* x, Index row, Index count) {
                    run_rows(panel, x, row, count);
                });
        });
        if (!args_.packed) release_scratch(Scratch::SHARED);
    }

private:
    Index W_size() const { return panels_ * args_.depth * WIDTH; }

    void place(void* block) {
        Pieces pieces(block);
        W_ = pieces.take<T>(W_size());
        b_ = pieces.take<T>(panels_ * WIDTH);
    }

    // W -> [panel][depth][N vectors], zero beyond the width.
    void pack() {
        const Index depth = args_.depth, width = args_.width;
        for (Index panel = 0; panel < panels_; panel++)
            for (Index n = 0; n < N; n++) {
                const Index column = panel * WIDTH + n * V;
                const Index lanes = larger(0, smaller(V, width - column));
                T* to = W_ + panel * depth * WIDTH + n * V;
                for (Index k = 0; k < depth; k++, to += WIDTH)
                    if (args_.transposed)
                        for (Index i = 0; i < V; i++)
                            to[i] = i < lanes ? args_.W[(column + i) * depth + k] : T(0);
                    else
                        store(to, load_lanes<T>(args_.W + k * width + column, lanes));
                store(b_ + column, load_lanes<T>(args_.b + column, args_.b ? lanes : 0));
            }
    }

    void run_rows(Index panel, const T* x, Index first, Index rows) const {
        const Index column = panel * WIDTH, left = args_.width - column;
        for_each_tile(rows, AFFINE_ROWS, [&](Index row, Index count) {
            const T* from = x + row * x_.at.row;
            T* to = args_.out + (first + row) * args_.width + column;
            with_constant<AFFINE_ROWS>(count, [&](auto m) {
                if (left > V)
                    run_tile<decltype(m)::value, N>(panel, from, to, left);
                else
                    run_tile<decltype(m)::value, 1>(panel, from, to, left);
            });
        });
    }

    template <Index M, Index VECTORS>
    void run_tile(Index panel, const T* x, T* to, Index left) const {
        Tile<T, M, VECTORS> tile;
        tile.load_rows(b_ + panel * WIDTH, 0);
        tile.add_product(x, x_.at.row, 1, args_.depth, W_ + panel * args_.depth * WIDTH, WIDTH);
        for (Index m = 0; m < M; m++, to += args_.width)
            for (Index n = 0; n < VECTORS; n++)
                store_lanes<T>(to + n * V, tile.acc[m][n], smaller(V, left - n * V));
    }

    const AffineArguments<T>& args_;
    Rows<T> x_;
    Index panels_;
    T *W_ = nullptr, *b_ = nullptr;
};

template <class T>
void affine(const AffineArguments<T>& args) {
    Affine<T>(args).run();
}

template <class T>
std::size_t packed_bytes(const AffineArguments<T>& args) {
    return Affine<T>(args).packed_bytes();
}

template <class T>
void pack(const AffineArguments<T>& args, void* to) {
    Affine<T>(args).pack_into(to);
}

// dW = x' d and db = 1' d, summed over all rows
template <class T>
class AffineGradients {
    // Sums of so many rows are added to those before: float32 keeps their precision over hundreds
    // of thousands of rows.
    static constexpr Index CHUNK = 128, SLAB = 6 * AFFINE_ROWS;
    static constexpr Index V = LANES<T>, N = AFFINE_VECTORS, WIDTH = N * V;

public:
    explicit AffineGradients(const AffineGradientsArguments<T>& args)
        : args_(args),
          x_(args.x, args.steps, args.rows),
          d_(args.d, args.steps, args.rows) {}

    void run() {
        const Index slabs = ceil_div(args_.depth, SLAB);
        const Index tasks = slabs * ceil_div(args_.width, WIDTH);
        for_each_task(tasks, args_.team, [&](Index task) {
            run_slab(task % slabs * SLAB, task / slabs * WIDTH);
            release_scratch(Scratch::TASK);
        });
    }

private:
    // One slab of rows of dW and one panel of its columns.
    void run_slab(Index first, Index column) const {
        const Index depth = smaller(SLAB, args_.depth - first), x_row = spread<T>(depth);
        const Index lanes = smaller(WIDTH, args_.width - column), rows = args_.steps * args_.rows;
        Pieces pieces(scratch(Scratch::TASK,
                              Pieces::bytes<T>(CHUNK * x_row) + Pieces::bytes<T>(CHUNK * WIDTH) +
                                  Pieces::bytes<T>((SLAB + 1) * WIDTH)));
        T* x = pieces.take<T>(CHUNK * x_row);
        T* d = pieces.take<T>(CHUNK * WIDTH);
        T* sums = pieces.take<T>((SLAB + 1) * WIDTH);
        for (Index i = 0; i < (SLAB + 1) * WIDTH; i += V) store(sums + i, Vector<T>{});
        for (Index row = 0; row < rows; row += CHUNK) {
            const Index count = smaller(CHUNK, rows - row);
            gather(x_, first, depth, row, count, x, x_row);
            gather(d_, column, lanes, row, count, d, WIDTH);
            for_each_tile(depth, AFFINE_ROWS, [&](Index k, Index m) {
                with_constant<AFFINE_ROWS>(m, [&](auto tile_rows) {
                    add_tile<decltype(tile_rows)::value>(x + k, x_row, d, count, lanes,
                                                         sums + k * WIDTH);
                });
            });
            if (first == 0) add_rows(d, count, lanes, sums + SLAB * WIDTH);
        }
        for (Index n = 0; n < lanes; n += V) {
            const Index some = smaller(V, lanes - n);
            for (Index k = 0; k < depth; k++)
                store_lanes<T>(args_.dW + (first + k) * args_.width + column + n,
                               load(sums + k * WIDTH + n), some);
            if (first == 0 && args_.db)
                store_lanes<T>(args_.db + column + n, load(sums + SLAB * WIDTH + n), some);
        }
    }

    // Columns [first, first + width) of some rows, padded with zeros to whole vectors.
    static void gather(const Rows<T>& rows, Index first, Index width, Index row, Index count, T* to,
                       Index to_row) {
        rows.for_each_run(row, row + count, [&](const T* from, Index, Index n) {
            for (Index i = 0; i < n; i++, from += rows.at.row, to += to_row)
                for (Index k = 0; k < width; k += V)
                    store(to + k, load_lanes<T>(from + first + k, smaller(V, width - k)));
        });
    }

    template <Index M>
    static void add_tile(const T* x, Index x_row, const T* d, Index rows, Index lanes, T* sums) {
        if (lanes > V)
            add_product<M, N>(x, x_row, d, rows, sums);
        else
            add_product<M, 1>(x, x_row, d, rows, sums);
    }

    template <Index M, Index VECTORS>
    static void add_product(const T* x, Index x_row, const T* d, Index rows, T* sums) {
        Tile<T, M, VECTORS> tile;
        tile.clear();
        tile.add_product(x, 1, x_row, rows, d, WIDTH);
        for (Index m = 0; m < M; m++)
            for (Index n = 0; n < VECTORS; n++) {
                T* sum = sums + m * WIDTH + n * V;
                store(sum, load(sum) + tile.acc[m][n]);
            }
    }

    static void add_rows(const T* d, Index rows, Index lanes, T* sums) {
        for (Index n = 0; n < lanes; n += V) {
            Vector<T> sum{};
            for (Index row = 0; row < rows; row++) sum = sum + load(d + row * WIDTH + n);
            store(sums + n, load(sums + n) + sum);
        }
    }

    const AffineGradientsArguments<T>& args_;
    Rows<T> x_, d_;
};

template <class T>
void affine_gradients(const AffineGradientsArguments<T>& args) {
    AffineGradients<T>(args).run();
}

// total += sum over the steps that run of x, in double precision, one step after the other
template <class T>
void add_over_time(const AddOverTimeArguments<T>& args) {
    constexpr Index TASK_ROWS = 16;
    for_each_task(ceil_div(args.rows, TASK_ROWS), args.team, [&](Index task) {
        const Index first = task * TASK_ROWS, rows = smaller(TASK_ROWS, args.rows - first);
        for (Index t = 0; t < args.steps; t++) {
            const Index active = active_rows(args.n_active, t, first, rows);
            for (Index row = first; row < first + active; row++) {
                const T* x = args.x.data + t * args.x.step + row * args.x.row;
                double* total = args.total + row * args.width;
                for (Index i = 0; i < args.width; i++) total[i] += static_cast<double>(x[i]);
            }
        }
    });
}

// Makes the rows of a orthonormal, each from itself and the rows before it, with positive factors:
// the modified Gram-Schmidt process, twice, which leaves them orthogonal to rounding.
inline void orthonormalize(double* a, Index rows, Index width) {
    constexpr Index V = LANES<double>;
    const auto dot = [&](const double* u, const double* v) {
        Vector<double> sum{};
        for (Index i = 0; i < width; i += V) {
            const Index lanes = smaller(V, width - i);
            sum = fma(load_lanes<double>(u + i, lanes), load_lanes<double>(v + i, lanes), sum);
        }
        double total = 0;
        for (Index i = 0; i < V; i++) total += sum[i];
        return total;
    };
    // v = v * own + u * other
    const auto combine = [&](double* v, double own, const double* u, double other) {
        for (Index i = 0; i < width; i += V) {
            const Index lanes = smaller(V, width - i);
            const Vector<double> vi = load_lanes<double>(v + i, lanes) * broadcast(own);
            store_lanes<double>(v + i, fma(load_lanes<double>(u + i, lanes), broadcast(other), vi),
                                lanes);
        }
    };
    for (Index row = 0; row < rows; row++) {
        double* v = a + row * width;
        for (int pass = 0; pass < 2; pass++)
            for (Index before = 0; before < row; before++) {
                const double* u = a + before * width;
                combine(v, 1.0, u, -dot(u, v));
            }
        combine(v, 1.0 / std::sqrt(dot(v, v)), v, 0.0);
    }
}

}  // namespace
}  // namespace skrnn
