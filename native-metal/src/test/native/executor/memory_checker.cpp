#include "memory_checker.h"

#include <sys/mman.h>

#include <algorithm>
#include <limits>

namespace executor {

static void* reserveZeros(size_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::bad_alloc();
    }
    return memory;
}

MemoryChecker::~MemoryChecker() {
    end();
}

std::string MemoryChecker::Region::name() const {
    switch (kind) {
        case Kind::device: return "buffer " + std::to_string(binding);
        case Kind::threadgroup: return binding < 0 ? "a threadgroup variable" : "threadgroup memory " + std::to_string(binding);
        default: return "the program's constants";
    }
}

void MemoryChecker::begin(const Dispatch& dispatch) {
    end();
    for (int i = 0; i < BINDINGS; i++) {
        const Memory& memory = dispatch.buffers[i];
        if (memory.start == nullptr) {
            continue;
        }
        // One buffer may be bound twice: its bytes have one history.
        auto same = std::find_if(regions.begin(), regions.end(),
                [&](const Region& region) { return region.start <= memory.start && memory.start + memory.bytes <= region.start + region.bytes; });
        if (same == regions.end()) {
            regions.push_back({Kind::device, memory.start, memory.bytes, i, static_cast<Shadow*>(reserveZeros(memory.bytes * sizeof(Shadow)))});
        }
    }
    for (const Memory& memory : dispatch.image) {
        regions.push_back({Kind::program, memory.start, memory.bytes, 0, nullptr});
    }
}

void MemoryChecker::addThreadgroupMemory(char* start, size_t bytes, int binding) {
    regions.push_back({Kind::threadgroup, start, bytes, binding, static_cast<Shadow*>(reserveZeros(bytes * sizeof(Shadow)))});
}

void MemoryChecker::endThreadgroup() {
    while (!regions.empty() && regions.back().kind == Kind::threadgroup) {
        munmap(regions.back().shadow, regions.back().bytes * sizeof(Shadow));
        regions.pop_back();
    }
}

void MemoryChecker::end() {
    endThreadgroup();
    for (Region& region : regions) {
        if (region.shadow != nullptr) {
            munmap(region.shadow, region.bytes * sizeof(Shadow));
        }
    }
    regions.clear();
}

bool MemoryChecker::unordered(const Visit& earlier, const Visit& now, Kind kind) {
    if (!earlier.known) {
        return false;
    }
    if (earlier.threadgroup != now.threadgroup) {
        return kind == Kind::device;
    }
    if (earlier.thread == now.thread || earlier.epoch != now.epoch) {
        return false;
    }
    bool sameSimdgroup = earlier.thread / LANES == now.thread / LANES;
    return !(sameSimdgroup && earlier.simdgroupEpoch != now.simdgroupEpoch);
}

std::string MemoryChecker::raceOn(const Region& region, size_t offset, const char* kind, const Visit& earlier) {
    return "race on " + region.name() + ", byte " + std::to_string(offset) + ", with the " + kind + " by thread " + std::to_string(earlier.thread)
            + " of threadgroup " + std::to_string(earlier.threadgroup);
}

std::string MemoryChecker::visit(Region& region, size_t offset, const Visit& now, bool write) {
    Shadow& shadow = region.shadow[offset];
    if (unordered(shadow.writer, now, region.kind)) {
        return raceOn(region, offset, "write", shadow.writer);
    }
    if (write) {
        for (const Visit& reader : shadow.readers) {
            if (unordered(reader, now, region.kind)) {
                return raceOn(region, offset, "read", reader);
            }
        }
        if (shadow.readEarlier && shadow.earlierReader != now.threadgroup && region.kind == Kind::device) {
            return raceOn(region, offset, "read", {shadow.earlierReader, 0, 0, 0, true});
        }
        shadow.writer = now;
        return "";
    }
    Visit& first = shadow.readers[0];
    Visit& second = shadow.readers[1];
    bool sameEpoch = first.known && first.threadgroup == now.threadgroup && first.epoch == now.epoch && first.simdgroupEpoch == now.simdgroupEpoch;
    if (!sameEpoch) {
        // Readers of other threadgroups stay unordered, whatever barriers this one passes.
        if (first.known && first.threadgroup != now.threadgroup) {
            shadow.earlierReader = first.threadgroup;
            shadow.readEarlier = true;
        }
        bool stillUnordered = first.known && unordered(first, {now.threadgroup, std::numeric_limits<uint32_t>::max(), now.epoch, now.simdgroupEpoch, true}, region.kind);
        if (stillUnordered) {
            second = first;
        } else {
            second.known = false;
        }
        first = now;
    } else if (first.thread != now.thread) {
        second = now;
    }
    return "";
}

std::string MemoryChecker::outside(const char* address) const {
    size_t nearest = std::numeric_limits<size_t>::max();
    std::string text = "nothing is bound";
    for (const Region& region : regions) {
        bool before = address < region.start;
        size_t distance = before ? region.start - address : address - (region.start + region.bytes);
        if (distance < nearest) {
            nearest = distance;
            text = std::to_string(distance) + " bytes " + (before ? "before the start of " : "past the end of ") + region.name();
        }
    }
    return "out of bounds, " + text;
}

std::string MemoryChecker::check(const Access& access, Counts& counts) {
    for (Region& region : regions) {
        if (access.address < region.start || access.address >= region.start + region.bytes) {
            continue;
        }
        size_t offset = access.address - region.start;
        if (offset + access.bytes > region.bytes) {
            return "out of bounds of " + region.name() + ", byte " + std::to_string(offset) + " of " + std::to_string(region.bytes);
        }
        if (region.kind == Kind::program) {
            return access.write ? "write to " + region.name() : "";
        }
        if (reinterpret_cast<uintptr_t>(access.address) % access.alignment != 0) {
            return "misaligned access to " + region.name() + ", byte " + std::to_string(offset);
        }
        bool device = region.kind == Kind::device;
        uint64_t& counted = device ? (access.write ? counts.deviceBytesWritten : counts.deviceBytesRead)
                                   : (access.write ? counts.threadgroupBytesWritten : counts.threadgroupBytesRead);
        counted += access.bytes;
        const Progress& progress = access.progress;
        Visit now{access.threadgroup, access.thread, device ? progress.device : progress.threadgroup,
                device ? progress.simdgroupDevice : progress.simdgroupThreadgroup, true};
        for (size_t i = 0; i < access.bytes; i++) {
            std::string race = visit(region, offset + i, now, access.write);
            if (!race.empty()) {
                return race;
            }
        }
        return "";
    }
    return outside(access.address);
}

}
