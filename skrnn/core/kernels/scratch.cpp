#include <cstdlib>
#include <new>

#include "interface.hpp"

namespace skrnn {
namespace {

constexpr std::size_t ALIGNMENT = 64;
// What a thread keeps of each block between calls: enough for small layers, whose calls are short.
constexpr std::size_t KEPT_BYTES = std::size_t{8} << 20;

struct Block {
    void* data = nullptr;
    std::size_t bytes = 0;

    ~Block() { std::free(data); }
    void resize(std::size_t wanted) {
        std::free(data);
        data = nullptr;
        bytes = 0;
        if (wanted == 0) return;
        const std::size_t rounded = (wanted + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        data = std::aligned_alloc(ALIGNMENT, rounded);
        if (!data) throw std::bad_alloc();
        bytes = rounded;
    }
};

thread_local Block blocks[N_SCRATCH];

}  // namespace

void* scratch(Scratch purpose, std::size_t bytes) {
    Block& block = blocks[static_cast<std::size_t>(purpose)];
    if (block.bytes < bytes) block.resize(bytes);
    return block.data;
}

void release_scratch(Scratch purpose) {
    Block& block = blocks[static_cast<std::size_t>(purpose)];
    if (block.bytes > KEPT_BYTES) block.resize(0);
}

}  // namespace skrnn
