#include "metal.h"

namespace metal {

using objc::define;

Encoder::Encoder(CommandBuffer* commands, bool concurrent)
    : Object(classNamed("MTLComputeCommandEncoder")), commands(commands), concurrent(concurrent) {
    objc::retain(commands);
    commands->encoding = true;
    commands->spans++;
}

Encoder::~Encoder() {
    if (open) {
        objc::problem("an encoder is freed without endEncoding");
    }
    objc::release(commands);
}

namespace {

// Refuses the call where the encoder cannot take it, and notices two threads in it at once.
class Use {
public:
    Use(Encoder* encoder, const char* call) : encoder(encoder) {
        alone = !encoder->inUse.test_and_set();
        if (!alone) {
            objc::problem("%s: two threads use an encoder at once", call);
        }
        allowed = encoder->open;
        if (!allowed) {
            objc::problem("%s after endEncoding", call);
        }
    }
    ~Use() {
        if (alone) {
            encoder->inUse.clear();
        }
    }
    explicit operator bool() const { return allowed; }

private:
    Encoder* encoder;
    bool alone;
    bool allowed;
};

bool isIndex(NSUInteger index, const char* call) {
    if (index >= executor::BINDINGS) {
        objc::problem("%s: index %lu is beyond 30", call, index);
        return false;
    }
    return true;
}

bool isOffset(const Buffer& buffer, NSUInteger offset, const char* call) {
    if (offset >= buffer.bytes) {
        objc::problem("%s: offset %lu is beyond the buffer's %lu bytes", call, offset, buffer.bytes);
        return false;
    }
    if (offset % 4 != 0) {
        objc::problem("%s: offset %lu is not a multiple of 4", call, offset);
        return false;
    }
    return true;
}

bool isGrid(const Size& groups, const Size& threads, const Pipeline& pipeline) {
    bool positive = groups.width > 0 && groups.height > 0 && groups.depth > 0 && threads.product() > 0;
    bool fits = ((groups.width | groups.height | groups.depth) >> 32) == 0 && threads.width <= executor::MAX_THREADS
            && threads.height <= executor::MAX_THREADS && threads.depth <= executor::MAX_THREADS && threads.product() <= pipeline.maxThreads;
    if (!positive || !fits) {
        objc::problem("dispatchThreadgroups: (%lu, %lu, %lu) threadgroups of (%lu, %lu, %lu) threads, where '%s' takes up to %lu", groups.width,
                groups.height, groups.depth, threads.width, threads.height, threads.depth, pipeline.name.c_str(), pipeline.maxThreads);
    }
    return positive && fits;
}

void dispatch(Encoder* self, const Size& groups, const Size& threads) {
    Use use(self, "dispatchThreadgroups:");
    if (!use) {
        return;
    }
    if (self->pipeline == nullptr) {
        objc::problem("dispatchThreadgroups: no pipeline state is set");
        return;
    }
    if (!isGrid(groups, threads, *self->pipeline)) {
        return;
    }
    CommandBuffer* commands = self->commands;
    if (!self->concurrent) {
        commands->spans++;
    }
    if (commands->retaining) {
        objc::retain(self->pipeline);
        for (Binding& binding : self->bindings) {
            if (binding.buffer != nullptr) {
                objc::retain(binding.buffer);
            }
        }
    }
    commands->commands.push_back({self->pipeline, self->bindings, self->threadgroupBytes, groups, threads, commands->spans});
}

}

void defineEncoder() {
    const char* owner = "MTLComputeCommandEncoder";
    define(owner, "-setComputePipelineState:", +[](Encoder* self, SEL call, id pipeline) {
        if (Use use(self, call); use) {
            self->pipeline = objc::expect<Pipeline>(pipeline, call);
        }
    });
    define(owner, "-setBuffer:offset:atIndex:", +[](Encoder* self, SEL call, id buffer, NSUInteger offset, NSUInteger index) {
        Use use(self, call);
        auto* checked = objc::expect<Buffer>(buffer, call);
        if (use && checked != nullptr && isIndex(index, call) && isOffset(*checked, offset, call)) {
            self->bindings[index] = {checked, offset, {}};
        }
    });
    define(owner, "-setBufferOffset:atIndex:", +[](Encoder* self, SEL call, NSUInteger offset, NSUInteger index) {
        Use use(self, call);
        if (!use || !isIndex(index, call)) {
            return;
        }
        Binding& binding = self->bindings[index];
        if (binding.buffer == nullptr) {
            objc::problem("setBufferOffset: no buffer is bound at index %lu", index);
        } else if (isOffset(*binding.buffer, offset, call)) {
            binding.offset = offset;
        }
    });
    define(owner, "-setBytes:length:atIndex:", +[](Encoder* self, SEL call, const void* bytes, NSUInteger length, NSUInteger index) {
        Use use(self, call);
        if (!use || !isIndex(index, call)) {
            return;
        }
        if (length == 0 || length > MAX_INLINE_BYTES) {
            objc::problem("setBytes: expected 1 to %lu bytes, found %lu", MAX_INLINE_BYTES, length);
            return;
        }
        const char* start = static_cast<const char*>(bytes);
        self->bindings[index] = {nullptr, 0, std::vector<char>(start, start + length)};
    });
    define(owner, "-setThreadgroupMemoryLength:atIndex:", +[](Encoder* self, SEL call, NSUInteger length, NSUInteger index) {
        Use use(self, call);
        if (!use || !isIndex(index, call)) {
            return;
        }
        if (length % 16 != 0 || length > executor::MAX_THREADGROUP_BYTES) {
            objc::problem("setThreadgroupMemoryLength: expected a multiple of 16 up to %zu, found %lu", executor::MAX_THREADGROUP_BYTES, length);
            return;
        }
        self->threadgroupBytes[index] = length;
    });
    define(owner, "-dispatchThreadgroups:threadsPerThreadgroup:", +[](Encoder* self, SEL, Size groups, Size threads) { dispatch(self, groups, threads); });
    define(owner, "-memoryBarrierWithScope:", +[](Encoder* self, SEL call, NSUInteger scope) {
        Use use(self, call);
        if ((scope & 1) == 0) {
            objc::problem("memoryBarrierWithScope: %lu does not cover buffers", scope);
        }
        if (use) {
            self->commands->spans++;
        }
    });
    define(owner, "-endEncoding", +[](Encoder* self, SEL call) {
        if (Use use(self, call); use) {
            self->open = false;
            self->commands->encoding = false;
        }
    });
}

}
