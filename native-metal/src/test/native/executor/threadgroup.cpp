#include "threadgroup.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <new>

#include "source_location.h"

extern "C" void fiber_switch(void** save, void* load);
extern "C" void fiber_entry();

namespace executor {

namespace {

constexpr size_t STACK_BYTES = 128 << 10;
// Stacks start at different cache sets, or all of them would share a few.
constexpr size_t STACK_STAGGER_BYTES = 128;
constexpr unsigned STACK_STAGGERS = 64;
constexpr int SIMDGROUP_BARRIER = -1;

thread_local __attribute__((tls_model("initial-exec"))) Threadgroup* currentThreadgroup;

}

Threadgroup* Threadgroup::current() {
    return currentThreadgroup;
}

Threadgroup::~Threadgroup() {
    freeThreadgroupMemory();
    if (stacks != nullptr) {
        munmap(stacks, stackCount * STACK_BYTES);
    }
}

void Threadgroup::begin(const Dispatch& what, const Options& how) {
    dispatch = &what;
    options = how;
    random = how.seed;
    counts = {};
    failure.clear();
    threads = what.threads[0] * what.threads[1] * what.threads[2];
    fibers.resize(threads);
    simdgroups.resize((threads + LANES - 1) / LANES);
    if (stackCount < threads) {
        if (stacks != nullptr) {
            munmap(stacks, stackCount * STACK_BYTES);
        }
        void* memory = mmap(nullptr, threads * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            stacks = nullptr;
            stackCount = 0;
            throw std::bad_alloc();
        }
        stacks = static_cast<char*>(memory);
        stackCount = threads;
    }
    if (options.check) {
        checker.begin(what);
    }
}

void Threadgroup::end(Counts& total) {
    freeThreadgroupMemory();
    checker.end();
    total.deviceBytesRead += counts.deviceBytesRead;
    total.deviceBytesWritten += counts.deviceBytesWritten;
    total.threadgroupBytesRead += counts.threadgroupBytesRead;
    total.threadgroupBytesWritten += counts.threadgroupBytesWritten;
    total.barriers += counts.barriers;
    total.simdgroupOperations += counts.simdgroupOperations;
}

void Threadgroup::freeThreadgroupMemory() {
    for (char* allocation : allocations) {
        free(allocation);
    }
    allocations.clear();
    variables.clear();
    checker.endThreadgroup();
}

void* Threadgroup::allocate(size_t bytes, int binding) {
    size_t rounded = (bytes + 63) / 64 * 64;
    char* memory = static_cast<char*>(aligned_alloc(64, rounded));
    // Not a number in every float format, so that a read before the first write shows.
    memset(memory, 0xff, rounded);
    allocations.push_back(memory);
    if (options.check) {
        checker.addThreadgroupMemory(memory, bytes, binding);
    }
    return memory;
}

std::string Threadgroup::run(unsigned x, unsigned y, unsigned z) {
    freeThreadgroupMemory();
    live = threads;
    atBarrier = 0;
    ready.clear();
    firstReady = 0;
    for (int i = 0; i < BINDINGS; i++) {
        bound[i] = dispatch->threadgroupBytes[i] == 0 ? nullptr : allocate(dispatch->threadgroupBytes[i], i);
    }
    for (size_t i = 0; i < simdgroups.size(); i++) {
        simdgroups[i].arrived = 0;
        simdgroups[i].lanes = 0;
        simdgroups[i].live = i * LANES + LANES <= threads ? LANES : threads - i * LANES;
    }
    const unsigned at[3] = {x, y, z};
    for (unsigned i = 0; i < threads; i++) {
        prepareFiber(i, at);
        ready.push_back(i);
    }
    Threadgroup* outer = currentThreadgroup;
    currentThreadgroup = this;
    running = &fibers[takeReady()];
    fiber_switch(&mainStackPointer, running->stackPointer);
    running = nullptr;
    currentThreadgroup = outer;
    return failure;
}

void Threadgroup::prepareFiber(unsigned index, const unsigned (&at)[3]) {
    Fiber& fiber = fibers[index];
    fiber = {};
    msl_thread& thread = fiber.thread;
    thread.index = index;
    thread.lane = index % LANES;
    thread.simdgroup = index / LANES;
    thread.position[0] = index % dispatch->threads[0];
    thread.position[1] = index / dispatch->threads[0] % dispatch->threads[1];
    thread.position[2] = index / (dispatch->threads[0] * dispatch->threads[1]);
    for (int i = 0; i < 3; i++) {
        thread.group[i] = at[i];
        thread.threads[i] = dispatch->threads[i];
        thread.groups[i] = dispatch->threadgroups[i];
    }
    char* top = stacks + (index + 1) * STACK_BYTES - index % STACK_STAGGERS * STACK_STAGGER_BYTES;
#if defined(__x86_64__)
    // Six registers, then where to return to; 16 bytes below the top the stack is aligned as a call expects it.
    void** frame = reinterpret_cast<void**>(top - 72);
    memset(frame, 0, 6 * sizeof(void*));
    frame[6] = reinterpret_cast<void*>(fiber_entry);
#else
    void** frame = reinterpret_cast<void**>(top - 160);
    memset(frame, 0, 160);
    frame[11] = reinterpret_cast<void*>(fiber_entry);
#endif
    fiber.stackPointer = frame;
}

void Threadgroup::start() {
    dispatch->entry();
    Fiber* fiber = running;
    fiber->state = State::returned;
    live--;
    Simdgroup& group = simdgroups[fiber->thread.simdgroup];
    group.live--;
    if (group.arrived > 0 && group.arrived == group.live) {
        release(group, fiber->thread.simdgroup);
    }
    if (atBarrier > 0) {
        fail("threadgroup_barrier at " + siteName(barrierSite) + " is not reached by all threads" + whereThreadsAre());
    }
    runNext();
}

unsigned Threadgroup::takeReady() {
    if (options.schedule == Schedule::lifo) {
        unsigned last = ready.back();
        ready.pop_back();
        return last;
    }
    if (options.schedule == Schedule::random) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        std::swap(ready[firstReady], ready[firstReady + (random >> 33) % (ready.size() - firstReady)]);
    }
    unsigned first = ready[firstReady++];
    if (firstReady == ready.size()) {
        ready.clear();
        firstReady = 0;
    }
    return first;
}

