#include "executor.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "threadgroup.h"

namespace executor {

namespace {

// Fewer threads than these are not worth another thread of the operating system.
constexpr uint64_t SMALL_DISPATCH_THREADS = 512;

// Their stacks are kept for the next dispatch.
std::mutex idleMutex;
std::vector<std::unique_ptr<Threadgroup>> idle;

std::unique_ptr<Threadgroup> takeIdle() {
    std::lock_guard<std::mutex> lock(idleMutex);
    if (idle.empty()) {
        return std::make_unique<Threadgroup>();
    }
    std::unique_ptr<Threadgroup> group = std::move(idle.back());
    idle.pop_back();
    return group;
}

std::string limitExceeded(const Dispatch& dispatch, unsigned threads) {
    if (threads == 0 || threads > MAX_THREADS) {
        return "threads of a threadgroup: expected 1 to " + std::to_string(MAX_THREADS) + ", found " + std::to_string(threads);
    }
    size_t bytes = 0;
    for (size_t length : dispatch.threadgroupBytes) {
        bytes += length;
    }
    return bytes <= MAX_THREADGROUP_BYTES ? "" : "threadgroup memory: expected at most 32768 bytes, found " + std::to_string(bytes);
}

}

std::string run(const Dispatch& dispatch, const Options& options, Counts& counts) {
    unsigned threads = dispatch.threads[0] * dispatch.threads[1] * dispatch.threads[2];
    std::string limit = limitExceeded(dispatch, threads);
    if (!limit.empty()) {
        return limit;
    }
    const uint64_t width = dispatch.threadgroups[0];
    const uint64_t plane = width * dispatch.threadgroups[1];
    const uint64_t total = plane * dispatch.threadgroups[2];
    std::atomic<uint64_t> next{0};
    std::atomic<bool> failed{false};
    std::mutex mutex;
    std::string failure;
    auto work = [&] {
        std::unique_ptr<Threadgroup> group = takeIdle();
        group->begin(dispatch, options);
        for (uint64_t i; !failed && (i = next++) < total;) {
            std::string error = group->run(i % width, i % plane / width, i / plane);
            if (!error.empty()) {
                std::lock_guard<std::mutex> lock(mutex);
                if (failure.empty()) {
                    failure = error;
                }
                failed = true;
            }
        }
        std::lock_guard<std::mutex> lock(mutex);
        group->end(counts);
        std::lock_guard<std::mutex> idleLock(idleMutex);
        idle.push_back(std::move(group));
    };
    // The checker keeps one history of the memory.
    bool alone = options.check || total * threads < SMALL_DISPATCH_THREADS;
    uint64_t workers = alone ? 1 : std::min<uint64_t>(total, std::thread::hardware_concurrency());
    std::vector<std::thread> others;
    for (uint64_t i = 1; i < workers; i++) {
        others.emplace_back(work);
    }
    work();
    for (std::thread& other : others) {
        other.join();
    }
    return failure;
}

}
