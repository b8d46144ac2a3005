// Runs a dispatch of a kernel on the CPU, with the threadgroups, simdgroups and barriers of a GPU.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace executor {

constexpr int BINDINGS = 31;
constexpr unsigned LANES = 32;
constexpr unsigned MAX_THREADS = 1024;
constexpr size_t MAX_THREADGROUP_BYTES = 32768;

// Which of the threads that could run runs next.
enum class Schedule { fifo, lifo, random };

struct Options {
    Schedule schedule = Schedule::fifo;
    uint64_t seed = 1;
    // Every access is checked; needs a kernel that was compiled for it.
    bool check = false;
};

struct Memory {
    char* start = nullptr;
    size_t bytes = 0;
};

struct Dispatch {
    void (*entry)() = nullptr;
    std::array<Memory, BINDINGS> buffers;
    std::array<size_t, BINDINGS> threadgroupBytes{};
    unsigned threadgroups[3] = {1, 1, 1};
    unsigned threads[3] = {1, 1, 1};
    // Where the kernel's own tables are, which it may read.
    std::vector<Memory> image;
};

// What a checked dispatch did.
struct Counts {
    uint64_t deviceBytesRead = 0;
    uint64_t deviceBytesWritten = 0;
    uint64_t threadgroupBytesRead = 0;
    uint64_t threadgroupBytesWritten = 0;
    uint64_t barriers = 0;
    uint64_t simdgroupOperations = 0;
};

// The first failure, or an empty text.
std::string run(const Dispatch& dispatch, const Options& options, Counts& counts);

struct FunctionConstant {
    int index;
    uint64_t bits;
};

// The constants that kernels loaded by this thread see; null for none.
void useFunctionConstants(const std::vector<FunctionConstant>* constants);

}
