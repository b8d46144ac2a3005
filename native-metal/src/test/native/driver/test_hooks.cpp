// What a test sees and sets of the driver, beside the interface that programs use.
#include <dlfcn.h>

#include <cstring>
#include <stdexcept>

#include "metal.h"

namespace metal {

void offerResidencySets(bool offered);

namespace {

constexpr long TEXT_BYTES = 1 << 16;

// Writes the image's path and what the compiler says; 0 if the shader is accepted.
using CompileFunction = int (*)(const char* source, int check, char* image, char* diagnostics, long bytes);

CompileFunction compileFunction = nullptr;
std::mutex countsMutex;
struct KernelCounts {
    uint64_t dispatches = 0;
    executor::Counts counts;
};
std::map<std::string, KernelCounts> countsByKernel;

// Kept until the next call of the same function by the same thread.
const char* keep(std::string text) {
    static thread_local std::string kept;
    kept = std::move(text);
    return kept.c_str();
}

__attribute__((constructor)) void initialize() {
    // Java opens libraries for itself alone, but shaders need the functions that kernels call.
    Dl_info self;
    if (dladdr(reinterpret_cast<void*>(&initialize), &self) != 0) {
        dlopen(self.dli_fname, RTLD_NOLOAD | RTLD_NOW | RTLD_GLOBAL);
    }
    objc::defineFoundation();
    defineDevice();
    defineLibrary();
    defineBuffers();
    defineCommandBuffer();
    defineEncoder();
    offerResidencySets(true);
}

}

Compiled compile(const std::string& source) {
    if (compileFunction == nullptr) {
        return {"", "no compiler is set"};
    }
    std::vector<char> image(TEXT_BYTES);
    std::vector<char> diagnostics(TEXT_BYTES);
    bool accepted = compileFunction(source.c_str(), settings().execution.check, image.data(), diagnostics.data(), TEXT_BYTES) == 0;
    return {accepted ? image.data() : "", diagnostics.data()};
}

void addCounts(const std::string& kernel, const executor::Counts& counts) {
    std::lock_guard<std::mutex> lock(countsMutex);
    KernelCounts& total = countsByKernel[kernel];
    total.dispatches++;
    total.counts.deviceBytesRead += counts.deviceBytesRead;
    total.counts.deviceBytesWritten += counts.deviceBytesWritten;
    total.counts.threadgroupBytesRead += counts.threadgroupBytesRead;
    total.counts.threadgroupBytesWritten += counts.threadgroupBytesWritten;
    total.counts.barriers += counts.barriers;
    total.counts.simdgroupOperations += counts.simdgroupOperations;
}

EXPORT void fake_metal_set_compiler(CompileFunction function) {
    compileFunction = function;
}

// 0 for a name that is known.
EXPORT int fake_metal_set(const char* name, long value) {
    Settings& chosen = settings();
    std::string key = name;
    if (key == "schedule") {
        chosen.execution.schedule = static_cast<executor::Schedule>(value);
    } else if (key == "seed") {
        chosen.execution.seed = value;
    } else if (key == "check") {
        chosen.execution.check = value != 0;
    } else if (key == "defaultDevice") {
        chosen.hasDefaultDevice = value != 0;
    } else if (key == "devices") {
        chosen.deviceCount = value;
    } else if (key == "appleFamily") {
        chosen.appleFamily = value;
    } else if (key == "unifiedMemory") {
        chosen.hasUnifiedMemory = value != 0;
    } else if (key == "maxBufferBytes") {
        chosen.maxBufferBytes = value;
    } else if (key == "workingSetBytes") {
        chosen.workingSetBytes = value;
    } else if (key == "maxPipelineThreads") {
        chosen.maxPipelineThreads = value;
    } else if (key == "residencySets") {
        offerResidencySets(value != 0);
    } else {
        return 1;
    }
    return 0;
}

EXPORT void fake_metal_reset() {
    settings() = Settings();
    offerResidencySets(true);
    std::lock_guard<std::mutex> lock(countsMutex);
    countsByKernel.clear();
}

// The encoding a method says it has; 0 if there is such a method.
EXPORT int fake_metal_set_encoding(const char* owner, const char* name, const char* types) {
    auto& methods = classNamed(owner)->methods;
    auto found = methods.find(objc::selector(name));
    if (found == methods.end()) {
        return 1;
    }
    found->second.types = types;
    return 0;
}

// One problem on each line; they are forgotten.
EXPORT const char* fake_metal_take_problems() {
    return keep(objc::takeProblems());
}

// Class and number on each line. The device lives as long as the process.
EXPORT const char* fake_metal_live_objects() {
    awaitQueues();
    return keep(objc::liveObjects());
}

// Kernel, dispatches, bytes read and written of device and of threadgroup memory, barriers, simdgroup operations on each line.
EXPORT const char* fake_metal_counts() {
    std::lock_guard<std::mutex> lock(countsMutex);
    std::string text;
    for (const auto& [kernel, total] : countsByKernel) {
        text += kernel;
        const executor::Counts& c = total.counts;
        for (uint64_t each : {total.dispatches, c.deviceBytesRead, c.deviceBytesWritten, c.threadgroupBytesRead, c.threadgroupBytesWritten, c.barriers,
                     c.simdgroupOperations}) {
            text += " " + std::to_string(each);
        }
        text += "\n";
    }
    return keep(text);
}

}
