// The threads of one threadgroup as fibers of one thread of the operating system, and where they meet.
#pragma once

#include "executor.h"
#include "kernel_interface.h"
#include "memory_checker.h"

namespace executor {

enum class State { ready, inExchange, atBarrier, returned };

// `progress` counts the barriers that the thread has passed.
struct Fiber {
    msl_thread thread;
    void* stackPointer;
    State state;
    int site;
    unsigned exchanges;
    Progress progress;
};

// Values are kept twice: a lane may be at its next exchange while another still reads this one's.
struct Simdgroup {
    unsigned arrived;
    unsigned live;
    uint32_t lanes;
    int operation;
    int site;
    uint32_t active[2];
    alignas(16) char values[2][LANES][16];
};

class Threadgroup {
public:
    Threadgroup() = default;
    Threadgroup(const Threadgroup&) = delete;
    ~Threadgroup();

    void begin(const Dispatch& dispatch, const Options& options);

    // The first failure, or an empty text.
    std::string run(unsigned x, unsigned y, unsigned z);

    void end(Counts& counts);

    // The threadgroup that this thread of the operating system is running.
    static Threadgroup* current();

    const msl_thread& currentThread() const { return running->thread; }
    bool isRunning() const { return running != nullptr; }
    void* buffer(int index);
    void* threadgroupMemory(int index);
    void* variable(const void* key, size_t bytes);
    void barrier(int site, int memory);
    void simdgroupBarrier(int site, int memory);
    const char* exchange(const void* value, unsigned bytes, uint32_t* active, int operation, int site);
    void checkAccess(void* address, size_t bytes, size_t alignment, bool write, void* returnAddress);
    [[noreturn]] void fail(const std::string& what);
    void start();

private:
    struct Variable {
        const void* key;
        void* memory;
    };

    void prepareFiber(unsigned index, const unsigned (&at)[3]);
    void* allocate(size_t bytes, int binding);
    void freeThreadgroupMemory();
    void arrive(int operation, int site);
    void release(Simdgroup& group, unsigned index);
    unsigned takeReady();
    void runNext();
    bool isOwnMemory(const char* address, size_t bytes) const;
    std::string whereThreadsAre() const;

    const Dispatch* dispatch = nullptr;
    Options options;
    uint64_t random = 0;
    unsigned threads = 0;
    unsigned live = 0;
    unsigned atBarrier = 0;
    int barrierSite = 0;
    std::vector<Fiber> fibers;
    std::vector<Simdgroup> simdgroups;
    std::vector<unsigned> ready;
    size_t firstReady = 0;
    char* stacks = nullptr;
    unsigned stackCount = 0;
    void* mainStackPointer = nullptr;
    Fiber* running = nullptr;
    std::array<void*, BINDINGS> bound{};
    std::vector<Variable> variables;
    std::vector<char*> allocations;
    MemoryChecker checker;
    Counts counts;
    std::string failure;
};

}
