// Finds accesses outside of what is bound, misaligned ones, and races: two accesses to a byte, one of them a write, by threads with no barrier
// between them that covers the memory.
#pragma once

#include "executor.h"

namespace executor {

// Barriers a thread has passed: of the threadgroup and of its simdgroup, for each kind of memory.
struct Progress {
    uint32_t device;
    uint32_t threadgroup;
    uint32_t simdgroupDevice;
    uint32_t simdgroupThreadgroup;
};

struct Access {
    char* address;
    size_t bytes;
    size_t alignment;
    bool write;
    uint32_t threadgroup;
    uint32_t thread;
    Progress progress;
};

class MemoryChecker {
public:
    ~MemoryChecker();

    void begin(const Dispatch& dispatch);
    void addThreadgroupMemory(char* start, size_t bytes, int binding);
    void endThreadgroup();
    void end();

    // What is wrong with it, or an empty text.
    std::string check(const Access& access, Counts& counts);

private:
    enum class Kind { device, threadgroup, program };

    struct Visit {
        uint32_t threadgroup;
        uint32_t thread;
        uint32_t epoch;
        uint32_t simdgroupEpoch;
        bool known;
    };

    // Two readers are enough: where more than one thread has read a byte since the last barrier, one of the two is not the writer.
    struct Shadow {
        Visit writer;
        Visit readers[2];
        uint32_t earlierReader;
        bool readEarlier;
    };

    struct Region {
        Kind kind;
        char* start;
        size_t bytes;
        int binding;
        Shadow* shadow;

        std::string name() const;
    };

    static bool unordered(const Visit& earlier, const Visit& now, Kind kind);
    static std::string raceOn(const Region& region, size_t offset, const char* kind, const Visit& earlier);
    static std::string visit(Region& region, size_t offset, const Visit& now, bool write);
    std::string outside(const char* address) const;

    std::vector<Region> regions;
};

}
