// Queues, command buffers and how they run.
#include <algorithm>

#include "metal.h"

namespace metal {

using objc::define;

namespace {

std::mutex underWayMutex;
std::condition_variable nothingUnderWay;
long underWay = 0;

void countUnderWay(long change) {
    std::lock_guard<std::mutex> lock(underWayMutex);
    underWay += change;
    if (underWay == 0) {
        nothingUnderWay.notify_all();
    }
}

}

void awaitQueues() {
    std::unique_lock<std::mutex> lock(underWayMutex);
    nothingUnderWay.wait(lock, [] { return underWay == 0; });
}

Queue::Queue() : Object(classNamed("MTLCommandQueue")) {
    thread = std::thread([work = work] {
        for (;;) {
            std::function<void()> command;
            {
                std::unique_lock<std::mutex> lock(work->mutex);
                work->changed.wait(lock, [&] { return work->closing || !work->commands.empty(); });
                if (work->commands.empty()) {
                    return;
                }
                command = std::move(work->commands.front());
                work->commands.pop_front();
            }
            command();
        }
    });
}

Queue::~Queue() {
    {
        std::lock_guard<std::mutex> lock(work->mutex);
        work->closing = true;
    }
    work->changed.notify_all();
    if (thread.get_id() == std::this_thread::get_id()) {
        thread.detach();
    } else {
        thread.join();
    }
}

void Queue::add(std::function<void()> command) {
    {
        std::lock_guard<std::mutex> lock(work->mutex);
        work->commands.push_back(std::move(command));
    }
    work->changed.notify_one();
}

CommandBuffer::CommandBuffer(Queue* queue, bool retaining) : Object(classNamed("MTLCommandBuffer")), queue(queue), retaining(retaining) {
    objc::retain(queue);
}

CommandBuffer::~CommandBuffer() {
    if (encoding) {
        objc::problem("a command buffer is freed while its encoder is open");
    }
    for (Command& command : commands) {
        if (retaining) {
            objc::release(command.pipeline);
            for (Binding& binding : command.bindings) {
                objc::release(binding.buffer);
            }
        }
    }
    objc::release(queue);
}

namespace {

std::string run(const Command& command) {
    executor::Dispatch dispatch;
    if (!objc::isLive(command.pipeline, "a command that runs")) {
        return "the pipeline was freed before the command ran";
    }
    dispatch.entry = command.pipeline->entry;
    dispatch.image = command.pipeline->image->segments;
    for (int i = 0; i < executor::BINDINGS; i++) {
        const Binding& binding = command.bindings[i];
        if (binding.buffer != nullptr) {
            if (!objc::isLive(binding.buffer, "a command that runs")) {
                return "buffer " + std::to_string(i) + " was freed before the command ran";
            }
            dispatch.buffers[i] = {binding.buffer->start + binding.offset, binding.buffer->bytes - binding.offset};
        } else if (!binding.bytes.empty()) {
            dispatch.buffers[i] = {const_cast<char*>(binding.bytes.data()), binding.bytes.size()};
        }
        dispatch.threadgroupBytes[i] = command.threadgroupBytes[i];
    }
    const NSUInteger threadgroups[] = {command.threadgroups.width, command.threadgroups.height, command.threadgroups.depth};
    const NSUInteger threads[] = {command.threads.width, command.threads.height, command.threads.depth};
    for (int i = 0; i < 3; i++) {
        dispatch.threadgroups[i] = threadgroups[i];
        dispatch.threads[i] = threads[i];
    }
    executor::Counts counts;
    std::string failure = executor::run(dispatch, settings().execution, counts);
    addCounts(command.pipeline->name, counts);
    return failure.empty() ? "" : "kernel '" + command.pipeline->name + "': " + failure;
}

}

// Commands without a barrier between them run last to first, so that a missing barrier gives a wrong result.
void CommandBuffer::execute() {
    std::string failure;
    for (size_t begin = 0; begin < commands.size() && failure.empty();) {
        size_t end = begin;
        while (end < commands.size() && commands[end].span == commands[begin].span) {
            end++;
        }
        for (size_t i = end; i-- > begin && failure.empty();) {
            failure = run(commands[i]);
        }
        begin = end;
    }
    if (!failure.empty()) {
        objc::problem("a command buffer failed: %s", failure.c_str());
    }
    {
        std::lock_guard<std::mutex> lock(mutex);
        error = failure;
        status = failure.empty() ? completed : failed;
    }
    changed.notify_all();
}

void defineCommandBuffer() {
    define("MTLCommandQueue", "-commandBuffer", +[](Queue* self, SEL) -> id { return objc::autorelease(objc::make<CommandBuffer>(self, true)); });
    define("MTLCommandQueue", "-commandBufferWithUnretainedReferences", +[](Queue* self, SEL) -> id {
        return objc::autorelease(objc::make<CommandBuffer>(self, false));
    });
    define("MTLCommandQueue", "-addResidencySet:", +[](Queue*, SEL, id set) { objc::expect<ResidencySet>(set, "addResidencySet:"); });
    define("MTLCommandBuffer", "-computeCommandEncoderWithDispatchType:", +[](CommandBuffer* self, SEL, NSUInteger type) -> id {
        if (type > 1) {
            objc::problem("computeCommandEncoderWithDispatchType: %lu is neither serial nor concurrent", type);
        }
        if (self->encoding) {
            objc::problem("computeCommandEncoder: the encoder before is still open");
        }
        if (self->status != notEnqueued) {
            objc::problem("computeCommandEncoder after commit");
        }
        return objc::autorelease(objc::make<Encoder>(self, type == 1));
    });
    define("MTLCommandBuffer", "-commit", +[](CommandBuffer* self, SEL) {
        if (self->encoding) {
            objc::problem("commit while an encoder is open");
        }
        if (self->status != notEnqueued) {
            objc::problem("a command buffer is committed twice");
            return;
        }
        self->status = committed;
        objc::retain(self);
        countUnderWay(1);
        self->queue->add([self] {
            self->execute();
            objc::release(self);
            countUnderWay(-1);
        });
    });
    define("MTLCommandBuffer", "-waitUntilCompleted", +[](CommandBuffer* self, SEL) {
        std::unique_lock<std::mutex> lock(self->mutex);
        if (self->status == notEnqueued) {
            objc::problem("waitUntilCompleted before commit");
            return;
        }
        self->changed.wait(lock, [self] { return self->status >= completed; });
    });
    define("MTLCommandBuffer", "-status", +[](CommandBuffer* self, SEL) -> NSUInteger {
        std::lock_guard<std::mutex> lock(self->mutex);
        return self->status;
    });
    define("MTLCommandBuffer", "-error", +[](CommandBuffer* self, SEL) -> id {
        std::lock_guard<std::mutex> lock(self->mutex);
        return self->error.empty() ? nullptr : objc::makeError(self->error);
    });
}

}
