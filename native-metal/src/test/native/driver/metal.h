// The objects of the driver. Kernels run on the CPU; every call is checked against the rules of the interface, which a program learns about
// through fake_metal_take_problems.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "../executor/executor.h"
#include "objc.h"

namespace metal {

using objc::Class;
using objc::classNamed;
using objc::id;
using objc::NSInteger;
using objc::NSUInteger;
using objc::Object;
using objc::SEL;
using objc::Size;

constexpr size_t PAGE_BYTES = 16384;
constexpr NSUInteger MAX_INLINE_BYTES = 4096;

// What a test chooses.
struct Settings {
    executor::Options execution;
    bool hasDefaultDevice = true;
    NSUInteger deviceCount = 1;
    NSInteger appleFamily = 1007;
    bool hasUnifiedMemory = true;
    NSUInteger maxBufferBytes = 8ull << 30;
    NSUInteger workingSetBytes = 12ull << 30;
    NSUInteger maxPipelineThreads = 1024;
};

Settings& settings();

// Compiles a shader: the image's path, or what the compiler says is wrong.
struct Compiled {
    std::string image;
    std::string diagnostics;
};

Compiled compile(const std::string& source);

// A shader's code in this process, with its own function constants.
struct Image {
    void* handle = nullptr;
    std::string copy;
    std::vector<executor::Memory> segments;

    ~Image();
};

struct Device : Object {
    Device() : Object(classNamed("MTLDevice")) {}
};

struct Library : Object {
    std::string image;

    explicit Library(std::string image) : Object(classNamed("MTLLibrary")), image(std::move(image)) {}
};

struct FunctionConstantValues : Object {
    std::vector<executor::FunctionConstant> values;

    FunctionConstantValues() : Object(classNamed("MTLFunctionConstantValues")) {}
};

struct CompileOptions : Object {
    CompileOptions() : Object(classNamed("MTLCompileOptions")) {}
};

struct Function : Object {
    std::shared_ptr<Image> image;
    void (*entry)() = nullptr;
    std::string name;

    Function() : Object(classNamed("MTLFunction")) {}
};

struct Pipeline : Object {
    std::shared_ptr<Image> image;
    void (*entry)() = nullptr;
    std::string name;
    NSUInteger maxThreads;

    explicit Pipeline(const Function& function)
        : Object(classNamed("MTLComputePipelineState")), image(function.image), entry(function.entry), name(function.name),
          maxThreads(settings().maxPipelineThreads) {}
};

struct Buffer : Object {
    char* start;
    NSUInteger bytes;
    // The memory with what surrounds it, where the buffer owns it.
    void* allocation;

    Buffer(char* start, NSUInteger bytes, void* allocation) : Object(classNamed("MTLBuffer")), start(start), bytes(bytes), allocation(allocation) {}
    ~Buffer() override { free(allocation); }
};

struct ResidencySet : Object {
    bool committed = true;

    ResidencySet() : Object(classNamed("MTLResidencySet")) {}
};

struct ResidencySetDescriptor : Object {
    ResidencySetDescriptor() : Object(classNamed("MTLResidencySetDescriptor")) {}
};

// Runs command buffers one after the other on a thread of its own.
struct Queue : Object {
    // The thread's as well: what it runs last may free the queue.
    struct Work {
        std::mutex mutex;
        std::condition_variable changed;
        std::deque<std::function<void()>> commands;
        bool closing = false;
    };

    std::shared_ptr<Work> work = std::make_shared<Work>();
    std::thread thread;

    Queue();
    ~Queue() override;
    void add(std::function<void()> command);
};

struct Binding {
    Buffer* buffer = nullptr;
    NSUInteger offset = 0;
    std::vector<char> bytes;
};

struct Command {
    Pipeline* pipeline = nullptr;
    std::vector<Binding> bindings;
    std::vector<NSUInteger> threadgroupBytes;
    Size threadgroups{};
    Size threads{};
    // Commands of one span may run in any order.
    unsigned span = 0;
};

// As MTLCommandBufferStatus has them.
enum Status : NSUInteger { notEnqueued = 0, committed = 2, completed = 4, failed = 5 };

struct CommandBuffer : Object {
    Queue* queue;
    // Whether it keeps what it uses.
    bool retaining;
    bool encoding = false;
    unsigned spans = 0;
    std::vector<Command> commands;
    std::mutex mutex;
    std::condition_variable changed;
    Status status = notEnqueued;
    std::string error;

    CommandBuffer(Queue* queue, bool retaining);
    ~CommandBuffer() override;
    void execute();
};

struct Encoder : Object {
    CommandBuffer* commands;
    bool concurrent;
    bool open = true;
    Pipeline* pipeline = nullptr;
    std::vector<Binding> bindings{executor::BINDINGS};
    std::vector<NSUInteger> threadgroupBytes = std::vector<NSUInteger>(executor::BINDINGS);
    std::atomic_flag inUse = ATOMIC_FLAG_INIT;

    Encoder(CommandBuffer* commands, bool concurrent);
    ~Encoder() override;
};

// Waits until no command buffer is under way: until then queues hold objects that nobody else does.
void awaitQueues();

// What checked dispatches did, by kernel.
void addCounts(const std::string& kernel, const executor::Counts& counts);

void defineDevice();
void defineLibrary();
void defineBuffers();
void defineCommandBuffer();
void defineEncoder();

}