void Threadgroup::runNext() {
    Fiber* from = running;
    if (ready.size() == firstReady) {
        if (live > 0) {
            fail("deadlock, no thread can run" + whereThreadsAre());
        }
        fiber_switch(&from->stackPointer, mainStackPointer);
        return;
    }
    running = &fibers[takeReady()];
    running->state = State::ready;
    if (running != from) {
        fiber_switch(&from->stackPointer, running->stackPointer);
    }
}

void Threadgroup::release(Simdgroup& group, unsigned index) {
    Fiber* first = &fibers[index * LANES];
    group.active[first[__builtin_ctz(group.lanes)].exchanges & 1] = group.lanes;
    for (uint32_t lanes = group.lanes; lanes != 0; lanes &= lanes - 1) {
        Fiber* fiber = first + __builtin_ctz(lanes);
        fiber->exchanges++;
        if (fiber != running) {
            ready.push_back(fiber->thread.index);
        }
    }
    group.arrived = 0;
    group.lanes = 0;
}

void Threadgroup::arrive(int operation, int site) {
    Simdgroup& group = simdgroups[running->thread.simdgroup];
    if (group.arrived == 0) {
        group.operation = operation;
        group.site = site;
    } else if (group.operation != operation || group.site != site) {
        fail("divergent simdgroup operation: lanes are at " + siteName(group.site) + " and at " + siteName(site));
    }
    group.lanes |= 1u << running->thread.lane;
    if (++group.arrived == group.live) {
        release(group, running->thread.simdgroup);
        return;
    }
    running->state = State::inExchange;
    running->site = site;
    runNext();
}

const char* Threadgroup::exchange(const void* value, unsigned bytes, uint32_t* active, int operation, int site) {
    counts.simdgroupOperations++;
    Simdgroup& group = simdgroups[running->thread.simdgroup];
    unsigned side = running->exchanges & 1;
    memcpy(group.values[side][running->thread.lane], value, bytes);
    arrive(operation, site);
    *active = group.active[side];
    return &group.values[side][0][0];
}

void Threadgroup::simdgroupBarrier(int site, int memory) {
    counts.barriers++;
    if (memory & MSL_MEMORY_DEVICE) {
        running->progress.simdgroupDevice++;
    }
    if (memory & MSL_MEMORY_THREADGROUP) {
        running->progress.simdgroupThreadgroup++;
    }
    arrive(SIMDGROUP_BARRIER, site);
}

