// Buffers and what keeps them resident.
#include <cstdlib>
#include <cstring>

#include "metal.h"

namespace metal {

using objc::define;

namespace {

// Around each buffer lie bytes that are not a number in every float format and belong to none.
constexpr size_t RED_ZONE_BYTES = PAGE_BYTES;

constexpr NSUInteger KNOWN_OPTIONS = 0x331;

bool isLength(NSUInteger bytes, const char* use) {
    if (bytes == 0 || bytes > settings().maxBufferBytes) {
        objc::problem("%s: expected 1 to %lu bytes, found %lu", use, settings().maxBufferBytes, bytes);
        return false;
    }
    return true;
}

}

void defineBuffers() {
    define("MTLDevice", "-newBufferWithLength:options:", +[](Device*, SEL, NSUInteger bytes, NSUInteger options) -> id {
        if (!isLength(bytes, "newBufferWithLength:")) {
            return nullptr;
        }
        if (options & ~KNOWN_OPTIONS) {
            objc::problem("newBufferWithLength: unknown options 0x%lx", options);
        }
        size_t pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        char* allocation = static_cast<char*>(aligned_alloc(PAGE_BYTES, pages + 2 * RED_ZONE_BYTES));
        if (allocation == nullptr) {
            return nullptr;
        }
        memset(allocation, 0xff, pages + 2 * RED_ZONE_BYTES);
        // Metal gives zeros.
        memset(allocation + RED_ZONE_BYTES, 0, bytes);
        return objc::make<Buffer>(allocation + RED_ZONE_BYTES, bytes, allocation);
    });
    define("MTLDevice", "-newBufferWithBytesNoCopy:length:options:deallocator:",
            +[](Device*, SEL, void* start, NSUInteger bytes, NSUInteger, const void* deallocator) -> id {
                if (!isLength(bytes, "newBufferWithBytesNoCopy:")) {
                    return nullptr;
                }
                if (reinterpret_cast<uintptr_t>(start) % PAGE_BYTES != 0 || bytes % PAGE_BYTES != 0) {
                    objc::problem("newBufferWithBytesNoCopy: %p with %lu bytes are not whole pages of %zu bytes", start, bytes, PAGE_BYTES);
                    return nullptr;
                }
                if (deallocator != nullptr) {
                    objc::problem("newBufferWithBytesNoCopy: a deallocator is not expected");
                }
                return objc::make<Buffer>(static_cast<char*>(start), bytes, nullptr);
            });
    classNamed("MTLDevice")->methods[objc::selector("newBufferWithBytesNoCopy:length:options:deallocator:")].types = "@@:^vQQ@?";
    define("MTLBuffer", "-contents", +[](Buffer* self, SEL) -> void* { return self->start; });
    define("MTLBuffer", "-length", +[](Buffer* self, SEL) -> NSUInteger { return self->bytes; });

    define("MTLResidencySetDescriptor", "+new", +[](Object*, SEL) -> id { return objc::make<ResidencySetDescriptor>(); });
    define("MTLResidencySet", "-addAllocation:", +[](ResidencySet* self, SEL, id buffer) {
        objc::expect<Buffer>(buffer, "addAllocation:");
        self->committed = false;
    });
    define("MTLResidencySet", "-commit", +[](ResidencySet* self, SEL) { self->committed = true; });
    define("MTLResidencySet", "-requestResidency", +[](ResidencySet* self, SEL) {
        if (!self->committed) {
            objc::problem("requestResidency before commit");
        }
    });
    define("MTLResidencySet", "-endResidency", +[](ResidencySet*, SEL) {});
}

// Systems before macOS 15 have no residency sets.
void offerResidencySets(bool offered) {
    if (offered) {
        define("MTLDevice", "-newResidencySetWithDescriptor:error:", +[](Device*, SEL, id descriptor, id*) -> id {
            objc::expect<ResidencySetDescriptor>(descriptor, "newResidencySetWithDescriptor:");
            return objc::make<ResidencySet>();
        });
    } else {
        classNamed("MTLDevice")->methods.erase(objc::selector("newResidencySetWithDescriptor:error:"));
    }
}

}