void Threadgroup::barrier(int site, int memory) {
    counts.barriers++;
    if (live != threads) {
        fail("threadgroup_barrier at " + siteName(site) + " after " + std::to_string(threads - live) + " threads have returned");
    }
    if (atBarrier == 0) {
        barrierSite = site;
    } else if (barrierSite != site) {
        fail("divergent threadgroup_barrier: threads are at " + siteName(barrierSite) + " and at " + siteName(site));
    }
    if (memory & MSL_MEMORY_DEVICE) {
        running->progress.device++;
    }
    if (memory & MSL_MEMORY_THREADGROUP) {
        running->progress.threadgroup++;
    }
    running->state = State::atBarrier;
    running->site = site;
    if (++atBarrier < threads) {
        runNext();
        return;
    }
    atBarrier = 0;
    for (Fiber& fiber : fibers) {
        if (&fiber != running) {
            ready.push_back(fiber.thread.index);
        }
    }
    running->state = State::ready;
}

void* Threadgroup::buffer(int index) {
    if (dispatch->buffers[index].start == nullptr) {
        fail("no buffer is bound at index " + std::to_string(index));
    }
    return dispatch->buffers[index].start;
}

void* Threadgroup::threadgroupMemory(int index) {
    if (bound[index] == nullptr) {
        fail("no length is set for threadgroup memory " + std::to_string(index));
    }
    return bound[index];
}

void* Threadgroup::variable(const void* key, size_t bytes) {
    for (const Variable& known : variables) {
        if (known.key == key) {
            return known.memory;
        }
    }
    void* memory = allocate(bytes, -1);
    variables.push_back({key, memory});
    return memory;
}

bool Threadgroup::isOwnMemory(const char* address, size_t bytes) const {
    auto within = [&](const void* start, size_t length) {
        const char* first = static_cast<const char*>(start);
        return address >= first && address + bytes <= first + length;
    };
    return within(stacks + running->thread.index * STACK_BYTES, STACK_BYTES) || within(simdgroups.data(), simdgroups.size() * sizeof(Simdgroup))
            || within(fibers.data(), fibers.size() * sizeof(Fiber));
}

void Threadgroup::checkAccess(void* address, size_t bytes, size_t alignment, bool write, void* returnAddress) {
    char* start = static_cast<char*>(address);
    if (isOwnMemory(start, bytes)) {
        return;
    }
    const msl_thread& thread = running->thread;
    uint32_t group = (thread.group[2] * thread.groups[1] + thread.group[1]) * thread.groups[0] + thread.group[0];
    std::string wrong = checker.check({start, bytes, alignment, write, group, thread.index, running->progress}, counts);
    if (!wrong.empty()) {
        fail(wrong + ": " + std::to_string(bytes) + "-byte " + (write ? "write" : "read") + " at " + sourceOf(returnAddress));
    }
}

void Threadgroup::fail(const std::string& what) {
    const msl_thread& thread = running->thread;
    failure = what + " [thread " + std::to_string(thread.index) + " of threadgroup (" + std::to_string(thread.group[0]) + ","
            + std::to_string(thread.group[1]) + "," + std::to_string(thread.group[2]) + ")]";
    // All fibers of this threadgroup are given up where they are.
    void* abandoned;
    fiber_switch(&abandoned, mainStackPointer);
    __builtin_unreachable();
}

std::string Threadgroup::whereThreadsAre() const {
    static const char* const names[] = {"can run", "in a simdgroup operation at ", "at the barrier at ", "returned"};
    std::map<std::string, std::pair<unsigned, unsigned>> places;
    for (const Fiber& fiber : fibers) {
        bool placed = fiber.state == State::inExchange || fiber.state == State::atBarrier;
        std::string place = names[static_cast<int>(fiber.state)] + (placed ? siteName(fiber.site) : "");
        auto found = places.try_emplace(place, 0, fiber.thread.index).first;
        found->second.first++;
    }
    std::string text;
    for (const auto& [place, count] : places) {
        text += "; " + std::to_string(count.first) + " " + place + ", e.g. thread " + std::to_string(count.second);
    }
    return text;
}

}

extern "C" void fiber_main() {
    executor::Threadgroup::current()->start();
    abort();
}
